package native_test

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// mostPolicies is how many policies a set has at most, beside default ones.
const mostPolicies = 12

// cluster is a set of policies and how it is rendered.
type cluster struct {
	policies []policy.Policy
	set      policy.Set
	options  native.Options
}

// drawCluster draws a set of no to many policies, of which some select every pod of
// their namespaces and some every pod of all: else hardly a pod would have a choice.
func drawCluster(t *rapid.T) *cluster {
	c := &cluster{options: drawOptions(t)}
	n := rapid.SampledFrom([]int{2, 1, 3, 0, 4, 6, mostPolicies}).Draw(t, "number of policies")
	c.policies = podgen.Together(rapid.SliceOfN(podgen.Policy(), n, n).Draw(t, "policies"))
	for i := range c.policies {
		p := &c.policies[i]
		switch rapid.IntRange(0, 5).Draw(t, "selects every pod: no, of its namespaces, of all") {
		case 3:
			p.Name += "." + strconv.Itoa(i)
			selectEveryPod(p)
		case 4, 5:
			p.Name += "." + strconv.Itoa(i)
			p.Namespace, p.Namespaces, p.NamespaceSelector = "", nil, nil
			selectEveryPod(p)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "default policy") == 0 {
		c.policies = append(c.policies, podgen.DefaultPolicy().Draw(t, "default"))
	}
	var err error
	if c.set, err = policy.NewSet(c.policies...); err != nil {
		t.Fatal(err)
	}
	end, _ := (&policy.Policy{Expires: podgen.Day}).ExpiresAt()
	switch rapid.IntRange(0, 3).Draw(t, "time: none, before and after policies expire") {
	case 2:
		c.set = c.set.At(end.AddDate(0, 0, -1))
	case 3:
		c.set = c.set.At(end)
	}
	return c
}

func selectEveryPod(p *policy.Policy) {
	p.PodSelectorLabels = nil
	p.PodSelectorExpressions = []metav1.LabelSelectorRequirement{{Key: "absent", Operator: metav1.LabelSelectorOpDoesNotExist}}
}

// upstreamPrefix begins the labels of Pod Security Admission.
const upstreamPrefix = "pod-security.kubernetes.io/"

func drawOptions(t *rapid.T) (o native.Options) {
	o.LabelPrefix = rapid.SampledFrom([]string{"podfence.dev/", "podfence.dev/", upstreamPrefix}).Draw(t, "label prefix")
	switch rapid.IntRange(0, 5).Draw(t, "levels: by labels, with defaults, fixed") {
	case 4:
		o.Defaults = drawLevels(t)
	case 5:
		o.Levels = ptr(drawLevels(t))
	}
	return o
}

func drawLevels(t *rapid.T) api.Policy {
	return api.Policy{Enforce: drawLevel(t), Audit: drawLevel(t), Warn: drawLevel(t)}
}

// versions are all at which some check changes, and those around them.
var versions = podgen.BoundaryVersions(spec.Controls()...)

// drawVersion draws latest about half the time.
func drawVersion(t *rapid.T) api.Version {
	if rapid.Bool().Draw(t, "another version than latest") {
		return rapid.SampledFrom(versions).Draw(t, "version")
	}
	return api.LatestVersion()
}

func drawLevel(t *rapid.T) api.LevelVersion {
	level := rapid.SampledFrom([]api.Level{
		api.LevelRestricted, api.LevelBaseline, api.LevelRestricted, api.LevelBaseline, api.LevelRestricted, api.LevelPrivileged,
	}).Draw(t, "level")
	return api.LevelVersion{Level: level, Version: drawVersion(t)}
}

// drawNamespace draws the namespace that a pod is in, with the labels that policies
// select it by, and labels that say levels, of which some are wrong and some missing.
func drawNamespace(t *rapid.T, name string, o *native.Options) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}}}
	known, _ := podgen.LabelsOf(name)
	for key, value := range known {
		ns.Labels[key] = value
	}
	for _, way := range []string{"enforce", "audit", "warn"} {
		lv := drawLevel(t)
		if lv.Level == api.LevelPrivileged && way == "enforce" && rapid.IntRange(0, 2).Draw(t, "privileged all the same") > 0 {
			lv.Level = api.LevelRestricted
		}
		switch rapid.IntRange(0, 19).Draw(t, way+": some level, a wrong one, none") {
		case 18:
			ns.Labels[o.LabelPrefix+way] = rapid.SampledFrom([]string{"", "Restricted", "other"}).Draw(t, "wrong level")
		case 19:
		default:
			ns.Labels[o.LabelPrefix+way] = string(lv.Level)
		}
		switch rapid.IntRange(0, 19).Draw(t, way+": some version, a wrong one, none") {
		case 18:
			ns.Labels[o.LabelPrefix+way+"-version"] = rapid.SampledFrom([]string{"", "v2.0", "1.30", "v1", "v1.030", "v1.x", "Latest"}).Draw(t, "wrong version")
		case 19:
		default:
			ns.Labels[o.LabelPrefix+way+"-version"] = lv.Version.String()
		}
	}
	return ns
}

// levelsOf are the levels of a namespace as Pod Security Admission reads its labels.
func levelsOf(ns *corev1.Namespace, o *native.Options) api.Policy {
	if o.Levels != nil {
		return *o.Levels
	}
	defaults := o.Defaults
	for _, lv := range []*api.LevelVersion{&defaults.Enforce, &defaults.Audit, &defaults.Warn} {
		if lv.Level == "" {
			lv.Level = api.LevelPrivileged
		}
		if lv.Version == (api.Version{}) {
			lv.Version = api.LatestVersion()
		}
	}
	labels := map[string]string{}
	for key, value := range ns.Labels {
		if way, ok := strings.CutPrefix(key, o.LabelPrefix); ok {
			labels[upstreamPrefix+way] = value
		}
	}
	levels, _ := api.PolicyToEvaluate(labels, defaults)
	return levels
}

// in is the set with the labels of the request's namespace.
func (c *cluster) in(ns *corev1.Namespace) policy.Set {
	return c.set.WithNamespaces(func(name string) (map[string]string, bool) { return ns.Labels, name == ns.Name })
}
