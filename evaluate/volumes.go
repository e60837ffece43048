package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// volumes holds both checks that read volumes: hostPath at baseline, and the
// types at restricted, which name a volume by its first type.
func (w *walk) volumes() {
	for i := range w.pod.Volumes {
		v := &w.pod.Volumes[i]
		switch {
		case w.has(spec.CheckRestrictedVolumes):
			if !spec.RestrictedVolume(v) {
				t := spec.NamingType(v)
				w.addVolume(spec.CheckRestrictedVolumes, i, t.Field, volumeValue(t, v), "a volume type that restricted allows")
			}
		case w.has(spec.CheckHostPathVolumes) && v.HostPath != nil:
			w.addVolume(spec.CheckHostPathVolumes, i, spec.FieldVolumeHostPath, v.HostPath.Path, wantUnset)
		}
	}
}

// volumeValue is what a violation shows of a volume: the path of a hostPath, as
// that is what a policy goes by, else the type.
func volumeValue(t *spec.VolumeType, v *corev1.Volume) string {
	if t.Name == spec.HostPath {
		return v.HostPath.Path
	}
	return t.Name
}

func (w *walk) addVolume(id spec.CheckID, i int, f spec.Field, value, want string) {
	addAt(w, id, spec.AtIndex(w.at, f, i), value, want)
	if w.found != nil {
		w.found[w.next[id]-1].Volume = w.pod.Volumes[i].Name
	}
}

func excuseHostPath(s *subject, p *policy.Policy, v *Violation) policy.Key {
	if s.hostPathGranted(p, &s.pod.Volumes[v.Index]) {
		return policy.KeyAllowedHostPaths
	}
	v.Want = wantHostPath(p)
	return 0
}

// excuseVolume: every source that the volume has must be granted. API
// validation lets a volume have one; a second must not slip in behind it.
func excuseVolume(s *subject, p *policy.Policy, v *Violation) policy.Key {
	volume := &s.pod.Volumes[v.Index]
	if volume.HostPath != nil && !s.hostPathGranted(p, volume) {
		v.Want = wantHostPath(p)
		return 0
	}
	known := false
	for i := range spec.VolumeTypes() {
		t := &spec.VolumeTypes()[i]
		if !t.In(volume) {
			continue
		}
		known = true
		if t.Name != spec.HostPath && !p.Allow.Volume(t.Name) {
			return 0
		}
	}
	switch {
	case !known && !p.Allow.Volume(spec.UnknownVolumeType):
		return 0
	case volume.HostPath != nil:
		return policy.KeyAllowedHostPaths
	default:
		return policy.KeyVolumes
	}
}

// wantHostPath says what a policy with allowed host paths would have let pass.
func wantHostPath(p *policy.Policy) string {
	if len(p.Allow.AllowedHostPaths) == 0 {
		return wantUnset
	}
	want := "below "
	for i, allowed := range p.Allow.AllowedHostPaths {
		if i > 0 {
			want += " or "
		}
		want += allowed.PathPrefix
		if allowed.ReadOnly {
			want += " with every mount readOnly"
		}
	}
	return want
}

// hostPathGranted reports whether the policy covers the path of a hostPath
// volume and the ways in which it is mounted.
func (s *subject) hostPathGranted(p *policy.Policy, v *corev1.Volume) bool {
	covered, readOnly := p.Allow.HostPath(v.HostPath.Path)
	return covered && (!readOnly || !s.mountedWritable(v.Name))
}

// mountedWritable reports whether any container mounts the volume writable. The
// answer for all volumes is computed once, for pods may have many of both.
func (s *subject) mountedWritable(volume string) bool {
	if s.writable == nil {
		s.writable = map[string]bool{}
		for _, c := range podwalk.Containers(s.pod) {
			for i := range c.VolumeMounts {
				if !c.VolumeMounts[i].ReadOnly {
					s.writable[c.VolumeMounts[i].Name] = true
				}
			}
			for i := range c.VolumeDevices {
				s.writable[c.VolumeDevices[i].Name] = true
			}
		}
	}
	return s.writable[volume]
}

func volumeNames(vs []Violation) []string {
	names := make([]string, len(vs))
	for i := range vs {
		names[i] = vs[i].Volume
	}
	return names
}

func hostPathDetail(b *strings.Builder, vs []Violation) {
	b.WriteString(plural("volume", len(vs)))
	b.WriteByte(' ')
	writeQuoted(b, volumeNames(vs))
}

func volumesDetail(b *strings.Builder, vs []Violation) {
	types := make([]string, len(vs))
	for i := range vs {
		types[i] = spec.VolumeTypeOf(vs[i].Field)
	}
	types = sortedUnique(types)
	hostPathDetail(b, vs)
	b.WriteString(uses(len(vs)))
	b.WriteString(plural("restricted volume type", len(types)))
	b.WriteByte(' ')
	writeQuoted(b, types)
}
