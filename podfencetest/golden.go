package podfencetest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// update names the variable of the environment with which golden files are written.
const update = "UPDATE_GOLDEN"

// Golden fails the test if what podfence fills into the workloads, or what it denies
// all the same, is not what the file says. With UPDATE_GOLDEN=1 in the environment the
// file is written anew, for its changes to be read in review.
func (c Cluster) Golden(t T, file string, manifests Manifests) {
	t.Helper()
	workloads, err := c.workloads(manifests)
	if err != nil {
		t.Fatalf("podfencetest: %v", err)
		return
	}
	got := c.golden(workloads)
	if os.Getenv(update) != "" {
		if err := write(file, got); err != nil {
			t.Fatalf("podfencetest: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Fatalf("podfencetest: %s is not there: %s=1 go test writes it", file, update)
	case err != nil:
		t.Fatalf("podfencetest: %v", err)
	default:
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("what is filled in is not what %s says; %s=1 go test writes it anew (-file +now):\n%s", file, update, diff)
		}
	}
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// golden is what a golden file holds: of each workload the verdict, what was filled
// in, what stands against it, and what may keep it from starting or working.
func (c Cluster) golden(workloads []workload) string {
	var out strings.Builder
	fmt.Fprintf(&out, "At %s, filled in:\n", c.level())
	for _, w := range workloads {
		d, verdict := &w.after, "denied"
		if d.Allowed() {
			verdict = "allowed"
		}
		fmt.Fprintf(&out, "\n%s: %s%s\n", w.title, verdict, under(d.Result.PolicyName()))
		for _, change := range d.Report.Changes() {
			fmt.Fprintf(&out, "    + %s\n", change)
		}
		for _, violation := range d.Result.Violations {
			fmt.Fprintf(&out, "    - %s\n", violation)
		}
		for _, advice := range d.Advice() {
			fmt.Fprintf(&out, "    ! %s\n", advice)
		}
	}
	return out.String()
}
