package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/podfence/podfence/internal/benchlist"
)

// writeSmallList writes a list of pods of a few hundred bytes each, in the form of
// kubectl.
func writeSmallList(w io.Writer, n int) error {
	b := bufio.NewWriter(w)
	b.WriteString(`{"apiVersion":"v1","items":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-%06d"},"spec":{"containers":[{"name":"c","image":"i"}]}}`, i)
	}
	b.WriteString(`],"kind":"List"}`)
	return b.Flush()
}

func writeSmallYAMLList(w io.Writer, n int) error {
	b := bufio.NewWriter(w)
	b.WriteString("apiVersion: v1\nitems:\n")
	for i := range n {
		fmt.Fprintf(b, "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: pod-%06d\n  spec:\n    containers:\n    - image: i\n      name: c\n", i)
	}
	b.WriteString("kind: List\n")
	return b.Flush()
}

// TestCostIsLinear: an item of a long list costs what one of a short list does, as
// counted in what is allocated for it.
func TestCostIsLinear(t *testing.T) {
	for _, row := range []struct {
		name, command string
		write         benchlist.Writer
		sizes         [3]int
	}{
		{"JSON", "evaluate -o json", writeSmallList, [3]int{10, 10_000, 100_000}},
		{"YAML", "evaluate -o json", writeSmallYAMLList, [3]int{10, 10_000, 20_000}}, // beyond 1 MiB it is read by item
	} {
		t.Run(row.name, func(t *testing.T) {
			var allocs, size [3]float64
			for i, n := range row.sizes {
				if testing.Short() || underRace {
					n /= 10
					row.sizes[i] = n
				}
				allocs[i], size[i] = allocated(t, row.command, row.write, n)
			}
			few, many := float64(row.sizes[1]-row.sizes[0]), float64(row.sizes[2]-row.sizes[1])
			for what, of := range map[string][3]float64{"allocations": allocs, "bytes": size} {
				first, later := (of[1]-of[0])/few, (of[2]-of[1])/many
				t.Logf("%.0f %s for an item, and %.0f beyond %d items", first, what, later, row.sizes[1])
				if later > first*1.25 {
					t.Errorf("%.0f %s for an item up to %d items, and %.0f beyond", first, what, row.sizes[1], later)
				}
			}
		})
	}
}

// allocated is what a command allocates for a list.
func allocated(t *testing.T, command string, write benchlist.Writer, n int) (allocations, size float64) {
	t.Helper()
	in, out := io.Pipe()
	go func() { out.CloseWithError(write(out, n)) }()
	var before, after runtime.MemStats
	var stderr bytes.Buffer
	counter := &lineCounter{}
	runtime.ReadMemStats(&before)
	if status := run(append(strings.Fields(command), "-f", "-"), in, counter, &stderr); status == statusUndecided || counter.lines < n {
		t.Fatalf("%s: status %d, %d lines for %d pods: %.200s", command, status, counter.lines, n, &stderr)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)
}
