package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// clusterPods writes the pods of a cluster as kubectl does, and measures the heap on the way.
type clusterPods struct {
	pods, next int
	filler     string
	buffer     bytes.Buffer
	highest    uint64
	read       int64
}

func (l *clusterPods) Read(p []byte) (int, error) {
	for l.buffer.Len() < len(p) && l.next <= l.pods {
		l.write()
		l.next++
	}
	n, err := l.buffer.Read(p)
	l.read += int64(n)
	return n, err
}

func (l *clusterPods) write() {
	switch l.next {
	case 0:
		l.buffer.WriteString(`{"apiVersion": "v1", "items": [`)
	case l.pods:
		l.buffer.WriteString(`], "kind": "List"}`)
		return
	default:
		l.buffer.WriteString(",\n")
	}
	if l.next%(l.pods/samples) == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		l.highest = max(l.highest, m.HeapAlloc)
	}
	owner := l.next % 500
	fmt.Fprintf(&l.buffer, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-%d-5f7-%d", "namespace": "ns-%d",
	"labels": {"pod-template-hash": "5f7"}, "annotations": {"filler": %q},
	"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-%d-5f7", "uid": "u", "controller": true}]},
	"spec": {"hostNetwork": %t, "containers": [{"name": "c"}]}}`,
		owner, l.next, owner%50, l.filler, owner, owner%5 == 0)
}

// TestSurveyStreams: the pods of a large cluster are surveyed in memory for their owners, and for the largest pod.
func TestSurveyStreams(t *testing.T) {
	pods := 36_000
	if testing.Short() || underRace {
		pods /= 10
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	list := &clusterPods{pods: pods, filler: strings.Repeat("x", 800)}
	var out, stderr bytes.Buffer
	if status := run([]string{"survey", "-f", "-"}, list, &out, &stderr); status != statusAllowed || stderr.Len() > 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	grown := int64(list.highest) - int64(m.HeapAlloc)
	t.Logf("%d KiB of heap for %d KiB of input", grown>>10, list.read>>10)
	if grown > heapBound {
		t.Errorf("%d pods in %d MiB of input took %d MiB of heap", pods, list.read>>20, grown>>20)
	}
	want := fmt.Sprintf("500 workloads in 50 namespaces, %d pods; Pod Security Standards latest\n", pods)
	if !strings.HasSuffix(out.String(), "\n"+want) {
		t.Errorf("the last line is not %q:\n%s", want, out.String()[max(0, out.Len()-200):])
	}
}

// TestSurveyWriteError: a survey that could not be written is none.
func TestSurveyWriteError(t *testing.T) {
	for _, form := range surveyForms {
		in := strings.NewReader("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}\n")
		var stderr bytes.Buffer
		status := run([]string{"survey", "-o", form, "-f", "-"}, in, brokenWriter{}, &stderr)
		if status != statusUndecided || strings.Count(stderr.String(), "the disk is full") != 1 {
			t.Errorf("%s: status %d, %s", form, status, &stderr)
		}
	}
}

// TestSurveyIsNotForged: whatever the strings of pods, policies and files hold, no form of a survey prints a line that they
// begin, or a character that is not printable.
func TestSurveyIsNotForged(t *testing.T) {
	_, pods, policies := hostileFiles(t)
	var in []string
	for _, path := range pods {
		in = append(in, "-f", path)
	}
	for _, form := range surveyForms {
		for _, extra := range [][]string{nil, {"--policies", policies}} {
			var out, stderr bytes.Buffer
			run(append(append([]string{"survey", "-o", form}, extra...), in...), strings.NewReader(""), &out, &stderr)
			if extra == nil && out.Len() == 0 {
				t.Errorf("-o %s prints nothing", form)
			}
			for stream, text := range map[string]string{"standard output": out.String(), "standard error": stderr.String()} {
				if wrong := unprintable(text); wrong != "" {
					t.Errorf("-o %s: %s has %s", form, stream, wrong)
				}
			}
		}
	}
}

// TestSurveyPageShowsRealOutput: the documentation's sample is what the command prints of the script's cluster.
func TestSurveyPageShowsRealOutput(t *testing.T) {
	script, err := txtar.ParseFile("testdata/script/survey.txtar")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/survey.md")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(script.Files, func(f txtar.File) bool { return f.Name == "want.txt" })
	if want := "```text\n" + string(script.Files[i].Data) + "```\n"; !strings.Contains(string(page), want) {
		t.Errorf("docs/survey.md does not show:\n%s", want)
	}
}
