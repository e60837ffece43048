package evaluate

import (
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// check is what the file of a control says of one of its checks.
type check struct {
	// reason is Pod Security Admission's; plural, where it is set, is the
	// reason for more than one value.
	reason string
	// detail writes that module's detail for violations of the check, of which
	// there is at least one.
	detail func(b *strings.Builder, vs []Violation)
	// excuse names the grant of a policy that covers a violation, zero for none.
	// It may say in v.Want what would be covered.
	excuse func(s *subject, p *policy.Policy, v *Violation) (grant policy.Key)
}

// checks is indexed by check ID.
var checks = [...]check{
	spec.CheckAppArmorProfile:            {"", appArmorDetail, excuseAppArmor},
	spec.CheckCapabilitiesBaseline:       {"non-default capabilities", capabilitiesDetail, excuseCapability},
	spec.CheckHostNamespaces:             {"host namespaces", hostNamespacesDetail, excuseHostNamespace},
	spec.CheckHostPathVolumes:            {"hostPath volumes", hostPathDetail, excuseHostPath},
	spec.CheckHostPorts:                  {"hostPort", hostPortsDetail, excuseHostPort},
	spec.CheckHostProbesAndHostLifecycle: {"probe or lifecycle host", hostProbesDetail, excuseHostProbe},
	spec.CheckPrivileged:                 {"privileged", privilegedDetail, excusePrivileged},
	spec.CheckProcMount:                  {"procMount", procMountDetail, excuseProcMount},
	spec.CheckSELinuxOptions:             {"seLinuxOptions", seLinuxDetail, excuseSELinux},
	spec.CheckSeccompProfileBaseline:     {"seccompProfile", seccompDetail, excuseSeccomp},
	spec.CheckSysctls:                    {"forbidden sysctls", sysctlsDetail, excuseSysctl},
	spec.CheckWindowsHostProcess:         {"hostProcess", hostProcessDetail, excuseHostProcess},
	spec.CheckAllowPrivilegeEscalation:   {"allowPrivilegeEscalation != false", escalationDetail, excuseEscalation},
	spec.CheckCapabilitiesRestricted:     {"unrestricted capabilities", capabilitiesDetail, excuseCapability},
	spec.CheckProcMountRestricted:        {"procMount", procMountDetail, excuseProcMount},
	spec.CheckRestrictedVolumes:          {"restricted volume types", volumesDetail, excuseVolume},
	spec.CheckRunAsNonRoot:               {"runAsNonRoot != true", nonRootDetail, excuseNonRoot},
	spec.CheckRunAsUser:                  {"runAsUser=0", rootUserDetail, excuseRootUser},
	spec.CheckSeccompProfileRestricted:   {"seccompProfile", seccompDetail, excuseSeccomp},
}
