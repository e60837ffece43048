package native

import (
	"testing"

	"github.com/podfence/podfence/spec"
)

// TestInForce: when a check is in force is said by its revisions, and by those that
// override it.
func TestInForce(t *testing.T) {
	for id, want := range map[spec.CheckID]string{
		spec.CheckPrivileged:                 "true",
		spec.CheckHostProbesAndHostLifecycle: "variables.minor >= 34",
		spec.CheckCapabilitiesBaseline:       "!((variables.restricted && variables.minor >= 22))",
		spec.CheckHostPathVolumes:            "!(variables.restricted)",
		spec.CheckAllowPrivilegeEscalation:   "(variables.restricted && variables.minor >= 8 && !((variables.minor >= 25 && variables.windows)))",
		spec.CheckRunAsNonRoot:               "(variables.restricted && !((variables.minor >= 35 && variables.userNamespace)))",
		spec.CheckProcMount:                  "(!((variables.restricted && variables.minor >= 35)) && !((variables.minor >= 35 && variables.userNamespace)))",
	} {
		if got := inForce(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}
