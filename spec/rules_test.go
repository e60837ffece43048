package spec_test

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// TestRulesChangeWithTheVersion: each revision is in force from its first minor
// version on and not before, for the pods that it does not exempt.
func TestRulesChangeWithTheVersion(t *testing.T) {
	const sysctl, seLinux = "net.ipv4.tcp_notsent_lowat", "container_engine_t"
	checked := func(id spec.CheckID) func(*spec.Rules) bool {
		return func(r *spec.Rules) bool { return r.Checks.Has(id) }
	}
	tests := []struct {
		name, reason           string
		level                  api.Level
		minor                  int
		windows, userNamespace bool
		holds                  func(*spec.Rules) bool
		want                   bool
	}{
		{"newest sysctl", "1.37 added it", api.LevelBaseline, 37, false, false, func(r *spec.Rules) bool { return slices.Contains(r.Sysctls, sysctl) }, true},
		{"newest sysctl before", "1.37 added it", api.LevelBaseline, 36, false, false, func(r *spec.Rules) bool { return slices.Contains(r.Sysctls, sysctl) }, false},
		{"engine type", "1.31 added it", api.LevelBaseline, 31, false, false, func(r *spec.Rules) bool { return slices.Contains(r.SELinuxTypes, seLinux) }, true},
		{"engine type before", "1.31 added it", api.LevelBaseline, 30, false, false, func(r *spec.Rules) bool { return slices.Contains(r.SELinuxTypes, seLinux) }, false},
		{"seccomp annotations", "the fields came with 1.19", api.LevelBaseline, 18, false, false, func(r *spec.Rules) bool { return r.SeccompAnnotations }, true},
		{"seccomp fields", "they came with 1.19", api.LevelBaseline, 19, false, false, func(r *spec.Rules) bool { return r.SeccompAnnotations }, false},
		{"seccomp annotations at v1.0", "the first version is a version", api.LevelBaseline, 0, false, false, func(r *spec.Rules) bool { return r.SeccompAnnotations }, true},
		{"escalation", "the field came with 1.8", api.LevelRestricted, 8, false, false, checked(spec.CheckAllowPrivilegeEscalation), true},
		{"escalation before", "the field came with 1.8", api.LevelRestricted, 7, false, false, checked(spec.CheckAllowPrivilegeEscalation), false},
		{"escalation at baseline", "it is a restricted check", api.LevelBaseline, 37, false, false, checked(spec.CheckAllowPrivilegeEscalation), false},
		{"escalation on Windows", "exempt since 1.25", api.LevelRestricted, 25, true, false, checked(spec.CheckAllowPrivilegeEscalation), false},
		{"escalation on Windows before", "exempt since 1.25", api.LevelRestricted, 24, true, false, checked(spec.CheckAllowPrivilegeEscalation), true},
		{"escalation in a user namespace", "no exemption there", api.LevelRestricted, 37, false, true, checked(spec.CheckAllowPrivilegeEscalation), true},
		{"overridden on Windows", "an exempt check still overrides", api.LevelRestricted, 25, true, false, checked(spec.CheckCapabilitiesBaseline), false},
		{"overridden", "restricted runs its own check", api.LevelRestricted, 22, false, false, checked(spec.CheckCapabilitiesBaseline), false},
		{"not yet overridden", "the restricted check came with 1.22", api.LevelRestricted, 21, false, false, checked(spec.CheckCapabilitiesBaseline), true},
		{"root in a user namespace", "exempt since 1.35", api.LevelRestricted, 35, false, true, checked(spec.CheckRunAsUser), false},
		{"root in a user namespace before", "exempt since 1.35", api.LevelRestricted, 34, false, true, checked(spec.CheckRunAsUser), true},
		{"root on Windows", "no exemption there", api.LevelRestricted, 35, true, false, checked(spec.CheckRunAsUser), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lv := api.LevelVersion{Level: tt.level, Version: api.MajorMinorVersion(1, tt.minor)}
			if got := tt.holds(spec.For(lv, tt.windows, tt.userNamespace)); got != tt.want {
				t.Errorf("at %s: %v, want %v: %s", lv, got, tt.want, tt.reason)
			}
		})
	}
}

// TestPrivilegedChecksNothing: at level privileged no check is in force.
func TestPrivilegedChecksNothing(t *testing.T) {
	if r := spec.For(api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}, false, false); r.Checks != 0 {
		t.Errorf("checks %b", r.Checks)
	}
}

// TestFirstUnknownCheck: the ID after the last check is no check.
func TestFirstUnknownCheck(t *testing.T) {
	var first spec.CheckID
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			first = max(first, check.ID+1)
		}
	}
	if first.Control() != nil || first.String() != fmt.Sprintf("check(%d)", uint8(first)) {
		t.Errorf("%s has a control, or the name of a check", first)
	}
}
