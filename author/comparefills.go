package author

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// FillDifference is a field of a pod that two policies fill in otherwise, where its
// author set nothing.
type FillDifference struct {
	// Field is the path of the field in a pod of one container.
	Field string `json:"field"`
	// Old and New are what is filled in; nil for nothing.
	Old any `json:"old"`
	New any `json:"new"`
}

// fillDifferences are the fields that are filled in otherwise in a pod that sets
// nothing, its fsGroup excepted where a policy fills none in. They come in the order in
// which they are filled.
func fillDifferences(old, new *policy.Policy) []FillDifference {
	list := []FillDifference{}
	before, after := fillsOf(old), fillsOf(new)
	for _, c := range before {
		if value := valueOf(after, c.Location.String()); !sameFill(c.Value, value) {
			list = append(list, FillDifference{c.Location.String(), c.Value, value})
		}
	}
	for _, c := range after {
		if valueOf(before, c.Location.String()) == nil {
			list = append(list, FillDifference{c.Location.String(), nil, c.Value})
		}
	}
	return list
}

func fillsOf(p *policy.Policy) []mutate.Change {
	pod := barePod()
	if _, fills := p.FSGroupFill(); !fills { // for what is filled in beside one that its author sets
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.FSGroup = pointTo(int64(1)) })(pod)
	}
	return mutate.Plan(&pod.ObjectMeta, &pod.Spec, p).Changes()
}

// valueOf is what is filled in at a path, nil for nothing.
func valueOf(changes []mutate.Change, path string) any {
	for i := range changes {
		if changes[i].Location.String() == path {
			return changes[i].Value
		}
	}
	return nil
}
