package hotpath

import (
	corev1 "k8s.io/api/core/v1"
)

// RestrictedVolume reports whether the restricted level allows a volume. One
// allowed source is enough, as upstream; API validation refuses volumes with
// several. It says what the table says, at a tenth of the cost, for it is asked
// of every volume of every pod; a test holds the two together.
func RestrictedVolume(v *corev1.Volume) bool {
	return v.ConfigMap != nil || v.CSI != nil || v.DownwardAPI != nil || v.EmptyDir != nil || v.Ephemeral != nil ||
		v.Image != nil || v.PersistentVolumeClaim != nil || v.Projected != nil || v.Secret != nil
}
