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

// seedRapid has rapid draw the same in every run of the test, so often, and reports
// whether it does: not where flags or the environment say otherwise.
func seedRapid(t *testing.T, checks, seed string) (seeded bool) {
	t.Helper()
	set := func(name, value string) {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	set("rapid.nofailfile", "true")
	seeded = os.Getenv("RAPID_CHECKS") == "" && os.Getenv("RAPID_SEED") == ""
	wanted := map[string]string{"rapid.checks": checks, "rapid.seed": seed}
	for name := range wanted {
		f := flag.Lookup(name)
		seeded = seeded && f.Value.String() == f.DefValue
	}
	if !seeded {
		return false
	}
	for name, value := range wanted {
		set(name, value)
		t.Cleanup(func() { set(name, flag.Lookup(name).DefValue) }) // for the next test
	}
	return true
}

// pipelineFloors are about two thirds of what a run with the seed sees.
var pipelineFloors = map[string]int{
	"pods": 5000, "sets": 50, "valid": 3500, "valid at restricted": 1700, "valid at baseline": 750, "valid at privileged": 250,
	"allowed": 1400, "filled": 1500, "filled and allowed": 600, "something excused": 800,
	"governed by several": 700, "governed by several and allowed": 350,
	"ephemeral updates": 700, "ephemeral updates allowed": 250, "ephemeral updates filled": 450, "ephemeral updates governed by several": 180,
	"updates of an image": 220, "updates of labels": 220, "warnings": 350, "entries of the audit log": 330,
	"governed by one that has expired": 40, "governed by one that requires a user namespace": 500, "governed by one that selects namespaces": 60,
	"governed by one with entries for containers": 400, "governed by one with several namespaces": 50,
	"reason noPolicy": 500, "reason defaultPolicy": 300, "reason closest": 800, "reason allowedFilled": 380, "reason allowedAsItIs": 250,
}

// fewestUpdates is the share of the pods, in percent, to which an ephemeral container
// must be added.
const fewestUpdates = 8
