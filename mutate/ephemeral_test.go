package mutate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
)

// debug lists ephemeral containers, in YAML.
func debug(containers string) string {
	return "{containers: [{name: a}], ephemeralContainers: [" + containers + "]}"
}

// TestEphemeralContainers holds what an update of a running pod's ephemeral
// containers may change: the new ones, and nothing else.
func TestEphemeralContainers(t *testing.T) {
	for _, row := range []struct {
		name, why      string
		oldAnnotations map[string]string
		old            string
		annotations    map[string]string
		updated        string
		policy         string
		want           changes
		unset          []string
	}{
		{name: "the first one", why: "a new name is filled, and nothing at pod level",
			old: inPod("hostNetwork: false"), updated: debug("{name: d}"), want: bareContainer("e0")},
		{name: "a second one", why: "it is filled too (kyverno#4716, #9152)",
			old: debug("{name: d}"), updated: debug("{name: d}, {name: e}"), want: bareContainer("e1")},
		{name: "two at once", why: "every new one",
			old: debug("{name: d}"), updated: debug("{name: d}, {name: e}, {name: f}"), want: bareContainer("e1").and(bareContainer("e2"))},
		{name: "a new one before the old", why: "names tell old from new, not places",
			old: debug("{name: d}"), updated: debug("{name: new}, {name: d}"), want: bareContainer("e0")},
		{name: "nothing new", why: "what runs already is immutable", old: debug("{name: d}"), updated: debug("{name: d}"), want: changes{}},
		{name: "an old one was changed", why: "it is not ours to mend; the API server refuses it",
			old: debug("{name: d}"), updated: debug("{name: d, image: other}"), want: changes{}},
		{name: "an old one was removed", why: "nothing is new in what is left", old: debug("{name: d}, {name: e}"), updated: debug("{name: e}"), want: changes{}},
		{name: "all were removed", why: "an empty list has nothing new", old: debug("{name: d}"), updated: debug(""), want: changes{}},
		{name: "no ephemeral containers at all", why: "nor has a missing one", old: inPod("hostNetwork: false"), updated: inPod("hostNetwork: false"), want: changes{}},
		{name: "a new one that is complete", why: "a container that needs nothing gets nothing",
			old: debug(""), updated: debug("{name: d, securityContext: " + complete + "}"), want: changes{}},
		{name: "a new one that is privileged", why: "as in any container", old: debug(""), updated: debug("{name: d, securityContext: {privileged: true}}"),
			want:  bareContainer("e0").without("e0 privileged", "e0 allowPrivilegeEscalation"),
			unset: []string{"e0 allowPrivilegeEscalation: privileged"}},
		{name: "the other containers are bare", why: "they run already", old: "{initContainers: [{name: i}], containers: [{name: a}]}",
			updated: "{initContainers: [{name: i}], containers: [{name: a}], ephemeralContainers: [{name: d}]}", want: bareContainer("e0")},
		{name: "the name of a regular container", why: "the API server refuses it; to us it is new",
			old: inPod("hostNetwork: false"), updated: debug("{name: a}"), want: bareContainer("e0")},

		{name: "it inherits from old", why: "UID 0 of the running pod",
			old: under("{runAsUser: 0, runAsGroup: 7, seccompProfile: {type: RuntimeDefault}}"), updated: debug("{name: d}"),
			want:  bareContainer("e0").without("e0 runAsNonRoot", "e0 runAsGroup", "e0 seccompProfile.type"),
			unset: []string{"e0 runAsNonRoot: rootUser"}},
		{name: "it does not inherit from the update", why: "the API server ignores the rest of the update",
			old:     inPod("hostNetwork: false"),
			updated: "{securityContext: {runAsUser: 0, runAsGroup: 7, runAsNonRoot: true, seccompProfile: {type: Unconfined}}, containers: [{name: a}], ephemeralContainers: [{name: d}]}",
			want:    bareContainer("e0")},
		{name: "old is on windows", why: "the operating system is the running pod's",
			old: inPod("os: {name: windows}"), updated: debug("{name: d}"), want: changes{"e0 runAsNonRoot": "true"},
			unset: []string{"e0 allowPrivilegeEscalation: windows", "e0 capabilities.drop: windows", "e0 privileged: windows", "e0 runAsGroup: windows", "e0 seccompProfile.type: windows"}},
		{name: "the update says windows", why: "it has no say", old: inPod("hostNetwork: false"),
			updated: "{os: {name: windows}, containers: [{name: a}], ephemeralContainers: [{name: d}]}", want: bareContainer("e0")},
		{name: "old has its own user namespace", why: "hostUsers is the running pod's", old: inPod("hostUsers: false"), updated: debug("{name: d}"),
			want: bareContainer("e0").without("e0 runAsNonRoot"), unset: []string{"e0 runAsNonRoot: userNamespace"}},
		{name: "the update says hostUsers false", why: "it has no say", old: inPod("hostNetwork: false"),
			updated: "{hostUsers: false, containers: [{name: a}], ephemeralContainers: [{name: d}]}", want: bareContainer("e0")},
		{name: "old's annotation", why: "the annotations are the running pod's", oldAnnotations: onPod("unconfined"),
			old: inPod("hostNetwork: false"), updated: debug("{name: d}"), want: bareContainer("e0").without("e0 seccompProfile.type"),
			unset: []string{"e0 seccompProfile.type: annotation"}},
		{name: "old's annotation for the new name", why: "it was there before the container was",
			oldAnnotations: map[string]string{containerSeccomp + "d": "unconfined"},
			old:            inPod("hostNetwork: false"), updated: debug("{name: d}"), want: bareContainer("e0").without("e0 seccompProfile.type"),
			unset: []string{"e0 seccompProfile.type: annotation"}},
		{name: "annotations of the update", why: "the API server ignores them", annotations: map[string]string{podSeccomp: "unconfined", mirror: "hash"},
			old: inPod("hostNetwork: false"), updated: debug("{name: d}"), want: bareContainer("e0")},
		{name: "old is a mirror pod", why: "nothing of it may change", oldAnnotations: map[string]string{mirror: "hash"},
			old: inPod("hostNetwork: false"), updated: debug("{name: d}"), want: changes{},
			unset: []string{"e0 allowPrivilegeEscalation: mirror", "e0 capabilities.drop: mirror", "e0 privileged: mirror", "e0 runAsGroup: mirror",
				"e0 runAsNonRoot: mirror", "e0 seccompProfile.type: mirror"}},
		{name: "a policy", why: "it speaks for new containers as for all", policy: mustRunAs(range400),
			old: under("{runAsNonRoot: true}"), updated: debug("{name: d}"), want: bareContainer("e0").without("e0 runAsNonRoot").with("e0 runAsUser", "400")},
	} {
		t.Run(row.name, func(t *testing.T) {
			old, updated := podOf(t, row.oldAnnotations, row.old), podOf(t, row.annotations, row.updated)
			oldBefore, updatedBefore := old.DeepCopy(), updated.DeepCopy()
			p := policyOf(t, row.policy)
			filled, report := mutate.EphemeralContainers(old, updated, p)
			if diff := cmp.Diff(row.want, changesOf(&report)); diff != "" {
				t.Errorf("%s: changes (-want +got):\n%s", row.why, diff)
			}
			if diff := cmp.Diff(sorted(row.unset), unsetOf(&report)); diff != "" {
				t.Errorf("%s: unset (-want +got):\n%s", row.why, diff)
			}
			if !equality.Semantic.DeepEqual(old, oldBefore) || !equality.Semantic.DeepEqual(updated, updatedBefore) {
				t.Error("an input was changed")
			}
			if same := filled == updated; same != (len(row.want) == 0) {
				t.Errorf("the result is the update itself: %v", same)
			}
			resultSays(t, filled, &report)
			if again, second := mutate.EphemeralContainers(old, filled, p); again != filled || second.Changed() {
				t.Error("the second time something changes")
			}
		})
	}
}

// TestLabelsOfAnUpdateAreIgnored: the policy is chosen by the caller, who must
// choose by the labels of old; the labels of the update change nothing here.
func TestLabelsOfAnUpdateAreIgnored(t *testing.T) {
	old, updated := podOf(t, nil, inPod("hostNetwork: false")), podOf(t, nil, debug("{name: d}"))
	updated.Labels = map[string]string{"app": "web"}
	filled, report := mutate.EphemeralContainers(old, updated, nil)
	if diff := cmp.Diff(bareContainer("e0"), changesOf(&report)); diff != "" {
		t.Error(diff)
	}
	if filled.Labels["app"] != "web" {
		t.Error("the labels of the update were changed")
	}
}

// TestEphemeralContainersAdvice: advice is about the new containers, in the pod
// that they join.
func TestEphemeralContainersAdvice(t *testing.T) {
	for _, row := range []struct {
		name, why, old, updated string
		want                    []string
	}{
		{"a numeric user is inherited", "what they inherit is old's", under("{runAsUser: 1000}"), debug("{name: d}"), nil},
		{"the update claims a user", "the API server ignores it", inPod("hostNetwork: false"),
			"{securityContext: {runAsUser: 1000}, containers: [{name: a}], ephemeralContainers: [{name: d}]}", []string{"e0"}},
		{"old is on windows", "no numeric USER on Windows", inPod("os: {name: windows}"), debug("{name: d}"), nil},
		{"an old container lacks a user", "it runs already, so there is nothing to advise",
			"{containers: [{name: a, securityContext: {runAsNonRoot: true}}]}",
			"{containers: [{name: a, securityContext: {runAsNonRoot: true}}], ephemeralContainers: [{name: d, securityContext: {runAsUser: 5}}]}", nil},
		{"an old debug container lacks a user", "it runs already; the new one is named by its place in the update",
			debug("{name: d, securityContext: {runAsNonRoot: true}}"), debug("{name: d, securityContext: {runAsNonRoot: true}}, {name: e}"), []string{"e1"}},
		{"a second time", "what was filled already still needs its image's USER", inPod("hostNetwork: false"),
			debug("{name: d, securityContext: " + completeContext("runAsUser: 1000,") + "}"), []string{"e0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			old := podOf(t, nil, row.old)
			filled, _ := mutate.EphemeralContainers(old, podOf(t, nil, row.updated), nil)
			var got []string
			for _, a := range mutate.AdviseEphemeralContainers(old, filled) {
				got = append(got, kindLetters[a.Container.Kind]+string(rune('0'+a.Container.Index)))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestEphemeralContainersAreFilledAsIfCreated: a new container gets what Mutate
// would give it in the old pod, and the patch stays below ephemeralContainers.
func TestEphemeralContainersAreFilledAsIfCreated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := podgen.Pod().Draw(t, "old")
		updated := old.DeepCopy()
		with := podgen.Pod().Draw(t, "with")
		updated.Spec.EphemeralContainers = append(updated.Spec.EphemeralContainers, with.Spec.EphemeralContainers...)
		p := podgen.Policy().Draw(t, "policy")
		exists := map[string]bool{}
		for _, c := range old.Spec.EphemeralContainers {
			exists[c.Name] = true
		}
		_, whole := mutate.Mutate(updated, &p)
		want := changes{}
		for _, c := range whole.Changes() {
			if at := c.Container; kindLetters[at.Kind] == "e" && !exists[at.Name] {
				want[short(c.Location)] = patchtest.MustJSON(c.Value)
			}
		}
		filled, report := mutate.EphemeralContainers(old, updated, &p)
		if diff := cmp.Diff(want, changesOf(&report)); diff != "" {
			t.Errorf("(-Mutate +EphemeralContainers):\n%s", diff)
		}
		filled = filled.DeepCopy()
		filled.Spec.EphemeralContainers = updated.Spec.EphemeralContainers
		if !equality.Semantic.DeepEqual(filled, updated) {
			t.Error("something beside the ephemeral containers changed")
		}
	})
}
