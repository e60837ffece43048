// Package author helps to write policies: which one pods need, what one opens, and
// what is used of it.
package author

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Workload is a workload that is asked about, and how answers name it.
type Workload struct {
	podfence.Workload
	// Kind and Name are those of the object, or of the one that owns it.
	Kind, Name string
}

// Reference names a workload in an answer.
type Reference struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String names the workload as "Deployment/prod/web".
func (r Reference) String() string {
	parts := []string{r.Kind, r.Namespace, r.Name}
	return spec.Printable(strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "/"))
}

func compareReferences(a, b Reference) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func (w *Workload) reference() Reference { return Reference{w.Kind, w.namespace(), w.Name} }

// namespace is the one by which policies govern the workload.
func (w *Workload) namespace() string {
	if w.Pod != nil {
		return w.Pod.Namespace
	}
	return w.Namespace
}

func (w *Workload) labels() map[string]string {
	if w.Pod != nil {
		return w.Pod.Labels
	}
	return w.Template.Labels
}

func (w *Workload) spec() *corev1.PodSpec {
	if w.Pod != nil {
		return &w.Pod.Spec
	}
	return &w.Template.Spec
}

// Options say what [Least] is to suggest.
type Options struct {
	// Tight also pins what the pods use: users, groups, volume types, types of host
	// paths, a read-only root filesystem.
	Tight bool
	// WholePod grants the whole pod what single containers of it need.
	WholePod bool
	// PerWorkload has a policy for each workload, also where several need the same.
	PerWorkload bool
	// Services are those of the input: some make a host port needless.
	Services []*corev1.Service
}

// Suggestion is the answer of [Least].
type Suggestion struct {
	// Level is the level and version that was asked about.
	Level api.LevelVersion
	// Policies are what the workloads need, in order of namespace and name. They are
	// valid together, as one file.
	Policies []Suggested
	// Remarks are what manifests could better change themselves, so that they need less.
	Remarks []Remark
	// Unmet are the workloads that no policy can allow as they are.
	Unmet []Unmet
	// Workloads is how many there are, of which so many are Allowed without a policy.
	Workloads, Allowed int
	// Proof says what was tried to find less.
	Proof Proof
}

// Suggested is a policy that some workloads need.
type Suggested struct {
	Policy policy.Policy
	// Governs are the workloads for which it is made, in order.
	Governs []Reference
	// Others are workloads of the input that it selects beside these, for no label tells
	// them apart.
	Others []Reference
	// Grants are what it grants and demands, in the order of the format.
	Grants []Grant
	// Unpinned are the rules that could not be pinned to what the pods use, and where
	// they leave it open. Only of a tight policy.
	Unpinned []Unpinned
}

// Grant is what a policy says under one key, or one entry of a list there, and what
// needs it.
type Grant struct {
	policy.Entry
	// Text is what stands there, as in "allow.hostPID: true".
	Text string
	// Reasons are the fields that need it, or for a rule of a tight policy those that it
	// is pinned to. There is at least one.
	Reasons []Reason
}

// Reason is a field of some workloads.
type Reason struct {
	// Workloads are those that have the field so, in order.
	Workloads []Reference
	// Location is the field, without the place of the pod in its object.
	spec.Location
	// Volume is the volume that the field belongs to, if it does.
	Volume string
	// Value is what the field says; nil where it is unset.
	Value any
}

// Unpinned is a rule that could not be pinned.
type Unpinned struct {
	Key policy.Key
	// Workload and Container leave open what the rule would pin.
	Workload  Reference
	Container spec.Container
}

// Unmet is a workload that no policy can allow as it is.
type Unmet struct {
	Workload Reference
	// Reason says why.
	Reason UnmetReason
	// Fields are the violations that no grant excuses.
	Fields []Reason
}

// UnmetReason says why no policy can allow a workload.
type UnmetReason string

// The reasons.
const (
	// NoGrant: no grant excuses the fields.
	NoGrant UnmetReason = "noGrant"
	// NoLabel: the pods have no label by which a policy could select them: none at all,
	// or only such as change.
	NoLabel UnmetReason = "noLabel"
	// NoNamespace: the namespace is no name that a namespace can have.
	NoNamespace UnmetReason = "noNamespace"
)

// Least returns the policies that workloads need to be allowed at a level, and no more:
// what is granted, why, and the proof that nothing smaller would do. Workloads that
// are allowed without a policy need none.
//
// Every workload that is not among Unmet is allowed under the policies, and under any
// policy that grants one thing less, or one thing narrower, at least one of them is
// denied: Proof has what was tried. The order and the repetition of workloads change
// nothing. The workloads are not changed.
//
// What podfence fills in is never granted. A grant that several workloads need is
// as wide as their sum and no wider: host paths are exact, and read-only where every
// mount is; ports are joined to a range only where every port of it is used.
//
// A policy selects by the fewest labels that its workloads have and no other workload
// of the input has. Workloads of one namespace that need the same share a policy. Labels
// that change with every pod or release are not used.
//
// The error is that of a policy that the format cannot hold, which would be a fault of
// this package.
func Least(workloads []Workload, lv api.LevelVersion, options Options) (Suggestion, error) {
	lv = spec.Normalize(lv)
	a := newAsker(lv, options)
	for i := range workloads {
		a.add(&workloads[i])
	}
	groups := a.groups()
	s := Suggestion{Level: lv, Workloads: len(a.all), Unmet: a.unmetList(), Remarks: remarks(groups, options.Services)}
	s.Allowed = len(a.all) - len(a.needy)
	if err := settle(groups, a, &s); err != nil {
		return Suggestion{}, err
	}
	return s, nil
}

// String is the reason as part of a sentence.
func (r UnmetReason) String() string {
	switch r {
	case NoLabel:
		return "its pods have no label that stays, by which a policy could select them: add one, as in app.kubernetes.io/name"
	case NoNamespace:
		return "its namespace is no name that a namespace can have"
	default:
		return "no grant of a policy excuses what it sets"
	}
}
