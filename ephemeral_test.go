package podfence_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// TestAdmitEphemeralContainers: what an update of a running pod's ephemeral
// containers is judged by, and what is filled in.
func TestAdmitEphemeralContainers(t *testing.T) {
	const privileged = "{name: d, securityContext: {privileged: true}}"
	with := func(ephemeral string) string { return settled(", ephemeralContainers: [" + ephemeral + "]") }
	grants := "debug: {allow: {privileged: true}}"
	for _, row := range []struct {
		name, why    string
		old, updated string
		lv           api.LevelVersion
		policies     []string
		reason       podfence.Reason
		filled       []string
		left         []string
	}{
		{name: "a bare container", why: "it is filled, and then allowed",
			old: settled(""), updated: with("{name: d}"), lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"d"}},
		{name: "a second one", why: "the first runs already",
			old: with("{name: d}"), updated: with("{name: d}, {name: e}"), lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"e"},
			left: []string{"d allowPrivilegeEscalation", "d capabilities_restricted", "d runAsNonRoot", "d seccompProfile_restricted"}},
		{name: "a privileged one", why: "what its author set is refused",
			old: settled(""), updated: with(privileged), lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"d"},
			left: []string{"d allowPrivilegeEscalation", "d privileged"}},
		{name: "a privileged one under a grant", why: "the pod that runs is labelled for it",
			old: settled(""), updated: with(privileged), lv: atRestricted, policies: []string{grants}, reason: podfence.AllowedFilled, filled: []string{"d"}},
		{name: "labels of the update", why: "the API server ignores them, and so must the choice of the policy",
			old:     strings.Replace(settled(""), "app: web", "app: other", 1),
			updated: with(privileged), lv: atRestricted, policies: []string{grants}, reason: podfence.NoPolicy, filled: []string{"d"},
			left: []string{"d allowPrivilegeEscalation", "d privileged"}},
		{name: "the rest of the update", why: "the API server ignores it too, good or bad",
			old: settled(""), updated: web("{hostNetwork: true, containers: [{name: a, securityContext: {privileged: true}}], ephemeralContainers: [{name: d}]}"),
			lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"d"}},
		{name: "a pod that predates the level", why: "the pod is judged whole, as Pod Security Admission does",
			old: web("{hostNetwork: true, containers: [{name: a, securityContext: {" + full + "}}]}"), updated: with("{name: d}"),
			lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"d"}, left: []string{" hostNamespaces"}},
		{name: "nothing new", why: "there is nothing to fill",
			old: with("{name: d, securityContext: {" + full + "}}"), updated: with("{name: d, securityContext: {" + full + "}}"), lv: atRestricted,
			policies: []string{grants}, reason: podfence.AllowedAsItIs},
		{name: "baseline", why: "a container that baseline allows is left alone",
			old: settled(""), updated: with("{name: d}"), lv: atBaseline, reason: podfence.NoPolicy},
		{name: "privileged level", why: "nothing is looked at",
			old: settled(""), updated: with(privileged), lv: atPrivileged, reason: podfence.PrivilegedLevel},
	} {
		t.Run(row.name, func(t *testing.T) {
			old, updated := fromYAML[corev1.Pod](t, row.old), fromYAML[corev1.Pod](t, row.updated)
			d := podfence.AdmitEphemeralContainers(old, updated, row.lv, setOf(t, row.policies...))
			if d.Reason != row.reason {
				t.Errorf("%s: reason %q, want %q", row.why, d.Reason, row.reason)
			}
			var left []string
			for _, v := range d.Result.Violations {
				left = append(left, v.Location.Container.Name+" "+v.Check.String())
			}
			slices.Sort(left)
			if diff := cmp.Diff(row.left, left); diff != "" {
				t.Errorf("%s: violations (-want +got):\n%s", row.why, diff)
			}
			var filled []string
			for _, c := range d.Report.Changes() {
				filled = append(filled, c.Location.Container.Name)
			}
			if diff := cmp.Diff(row.filled, slices.Compact(filled)); diff != "" {
				t.Errorf("%s: filled (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestAdmitEphemeralContainersByHand: the answer is what its steps give when
// done by hand, at every level, and the pods that were given stay as they are.
func TestAdmitEphemeralContainersByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := podgen.Pod().Draw(t, "old")
		updated := podgen.Pod().Draw(t, "updated")
		lv := drawAnyLevel(t)
		set := drawSet(t)
		oldBefore, updatedBefore := old.DeepCopy(), updated.DeepCopy()
		d := podfence.AdmitEphemeralContainers(old, updated, lv, set)
		tried, considered := governing(old, set)
		fill := func(p *policy.Policy) (*corev1.Pod, mutate.Report) {
			return mutate.EphemeralContainers(old, updated, p)
		}
		stored := func(updated *corev1.Pod) *corev1.Pod {
			pod := old.DeepCopy()
			pod.Spec.EphemeralContainers = updated.Spec.EphemeralContainers
			return pod
		}
		byHand(updated, lv, tried, fill, stored).agrees(t, considered, d)
		if !equality.Semantic.DeepEqual(oldBefore, old) || !equality.Semantic.DeepEqual(updatedBefore, updated) {
			t.Error("a given pod was changed")
		}
	})
}
