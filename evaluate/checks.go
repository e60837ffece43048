package evaluate

import (
	"strings"

	"github.com/podfence/podfence/spec"
)

// check is what the file of a control says of one of its checks.
type check struct {
	// reason is Pod Security Admission's. That of AppArmor depends on how many
	// values offend: see appArmorReason.
	reason string
	// detail writes that module's detail for violations of the check, of which
	// there is at least one.
	detail func(b *strings.Builder, vs []Violation)
}

// checks is indexed by check ID.
var checks = [...]check{
	spec.CheckAppArmorProfile:            {"", appArmorDetail},
	spec.CheckCapabilitiesBaseline:       {"non-default capabilities", capabilitiesDetail},
	spec.CheckHostNamespaces:             {"host namespaces", hostNamespacesDetail},
	spec.CheckHostPathVolumes:            {"hostPath volumes", hostPathDetail},
	spec.CheckHostPorts:                  {"hostPort", hostPortsDetail},
	spec.CheckHostProbesAndHostLifecycle: {"probe or lifecycle host", hostProbesDetail},
	spec.CheckPrivileged:                 {"privileged", privilegedDetail},
	spec.CheckProcMount:                  {"procMount", procMountDetail},
	spec.CheckSELinuxOptions:             {"seLinuxOptions", seLinuxDetail},
	spec.CheckSeccompProfileBaseline:     {"seccompProfile", seccompDetail},
	spec.CheckSysctls:                    {"forbidden sysctls", sysctlsDetail},
	spec.CheckWindowsHostProcess:         {"hostProcess", hostProcessDetail},
	spec.CheckAllowPrivilegeEscalation:   {"allowPrivilegeEscalation != false", escalationDetail},
	spec.CheckCapabilitiesRestricted:     {"unrestricted capabilities", capabilitiesDetail},
	spec.CheckProcMountRestricted:        {"procMount", procMountDetail},
	spec.CheckRestrictedVolumes:          {"restricted volume types", volumesDetail},
	spec.CheckRunAsNonRoot:               {"runAsNonRoot != true", nonRootDetail},
	spec.CheckRunAsUser:                  {"runAsUser=0", rootUserDetail},
	spec.CheckSeccompProfileRestricted:   {"seccompProfile", seccompDetail},
}
