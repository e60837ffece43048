package survey

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence/spec"
)

// Owner names the object to which a workload belongs.
type Owner struct {
	Namespace string `json:"namespace"`
	// Group is the API group, empty for the core group.
	Group string `json:"group"`
	Kind  string `json:"kind"`
	// Name ends with "*" where several names begin alike: static pods, one a node, and objects with a generateName.
	Name string `json:"name"`
}

// String names the owner within its namespace: "Deployment/web".
func (o Owner) String() string { return o.Kind + "/" + o.Name }

func (o Owner) clone() Owner {
	return Owner{strings.Clone(o.Namespace), strings.Clone(o.Group), strings.Clone(o.Kind), strings.Clone(o.Name)}
}

func compareOwners(a, b Owner) int {
	for _, pair := range [...][2]string{{a.Namespace, b.Namespace}, {a.Kind, b.Kind}, {a.Name, b.Name}, {a.Group, b.Group}} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

// controller is the object that an owner reference names as the controller.
func controller(meta metav1.Object, namespace string) (Owner, bool) {
	refs := meta.GetOwnerReferences()
	i := slices.IndexFunc(refs, func(r metav1.OwnerReference) bool { return r.Controller != nil && *r.Controller })
	if i < 0 || refs[i].Kind == "" || refs[i].Name == "" {
		return Owner{}, false
	}
	return Owner{namespace, schema.FromAPIVersionAndKind(refs[i].APIVersion, "").Group, refs[i].Kind, refs[i].Name}, true
}

// ownerOfPod is what a pod belongs to, as far as the pod itself says.
func ownerOfPod(pod *corev1.Pod, self Owner) Owner {
	of, ok := controller(pod, self.Namespace)
	switch {
	case !ok:
		return self
	case of.Kind == "Node" && of.Group == "":
		self.Name = staticName(pod, self.Name)
		return self
	}
	return of
}

// staticName is the name of a static pod without that of its node, which the kubelet appends (generatePodName in
// pkg/kubelet/config/common.go).
func staticName(pod *corev1.Pod, name string) string {
	base, found := strings.CutSuffix(name, "-"+strings.ToLower(pod.Spec.NodeName))
	if !found || !spec.IsMirror(&pod.ObjectMeta) || pod.Spec.NodeName == "" {
		return name
	}
	return base + "-*"
}

// stepsAside reports whether objects of the kind are only made by another one, their controller, if they have one: nobody
// changes a Deployment's ReplicaSet.
func (o Owner) stepsAside() bool {
	switch o.Kind {
	case "ReplicaSet":
		return o.Group == "apps"
	case "Job":
		return o.Group == "batch"
	case "ReplicationController":
		return o.Group == ""
	}
	return false
}

// hashes are the labels that hold the end of a ReplicaSet's name, and who makes ReplicaSets so named: generateReplicaSetName
// in pkg/controller/deployment/sync.go, and Argo's controller after its model.
var hashes = [...]struct{ label, group, kind string }{
	{"pod-template-hash", "apps", "Deployment"},
	{"rollouts-pod-template-hash", "argoproj.io", "Rollout"},
}

// guessed is what a ReplicaSet belongs to, as the labels of its pods tell where it is not in the input itself.
func guessed(set Owner, labels map[string]string) (Owner, bool) {
	if set.Kind != "ReplicaSet" || set.Group != "apps" || len(set.Name) >= validation.DNS1123SubdomainMaxLength {
		return Owner{}, false // of the longest names, that of the Deployment was cut
	}
	for _, h := range hashes {
		hash := labels[h.label]
		if name, found := strings.CutSuffix(set.Name, "-"+hash); found && hash != "" && name != "" {
			return Owner{set.Namespace, h.group, h.kind, name}, true
		}
	}
	return Owner{}, false
}

// family says who belongs to whom.
type family struct {
	// known is what the objects of the input say, guesses what the labels of pods tell.
	known, guesses map[Owner]Owner
}

// guess keeps the parent that the labels of a pod tell, once for each owner.
func (f *family) guess(o Owner, labels map[string]string) {
	if _, known := f.guesses[o]; known {
		return
	}
	if parent, ok := guessed(o, labels); ok {
		f.guesses[o.clone()] = parent.clone()
	}
}

// maxAncestors bounds the way up, which a forged input could lead in a circle.
const maxAncestors = 8

// root is the object at the end of the way up.
func (f *family) root(o Owner) Owner {
	for range maxAncestors {
		if !o.stepsAside() {
			return o
		}
		parent, ok := f.known[o]
		if !ok {
			parent, ok = f.guesses[o]
		}
		if !ok {
			return o
		}
		o = parent
	}
	return o
}
