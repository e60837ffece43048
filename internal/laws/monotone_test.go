package laws

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// grants are the parts of a policy that only ever excuse: removing one may deny
// what was allowed, and never the other way round.
var grants = map[string]func(*policy.Policy){
	"allow.allowPrivilegeEscalation": func(p *policy.Policy) { p.Allow.AllowPrivilegeEscalation = false },
	"allow.privileged":               func(p *policy.Policy) { p.Allow.Privileged = false },
	"allow.allowedCapabilities":      func(p *policy.Policy) { shorten(&p.Allow.AllowedCapabilities) },
	"allow.allowedUnsafeSysctls":     func(p *policy.Policy) { shorten(&p.Allow.AllowedUnsafeSysctls) },
	"allow.hostNetworkPorts":         func(p *policy.Policy) { p.Allow.HostNetworkPorts = false },
	"allow.hostNamespace":            func(p *policy.Policy) { p.Allow.HostNamespace = false },
	"allow.allowedHostPaths":         func(p *policy.Policy) { shorten(&p.Allow.AllowedHostPaths) },
	"allow.volumes":                  func(p *policy.Policy) { shorten(&p.Allow.Volumes) },
	"allow.seccompProfiles":          func(p *policy.Policy) { p.Allow.SeccompProfiles = nil },
	"allow.appArmorProfiles":         func(p *policy.Policy) { p.Allow.AppArmorProfiles = nil },
	"allow.procMounts":               func(p *policy.Policy) { p.Allow.ProcMounts = nil },
	"allow.seLinuxOptions":           func(p *policy.Policy) { p.Allow.SELinuxOptions = false },
	"allow.windowsHostProcess":       func(p *policy.Policy) { p.Allow.WindowsHostProcess = false },
	"allow.allowedProbeHosts":        func(p *policy.Policy) { shorten(&p.Allow.AllowedProbeHosts) },
	"allow.allowedHostPorts":         func(p *policy.Policy) { shorten(&p.Allow.AllowedHostPorts) },
	"allow.hostNetwork":              func(p *policy.Policy) { p.Allow.HostNetwork = false },
	"allow.hostPID":                  func(p *policy.Policy) { p.Allow.HostPID = false },
	"allow.hostIPC":                  func(p *policy.Policy) { p.Allow.HostIPC = false },
	"allow.runAsUser": func(p *policy.Policy) {
		if p.Allow.RunAsUser.Rule == policy.RunAsAny {
			p.Allow.RunAsUser = policy.UserRule{}
		}
	},
	// Fewer ranges excuse fewer users and demand more. The first one stays: its
	// minimum is also what is filled in, and a pod that is filled with UID 0 may
	// be admitted where one that is filled with another is not.
	"allow.runAsUser.ranges": func(p *policy.Policy) {
		if ranges := p.Allow.RunAsUser.Ranges; len(ranges) > 1 {
			p.Allow.RunAsUser.Ranges = ranges[:len(ranges)-1]
		}
	},
	"allow.allowedHostPaths.readOnly": func(p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			p.Allow.AllowedHostPaths[i].ReadOnly = true
		}
	},
	"allow.allowedHostPaths.recursiveReadOnly": func(p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			h := &p.Allow.AllowedHostPaths[i]
			h.ReadOnly, h.RecursiveReadOnly = true, true
		}
	},
	"allow.allowedHostPaths.types": func(p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			h := &p.Allow.AllowedHostPaths[i]
			if h.Types == nil {
				h.Types = []string{"Directory", "Unset"}
			}
			h.Types = h.Types[:1]
		}
	},
	"mutations.dropAllCapabilities":      func(p *policy.Policy) { p.Mutations.DropAllCapabilities = nil },
	"mutations.setDefaultSeccompProfile": func(p *policy.Policy) { p.Mutations.SetDefaultSeccompProfile = nil },
}

// shorten takes the last entry from a list; an empty list stays one.
func shorten[T any](list *[]T) { *list = (*list)[:max(0, len(*list)-1)] }

// noGrants are the other parts of a policy, and why removing one is not removing
// a grant.
var noGrants = map[string]string{
	"allow.runAsGroup":              "a rule, which demands",
	"allow.fsGroup":                 "a rule, which demands",
	"allow.supplementalGroups":      "a rule, which demands",
	"allow.readOnlyRootFilesystem":  "a rule, which demands",
	"allow.userNamespace":           "a rule, which demands",
	"mutations.runAsUser":           "a value to fill in",
	"mutations.runAsGroup":          "a value to fill in",
	"mutations.fsGroup":             "a value to fill in",
	"mutations.fsGroupChangePolicy": "a value to fill in",
	"mutations.supplementalGroups":  "a value to fill in",
}

// TestEveryGrantIsKnown: each key of a policy is among grants or among noGrants,
// so that a new one is tried for TestGrantsAreMonotone.
func TestEveryGrantIsKnown(t *testing.T) {
	keys := 0
	for _, block := range []struct {
		prefix string
		typ    reflect.Type
	}{{"allow.", reflect.TypeFor[policy.Allow]()}, {"mutations.", reflect.TypeFor[policy.Mutations]()}} {
		for i := range block.typ.NumField() {
			name, _, _ := strings.Cut(block.typ.Field(i).Tag.Get("json"), ",")
			_, isGrant := grants[block.prefix+name]
			if why := noGrants[block.prefix+name]; isGrant == (why != "") {
				t.Errorf("%s%s is to stand in one of grants and noGrants of internal/laws/monotone_test.go: among grants: %v, no grant because it is %q",
					block.prefix, name, isGrant, why)
			}
			keys++
		}
	}
	if keys != 31 {
		t.Errorf("%d keys, want 31", keys)
	}
}

// TestGrantsAreMonotone: a grant removed never turns denied into allowed, which
// is to say that a grant added never turns allowed into denied: neither for the
// pod as it stands, nor for what Admit makes of it.
func TestGrantsAreMonotone(t *testing.T) {
	names := slices.Sorted(maps.Keys(grants))
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		more := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		less := without(&more, names[rapid.IntRange(0, len(names)-1).Draw(t, "grant"):], names)
		if less == nil { // it grants nothing: give it something to lose
			less = more.DeepCopy()
			more.Allow.Privileged = true
		}
		with := under(pod, lv, &more)
		remaining := map[string]bool{}
		for _, v := range under(pod, lv, less).Violations {
			remaining[place(v)] = true
		}
		for _, v := range with.Violations {
			if !remaining[place(v)] {
				t.Errorf("stands only with the grant: %s", v)
			}
		}
		if admitted := admitUnder(t, pod, lv, &more); !admitted.Allowed() && admitUnder(t, pod, lv, less).Allowed() {
			t.Errorf("admitted only without the grant; with it: %s", admitted.Result.Message())
		}
	})
}

// without is the policy without the first grant of the lists that it gives, nil if
// it gives none. A value to fill in may need the grant: such a policy is left out.
func without(p *policy.Policy, lists ...[]string) *policy.Policy {
	for _, name := range slices.Concat(lists...) {
		less := p.DeepCopy()
		grants[name](less)
		if !equality.Semantic.DeepEqual(p, less) && less.Validate() == nil {
			return less
		}
	}
	return nil
}

// place is what breaks a check or rule and where. A volume that is listed no more
// is refused by the standard or by the rule, whichever speaks, and by any of its
// sources.
func place(v evaluate.Violation) string {
	if isVolume(v.Field) {
		return "volume " + strconv.Itoa(int(v.Index))
	}
	return v.CheckOrRule() + v.Location.String()
}

// admitUnder is Admit under one policy, whatever that selects.
func admitUnder(t *rapid.T, pod *corev1.Pod, lv api.LevelVersion, p *policy.Policy) podfence.Decision {
	every := p.DeepCopy()
	selectEvery(every)
	set, err := policy.NewSet(*every)
	if err != nil {
		t.Fatal(err)
	}
	return podfence.Admit(pod, lv, set)
}
