package evaluate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/internal/want"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// demands appends what the policy's own rules demand beyond the level. standing
// is what stands of the standard.
func demands(v *view, level api.Level, p *policy.Policy, standing []Violation) []Violation {
	d := demander{view: *v, level: level, policy: p, found: standing}
	windows := spec.IsWindows(v.pod)
	for i := range policy.Demands() {
		if row := &policy.Demands()[i]; !windows || row.OnWindows {
			d.rule(row, len(standing))
		}
	}
	return d.found
}

// demander collects what the rules of one policy demand.
type demander struct {
	view
	level  api.Level
	policy *policy.Policy
	found  []Violation
	mounts mounts
	// paths and types are what volumes must be, once somebody asked.
	paths, types string
}

// rule holds the pod to one rule. The first standing of the found violations are
// of the standard.
func (d *demander) rule(row *policy.Demand, standing int) {
	allow := &d.policy.Allow
	switch row.Key {
	case policy.KeyRunAsUser:
		d.users(&allow.RunAsUser)
	case policy.KeyRunAsGroup:
		d.groups(&allow.RunAsGroup)
	case policy.KeyFSGroup:
		d.fsGroup(&allow.FSGroup)
	case policy.KeySupplementalGroups:
		if row.Condition == policy.Strict {
			d.strictGroups(&allow.SupplementalGroups)
		} else {
			d.supplementalGroups(&allow.SupplementalGroups.GroupRule)
		}
	case policy.KeyVolumes:
		d.volumes(d.policy, standing)
	case policy.KeyReadOnlyRootFilesystem:
		if allow.ReadOnlyRootFilesystem {
			d.readOnlyRoot()
		}
	case policy.KeyUserNamespace:
		if allow.RequiresUserNamespace() {
			d.userNamespace()
		}
	}
}

func (d *demander) add(rule policy.Key, l spec.Location, value any, want string) {
	d.found = append(d.found, Violation{Rule: rule, Location: l, Value: value, Want: want})
}

// users demands an effective UID within the ranges of MustRunAs.
func (d *demander) users(rule *policy.UserRule) {
	if rule.Rule != policy.MustRunAs {
		return
	}
	d.ids(policy.KeyRunAsUser, rule.Ranges, true, policy.View.AdmitsUser, userField)
}

// groups demands an effective GID within the ranges, or none under MayRunAs.
func (d *demander) groups(rule *policy.GroupRule) {
	if restricts(rule) {
		d.ids(policy.KeyRunAsGroup, rule.Ranges, rule.Rule == policy.MustRunAs, policy.View.AdmitsGroup, groupField)
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

// ids holds every container's effective ID against what is said of the container. A
// bad value is reported where it is set: once on the pod, however many containers
// inherit it. ranges and required are the policy's own part of it, for the text.
func (d *demander) ids(
	rule policy.Key, ranges []policy.IDRange, required bool, admits func(policy.View, *int64) bool, f *idField,
) {
	fromPod := false
	var inherited *int64
	if sc := d.pod.SecurityContext; sc != nil {
		inherited = f.pod(sc)
	}
	start := len(d.found)
	for at, c := range podwalk.Containers(d.pod) {
		var own *int64
		if c.SecurityContext != nil {
			own = f.container(c.SecurityContext)
		}
		effective := own
		if effective == nil {
			effective = inherited
		}
		switch {
		case admits(d.policy.For(at.Kind, c), effective):
		case own != nil:
			d.add(rule, spec.At(at, f.ofContainer), *own, "")
		case inherited == nil:
			d.add(rule, spec.At(at, f.ofContainer), nil, "")
		default:
			fromPod = true
		}
	}
	if fromPod {
		bad := Violation{Rule: rule, Location: spec.At(spec.Container{}, f.ofPod), Value: *inherited}
		d.found = slices.Insert(d.found, start, bad)
	}
	d.wantIDs(start, ranges, required)
}

// wantIDs says of the violations from start on what they want: an ID within
// ranges, or none where it is not required. The text is made once, and only
// where it is wanted.
func (d *demander) wantIDs(start int, ranges []policy.IDRange, required bool) {
	if start == len(d.found) {
		return
	}
	text := want.IDs(ranges, required)
	for i := range d.found[start:] {
		d.found[start+i].Want = text
	}
}

func (d *demander) fsGroup(rule *policy.GroupRule) {
	if !restricts(rule) {
		return
	}
	start, required := len(d.found), rule.Rule == policy.MustRunAs
	location := spec.At(spec.Container{}, spec.FieldPodFSGroup)
	switch sc := d.pod.SecurityContext; {
	case sc != nil && sc.FSGroup != nil:
		if !policy.InRanges(rule.Ranges, *sc.FSGroup) {
			d.add(policy.KeyFSGroup, location, *sc.FSGroup, "")
		}
	case required:
		d.add(policy.KeyFSGroup, location, nil, "")
	}
	d.wantIDs(start, rule.Ranges, required)
}

func (d *demander) supplementalGroups(rule *policy.GroupRule) {
	if !restricts(rule) {
		return
	}
	start, required := len(d.found), rule.Rule == policy.MustRunAs
	var groups []int64
	if d.pod.SecurityContext != nil {
		groups = d.pod.SecurityContext.SupplementalGroups
	}
	if len(groups) == 0 && required {
		d.add(policy.KeySupplementalGroups, spec.At(spec.Container{}, spec.FieldSupplementalGroups), nil, "")
	}
	for i, group := range groups {
		if !policy.InRanges(rule.Ranges, group) {
			d.add(policy.KeySupplementalGroups, spec.AtIndex(spec.Container{}, spec.FieldSupplementalGroup, i), group, "")
		}
	}
	d.wantIDs(start, rule.Ranges, required)
}

// strictGroups demands that the image adds no groups.
func (d *demander) strictGroups(rule *policy.SupplementalGroupsRule) {
	if !rule.IsStrict() {
		return
	}
	var value any
	if sc := d.pod.SecurityContext; sc != nil && sc.SupplementalGroupsPolicy != nil {
		if *sc.SupplementalGroupsPolicy == rule.Policy {
			return
		}
		value = string(*sc.SupplementalGroupsPolicy)
	}
	d.add(policy.KeySupplementalGroups, spec.At(spec.Container{}, spec.FieldSupplementalGroupsPolicy), value, string(rule.Policy))
}

// volumes demands that each source of each volume is listed. Unset, the
// documented default counts for a policy that selects its pods, and only at
// restricted: at baseline the standard leaves types free. A volume that the
// standard already refuses is not refused twice, and hostPath, wherever
// volumes may leave it, goes by allowedHostPaths.
func (d *demander) volumes(p *policy.Policy, standing int) {
	if p.Allow.Volumes == nil && (d.level != api.LevelRestricted || !p.Selects()) {
		return
	}
	refused := volumeViolations(d.found[:standing])
	for i := range d.pod.Volumes {
		if len(refused) > 0 && int(refused[0].Index) == i {
			refused = refused[1:]
			continue
		}
		d.volume(p, i)
	}
	added := len(d.pod.Volumes)
	if d.tokenVolume() {
		d.addedVolume(p, added, spec.FieldVolumeProjected, spec.TokenVolume, spec.DefaultTokenVolume)
		added++
	}
	if d.still.Has(spec.DefaultClaimVolumes) {
		d.addedVolume(p, added, spec.FieldVolumePersistentVolumeClaim, spec.ClaimVolume, spec.DefaultClaimVolumes)
	}
}

// addedVolume holds a volume that others add to the pod to the rule. It is said to
// stand behind those that the author wrote.
func (d *demander) addedVolume(p *policy.Policy, i int, f spec.Field, name string, by spec.Default) {
	if of := spec.VolumeTypeOf(f); !p.Allow.Volume(of) {
		d.add(policy.KeyVolumes, spec.AtIndex(spec.Container{}, f, i), of, d.wantTypes())
		v := &d.found[len(d.found)-1]
		v.Volume, v.Default = name, by
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

func (d *demander) volume(p *policy.Policy, i int) {
	volume := &d.pod.Volumes[i]
	sources := spec.SourcesOf(volume)
	for t := range sources.Types() {
		switch {
		case t.Field != spec.FieldVolumeHostPath:
			if !p.Allow.Volume(t.Name) {
				d.addVolume(i, t.Field, t.Name, d.wantTypes())
				if p.Allow.Volumes == nil && t.Restricted {
					d.found[len(d.found)-1].Want = want.BeyondDefault
				}
			}
		case !p.Allow.HostPath(volume.HostPath.Path, d.mounts.hostPath(d.pod, volume)):
			d.addVolume(i, t.Field, volume.HostPath.Path, d.wantPaths())
		}
	}
	if sources == 0 && !p.Allow.Volume(spec.UnknownVolumeType) {
		d.addVolume(i, spec.FieldVolume, spec.UnknownVolumeType, d.wantTypes())
	}
}

func (d *demander) addVolume(i int, f spec.Field, value any, want string) {
	d.add(policy.KeyVolumes, spec.AtIndex(spec.Container{}, f, i), value, want)
	d.found[len(d.found)-1].Volume = d.pod.Volumes[i].Name
}

// wantPaths says which host paths the policy grants. The text is made once, for
// a pod may have thousands of volumes and a policy hundreds of paths.
func (d *demander) wantPaths() string {
	if d.paths == "" {
		d.paths = want.HostPath(d.policy)
	}
	return d.paths
}

// wantTypes says which volume types the policy admits. It is made once too.
func (d *demander) wantTypes() string {
	if d.types == "" {
		d.types = want.Volumes(d.policy)
	}
	return d.types
}

func (d *demander) readOnlyRoot() {
	for at, c := range podwalk.Containers(d.pod) {
		location := spec.At(at, spec.FieldReadOnlyRootFilesystem)
		switch sc := c.SecurityContext; {
		case sc == nil || sc.ReadOnlyRootFilesystem == nil:
			d.add(policy.KeyReadOnlyRootFilesystem, location, nil, "true")
		case !*sc.ReadOnlyRootFilesystem:
			d.add(policy.KeyReadOnlyRootFilesystem, location, false, "true")
		}
	}
}

// userNamespace demands hostUsers=false. Where it is unset and the API refuses it
// beside another field, that is what the pod's author can change.
func (d *demander) userNamespace() {
	if spec.InUserNamespace(d.pod) {
		return
	}
	var value any
	if d.pod.HostUsers != nil {
		value = true
	}
	text := want.UserNamespace(spec.ForbidsUserNamespace(d.pod))
	d.add(policy.KeyUserNamespace, spec.At(spec.Container{}, spec.FieldHostUsers), value, text)
}
