package evaluate

import (
	"iter"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// volumes holds both checks that read volumes: hostPath at baseline, and the
// types at restricted, which name a volume by its first type.
func (w *walk) volumes() {
	for i := range w.pod.Volumes {
		v := &w.pod.Volumes[i]
		switch {
		case w.has(spec.CheckRestrictedVolumes):
			if !hotpath.RestrictedVolume(v) {
				w.addVolume(spec.CheckRestrictedVolumes, spec.FieldVolume, i)
			}
		case w.has(spec.CheckHostPathVolumes) && v.HostPath != nil:
			w.addVolume(spec.CheckHostPathVolumes, spec.FieldVolumeHostPath, i)
		}
	}
}

// addVolume notes a volume, under a field of its sources. FieldVolume stands for
// the one that names it, which is not looked up in the pass that only counts.
// The value of a hostPath is its path, as that is what a policy goes by, of
// others the type.
func (w *walk) addVolume(id spec.CheckID, f spec.Field, i int) {
	v := w.note(id, f)
	if v == nil {
		return
	}
	volume := &w.pod.Volumes[i]
	if f == spec.FieldVolume {
		f = spec.NamingType(volume).Field
	}
	v.Field, v.Index, v.Volume, v.Sources = f, int32(i), volume.Name, spec.SourcesOf(volume)
	if f == spec.FieldVolumeHostPath {
		v.Value = volume.HostPath.Path
	} else {
		v.Value = spec.VolumeTypeOf(f)
	}
	if volume.HostPath != nil && w.mounts.writable(w.pod, volume.Name) {
		v.Facts |= spec.MountedWritable
	}
}

// mounts answers which volumes of a pod are mounted writable. The zero mounts
// has not been asked yet.
type mounts map[string]bool

// fewVolumes is up to how many volumes a pod is looked through for each of them.
// For more, the answer for all is computed once.
const fewVolumes = 32

// writable reports whether any container mounts the volume writable.
func (m *mounts) writable(pod *corev1.PodSpec, volume string) bool {
	if len(pod.Volumes) <= fewVolumes {
		for name := range writableMounts(pod) {
			if name == volume {
				return true
			}
		}
		return false
	}
	if *m == nil {
		*m = mounts{}
		for name := range writableMounts(pod) {
			(*m)[name] = true
		}
	}
	return (*m)[volume]
}

// writableMounts visits the names of volumes that containers mount writable. A
// device is always writable.
func writableMounts(pod *corev1.PodSpec) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range podwalk.Containers(pod) {
			for i := range c.VolumeMounts {
				if m := &c.VolumeMounts[i]; !m.ReadOnly && !yield(m.Name) {
					return
				}
			}
			for i := range c.VolumeDevices {
				if !yield(c.VolumeDevices[i].Name) {
					return
				}
			}
		}
	}
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
