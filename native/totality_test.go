package native

import (
	"slices"
	"strings"
	"testing"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestTotality: no check, revision, condition, key, demand or fill of the library is
// missing in the expressions.
func TestTotality(t *testing.T) {
	for _, control := range spec.Controls() {
		for _, c := range control.Checks {
			if int(c.ID) >= len(checks) || checks[c.ID].found == nil || checks[c.ID].reason == "" || checks[c.ID].detail == "" {
				t.Errorf("check %s has no expression", c.ID)
				continue
			}
			text := violations(c.ID)
			for i := range c.Revisions {
				if r := &c.Revisions[i]; !strings.Contains(text, checks[c.ID].found(r)) {
					t.Errorf("check %s, revision of v1.%d: its violations are not among those of the check", c.ID, r.Since)
				}
			}
			if pods, containers := scopes(c.ID); pods && containers && checks[c.ID].inherits == "" {
				t.Errorf("check %s does not say for which containers a field of the pod speaks", c.ID)
			}
		}
	}
	for c := policy.Condition(1); c <= policy.RootInRange; c++ {
		if conditions[c] == nil {
			t.Errorf("condition %d of grants has no expression", c)
		}
	}
	if n := len(conditions); n != int(policy.RootInRange) {
		t.Errorf("%d conditions, of which the table of grants has %d: is there one behind RootInRange?", n, policy.RootInRange)
	}
	for _, row := range policy.GrantTypes() {
		for id := range row.Checks.All() {
			if !strings.Contains(grants(id), word(row.Key.String())) {
				t.Errorf("check %s: the grant %s is not asked", id, row.Key)
			}
		}
	}
	for _, key := range policy.Keys() {
		if encoders[key] == nil {
			t.Errorf("key %s is not in the literal", key)
		}
	}
	rows := 0
	for _, r := range rules() {
		rows += len(r.rows)
	}
	if want := len(policy.Demands()); rows != want {
		t.Errorf("%d rows of demands, want %d", rows, want)
	}
	for id := range plan.FieldEnd {
		if fills[id].when == "" || fills[id].value == "" {
			t.Errorf("%s is not filled in", plan.FieldOf(id).Path)
		}
	}
}

// TestEntriesSayWhatTheFormatHas: each key that an entry for single containers may have
// is written into the literal.
func TestEntriesSayWhatTheFormatHas(t *testing.T) {
	known := append(slices.Clone(containerKeys), policy.KeyFillRunAsUser, policy.KeyFillRunAsGroup)
	seen := 0
	for _, key := range policy.Format().Keys {
		if key.Name != "containers" {
			continue
		}
		for _, block := range key.Form.Entry.Keys {
			if block.Name != "allow" && block.Name != "mutations" {
				continue
			}
			for _, k := range block.Form.Keys {
				seen++
				path := block.Name + "." + k.Name
				if !slices.ContainsFunc(known, func(k policy.Key) bool { return k.String() == path }) {
					t.Errorf("%s of an entry is not in the literal", path)
				}
			}
		}
	}
	if seen != len(known) {
		t.Errorf("the format has %d keys in an entry, the literal %d", seen, len(known))
	}
}

// TestValuesOfTheStandard: every value that the standard allows stands in the
// expressions of its check.
func TestValuesOfTheStandard(t *testing.T) {
	values := 0
	for _, control := range spec.Controls() {
		for _, c := range control.Checks {
			text := violations(c.ID)
			for _, r := range c.Revisions {
				for _, allowed := range r.Allowed {
					for _, v := range allowed.Values {
						if values++; !strings.Contains(text, v.Text) {
							t.Errorf("check %s: %q is not in its expression", c.ID, v.Text)
						}
					}
				}
			}
		}
	}
	if values < 100 {
		t.Errorf("only %d values", values)
	}
}
