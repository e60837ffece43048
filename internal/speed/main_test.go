package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const output = `goos: linux
BenchmarkA/by=x-2   	 100	 30 ns/op	 1 allocs/op
BenchmarkA/by=x-2   	 100	 90 ns/op	 1 allocs/op
BenchmarkA/by=x-2   	 100	 20 ns/op	 1 allocs/op
BenchmarkA/by=y-2   	 100	 10 ns/op	 3 allocs/op
`

// TestTable: quotients of medians, each held against its target.
func TestTable(t *testing.T) {
	m, err := read(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	x, y := "A/by=x-2", "A/by=y-2"
	one := []medians{m}
	two := append(slices.Clip(one), medians{x + time: 20, y + time: 10, x + allocs: 1, y + allocs: 3})
	for _, row := range []struct {
		name, why string
		runs      []medians
		c         comparison
		want      string
	}{
		{"median", "a single slow run decides nothing", one, comparison{"a", x + time, y + time, atLeast, 3}, "| a | 3.0 | >= 3 | met |"},
		{"missed", "a target is not bent", one, comparison{"a", x + time, y + time, atLeast, 3.1}, "| a | 3.0 | >= 3.1 | missed |"},
		{"at most", "the other way round", one, comparison{"a", x + time, y + time, atMost, 2}, "| a | 3.0 | <= 2 | missed |"},
		{"count", "allocations are shown as they are", one, comparison{"a", y + allocs, "", atMost, 3}, "| a | 3 | <= 3 | met |"},
		{"two runs", "one is an anecdote", two, comparison{"a", x + time, y + time, atLeast, 1}, "| a | 2.0 to 3.0 | >= 1 | met |"},
		{"two verdicts", "neither is hidden", two, comparison{"a", x + time, y + time, atLeast, 3}, "| a | 2.0 to 3.0 | >= 3 | met in 1 of 2 |"},
		{"two that are alike", "a range would be noise", two, comparison{"a", y + allocs, "", atMost, 3}, "| a | 3 | <= 3 | met |"},
		{"no target", "some lines are for information", one, comparison{"a", y + allocs, x + allocs, "", 0}, "| a | 3.0 |  |  |"},
	} {
		var b strings.Builder
		if err := table(&b, row.runs, []comparison{row.c}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), row.want+"\n") {
			t.Errorf("%s (%s): %s, want %s", row.name, row.why, b.String(), row.want)
		}
	}
	if err := table(&strings.Builder{}, one, []comparison{{"a", "Gone@sec/op", "", "", 0}}); err == nil {
		t.Error("a benchmark that is missing is no error")
	}
}

// TestRunsAreKept: a run is read as it was kept, and every run that is there has
// every figure.
func TestRunsAreKept(t *testing.T) {
	dir := t.TempDir()
	var all strings.Builder
	for i, c := range comparisons {
		for _, key := range []string{c.numerator, c.denominator} {
			if name, unit, ok := strings.Cut(key, "@"); ok {
				fmt.Fprintf(&all, "Benchmark%s\t1\t%d %s\n", name, i+1, strings.Replace(unit, "sec/", "ns/", 1))
			}
		}
	}
	if err := keep(filepath.Join(dir, "a.tsv"), strings.NewReader(all.String())); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]fs.FS{"kept": os.DirFS(dir), "the project's": os.DirFS(runs)} {
		var b strings.Builder
		if err := show(&b, of); err != nil || strings.Count(b.String(), "\n") != len(comparisons)+2 {
			t.Errorf("%s: %v, %d lines", name, err, strings.Count(b.String(), "\n"))
		}
	}
	if err := keep(filepath.Join(dir, "b.tsv"), strings.NewReader("")); err == nil {
		t.Error("a run without figures is kept")
	}
	if err := show(io.Discard, os.DirFS(t.TempDir())); err == nil {
		t.Error("no runs are no error")
	}
}

// TestComparisonsHaveBenchmarks: what a line compares is the name of a benchmark
// that some package has; one that was renamed would leave the table.
func TestComparisonsHaveBenchmarks(t *testing.T) {
	declared := map[string]bool{}
	for _, file := range []string{"speed_test.go", "../../bench_test.go", "../../evaluate/bench_test.go", "../../mutate/bench_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`func Benchmark(\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			declared[m[1]] = true
		}
	}
	if len(declared) != 13 {
		t.Errorf("%d benchmarks, want 13: count again", len(declared))
	}
	for _, c := range comparisons {
		for _, key := range []string{c.numerator, c.denominator} {
			name, _, _ := strings.Cut(strings.TrimSuffix(strings.Split(key, "@")[0], "-2"), "/")
			if key != "" && !declared[name] {
				t.Errorf("%s: there is no benchmark %s", c.claim, name)
			}
		}
	}
	if len(comparisons) != 44 {
		t.Errorf("%d comparisons, want 44: count again", len(comparisons))
	}
}
