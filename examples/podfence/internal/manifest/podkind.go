package manifest

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// podKind is a kind that holds a pod, in the one API version that Kubernetes serves.
type podKind struct {
	apiVersion, kind string
	create           func() runtime.Object
}

var podKinds = []podKind{
	{"v1", "Pod", func() runtime.Object { return &corev1.Pod{} }},
	{"v1", "PodTemplate", func() runtime.Object { return &corev1.PodTemplate{} }},
	{"v1", "ReplicationController", func() runtime.Object { return &corev1.ReplicationController{} }},
	{"apps/v1", "ReplicaSet", func() runtime.Object { return &appsv1.ReplicaSet{} }},
	{"apps/v1", "Deployment", func() runtime.Object { return &appsv1.Deployment{} }},
	{"apps/v1", "StatefulSet", func() runtime.Object { return &appsv1.StatefulSet{} }},
	{"apps/v1", "DaemonSet", func() runtime.Object { return &appsv1.DaemonSet{} }},
	{"batch/v1", "Job", func() runtime.Object { return &batchv1.Job{} }},
	{"batch/v1", "CronJob", func() runtime.Object { return &batchv1.CronJob{} }},
}

// podKindGroups are the API groups in which Kubernetes serves these kinds or once did. The same kind in another group is
// somebody's own (batch.volcano.sh Job).
var podKindGroups = []string{"", "apps", "extensions", "batch"}

// podKindOf returns the row of that kind, nil if the kind holds no pod. If Kubernetes knows the kind under another
// apiVersion, problem and fix say so: such an object may not be passed over, since an old cluster takes it as it is.
func podKindOf(apiVersion, kind string) (k *podKind, problem, fix string) {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = ""
	}
	i := slices.IndexFunc(podKinds, func(k podKind) bool { return k.kind == kind })
	if i < 0 {
		if meant := misspelt(kind); meant != "" && slices.Contains(podKindGroups, group) {
			return nil, fmt.Sprintf("kind %s is not known", kind), "write kind: " + meant
		}
		return nil, "", ""
	}
	k = &podKinds[i]
	switch {
	case apiVersion == k.apiVersion:
		return k, "", ""
	case !slices.Contains(podKindGroups, group):
		return nil, "", ""
	}
	problem = fmt.Sprintf("kind %s is not served in apiVersion %q", kind, apiVersion)
	if apiVersion == "" {
		problem = fmt.Sprintf("kind %s has no apiVersion", kind)
	}
	return k, problem, "write apiVersion: " + k.apiVersion
}

// HoldsPods reports whether a kind is one of Kubernetes that holds a pod, in a group that serves it or once did.
func HoldsPods(group, kind string) bool {
	return slices.Contains(podKindGroups, group) && slices.ContainsFunc(podKinds, func(k podKind) bool { return k.kind == kind })
}

// misspelt returns the kind that another case or a plural stands for, as kubectl's arguments may have it: pod, Deployments,
// podlist. The API server knows none of them, and whoever wrote one meant pods.
func misspelt(kind string) string {
	const list = "List"
	if n := len(kind) - len(list); n >= 0 && strings.EqualFold(kind[n:], list) && kind[n:] != list {
		if n == 0 {
			return list
		}
		if item := misspelt(kind[:n]); item != "" {
			return item + list
		}
		return ""
	}
	for _, k := range podKinds {
		if strings.EqualFold(kind, k.kind) || strings.EqualFold(kind, k.kind+"s") {
			return k.kind
		}
	}
	return ""
}

// isList reports whether a kind is a list, by the rule that the API conventions give for its name.
func isList(kind string) bool { return strings.HasSuffix(kind, "List") }
