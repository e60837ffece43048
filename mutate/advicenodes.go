package mutate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const adviceWindowsNodes = "Windows nodes are selected, and spec.os.name is not set: the pod was judged and filled in as one for Linux, with fields that these nodes do not know; set spec.os.name: windows"

// asWindows is the pod as Windows nodes will see it, where it selects them and
// does not name its operating system; else the pod itself.
func asWindows(pod *corev1.PodSpec) *corev1.PodSpec {
	if pod.OS != nil && pod.OS.Name != "" || !selectsWindows(pod) {
		return pod
	}
	windows := *pod
	windows.OS = &corev1.PodOS{Name: corev1.Windows}
	return &windows
}

// osLabels are the labels of nodes that say their operating system, the second of
// old.
var osLabels = [...]string{corev1.LabelOSStable, "beta.kubernetes.io/os"}

// selectsWindows reports whether the pod can only be scheduled to Windows nodes.
func selectsWindows(pod *corev1.PodSpec) bool {
	for _, key := range osLabels {
		if pod.NodeSelector[key] == string(corev1.Windows) {
			return true
		}
	}
	affinity := pod.Affinity
	if affinity == nil || affinity.NodeAffinity == nil {
		return false
	}
	required := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	// One of the terms must match, and one that asks for nothing matches no node.
	return required != nil && len(required.NodeSelectorTerms) > 0 &&
		!slices.ContainsFunc(required.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
			return !slices.ContainsFunc(term.MatchExpressions, wantsWindows)
		})
}

// wantsWindows reports whether an expression matches Windows nodes alone.
func wantsWindows(r corev1.NodeSelectorRequirement) bool {
	return slices.Contains(osLabels[:], r.Key) && r.Operator == corev1.NodeSelectorOpIn &&
		len(r.Values) > 0 && !slices.ContainsFunc(r.Values, func(v string) bool { return v != string(corev1.Windows) })
}
