package author

import (
	"encoding/json"
	"iter"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Witness is a pod that one policy allows and another denies. It says nothing that
// is not needed to show that, and was judged under both before it came to be one.
type Witness struct {
	// Pod is the pod as its author would write it. It must not be changed.
	Pod *corev1.Pod
	// NamespaceLabels are labels that its namespace has, where a policy selects by them;
	// for [CompareSets].
	NamespaceLabels map[string]string
	// Denied are the violations for which the other policy denies it.
	Denied []evaluate.Violation
}

// WitnessRecord is the JSON form of a [Witness].
type WitnessRecord struct {
	// Pod is a manifest.
	Pod any `json:"pod"`
	// NamespaceLabels are labels of its namespace.
	NamespaceLabels map[string]string `json:"namespaceLabels,omitempty"`
	// Denied is what stands against the pod under the policy that denies it.
	Denied []string `json:"denied"`
}

// Record renders the pod as a manifest, and what stands against it.
func (w Witness) Record() (WitnessRecord, error) {
	r := WitnessRecord{NamespaceLabels: w.NamespaceLabels, Denied: []string{}}
	for i := range w.Denied {
		r.Denied = append(r.Denied, w.Denied[i].String())
	}
	manifest, err := w.Manifest()
	if err == nil {
		r.Pod = json.RawMessage(manifest)
	}
	return r, err
}

// in is a set that knows the labels of the witness' namespace.
func (w *Witness) in(set policy.Set) policy.Set {
	return set.WithNamespaces(func(string) (map[string]string, bool) { return w.NamespaceLabels, true })
}

// MarshalJSON renders the witness' [WitnessRecord].
func (w Witness) MarshalJSON() ([]byte, error) {
	record, err := w.Record()
	if err != nil {
		return nil, err
	}
	return json.Marshal(record)
}

// Manifest is the pod as JSON, with what its author would write and no more.
func (w Witness) Manifest() ([]byte, error) {
	type metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace,omitempty"`
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
	}
	text, err := json.Marshal(&w.Pod.Spec)
	if err != nil {
		return nil, err
	}
	fields, err := withoutEmpty(text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Metadata   metadata `json:"metadata"`
		Spec       any      `json:"spec"`
	}{"v1", "Pod", metadata{w.Pod.Name, w.Pod.Namespace, w.Pod.Labels, w.Pod.Annotations}, fields})
}

// withoutEmpty drops the empty resources that the API types write of every container.
func withoutEmpty(text []byte) (any, error) {
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, list := range [...]string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _ := fields[list].([]any)
		for _, c := range containers {
			if c, ok := c.(map[string]any); ok {
				if resources, ok := c["resources"].(map[string]any); ok && len(resources) == 0 {
					delete(c, "resources")
				}
			}
		}
	}
	return fields, nil
}

// letsRun reports whether a policy that governs a pod allows it, filled in and as it
// would be stored: podfence.Admit's answer, whatever the policy selects.
func letsRun(pod *corev1.Pod, p *policy.Policy, lv api.LevelVersion) bool {
	return len(standing(pod, p, lv)) == 0
}

// standing is what then stands against the pod. At baseline a pod that is allowed
// as it is would not be filled in; filled in it is allowed too, for a mutation adds no
// violation.
func standing(pod *corev1.Pod, p *policy.Policy, lv api.LevelVersion) []evaluate.Violation {
	filled, _ := mutate.Mutate(pod, p)
	return evaluate.StoredSpec(&filled.ObjectMeta, &filled.Spec, spec.AllDefaults, lv, p).Violations
}

// witnessOf finds the plainest pod that shows a gap; nil where none does.
func witnessOf(o *gap, by, against *policy.Policy, lv api.LevelVersion) *Witness {
	for place := range o.places(by, against) {
		for _, edit := range o.pods {
			for _, base := range basesUnder(by) {
				pod := base()
				edit(pod)
				place(pod)
				if !letsRun(pod, by, lv) {
					continue
				}
				if denied := standing(pod, against, lv); len(denied) > 0 {
					return &Witness{Pod: pod, Denied: denied}
				}
			}
		}
	}
	return nil
}

// places are where the container of a pod that shows a gap may stand: in one of its
// cells or, of a gap that is not about cells, where it stands; and as any other container,
// if that makes a difference to one of the policies.
func (o *gap) places(by, against *policy.Policy) iter.Seq[podEdit] {
	return func(yield func(podEdit) bool) {
		cells := o.cells
		if cells == nil {
			if !yield(sayNothing) {
				return
			}
			if len(by.Containers)+len(against.Containers) > 0 {
				cells = anyContainer()
			}
		}
		for i := range cells {
			for _, place := range places(&cells[i]) {
				if !yield(place) {
					return
				}
			}
		}
	}
}

// basesUnder are pods that a policy allows, the plainest first: one that sets
// nothing, one without the volume of a token, the same with the groups that the policy
// demands and does not fill in, and one in which all is set that the policy fills in.
func basesUnder(p *policy.Policy) []func() *corev1.Pod {
	tokenless := func() *corev1.Pod {
		pod := barePod()
		pod.Spec.AutomountServiceAccountToken = pointTo(false)
		return pod
	}
	grouped := func() *corev1.Pod {
		pod := tokenless()
		settingDemandedGroups(p)(pod)
		return pod
	}
	return []func() *corev1.Pod{barePod, tokenless, grouped, func() *corev1.Pod {
		filled, _ := mutate.Mutate(grouped(), p)
		return filled.DeepCopy()
	}}
}

// settingDemandedGroups sets the groups that a policy demands and does not fill in.
func settingDemandedGroups(p *policy.Policy) podEdit {
	return func(pod *corev1.Pod) {
		for _, g := range groupRules() {
			if rule := g.rule(p); rule.Rule == policy.MustRunAs && len(rule.Ranges) > 0 && !g.fills(p) {
				g.set(rule.Ranges[0].Min)(pod)
			}
		}
	}
}

// barePod is a pod with one container whose author sets nothing else.
func barePod() *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}}
	pod.Name = "pod"
	return pod
}

// sameFill reports whether two values that are filled in are one.
func sameFill(a, b any) bool { return reflect.DeepEqual(a, b) }
