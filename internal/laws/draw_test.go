package laws

import (
	"strconv"
	"time"

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
	return drawAnyPolicy(t)
}

// drawAnyPolicy draws a policy that selects its pods, one that has expired, or a
// default one.
func drawAnyPolicy(t *rapid.T) *policy.Policy {
	switch rapid.IntRange(0, 7).Draw(t, "kind of policy") {
	case 6:
		p := podgen.Policy().Draw(t, "policy")
		return p.AsExpired()
	case 7:
		p := podgen.DefaultPolicy().Draw(t, "default policy")
		return &p
	default:
		p := podgen.Policy().Draw(t, "policy")
		return &p
	}
}

// drawSet draws policies, of which many select every pod: else hardly a pod
// would have a choice between several. There may be a default policy, and a time.
func drawSet(t *rapid.T) policy.Set {
	policies := drawPolicies(t)
	if rapid.IntRange(0, 2).Draw(t, "default policy") == 0 {
		policies = append(policies, podgen.DefaultPolicy().Draw(t, "default"))
	}
	set := newSet(t, policies)
	switch rapid.IntRange(0, 3).Draw(t, "time") {
	case 0:
		return set.At(before)
	case 1:
		return set.At(after)
	default:
		return set
	}
}

// before and after are times before and after podgen.Day has ended.
var before, after = func() (before, after time.Time) {
	end, _ := (&policy.Policy{Expires: podgen.Day}).ExpiresAt()
	return end.Add(-time.Second), end
}()

// drawPolicies draws policies that select, as drawSet has them.
func drawPolicies(t *rapid.T) []policy.Policy {
	policies := podgen.Together(rapid.SliceOfN(podgen.Policy(), 0, 4).Draw(t, "policies"))
	for i := range policies {
		if p := &policies[i]; rapid.Bool().Draw(t, "selects every pod") {
			p.Name += "." + strconv.Itoa(i)
			selectEvery(p)
		}
	}
	return policies
}

func newSet(t *rapid.T, policies []policy.Policy) policy.Set {
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
