package governing_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/governing"
	"github.com/podfence/podfence/policy"
)

// TestAmong: a pod with a user namespace of its own is for the policies that
// require one, where any does, and every other pod for all that select it.
func TestAmong(t *testing.T) {
	yes, no := true, false
	for _, row := range []struct {
		why       string
		hostUsers *bool
		selecting []string // upper case: requires a user namespace
		want      []string
	}{
		{"its own user namespace, and two ask for that", &no, []string{"a", "B", "c", "D"}, []string{"B", "D"}},
		{"nobody asks for it", &no, []string{"a", "b"}, []string{"a", "b"}},
		{"all ask for it", &no, []string{"A", "B"}, []string{"A", "B"}},
		{"one policy is no choice", &no, []string{"a"}, []string{"a"}},
		{"no policy", &no, nil, nil},
		{"unset: whoever fills it in governs", nil, []string{"a", "B"}, []string{"a", "B"}},
		{"the host's", &yes, []string{"a", "B"}, []string{"a", "B"}},
	} {
		var candidates []*policy.Policy
		for _, name := range row.selecting {
			p := &policy.Policy{Name: name}
			if name < "a" {
				p.Allow.UserNamespace = policy.UserNamespaceRequired
			}
			candidates = append(candidates, p)
		}
		got := governing.Among(candidates, &corev1.PodSpec{HostUsers: row.hostUsers})
		if len(got) != len(row.want) {
			t.Errorf("%d policies are tried, want %q: %s", len(got), row.want, row.why)
			continue
		}
		for i, p := range got {
			if p.Name != row.want[i] {
				t.Errorf("policy %d is %q, want %q: %s", i, p.Name, row.want[i], row.why)
			}
		}
	}
}
