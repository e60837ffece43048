package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/spec"
)

// row is what both sides say of one revision of one check.
type row struct {
	Level     api.Level
	Overrides string
}

// TestTotality: the table has the checks and revisions of Pod Security
// Admission, with their levels, first versions and overrides, and no others.
func TestTotality(t *testing.T) {
	want := map[string]row{}
	for _, check := range psa.DefaultChecks() {
		for _, v := range check.Versions {
			var overrides []string
			for _, id := range v.OverrideCheckIDs {
				overrides = append(overrides, string(id))
			}
			want[key(string(check.ID), v.MinimumVersion)] = row{check.Level, strings.Join(overrides, ",")}
		}
	}
	got := map[string]row{}
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			for _, rev := range check.Revisions {
				var overrides []string
				for _, id := range rev.Overrides {
					overrides = append(overrides, id.String())
				}
				got[key(check.ID.String(), api.MajorMinorVersion(1, rev.Since))] = row{check.ID.Level(), strings.Join(overrides, ",")}
			}
		}
	}
	for k := range want {
		if _, ok := got[k]; !ok {
			t.Errorf("Pod Security Admission has %s and the table lacks it: write it down in spec/, as CONTRIBUTING.md says", k)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("the table has %s and Pod Security Admission lacks it", k)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("levels and overrides (-Pod Security Admission +table):\n%s", diff)
	}
	if len(want) != 31 {
		t.Errorf("%d revisions compared, want 31", len(want))
	}
}

func key(id string, since api.Version) string { return fmt.Sprintf("%s since %s", id, since) }

// TestNewest: the newest version is the one that Pod Security Admission knows.
func TestNewest(t *testing.T) {
	var newest api.Version
	for _, check := range psa.DefaultChecks() {
		if last := check.Versions[len(check.Versions)-1].MinimumVersion; newest.Older(last) {
			newest = last
		}
	}
	if spec.Newest() != newest {
		t.Errorf("Newest = %s, want %s", spec.Newest(), newest)
	}
}
