package hotpath

import (
	"slices"

	"github.com/podfence/podfence/spec"
)

// netBindService is the one capability that restricted lets a container add.
const netBindService = "NET_BIND_SERVICE"

// baselineCapabilities are those that baseline lets a container add, as the table
// has them.
var baselineCapabilities = func() (names []string) {
	check := spec.CheckCapabilitiesBaseline
	for _, v := range check.Control().Checks[0].Revisions[0].AllowedFor(spec.FieldCapabilitiesAdd).Values {
		names = append(names, v.Text)
	}
	return names
}()

// CapabilityAddable reports whether a check lets a container add a capability.
func CapabilityAddable(id spec.CheckID, capability string) bool {
	if id == spec.CheckCapabilitiesRestricted {
		return capability == netBindService
	}
	return slices.Contains(baselineCapabilities, capability)
}

// DropsAll reports whether an entry of capabilities.drop drops all of them.
func DropsAll(capability string) bool { return capability == spec.CapabilityAll }
