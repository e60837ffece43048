package mutate_test

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/kept"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// drawPolicy draws a policy, or nil.
func drawPolicy(t *rapid.T) *policy.Policy {
	if rapid.IntRange(0, 4).Draw(t, "nil policy") == 0 {
		return nil
	}
	p := podgen.Policy().Draw(t, "policy")
	return &p
}

// TestLaws: Mutate is idempotent and deterministic, keeps what is set and every
// order, and never changes its input.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		before := pod.DeepCopy()
		var policyBefore *policy.Policy
		if p != nil {
			policyBefore = p.DeepCopy()
		}
		filled, report := mutate.Mutate(pod, p)

		if !reflect.DeepEqual(before, pod) || !reflect.DeepEqual(policyBefore, p) {
			t.Error("the input was changed")
		}
		if (filled == pod) == report.Changed() {
			t.Errorf("the pod itself came back: %v, and changed: %v", filled == pod, report.Changed())
		}
		again, second := mutate.Mutate(filled, p)
		if again != filled || second.Changed() {
			t.Errorf("not idempotent: %v", changesOf(&second))
		}
		other, otherReport := mutate.Mutate(before, p)
		if !reflect.DeepEqual(other, filled) || patchtest.MustJSON(report) != patchtest.MustJSON(otherReport) || string(report.Patch()) != string(otherReport.Patch()) {
			t.Error("not deterministic")
		}
		if lost := kept.Lost(patchtest.MustTree([]byte(patchtest.MustJSON(before))), patchtest.MustTree([]byte(patchtest.MustJSON(filled)))); lost != "" {
			t.Errorf("%s was set and is not kept", lost)
		}
		if added := len(leaves(filled)) - len(leaves(before)); added < len(report.Changes()) {
			t.Errorf("%d changes added %d values", len(report.Changes()), added)
		}
		if len(mutate.Report{}.Changes()) != 0 {
			t.Error("the zero report has changes")
		}
	})
}

// leaves lists the values of a pod's JSON.
func leaves(pod *corev1.Pod) (list []any) {
	var walk func(any)
	walk = func(tree any) {
		switch node := tree.(type) {
		case map[string]any:
			for _, child := range node {
				walk(child)
			}
		case []any:
			for _, child := range node {
				walk(child)
			}
		case nil:
		default:
			list = append(list, node)
		}
	}
	walk(patchtest.MustTree([]byte(patchtest.MustJSON(pod))))
	return list
}

// TestReportIsStable: what is said of a pod that was filled already is said for
// the same reasons. A reader compares the two.
func TestReportIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		filled, report := mutate.Mutate(pod, p)
		_, second := mutate.Mutate(filled, p)
		if diff := cmp.Diff(unsetOf(&report), unsetOf(&second)); diff != "" {
			t.Errorf("left unset (-first +second):\n%s", diff)
		}
	})
}

// memory collects the addresses of everything that a value reaches: what
// pointers point to and what lists hold, by address, with its path.
func memory(v reflect.Value, path string, into map[unsafe.Pointer]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			into[v.UnsafePointer()] = path
			memory(v.Elem(), path, into)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			into[v.UnsafePointer()] = path
		}
		for i := range v.Len() {
			memory(v.Index(i), path+"[]", into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			memory(v.Field(i), path+"."+v.Type().Field(i).Name, into)
		}
	}
}

// owned is what of a changed field the result must own: the way to it and its
// value, as pointers and lists.
func owned(pod *corev1.Pod, l spec.Location) (list []reflect.Value) {
	add := func(v any) { list = append(list, reflect.ValueOf(v)) }
	if l.Field == spec.FieldHostUsers {
		add(pod.Spec.HostUsers)
		return list
	}
	if l.Container.Kind == 0 {
		sc := pod.Spec.SecurityContext
		add(sc)
		switch l.Field {
		case spec.FieldPodFSGroup:
			add(sc.FSGroup)
		case spec.FieldPodFSGroupChangePolicy:
			add(sc.FSGroupChangePolicy)
		case spec.FieldSupplementalGroupsPolicy:
			add(sc.SupplementalGroupsPolicy)
		default:
			add(sc.SupplementalGroups)
		}
		return list
	}
	switch l.Container.Kind {
	case spec.InitContainer:
		add(pod.Spec.InitContainers)
	case spec.RegularContainer:
		add(pod.Spec.Containers)
	case spec.EphemeralContainer:
		add(pod.Spec.EphemeralContainers)
	}
	sc := podwalk.Get(&pod.Spec, l.Container).SecurityContext
	add(sc)
	switch l.Field {
	case spec.FieldAllowPrivilegeEscalation:
		add(sc.AllowPrivilegeEscalation)
	case spec.FieldCapabilitiesDrop:
		add(sc.Capabilities)
		add(sc.Capabilities.Drop)
	case spec.FieldPrivileged:
		add(sc.Privileged)
	case spec.FieldReadOnlyRootFilesystem:
		add(sc.ReadOnlyRootFilesystem)
	case spec.FieldRunAsGroup:
		add(sc.RunAsGroup)
	case spec.FieldRunAsNonRoot:
		add(sc.RunAsNonRoot)
	case spec.FieldRunAsUser:
		add(sc.RunAsUser)
	case spec.FieldSeccompType:
		add(sc.SeccompProfile)
	default:
		panic("no way to " + l.String())
	}
	return list
}

// overwrite writes through a pointer, or over the elements of a list.
func overwrite(v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Elem().SetZero()
		return
	}
	for i := range v.Len() {
		v.Index(i).SetZero()
	}
}

// TestSharesAndOwns: the result owns every part that changed, so that writing
// to it leaves the original, the policy, the report and other results alone; what
// did not change it shares.
func TestSharesAndOwns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		before := pod.DeepCopy()
		filled, report := mutate.Mutate(pod, p)
		if !report.Changed() {
			return
		}
		original := map[unsafe.Pointer]string{}
		memory(reflect.ValueOf(pod), "pod", original)
		if p != nil {
			memory(reflect.ValueOf(p), "policy", original)
		}
		sharesTheRest(t, pod, filled, &report)

		reported := patchtest.MustJSON(report.Changes())
		other, _ := mutate.Mutate(pod, p)
		otherBefore := other.DeepCopy()
		var parts []reflect.Value
		for _, c := range report.Changes() {
			parts = append(parts, owned(filled, c.Location)...)
		}
		for _, part := range parts {
			if at, shared := original[part.UnsafePointer()]; shared {
				t.Errorf("%s shares %s with the input", part.Type(), at)
			}
		}
		for i := range parts { // from the leaves up
			overwrite(parts[len(parts)-1-i])
		}
		if !equality.Semantic.DeepEqual(pod, before) {
			t.Error("writing to the changed parts of the result changed the input")
		}
		if !equality.Semantic.DeepEqual(other, otherBefore) {
			t.Error("two results share what changed")
		}
		if patchtest.MustJSON(report.Changes()) != reported {
			t.Error("the result shares memory with its report")
		}
	})
}

// sharesTheRest holds lists and security contexts without a change to be the
// input's own.
func sharesTheRest(t *rapid.T, pod, filled *corev1.Pod, report *mutate.Report) {
	kinds, containers := map[spec.ContainerKind]bool{}, map[spec.Container]bool{}
	for _, c := range report.Changes() {
		if c.Field == spec.FieldHostUsers { // which stands in no security context
			continue
		}
		kinds[c.Container.Kind], containers[c.Container] = true, true
	}
	same := func(what string, a, b any) {
		if va, vb := reflect.ValueOf(a), reflect.ValueOf(b); va.Len() > 0 && va.UnsafePointer() != vb.UnsafePointer() {
			t.Errorf("%s were copied for nothing", what)
		}
	}
	same("volumes", pod.Spec.Volumes, filled.Spec.Volumes)
	same("labels", pod.Labels, filled.Labels)
	same("annotations", pod.Annotations, filled.Annotations)
	if !kinds[spec.InitContainer] {
		same("init containers", pod.Spec.InitContainers, filled.Spec.InitContainers)
	}
	if !kinds[spec.RegularContainer] {
		same("containers", pod.Spec.Containers, filled.Spec.Containers)
	}
	if !kinds[spec.EphemeralContainer] {
		same("ephemeral containers", pod.Spec.EphemeralContainers, filled.Spec.EphemeralContainers)
	}
	if !kinds[0] && pod.Spec.SecurityContext != filled.Spec.SecurityContext {
		t.Error("the pod's security context was copied for nothing")
	}
	if pod.Spec.OS != filled.Spec.OS {
		t.Error("os was copied for nothing")
	}
	for at, c := range podwalk.Containers(&filled.Spec) {
		was := podwalk.Get(&pod.Spec, at)
		same("ports", was.Ports, c.Ports)
		if !containers[at] && was.SecurityContext != c.SecurityContext {
			t.Errorf("the security context of %s was copied for nothing", at.Name)
		}
	}
}

// allKinds is a pod with every kind of container, complete in each.
func allKinds(t testing.TB) *corev1.Pod {
	full := "{name: a, securityContext: " + complete + "}"
	return podOf(t, map[string]string{"note": "none of ours"}, "{securityContext: {fsGroup: 2, supplementalGroups: [2]}, initContainers: ["+full+
		", {name: s, restartPolicy: Always, securityContext: "+complete+"}], containers: ["+full+", "+full+"], ephemeralContainers: ["+full+"]}")
}

var custom = mustRunAs("{min: 1, max: 2000}") + "mutations: {runAsGroup: 5, fsGroup: 5, supplementalGroups: [5]}"

// TestNoopAllocatesNothing: a pod that needs nothing costs nothing.
func TestNoopAllocatesNothing(t *testing.T) {
	for _, row := range []struct {
		name, why, policy string
		pod               *corev1.Pod
	}{
		{"no policy", "the default", "", allKinds(t)},
		{"a custom policy", "with rules and values of its own", custom, allKinds(t)},
		{"a policy that reads everything", "rules demand no fill of what is set", custom + "\n", allKinds(t)},
		{"inherited from the pod", "as far as a pod can say it for its containers", "", podOf(t, nil,
			`{securityContext: {fsGroup: 2, supplementalGroups: [2], runAsUser: 5, runAsGroup: 5, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}},
			containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, privileged: false, capabilities: {drop: [ALL]}}}]}`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := policyOf(t, row.policy)
			if filled, report := mutate.Mutate(row.pod, p); filled != row.pod || report.Changed() || len(report.Unset()) > 0 {
				t.Fatalf("%s: it needs something: %v", row.why, changesOf(&report))
			}
			if n := testing.AllocsPerRun(100, func() { mutate.Mutate(row.pod, p) }); n != 0 {
				t.Errorf("%s: %v allocations", row.why, n)
			}
			if n := testing.AllocsPerRun(100, func() { mutate.Spec(&row.pod.ObjectMeta, &row.pod.Spec, p) }); n != 0 {
				t.Errorf("%s: %v allocations by Spec", row.why, n)
			}
			if n := testing.AllocsPerRun(100, func() { mutate.Plan(&row.pod.ObjectMeta, &row.pod.Spec, p) }); n != 0 {
				t.Errorf("%s: %v allocations by Plan", row.why, n)
			}
		})
	}
	template := &corev1.PodTemplateSpec{Spec: allKinds(t).Spec}
	if n := testing.AllocsPerRun(100, func() { mutate.Template(template, nil) }); n != 0 {
		t.Errorf("%v allocations by Template", n)
	}
}

// TestUnfillableAllocations: a pod that comes back as it is and is given
// reasons pays for these alone.
func TestUnfillableAllocations(t *testing.T) {
	pod := podOf(t, nil, "{os: {name: windows}, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}")
	filled, report := mutate.Mutate(pod, nil)
	if filled != pod || len(report.Unset()) == 0 {
		t.Fatal("the row proves nothing")
	}
	if n := testing.AllocsPerRun(100, func() { mutate.Mutate(pod, nil) }); n > unfillableAllocations {
		t.Errorf("%v allocations, want at most %d", n, unfillableAllocations)
	}
}

// TestAllocations bounds the cost of the commonest pods that need something: a
// list of containers is copied once, however many of them are filled.
func TestAllocations(t *testing.T) {
	for _, row := range []struct {
		name, spec         string
		mutate, both, plan float64
	}{
		{"nginx", "{containers: [{name: nginx, image: nginx}]}", 6, 7, 3},
		{"three containers", "{containers: [{name: a}, {name: b}, {name: c}]}", 8, 9, 3},
	} {
		pod := podOf(t, nil, row.spec)
		if n := testing.AllocsPerRun(100, func() { mutate.Mutate(pod, nil) }); n != row.mutate {
			t.Errorf("%s: %v allocations by Mutate, want %v", row.name, n, row.mutate)
		}
		n := testing.AllocsPerRun(100, func() {
			_, report := mutate.Mutate(pod, nil)
			report.Patch()
		})
		if n != row.both {
			t.Errorf("%s: %v allocations with the patch, want %v", row.name, n, row.both)
		}
		n = testing.AllocsPerRun(100, func() {
			report := mutate.Plan(&pod.ObjectMeta, &pod.Spec, nil)
			report.Patch()
		})
		if n != row.plan {
			t.Errorf("%s: %v allocations for the patch alone, want %v", row.name, n, row.plan)
		}
	}
}

// unfillableAllocations may fall and not rise.
const unfillableAllocations = 9
