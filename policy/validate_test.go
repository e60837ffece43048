package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Parse cannot produce, a policy built in Go can hold.
func TestValidateRefuses(t *testing.T) {
	for _, row := range []struct {
		name, why string
		change    func(p *Policy)
		want      string
	}{
		{"trailing slash", "only Parse trims it", func(p *Policy) { p.Allow.AllowedHostPaths = []HostPath{{PathPrefix: "/a/"}} },
			`policy "p": allow.allowedHostPaths[0].pathPrefix: "/a/" is no clean path; write "/a"`},
		{"empty path", "a field that was not set", func(p *Policy) { p.Allow.AllowedHostPaths = []HostPath{{}} },
			`policy "p": allow.allowedHostPaths[0].pathPrefix: "" is no absolute path; write the whole path, beginning with /`},
		{"no UTF-8", "it could not be written to a file", func(p *Policy) { p.Allow.AllowedHostPaths = []HostPath{{PathPrefix: "/\xff"}} },
			`policy "p": allow.allowedHostPaths[0].pathPrefix: "/\xff" has an unprintable character; write a path of printable characters`},
		{"empty expression", "a field that was not set", func(p *Policy) { p.PodSelectorExpressions = append(p.PodSelectorExpressions, requirement("", "")) },
			`policy "p": podSelectorExpressions[0].key: "" is no label key; ` + fixLabelKey + "\n" +
				`policy "p": podSelectorExpressions[0].operator: "" is no operator; write DoesNotExist, Exists, In or NotIn`},
		{"several labels", "in order of their keys", func(p *Policy) { p.PodSelectorLabels = map[string]string{"b": "/", "a": "/", "c": "/"} },
			strings.Join([]string{
				`policy "p": podSelectorLabels[a]: "/" is no label value; ` + fixLabelValue,
				`policy "p": podSelectorLabels[b]: "/" is no label value; ` + fixLabelValue,
				`policy "p": podSelectorLabels[c]: "/" is no label value; ` + fixLabelValue,
			}, "\n")},
		{"ranges that would wrap", "nobody may compute with them", func(p *Policy) {
			p.Allow.RunAsUser = UserRule{Rule: MustRunAs, Ranges: []IDRange{{Min: -1 << 63, Max: 1<<63 - 1}}}
		}, `policy "p": allow.runAsUser.ranges[0].min: -9223372036854775808 is out of range; write an ID from 0 to 2147483647` + "\n" +
			`policy "p": allow.runAsUser.ranges[0].max: 9223372036854775807 is out of range; write an ID from 0 to 2147483647`},
		{"no selector", "the default policy is not for sets", func(p *Policy) { *p = Policy{} },
			"podSelectorLabels: no labels are given, and a policy must not select every pod; " + fixLabels},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := Policy{Name: "p", PodSelectorLabels: webLabels}
			row.change(&p)
			err := p.Validate()
			if err == nil {
				t.Fatalf("accepted: %s", row.why)
			}
			if diff := cmp.Diff(row.want, err.Error()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

func TestErrorNamesWhatItKnows(t *testing.T) {
	for want, e := range map[string]Error{
		"f:3: a.b: wrong; mend it": {File: "f", Line: 3, Policy: "p", Field: "a.b", Problem: "wrong", Fix: "mend it"},
		"f: wrong":                 {File: "f", Problem: "wrong"},
		"line 3: wrong":            {Line: 3, Policy: "p", Problem: "wrong"},
		`policy "p": wrong`:        {Policy: "p", Problem: "wrong"},
		"a: wrong; mend it":        {Field: "a", Problem: "wrong", Fix: "mend it"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
