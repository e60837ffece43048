package native_test

import (
	"flag"
	"maps"
	"os"
	"slices"
	"testing"
)

// tally counts what a property really tried, so that a generator cannot go wrong in
// silence.
type tally map[string]int

// check prints the counts, and asserts in a seeded run how many of a thousand pods
// must be of a sort.
func (c tally) check(t *testing.T, seeded bool, floors map[string]int) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(c)) {
		t.Logf("%7d  %s", c[name], name)
	}
	if t.Failed() || !seeded {
		return
	}
	for name, floor := range floors {
		if got := c[name]; got < floor {
			t.Errorf("%s: %d, want at least %d", name, got, floor)
		}
	}
}

// seedRapid has rapid draw the same in every run, so often, and reports whether it
// does: not where its flags say otherwise.
func seedRapid(t *testing.T, checks, seed string) (seeded bool) {
	t.Helper()
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		t.Fatal(err)
	}
	seeded = os.Getenv("RAPID_CHECKS") == "" && os.Getenv("RAPID_SEED") == ""
	flag.Visit(func(f *flag.Flag) { seeded = seeded && f.Name != "rapid.checks" && f.Name != "rapid.seed" })
	if seeded {
		for name, value := range map[string]string{"rapid.checks": checks, "rapid.seed": seed} {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return seeded
}

// pipelineFloors are about two thirds of what a seeded run sees.
var pipelineFloors = map[string]int{"pods": 5000}
