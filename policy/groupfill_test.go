package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/policy"
)

// TestGroupFillJSON: a group to fill is a number or the word none, and what is read
// is written the same.
func TestGroupFillJSON(t *testing.T) {
	for _, row := range []struct {
		name, why, json string
		want            policy.GroupFill
		text            string
	}{
		{"a number", "an ID", `400`, 400, "400"},
		{"root", "0 is a group", `0`, 0, "0"},
		{"the highest", "IDs have 31 bits", `2147483647`, policy.MaxID, "2147483647"},
		{"the word", "no group", `"none"`, policy.NoGroup, "none"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var m policy.Mutations
			in := `{"runAsGroup":` + row.json + `,"fsGroup":` + row.json + `}`
			if err := json.Unmarshal([]byte(in), &m); err != nil {
				t.Fatalf("%s: %v", row.why, err)
			}
			want := policy.Mutations{RunAsGroup: &row.want, FSGroup: &row.want}
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if out, err := json.Marshal(m); err != nil || string(out) != in {
				t.Errorf("written as %s, %v", out, err)
			}
			if got := row.want.String(); got != row.text {
				t.Errorf("printed as %s", got)
			}
		})
	}
}

// TestGroupFillRefusesJSON: JSON is read as strictly as a file.
func TestGroupFillRefusesJSON(t *testing.T) {
	for _, row := range []struct{ name, json, want string }{
		{"the number that stands for none in Go", `-1`, "-1 is out of range; write an ID from 0 to 2147483647"},
		{"another negative number", `-2`, "-2 is out of range; write an ID from 0 to 2147483647"},
		{"a fraction", `1.5`, "1.5 is no plain decimal number; write a whole number, as in 400, or none"},
		{"the word in another case", `"None"`, `"None" is no group; did you mean none?`},
		{"another word", `"wheel"`, `"wheel" is no plain decimal number; write a whole number, as in 400, or none`},
		{"a number as text", `"400"`, `"400" is text, not a number; write 400 without quotes`},
		{"a list", `[]`, "a list stands where a number belongs; write a whole number, as in 400, or none"},
		{"a boolean", `false`, "false is no plain decimal number; write a whole number, as in 400, or none"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var m policy.Mutations
			err := json.Unmarshal([]byte(`{"fsGroup":`+row.json+`}`), &m)
			if err == nil || err.Error() != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
			if m.FSGroup != nil && *m.FSGroup != 0 {
				t.Errorf("read as %s all the same", m.FSGroup)
			}
		})
	}
}

// TestGroupFillsOutOfRange: what Go can hold and no file, Validate refuses.
func TestGroupFillsOutOfRange(t *testing.T) {
	p := policy.Policy{PodSelectorLabels: map[string]string{"app": "web"}}
	for _, id := range []policy.GroupFill{-2, policy.MaxID + 1} {
		p.Mutations = policy.Mutations{RunAsGroup: &id}
		if p.Validate() == nil {
			t.Errorf("runAsGroup %d is accepted", id)
		}
		p.Mutations = policy.Mutations{FSGroup: &id}
		if p.Validate() == nil {
			t.Errorf("fsGroup %d is accepted", id)
		}
	}
	p.Mutations = policy.Mutations{RunAsGroup: pointer(policy.NoGroup), FSGroup: pointer(policy.NoGroup)}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}
