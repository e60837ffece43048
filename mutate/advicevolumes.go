package mutate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

const adviceVolumes = "fsGroup %d was filled in, and for that group the kubelet widens the modes of files: %s; a process that wants them narrow, as ssh wants its keys, may refuse them"

// The bits that the kubelet adds to the modes of files in a volume for an
// fsGroup: rwMask and roMask in pkg/volume/volume_linux.go. What it writes from
// Secrets and the like is read-only. Claims that are read-only by their own word are
// left alone, and others where the driver says so (supportsFSGroup in
// pkg/volume/csi/csi_mounter.go).
const (
	readWriteBits = 0o660
	readOnlyBits  = 0o440
)

// volumes says whose files an fsGroup that was filled in opens further than their
// author may have wanted. Claims may hold files that have been there before. The
// others are written from the pod, by a mode that it says. Volumes that no
// container mounts are not set up at all.
func (a *adviser) volumes(group int64) {
	if spec.IsWindows(a.pod) {
		return
	}
	var widened []string
	var mounted map[string]bool
	count := 0
	for i := range a.pod.Volumes {
		v := &a.pod.Volumes[i]
		text := widenedBy(v)
		if text == "" {
			continue
		}
		if mounted == nil {
			mounted = mountedVolumes(a.pod)
		}
		if !mounted[v.Name] {
			continue
		}
		if count++; count <= mostNamed {
			widened = append(widened, fmt.Sprintf("of volume %q (%s)", v.Name, text))
		}
	}
	if count == 0 {
		return
	}
	if n := count - mostNamed; n > 0 {
		widened = append(widened, fmt.Sprintf("and of %d more", n))
	}
	a.add(spec.At(spec.Container{}, spec.FieldPodFSGroup), VolumeModes, adviceVolumes, group, strings.Join(widened, ", "))
}

// widenedBy says what a volume is and by how much its modes are widened, nothing
// where they are not.
func widenedBy(v *corev1.Volume) string {
	if claim := v.PersistentVolumeClaim; claim != nil {
		if claim.ReadOnly {
			return ""
		}
		return fmt.Sprintf("persistentVolumeClaim, by %04o if its driver lets it", readWriteBits)
	}
	modes, kind := modes{}, ""
	switch {
	case v.Secret != nil:
		kind = "secret"
		modes.keys(v.Secret.Items, v.Secret.DefaultMode)
	case v.ConfigMap != nil:
		kind = "configMap"
		modes.keys(v.ConfigMap.Items, v.ConfigMap.DefaultMode)
	case v.DownwardAPI != nil:
		kind = "downwardAPI"
		modes.files(v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		kind = "projected"
		modes.projected(v.Projected)
	}
	if !modes.narrow {
		return ""
	}
	return fmt.Sprintf("%s, mode %04o by %04o", kind, modes.first, readOnlyBits)
}

// modes are those of the files of one volume.
type modes struct {
	// narrow: there is one that gives the group less than the kubelet does, first.
	narrow bool
	first  int32
}

// file is the mode of one file; nil is 0644, by default of the API.
func (m *modes) file(own, byDefault *int32) {
	mode := own
	if mode == nil {
		mode = byDefault
	}
	if mode != nil && *mode&readOnlyBits != readOnlyBits && !m.narrow {
		m.narrow, m.first = true, *mode
	}
}

// keys are the files of a Secret or a ConfigMap: those that are listed, else all.
func (m *modes) keys(items []corev1.KeyToPath, byDefault *int32) {
	if len(items) == 0 {
		m.file(nil, byDefault)
	}
	for i := range items {
		m.file(items[i].Mode, byDefault)
	}
}

func (m *modes) files(items []corev1.DownwardAPIVolumeFile, byDefault *int32) {
	for i := range items {
		m.file(items[i].Mode, byDefault)
	}
}

// projected are the files of several sources. Tokens, trust bundles and
// certificates have the mode of the volume.
func (m *modes) projected(p *corev1.ProjectedVolumeSource) {
	for i := range p.Sources {
		switch s := &p.Sources[i]; {
		case s.Secret != nil:
			m.keys(s.Secret.Items, p.DefaultMode)
		case s.ConfigMap != nil:
			m.keys(s.ConfigMap.Items, p.DefaultMode)
		case s.DownwardAPI != nil:
			m.files(s.DownwardAPI.Items, p.DefaultMode)
		default:
			m.file(nil, p.DefaultMode)
		}
	}
}

// mountedVolumes are the names of those that a container mounts.
func mountedVolumes(pod *corev1.PodSpec) map[string]bool {
	mounted := map[string]bool{}
	for _, c := range podwalk.Containers(pod) {
		for i := range c.VolumeMounts {
			mounted[c.VolumeMounts[i].Name] = true
		}
	}
	return mounted
}
