package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// podList is a kubectl-like list of many pods, made as it is read. It measures
// the heap on the way.
type podList struct {
	yaml       bool
	pods, next int
	filler     string
	buffer     bytes.Buffer
	highest    uint64
	read       int64
}

// samples is how often the heap is measured.
const samples = 20

func (l *podList) Read(p []byte) (int, error) {
	for l.buffer.Len() < len(p) && l.next <= l.pods {
		l.write()
		l.next++
	}
	n, err := l.buffer.Read(p)
	l.read += int64(n)
	return n, err
}

func (l *podList) write() {
	switch {
	case l.yaml:
		l.writeYAML()
		return
	case l.next == 0:
		l.buffer.WriteString("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n")
	case l.next == l.pods:
		l.buffer.WriteString("    ],\n    \"kind\": \"List\"\n}\n")
		return
	default:
		l.buffer.WriteString(",\n")
	}
	l.measure()
	fmt.Fprintf(&l.buffer, `        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "pod-%d", "namespace": "ns", "annotations": {"filler": %q}},
            "spec": {"containers": [{"name": "c"}]}
        }`, l.next, l.filler)
}

func (l *podList) measure() {
	if l.next%(l.pods/samples) == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		l.highest = max(l.highest, m.HeapAlloc)
	}
}

func (l *podList) writeYAML() {
	switch l.next {
	case 0:
		l.buffer.WriteString("apiVersion: v1\nitems:\n")
	case l.pods:
		l.buffer.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
		return
	}
	l.measure()
	fmt.Fprintf(&l.buffer, `- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      filler: %s
    name: pod-%d
    namespace: ns
  spec:
    containers:
    - name: c
`, l.filler, l.next)
}

// heapBound is what a command may take, however long the list. 4 MiB of it are
// held until the kind of the list is known: as text, as what the decoder reads of it,
// as pods, and as the answers about them.
const heapBound = 26 << 20

// TestStreams: a list of any number of pods is answered item by item, in
// memory for one of them.
func TestStreams(t *testing.T) {
	short := testing.Short() || underRace
	for _, row := range []struct {
		command      string
		pods, filler int
	}{
		{"evaluate", 50_000, 800},
		{"admit", 4_200, 10_000},
		{"mutate", 850, 50_000},
		{"mutate -o diff", 850, 50_000},
		{"mutate -o json", 850, 50_000},
		{"mutate -o patch", 850, 50_000},
		{"evaluate -o sarif", 4_200, 10_000},
		{"evaluate -o junit", 4_200, 10_000},
		{"evaluate YAML", 850, 50_000},
		{"mutate YAML", 850, 50_000},
	} {
		command, yaml := strings.CutSuffix(row.command, " YAML")
		if short {
			row.pods /= 10
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		list := &podList{yaml: yaml, pods: row.pods, filler: strings.Repeat("x", row.filler)}
		var stderr bytes.Buffer
		counter := &lineCounter{}
		status := run(append(strings.Fields(command), "-f", "-"), list, counter, &stderr)
		if status == statusUndecided {
			t.Errorf("%s: status %d: %s", row.command, status, &stderr)
		}
		grown := int64(list.highest) - int64(m.HeapAlloc)
		t.Logf("%s: %d KiB of heap for %d KiB of input", row.command, grown>>10, list.read>>10)
		if grown > heapBound || !short && list.read < heapBound*3/2 {
			t.Errorf("%s: %d pods in %d MiB of input took %d MiB of heap", row.command, row.pods, list.read>>20, grown>>20)
		}
		if counter.lines < row.pods {
			t.Errorf("%s: %d lines for %d pods", row.command, counter.lines, row.pods)
		}
	}
}

type lineCounter struct{ lines int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

// TestAnswersAsTheyCome: the answer about a document is there before the next
// one is.
func TestAnswersAsTheyCome(t *testing.T) {
	in, feed := io.Pipe()
	got, out := io.Pipe()
	done := make(chan int)
	go func() {
		status := run([]string{"evaluate", "--level", "baseline", "-f", "-"}, in, out, io.Discard)
		out.Close()
		done <- status
	}()
	for i := range 3 {
		fmt.Fprintf(feed, "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%d}, spec: {containers: [{name: c}]}}\n", i)
		// A document ends where the next begins.
		fmt.Fprint(feed, "---\n# next\n")
		want := fmt.Sprintf("<stdin>:%d Pod/p%d: allowed\n", 2+4*i, i)
		answer := make([]byte, len(want))
		if _, err := io.ReadFull(got, answer); err != nil || string(answer) != want {
			t.Fatalf("got %q, %v; want %q", answer, err, want)
		}
	}
	feed.Close()
	rest, _ := io.ReadAll(got)
	if status := <-done; status != 0 || string(rest) != "3 workloads: 3 allowed\n" {
		t.Errorf("status %d, %q", status, rest)
	}
}

// TestReadError: what was read is judged, and the status says that it is not all.
func TestReadError(t *testing.T) {
	in := io.MultiReader(strings.NewReader("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}\n---\n"), brokenReader{})
	var out, stderr bytes.Buffer
	status := run([]string{"evaluate", "--level", "baseline", "-f", "-"}, in, &out, &stderr)
	if status != statusUndecided || !strings.Contains(out.String(), "Pod/p: allowed") || !strings.Contains(stderr.String(), "the disk is on fire") {
		t.Errorf("status %d\n%s%s", status, &out, &stderr)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is on fire") }

// TestWriteError: an answer that could not be written is no answer.
func TestWriteError(t *testing.T) {
	in := strings.NewReader("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}\n")
	for _, command := range []string{"evaluate", "admit", "mutate", "mutate -o diff", "mutate -o json", "mutate -o patch", "evaluate -o yaml"} {
		in.Seek(0, io.SeekStart)
		var stderr bytes.Buffer
		status := run(append(strings.Fields(command), "--level", "restricted", "-f", "-"), in, brokenWriter{}, &stderr)
		if status != statusUndecided || strings.Count(stderr.String(), "the disk is full") != 1 {
			t.Errorf("%s: status %d, %s", command, status, &stderr)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("the disk is full") }

func TestProgress(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := startProgress(&out, func() time.Time { return now })
	p.tick("f", &tally{allowed: 1})
	p.clear()
	if out.Len() > 0 {
		t.Errorf("a short scan shows %q", &out)
	}
	now = now.Add(firstPause + 1)
	p.tick("f", &tally{allowed: 1000, denied: 1})
	p.tick("f", &tally{allowed: 1001, denied: 1})
	p.clear()
	p.clear()
	if got, want := out.String(), "\r\x1b[K1001 workloads in f\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var none *progress
	none.tick("f", &tally{})
	none.clear()
}
