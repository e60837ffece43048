package evaluate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// rules appends what the policy's own rules demand beyond the level. standing
// is what stands of the standard.
func rules(s subject, p *policy.Policy, standing []Violation) []Violation {
	r := ruled{subject: s, found: standing}
	// API validation forbids a Windows pod to carry the other fields.
	if !spec.IsWindows(s.pod) {
		r.users(&p.Allow.RunAsUser)
		r.groups(&p.Allow.RunAsGroup)
		r.fsGroup(&p.Allow.FSGroup)
		r.supplementalGroups(&p.Allow.SupplementalGroups)
	}
	r.volumes(p, len(standing))
	if p.Allow.ReadOnlyRootFilesystem && !spec.IsWindows(s.pod) {
		r.readOnlyRoot()
	}
	return r.found
}

// ruled collects what the rules of one policy demand.
type ruled struct {
	subject
	found []Violation
}

func (r *ruled) add(rule policy.Key, l spec.Location, value any, want string) {
	r.found = append(r.found, Violation{Rule: rule, Location: l, Value: value, Want: want})
}

// users demands an effective UID within the ranges of MustRunAs.
func (r *ruled) users(rule *policy.UserRule) {
	if rule.Rule != policy.MustRunAs {
		return
	}
	r.ids(policy.KeyRunAsUser, rule.Ranges, true, describe(rule.Ranges), userField)
}

// groups demands an effective GID within the ranges, or none under MayRunAs.
func (r *ruled) groups(rule *policy.GroupRule) {
	if restricts(rule) {
		r.ids(policy.KeyRunAsGroup, rule.Ranges, rule.Rule == policy.MustRunAs, wantGroup(rule), groupField)
	}
}

func restricts(rule *policy.GroupRule) bool {
	return rule.Rule == policy.MustRunAs || rule.Rule == policy.MayRunAs
}

// idField is an ID that a container has itself or inherits from its pod.
type idField struct {
	ofPod, ofContainer spec.Field
	pod                func(*corev1.PodSecurityContext) *int64
	container          func(*corev1.SecurityContext) *int64
}

var (
	userField = &idField{
		spec.FieldPodRunAsUser, spec.FieldRunAsUser,
		func(sc *corev1.PodSecurityContext) *int64 { return sc.RunAsUser },
		func(sc *corev1.SecurityContext) *int64 { return sc.RunAsUser },
	}
	groupField = &idField{
		spec.FieldPodRunAsGroup, spec.FieldRunAsGroup,
		func(sc *corev1.PodSecurityContext) *int64 { return sc.RunAsGroup },
		func(sc *corev1.SecurityContext) *int64 { return sc.RunAsGroup },
	}
)

// ids holds every container's effective ID against ranges. A bad value is
// reported where it is set: once on the pod, however many containers inherit it.
func (r *ruled) ids(rule policy.Key, ranges []policy.IDRange, required bool, want string, f *idField) {
	fromPod := false
	var inherited *int64
	if sc := r.pod.SecurityContext; sc != nil {
		inherited = f.pod(sc)
	}
	start := len(r.found)
	for at, c := range podwalk.Containers(r.pod) {
		var own *int64
		if c.SecurityContext != nil {
			own = f.container(c.SecurityContext)
		}
		switch {
		case own != nil && !policy.InRanges(ranges, *own):
			r.add(rule, spec.At(at, f.ofContainer), *own, want)
		case own != nil:
		case inherited == nil && required:
			r.add(rule, spec.At(at, f.ofContainer), nil, want)
		case inherited != nil && !policy.InRanges(ranges, *inherited):
			fromPod = true
		}
	}
	if fromPod {
		bad := Violation{Rule: rule, Location: spec.At(spec.Container{}, f.ofPod), Value: *inherited, Want: want}
		r.found = slices.Insert(r.found, start, bad)
	}
}

func (r *ruled) fsGroup(rule *policy.GroupRule) {
	if !restricts(rule) {
		return
	}
	location := spec.At(spec.Container{}, spec.FieldPodFSGroup)
	switch sc := r.pod.SecurityContext; {
	case sc != nil && sc.FSGroup != nil:
		if !rule.InRange(*sc.FSGroup) {
			r.add(policy.KeyFSGroup, location, *sc.FSGroup, wantGroup(rule))
		}
	case rule.Rule == policy.MustRunAs:
		r.add(policy.KeyFSGroup, location, nil, wantGroup(rule))
	}
}

func (r *ruled) supplementalGroups(rule *policy.GroupRule) {
	if !restricts(rule) {
		return
	}
	var groups []int64
	if r.pod.SecurityContext != nil {
		groups = r.pod.SecurityContext.SupplementalGroups
	}
	if len(groups) == 0 && rule.Rule == policy.MustRunAs {
		r.add(policy.KeySupplementalGroups, spec.At(spec.Container{}, spec.FieldSupplementalGroups), nil, wantGroup(rule))
	}
	for i, group := range groups {
		if !rule.InRange(group) {
			r.add(policy.KeySupplementalGroups, spec.AtIndex(spec.Container{}, spec.FieldSupplementalGroup, i), group, wantGroup(rule))
		}
	}
}

// wantGroup says what a group must be.
func wantGroup(rule *policy.GroupRule) string {
	if rule.Rule == policy.MayRunAs {
		return describe(rule.Ranges) + " or unset"
	}
	return describe(rule.Ranges)
}

// describe renders ranges: "400", "400 to 499 or 1000 to 2000".
func describe(ranges []policy.IDRange) string {
	parts := make([]string, len(ranges))
	for i, r := range ranges {
		if parts[i] = fmt.Sprint(r.Min); r.Min != r.Max {
			parts[i] = fmt.Sprintf("%d to %d", r.Min, r.Max)
		}
	}
	return strings.Join(parts, " or ")
}

// volumes demands that each source of each volume is listed. Unset, the
// documented default counts for a policy that selects its pods, and only at
// restricted: at baseline the standard leaves types free. A volume that the
// standard already refuses is not refused twice, and hostPath, wherever
// volumes may leave it, goes by allowedHostPaths.
func (r *ruled) volumes(p *policy.Policy, standing int) {
	if p.Allow.Volumes == nil && (r.level != api.LevelRestricted || !p.Selects()) {
		return
	}
	refused := volumeViolations(r.found[:standing])
	for i := range r.pod.Volumes {
		if len(refused) > 0 && refused[0].Index == i {
			refused = refused[1:]
			continue
		}
		r.volume(p, i)
	}
}

// volumeViolations are the standard's violations about volumes: at one level
// one check reads them, once each, in their order.
func volumeViolations(standing []Violation) []Violation {
	first := slices.IndexFunc(standing, func(v Violation) bool {
		return v.Check == spec.CheckHostPathVolumes || v.Check == spec.CheckRestrictedVolumes
	})
	if first < 0 {
		return nil
	}
	return standing[first:][:run(standing[first:])]
}

func (r *ruled) volume(p *policy.Policy, i int) {
	volume := &r.pod.Volumes[i]
	known := false
	for t := range spec.VolumeTypes() {
		t := &spec.VolumeTypes()[t]
		if !t.In(volume) {
			continue
		}
		known = true
		switch {
		case t.Name == spec.HostPath && !r.hostPathGranted(p, volume):
			r.addVolume(i, t.Field, volumeValue(t, volume), wantHostPath(p))
		case t.Name != spec.HostPath && !p.Allow.Volume(t.Name):
			r.addVolume(i, t.Field, volumeValue(t, volume), wantVolumes(p))
		}
	}
	if !known && !p.Allow.Volume(spec.UnknownVolumeType) {
		r.addVolume(i, spec.FieldVolume, spec.UnknownVolumeType, wantVolumes(p))
	}
}

func (r *ruled) addVolume(i int, f spec.Field, value any, want string) {
	r.add(policy.KeyVolumes, spec.AtIndex(spec.Container{}, f, i), value, want)
	r.found[len(r.found)-1].Volume = r.pod.Volumes[i].Name
}

func wantVolumes(p *policy.Policy) string {
	switch {
	case p.Allow.Volumes == nil:
		return "one of the default volumes of a policy: " + strings.Join(policy.DefaultVolumes(), ", ")
	case len(p.Allow.Volumes) == 0:
		return "absent: the policy admits no volume"
	default:
		return "one of " + strings.Join(p.Allow.Volumes, ", ")
	}
}

func (r *ruled) readOnlyRoot() {
	for at, c := range podwalk.Containers(r.pod) {
		location := spec.At(at, spec.FieldReadOnlyRootFilesystem)
		switch sc := c.SecurityContext; {
		case sc == nil || sc.ReadOnlyRootFilesystem == nil:
			r.add(policy.KeyReadOnlyRootFilesystem, location, nil, "true")
		case !*sc.ReadOnlyRootFilesystem:
			r.add(policy.KeyReadOnlyRootFilesystem, location, false, "true")
		}
	}
}
