// Package want says in words what a policy wants of a field, as violations of its
// rules have it.
package want

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
)

// most is how many alternatives a violation names: thousands of violations may say
// the same, and each is printed whole.
const most = 5

// IDs says that an ID must lie within ranges, or be unset where it is not required:
// "400", "400 to 499 or 1000 to 2000 or unset".
func IDs(ranges []policy.IDRange, required bool) string {
	parts := make([]string, min(len(ranges), most))
	for i, r := range ranges[:len(parts)] {
		if parts[i] = fmt.Sprint(r.Min); r.Min != r.Max {
			parts[i] = fmt.Sprintf("%d to %d", r.Min, r.Max)
		}
	}
	if more := len(ranges) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("in one of %d more ranges that the policy allows", more))
	}
	text := strings.Join(parts, " or ")
	if !required {
		text += " or unset"
	}
	return text
}

// HostPath says what a policy with allowed host paths would have let pass.
func HostPath(p *policy.Policy) string {
	if len(p.Allow.AllowedHostPaths) == 0 {
		return "unset"
	}
	var want strings.Builder
	want.WriteString("below ")
	for i, allowed := range p.Allow.AllowedHostPaths {
		if i > 0 {
			want.WriteString(" or ")
		}
		if i == most {
			fmt.Fprintf(&want, "one of %d more paths that the policy allows", len(p.Allow.AllowedHostPaths)-i)
			break
		}
		want.WriteString(allowed.String())
	}
	return want.String()
}

var defaultVolumes = "one of the default volumes of a policy: " + strings.Join(policy.DefaultVolumes(), ", ")

// Volumes says which volume types a policy admits.
func Volumes(p *policy.Policy) string {
	switch {
	case p.Allow.Volumes == nil:
		return defaultVolumes
	case len(p.Allow.Volumes) == 0:
		return "absent: the policy admits no volume"
	case slices.Contains(p.Allow.Volumes, "*"):
		return "of a volume type that is known here"
	default:
		return "one of " + strings.Join(p.Allow.Volumes, ", ")
	}
}

// BeyondDefault is [Volumes] where a policy lists none, for a type that the level itself
// allows: who gave the pod a policy for something else loses it, and did not mean that.
var BeyondDefault = defaultVolumes + " (without a policy restricted allows it: list it under allow.volumes beside these)"

// UserNamespace says what hostUsers must be in a pod that has something beside which
// the API refuses it; nothing for a pod that has no such thing.
func UserNamespace(forbids string) string {
	if forbids == "" {
		return "false"
	}
	return "false, which the API refuses beside " + forbids
}
