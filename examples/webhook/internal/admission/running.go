package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
)

// PodReader shows the pods of a namespace one by one. left is how many were not
// shown, as far as is known; an error is why, and may come after some were.
type PodReader interface {
	ReadPods(ctx context.Context, namespace string, show func(*corev1.Pod)) (left int64, err error)
}

// running judges the pods of a namespace whose level is raised, and warns of those
// that the new level would refuse. Upstream says when, and for how long; it would
// hold all pods at once, where this judges each as it is read and keeps a count.
type running struct {
	*Controller
	attributes *attributes
	evaluator  *evaluator
	warnings   []string
}

// offenders are the pods that violate the same: how many, and the first by name.
type offenders struct {
	count int
	first string
}

// ListPods judges the pods, and returns none for upstream to judge. An error is
// what upstream warns of itself.
func (r *running) ListPods(ctx context.Context, namespace string) ([]*corev1.Pod, error) {
	if err := r.known(ctx, namespace); err != nil {
		return nil, err
	}
	r.evaluator.namespace = namespace
	levels, _ := r.upstream.PolicyToEvaluate(r.attributes.after.Labels)
	found, read := map[string]offenders{}, 0
	left, err := r.pods.ReadPods(ctx, namespace, func(pod *corev1.Pod) {
		read++
		if class := pod.Spec.RuntimeClassName; class != nil && slices.Contains(r.config.Exemptions.RuntimeClasses, *class) {
			return
		}
		verdict := psa.AggregateCheckResults(checks(r.evaluator.evaluate(levels.Enforce, &pod.ObjectMeta, &pod.Spec)))
		if verdict.Allowed {
			return
		}
		o := found[verdict.ForbiddenReason()]
		if o.count++; o.count == 1 || pod.Name < o.first {
			o.first = pod.Name
		}
		found[verdict.ForbiddenReason()] = o
	})
	if read == 0 && err != nil {
		return nil, err
	}
	r.warnings = r.tell(namespace, levels.Enforce, found, unread(read, left, err))
	return nil, nil
}

// known is an error unless the review shows the namespace as it is in the cluster.
// An API server does; a stranger would have to know its UID, and can have no
// namespace listed whose UID only those know who may read it.
func (r *running) known(ctx context.Context, name string) error {
	namespace, err := r.upstream.NamespaceGetter.GetNamespace(ctx, name)
	if err != nil {
		return err
	}
	if r.attributes.before == nil || r.attributes.after == nil || r.attributes.before.Name != name || r.attributes.before.UID != namespace.UID {
		return errors.New("the review does not show the namespace as it is in the cluster; its pods are not read")
	}
	return nil
}

// unread says how many pods were not judged, in upstream's words; nothing if all were.
func unread(read int, left int64, err error) []string {
	switch {
	case left > 0:
		return []string{fmt.Sprintf("new PodSecurity enforce level only checked against the first %d of %d existing pods", read, int64(read)+left)}
	case err != nil:
		return []string{fmt.Sprintf("new PodSecurity enforce level only checked against the first %d existing pods", read)}
	default:
		return nil
	}
}

// tell adds the warnings of what was found, in upstream's words and order.
func (r *running) tell(namespace string, level api.LevelVersion, found map[string]offenders, warnings []string) []string {
	if len(found) == 0 {
		return warnings
	}
	warnings = append(warnings, fmt.Sprintf("existing pods in namespace %q violate the new PodSecurity enforce level %q", namespace, level.String()))
	lines := make([]string, 0, len(found))
	for reason, o := range found {
		lines = append(lines, r.who(o)+": "+reason)
	}
	slices.Sort(lines)
	if len(lines) > longest {
		lines = append(lines[:longest], fmt.Sprintf("and %d more warnings", len(lines)-longest))
	}
	return append(warnings, lines...)
}

// who names pods in upstream's words, or says no more than how many there are.
func (r *running) who(o offenders) string {
	switch {
	case !r.config.ClientsAreKnown && o.count == 1:
		return "1 pod"
	case !r.config.ClientsAreKnown:
		return fmt.Sprintf("%d pods", o.count)
	case o.count == 1:
		return o.first
	case o.count == 2:
		return o.first + " (and 1 other pod)"
	default:
		return fmt.Sprintf("%s (and %d other pods)", o.first, o.count-1)
	}
}
