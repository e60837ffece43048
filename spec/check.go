package spec

import (
	"fmt"
	"iter"
	"math/bits"

	"k8s.io/pod-security-admission/api"
)

// CheckID names one control's test at one level. Its order is the order in
// which Pod Security Admission reports: baseline checks, then restricted ones,
// each sorted by ID. The zero CheckID is no check: a policy's own rule.
type CheckID uint8

// The checks of the standards.
const (
	CheckAppArmorProfile CheckID = iota + 1
	CheckCapabilitiesBaseline
	CheckHostNamespaces
	CheckHostPathVolumes
	CheckHostPorts
	CheckHostProbesAndHostLifecycle
	CheckPrivileged
	CheckProcMount
	CheckSELinuxOptions
	CheckSeccompProfileBaseline
	CheckSysctls
	CheckWindowsHostProcess

	CheckAllowPrivilegeEscalation
	CheckCapabilitiesRestricted
	CheckProcMountRestricted
	CheckRestrictedVolumes
	CheckRunAsNonRoot
	CheckRunAsUser
	CheckSeccompProfileRestricted

	checkEnd
)

var checkNames = [checkEnd]string{
	CheckAppArmorProfile:            "appArmorProfile",
	CheckCapabilitiesBaseline:       "capabilities_baseline",
	CheckHostNamespaces:             "hostNamespaces",
	CheckHostPathVolumes:            "hostPathVolumes",
	CheckHostPorts:                  "hostPorts",
	CheckHostProbesAndHostLifecycle: "hostProbesAndHostLifecycle",
	CheckPrivileged:                 "privileged",
	CheckProcMount:                  "procMount",
	CheckSELinuxOptions:             "seLinuxOptions",
	CheckSeccompProfileBaseline:     "seccompProfile_baseline",
	CheckSysctls:                    "sysctls",
	CheckWindowsHostProcess:         "windowsHostProcess",
	CheckAllowPrivilegeEscalation:   "allowPrivilegeEscalation",
	CheckCapabilitiesRestricted:     "capabilities_restricted",
	CheckProcMountRestricted:        "procMount_restricted",
	CheckRestrictedVolumes:          "restrictedVolumes",
	CheckRunAsNonRoot:               "runAsNonRoot",
	CheckRunAsUser:                  "runAsUser",
	CheckSeccompProfileRestricted:   "seccompProfile_restricted",
}

// String returns the check's ID as Pod Security Admission writes it, and the
// empty string for the zero CheckID.
func (id CheckID) String() string {
	if id >= checkEnd {
		return fmt.Sprintf("check(%d)", uint8(id))
	}
	return checkNames[id]
}

// MarshalText renders the ID, so that JSON carries it and not a number.
func (id CheckID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote. It fails for an unknown ID.
func (id *CheckID) UnmarshalText(text []byte) error {
	for i, name := range checkNames {
		if name == string(text) {
			*id = CheckID(i)
			return nil
		}
	}
	return fmt.Errorf("no check has the ID %q", text)
}

// Level is the level that the check belongs to: baseline or restricted. A
// baseline check holds at restricted too, unless a restricted one overrides it.
func (id CheckID) Level() api.Level {
	if id >= CheckAllowPrivilegeEscalation {
		return api.LevelRestricted
	}
	return api.LevelBaseline
}

// Control is the control that the check tests, nil for the zero CheckID.
func (id CheckID) Control() *Control {
	if id >= checkEnd {
		return nil
	}
	return controlOf[id]
}

// CheckSet is a set of checks.
type CheckSet uint32

// Has reports whether the set holds the check.
func (s CheckSet) Has(id CheckID) bool { return s&(1<<id) != 0 }

// With is the set with a check added.
func (s CheckSet) With(id CheckID) CheckSet { return s | 1<<id }

// Checks is the set of some checks.
func Checks(ids ...CheckID) (s CheckSet) {
	for _, id := range ids {
		s = s.With(id)
	}
	return s
}

// All visits the checks of the set in the order of reports.
func (s CheckSet) All() iter.Seq[CheckID] {
	return func(yield func(CheckID) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(CheckID(bits.TrailingZeros32(uint32(s)))) {
				return
			}
		}
	}
}

// Check is one control's test at one level, with its history.
type Check struct {
	ID CheckID
	// Revisions are in order of Since. The last one whose Since is not above
	// the policy version is in force; before the first there is no check.
	Revisions []Revision
}

// Revision is a check's behaviour since a minor version.
type Revision struct {
	// Since is the first minor version of Kubernetes 1 that has it.
	Since int
	// Change says what is tested, or what changed with this revision.
	Change string
	// Allowed are the values that the revision allows, by field.
	Allowed []Allowed
	// Overrides are baseline checks that do not run at restricted where this
	// revision is in force, also on pods that it exempts.
	Overrides []CheckID
	// ExemptWindows: pods whose spec.os.name is windows are not tested.
	ExemptWindows bool
	// ExemptUserNamespace: pods with hostUsers=false are not tested.
	ExemptUserNamespace bool

	// wants are the words of Allowed by field, made once.
	wants [fieldEnd]string
}
