package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestQuotient: it is that of the old version by the new one, of what is asked for.
func TestQuotient(t *testing.T) {
	taken := [2][]measure{
		{{wall: 8 * time.Second, processor: 10}, {wall: 6 * time.Second, processor: 30}, {wall: 9 * time.Second, processor: 20}},
		{{wall: 2 * time.Second, processor: 40}, {wall: 4 * time.Second, processor: 40}, {wall: 3 * time.Second, processor: 40}},
	}
	wall := func(m measure) float64 { return float64(m.wall) }
	if got := quotient(taken, wall, median); got != 8./3 {
		t.Errorf("the medians differ by %g, want %g", got, 8./3)
	}
	if got := quotient(taken, func(m measure) float64 { return float64(m.processor) }, median); got != 0.5 {
		t.Errorf("processor time differs by %g, want 0.5", got)
	}
}

// TestInputs: every case has its input, none is empty.
func TestInputs(t *testing.T) {
	dir := t.TempDir()
	if err := makeInputs(dir, 30); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		info, err := os.Stat(filepath.Join(dir, c.args[len(c.args)-1]))
		if err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", c.what, info, err)
		}
	}
	if len(cases) != 7 {
		t.Errorf("%d cases", len(cases))
	}
}
