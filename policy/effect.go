package policy

import (
	"cmp"
	"reflect"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// effect is how a policy differs from the default one.
type effect uint8

const (
	differs effect = iota
	// narrowsVolumes: it only refuses volume types that restricted allows.
	narrowsVolumes
	// noEffect: for no pod is there another verdict, or another value filled in.
	noEffect
)

// effect takes from a policy all that means what the default means, at
// restricted and the latest version for pods that the API accepts. If anything
// is left, the policy differs; so does one with a field that is not known here.
//
// A list of capabilities always counts: with it "CAP_NET_BIND_SERVICE" passes,
// which the standard, comparing exactly, refuses. So does MustRunAs with every
// ID in its ranges: an unset ID does not meet it.
func (p *Policy) effect() effect {
	rest := p.DeepCopy()
	rest.Name, rest.PodSelectorLabels, rest.PodSelectorExpressions = "", nil, nil
	rest.Namespace, rest.Namespaces, rest.NamespaceSelector = "", nil, nil
	rest.Source = Source{}
	narrows := rest.Allow.dropPlainVolumes()
	rest.Allow.dropPlainLists()
	rest.Allow.dropPlainRules()
	rest.Mutations.dropDefaults()
	switch {
	case !reflect.DeepEqual(rest, &Policy{}):
		return differs
	case narrows:
		return narrowsVolumes
	default:
		return noEffect
	}
}

// dropPlainVolumes removes a list of volumes that grants nothing. narrows: it
// also refuses something that restricted allows, as the documented default does.
func (a *Allow) dropPlainVolumes() (narrows bool) {
	for _, t := range spec.VolumeTypes() {
		if !t.Restricted && t.Name != spec.HostPath && a.Volume(t.Name) {
			return false
		}
	}
	narrows = len(a.narrowed()) > 0
	a.Volumes = nil
	return narrows
}

// narrowed are the volume types that restricted allows and the policy refuses.
func (a *Allow) narrowed() (types []string) {
	for _, t := range spec.VolumeTypes() {
		if t.Restricted && !a.Volume(t.Name) {
			types = append(types, t.Name)
		}
	}
	return types
}

// dropPlainLists removes lists without an entry, and sysctls that are safe anyway.
func (a *Allow) dropPlainLists() {
	safe := spec.For(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, false, false).Sysctls
	a.AllowedUnsafeSysctls = slices.DeleteFunc(a.AllowedUnsafeSysctls, func(name string) bool { return slices.Contains(safe, name) })
	for _, list := range []*[]string{&a.AllowedCapabilities, &a.AllowedUnsafeSysctls, &a.SeccompProfiles, &a.AppArmorProfiles, &a.ProcMounts, &a.AllowedProbeHosts} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(a.AllowedHostPaths) == 0 {
		a.AllowedHostPaths = nil
	}
	if len(a.AllowedHostPorts) == 0 {
		a.AllowedHostPorts = nil
	}
}

// dropPlainRules removes rules that demand nothing.
func (a *Allow) dropPlainRules() {
	if a.RunAsUser.Rule == MustRunAsNonRoot || a.RunAsUser.Rule == "" {
		a.RunAsUser = UserRule{}
	}
	for _, rule := range []*GroupRule{&a.RunAsGroup, &a.FSGroup, &a.SupplementalGroups.GroupRule} {
		if rule.Rule == RunAsAny || rule.Rule == "" || rule.Rule == MayRunAs && everyID(rule.Ranges) {
			*rule = GroupRule{}
		}
	}
}

// everyID reports whether the ranges together hold every ID.
func everyID(ranges []IDRange) bool {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b IDRange) int { return cmp.Compare(a.Min, b.Min) })
	next := int64(0)
	for _, r := range sorted {
		if r.Min > next {
			return false
		}
		next = max(next, r.Max+1)
	}
	return next > MaxID
}

// dropDefaults removes values that are the defaults.
func (m *Mutations) dropDefaults() {
	standard := Default()
	if m.DropsAllCapabilities() {
		m.DropAllCapabilities = nil
	}
	if m.SetsSeccompProfile() {
		m.SetDefaultSeccompProfile = nil
	}
	if group, _ := standard.GroupFill(); m.RunAsGroup != nil && *m.RunAsGroup == GroupFill(group) {
		m.RunAsGroup = nil
	}
	if fsGroup, _ := standard.FSGroupFill(); m.FSGroup != nil && *m.FSGroup == GroupFill(fsGroup) {
		m.FSGroup = nil
	}
	if slices.Equal(m.SupplementalGroups, standard.SupplementalGroupsFill()) {
		m.SupplementalGroups = nil
	}
}
