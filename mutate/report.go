package mutate

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// Change is one field that was filled in.
type Change struct {
	// Location is the field.
	spec.Location
	// Value is what it was filled with: bool, int64, []int64, string or []string.
	Value any
	// Control is the title of the control that the value serves, or the path
	// of the policy's field where it serves a rule or a default of its own.
	Control string
}

// String renders the field and its value.
func (c Change) String() string { return fmt.Sprintf("%s: %v", c.Location, c.Value) }

// Reason says why a field was left unset.
type Reason string

// The reasons.
const (
	// PolicyLeaves: the policy grants what the unset field means, or turns the
	// filling off.
	PolicyLeaves Reason = "policy"
	// Windows: API validation forbids the field on Windows pods.
	Windows Reason = "windows"
	// Mirror: a mirror pod only shows what a kubelet runs already.
	Mirror Reason = "mirror"
	// PrivilegedContainer: API validation refuses the value on a privileged
	// container, or it would have no effect there.
	PrivilegedContainer Reason = "privileged"
	// AddsSysAdmin: SYS_ADMIN implies escalation, and API validation refuses
	// false beside CAP_SYS_ADMIN.
	AddsSysAdmin Reason = "sysAdmin"
	// RootUser: the effective runAsUser is 0, and the kubelet would refuse to
	// start such a container with runAsNonRoot.
	RootUser Reason = "rootUser"
	// NonRoot: the effective runAsNonRoot is true, and the policy has no user
	// ID but 0 to fill in.
	NonRoot Reason = "nonRoot"
	// UserNamespace: with hostUsers=false root in the pod is not root on the
	// node, and restricted leaves the user free (since v1.35).
	UserNamespace Reason = "userNamespace"
	// Annotation: a legacy seccomp annotation says otherwise, and API
	// validation refuses a field that contradicts it.
	Annotation Reason = "annotation"
	// Inherited: the container inherits a value that its author set on the pod
	// against the standard.
	Inherited Reason = "inherited"
)

var explanations = map[Reason]string{
	PolicyLeaves:        "the policy leaves it so",
	Windows:             "the API forbids it on Windows pods",
	Mirror:              "a mirror pod cannot be changed",
	PrivilegedContainer: "the container is privileged",
	AddsSysAdmin:        "the container adds SYS_ADMIN, which implies it",
	RootUser:            "the container runs as UID 0, which the kubelet would then refuse",
	NonRoot:             "runAsNonRoot is true, and the policy has no user ID but 0",
	UserNamespace:       "the pod has a user namespace of its own (hostUsers=false)",
	Annotation:          "a legacy seccomp annotation says otherwise",
	Inherited:           "the container inherits a value that is set on the pod",
}

// String is the reason as part of a sentence.
func (r Reason) String() string { return explanations[r] }

// Unset is one field that Mutate would fill on most pods and left unset.
type Unset struct {
	spec.Location
	Reason Reason
}

// String renders the field and the reason.
func (u Unset) String() string { return fmt.Sprintf("%s: %s", u.Location, u.Reason) }

// Advice tells why a container may still fail to start.
type Advice struct {
	Container spec.Container
	Text      string
}

// Report is what Mutate did, what it did not, and why. The zero Report is that
// of a pod that needed nothing.
type Report struct {
	// Unset are the fields that were left unset.
	Unset []Unset

	// fills are the changes in the form in which planning makes them, pods and
	// patches being made of them: a third of the size of a Change.
	fills []fill
	// groups are the supplemental groups that were filled in.
	groups []int64
	// pod is the pod before it was filled, for Advice, less the containers named
	// in running.
	pod     *corev1.PodSpec
	running map[string]bool
}

// fill is one field that is filled in.
type fill struct {
	// The container, by name, index and kind; the zero kind is the pod.
	name  string
	index int32
	kind  spec.ContainerKind
	field fieldID
	// lacks are the parents that the patch has to create.
	lacks missing
	// value is the ID, or 1 for true.
	value int64
}

func (f *fill) container() spec.Container {
	return spec.Container{Kind: f.kind, Index: int(f.index), Name: f.name}
}

// Changed reports whether anything was filled in.
func (r Report) Changed() bool { return len(r.fills) > 0 }

// Changes returns what was filled in: the pod's own fields first, then the
// containers in the order of their visit. The slice is the caller's.
func (r Report) Changes() []Change {
	if !r.Changed() {
		return nil
	}
	changes := make([]Change, len(r.fills))
	for i := range r.fills {
		f := &r.fills[i]
		changes[i] = Change{spec.At(f.container(), fields[f.field].path), r.value(f), fields[f.field].control}
	}
	return changes
}

// value is what a field was filled with.
func (r *Report) value(f *fill) any {
	switch row := &fields[f.field]; row.holds {
	case flag:
		return f.value != 0
	case id:
		return f.value
	case ids:
		return slices.Clone(r.groups)
	case word:
		return row.word
	default:
		return []string{row.word}
	}
}

// Advice returns what may still keep the containers of the filled pod from starting.
func (r Report) Advice() []Advice {
	var advice []Advice
	if r.pod == nil {
		return nil
	}
	filled := *r.pod
	apply(&filled, &r)
	for at, c := range podwalk.Containers(&filled) {
		if r.running[c.Name] {
			continue
		}
		if text := adviceFor(&filled, c); text != "" {
			advice = append(advice, Advice{at, text})
		}
	}
	return advice
}

// windowsAdministrator is the user that the kubelet refuses under runAsNonRoot
// on Windows (pkg/kubelet/kuberuntime/security_context_windows.go).
const windowsAdministrator = "ContainerAdministrator"

func adviceFor(pod *corev1.PodSpec, c *corev1.Container) string {
	if nonRoot := spec.EffectiveRunAsNonRoot(pod, c); nonRoot == nil || !*nonRoot {
		return ""
	}
	switch uid := spec.EffectiveRunAsUser(pod, c); {
	case spec.IsWindows(pod) && spec.EffectiveRunAsUserName(pod, c) == windowsAdministrator:
		return "runAsNonRoot is true and runAsUserName is ContainerAdministrator: the kubelet will refuse to start the container"
	case spec.IsWindows(pod):
		return ""
	case uid == nil:
		return "runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0"
	case *uid == 0:
		return "runAsNonRoot is true and runAsUser is 0: the kubelet will refuse to start the container"
	default:
		return ""
	}
}

type changeJSON struct {
	Field   string `json:"field"`
	Pointer string `json:"pointer"`
	Value   any    `json:"value"`
	Control string `json:"control"`
}

type unsetJSON struct {
	Field  string `json:"field"`
	Reason Reason `json:"reason"`
	Why    string `json:"why"`
}

type adviceJSON struct {
	Container string `json:"container"`
	Name      string `json:"name"`
	Advice    string `json:"advice"`
}

type reportJSON struct {
	Changes []changeJSON `json:"changes"`
	Unset   []unsetJSON  `json:"unset,omitempty"`
	Advice  []adviceJSON `json:"advice,omitempty"`
}

// MarshalJSON renders the report, with paths and JSON pointers that begin at
// the pod, or at the template that was filled.
func (r Report) MarshalJSON() ([]byte, error) {
	j := reportJSON{Changes: []changeJSON{}}
	for _, c := range r.Changes() {
		j.Changes = append(j.Changes, changeJSON{c.Location.String(), c.Pointer(), c.Value, c.Control})
	}
	for _, u := range r.Unset {
		j.Unset = append(j.Unset, unsetJSON{u.Location.String(), u.Reason, u.Reason.String()})
	}
	for _, a := range r.Advice() {
		j.Advice = append(j.Advice, adviceJSON{a.Container.String(), a.Container.Name, a.Text})
	}
	return json.Marshal(j)
}
