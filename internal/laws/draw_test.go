package laws

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// levels are those that look at a pod at all.
var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// drawLevel draws a level that looks at the pod, and a version.
func drawLevel(t *rapid.T) api.LevelVersion {
	version, newest := api.LatestVersion(), spec.Newest()
	if minor := rapid.IntRange(0, newest.Minor()+1).Draw(t, "minor"); minor <= newest.Minor() {
		version = api.MajorMinorVersion(1, minor)
	}
	return api.LevelVersion{Level: rapid.SampledFrom(levels).Draw(t, "level"), Version: version}
}

// drawLevelFor draws a level of which law 1 speaks for the pod: at a version that
// judges it otherwise, the latest one takes its place.
func drawLevelFor(t *rapid.T, pod *corev1.Pod) api.LevelVersion {
	lv := drawLevel(t)
	if restated.JudgedOtherwise(pod, lv.Version) {
		lv.Version = api.LatestVersion()
	}
	return lv
}

// drawAnyLevel draws privileged too.
func drawAnyLevel(t *rapid.T) api.LevelVersion {
	lv := drawLevel(t)
	if rapid.IntRange(0, 9).Draw(t, "privileged level") == 9 {
		lv.Level = api.LevelPrivileged
	}
	return lv
}

// drawPolicy draws a policy, or nil.
func drawPolicy(t *rapid.T) *policy.Policy {
	if rapid.IntRange(0, 4).Draw(t, "nil policy") == 0 {
		return nil
	}
	p := podgen.Policy().Draw(t, "policy")
	return &p
}

// drawSet draws policies, of which many select every pod: else hardly a pod
// would have a choice between several.
func drawSet(t *rapid.T) policy.Set {
	policies := podgen.Together(rapid.SliceOfN(podgen.Policy(), 0, 4).Draw(t, "policies"))
	for i := range policies {
		if p := &policies[i]; rapid.Bool().Draw(t, "selects every pod") {
			p.Name += "." + strconv.Itoa(i)
			selectEvery(p)
		}
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set.WithNamespaces(podgen.LabelsOf)
}

// selectEvery has the policy govern every pod.
func selectEvery(p *policy.Policy) {
	p.Namespace, p.Namespaces, p.NamespaceSelector, p.PodSelectorLabels = "", nil, nil, nil
	p.PodSelectorExpressions = []metav1.LabelSelectorRequirement{
		{Key: "absent", Operator: metav1.LabelSelectorOpDoesNotExist},
	}
}
