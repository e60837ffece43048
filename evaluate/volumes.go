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
	sources := spec.SourcesOf(volume)
	if f == spec.FieldVolume {
		f = sources.Naming().Field
	}
	v.Field, v.Index, v.Volume, v.Sources = f, int32(i), volume.Name, sources
	if f == spec.FieldVolumeHostPath {
		v.Value = volume.HostPath.Path
	} else {
		v.Value = spec.VolumeTypeOf(f)
	}
	if volume.HostPath != nil {
		v.Facts |= w.mounts.hostPath(w.pod, volume)
	}
}

// mounts answers how the volumes of a pod are mounted. The zero mounts has not
// been asked yet.
type mounts map[string]spec.Facts

// fewVolumes is up to how many volumes a pod is looked through for each of them.
// For more, the answer for all is computed once.
const fewVolumes = 32

// hostPath is what the pod says of a hostPath volume of its own.
func (m *mounts) hostPath(pod *corev1.PodSpec, volume *corev1.Volume) spec.Facts {
	facts := spec.TypeOf(volume.HostPath) | m.of(pod, volume.Name)
	if spec.IsWindows(pod) {
		facts |= spec.OnWindows
	}
	return facts
}

// of says how containers mount the volume.
func (m *mounts) of(pod *corev1.PodSpec, volume string) (facts spec.Facts) {
	if len(pod.Volumes) <= fewVolumes {
		for name, mount := range allMounts(pod) {
			if name != volume {
				continue
			}
			if facts |= mountFacts(mount); facts == mountedAnyhow {
				break // no other mount can add to that
			}
		}
		return facts
	}
	if *m == nil {
		*m = mounts{}
		for name, mount := range allMounts(pod) {
			(*m)[name] |= mountFacts(mount)
		}
	}
	return (*m)[volume]
}

// allMounts visits the names of volumes that containers mount, with the mounts; nil
// for a device.
func allMounts(pod *corev1.PodSpec) iter.Seq2[string, *corev1.VolumeMount] {
	return func(yield func(string, *corev1.VolumeMount) bool) {
		for _, c := range podwalk.Containers(pod) {
			for i := range c.VolumeMounts {
				if m := &c.VolumeMounts[i]; !yield(m.Name, m) {
					return
				}
			}
			for i := range c.VolumeDevices {
				if !yield(c.VolumeDevices[i].Name, nil) {
					return
				}
			}
		}
	}
}

// mountedAnyhow are the facts of a volume that is mounted without any restriction.
const mountedAnyhow = spec.MountedWritable | spec.SubmountsWritable

// mountFacts is what a mount says of its volume. A device is always writable.
func mountFacts(m *corev1.VolumeMount) spec.Facts {
	switch {
	case m == nil || !m.ReadOnly:
		return mountedAnyhow
	case m.RecursiveReadOnly == nil || *m.RecursiveReadOnly != corev1.RecursiveReadOnlyEnabled:
		return spec.SubmountsWritable
	default:
		return 0
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
