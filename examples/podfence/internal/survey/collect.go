package survey

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// Collector takes the objects of a cluster, one after another, and keeps of each what a report needs. It is not safe for
// concurrent use.
type Collector struct {
	version  api.Version
	policies policy.Set

	groups     map[Owner]*group
	family     family
	findings   catalogue
	namespaces map[string]*namespaceInput
	// unreadable are documents of which nobody knows what they hold.
	unreadable int
}

// NewCollector returns a collector that judges by a version of the standards, and by policies, of which there may be none.
func NewCollector(version api.Version, policies policy.Set) *Collector {
	return &Collector{
		version: version, policies: policies,
		groups:     map[Owner]*group{},
		family:     family{known: map[Owner]Owner{}, guesses: map[Owner]Owner{}},
		findings:   catalogue{map[findingKey]*finding{}, map[string]*finding{}},
		namespaces: map[string]*namespaceInput{},
	}
}

// namespaceInput is what the input says of a namespace itself.
type namespaceInput struct {
	// labels are those of Pod Security Admission, nil where the Namespace is not in the input.
	labels    map[string]string
	undecided []Undecided
	// more are those beyond maxUndecided.
	more int
}

// maxUndecided is how many objects of a namespace that could not be decided are named.
const maxUndecided = 20

// Undecided is an object that could not be decided, and why.
type Undecided struct {
	Object string `json:"object"`
	Error  string `json:"error"`
}

func (c *Collector) namespace(name string) *namespaceInput {
	n := c.namespaces[name]
	if n == nil {
		n = &namespaceInput{}
		c.namespaces[strings.Clone(name)] = n
	}
	return n
}

// Object is an object of the input that holds pods.
type Object struct {
	// Owner names it.
	Owner
	// Typed is the object where its kind is one of Kubernetes, else nil.
	Typed runtime.Object
	// Held are the pod or the pod templates in it.
	Held []podfence.Workload
}

// Add judges an object. It is not changed, and nothing of it is kept.
func (c *Collector) Add(o Object) {
	key, idle := o.Owner, false
	switch typed := o.Typed.(type) {
	case *corev1.Pod:
		key = ownerOfPod(typed, o.Owner)
		c.family.guess(key, typed.Labels)
	case metav1.Object:
		parent, ok := controller(typed, o.Namespace)
		if ok && o.stepsAside() {
			c.family.known[key.clone()] = parent.clone()
			idle = makesNoPods(typed)
		}
	}
	g := c.group(key)
	for i := range o.Held {
		c.judge(g, o.Held[i], idle)
	}
}

// makesNoPods reports whether an object is a ReplicaSet that is scaled to nothing: an earlier revision of its Deployment,
// in most cases.
func makesNoPods(o metav1.Object) bool {
	set, ok := o.(*appsv1.ReplicaSet)
	return ok && set.Spec.Replicas != nil && *set.Spec.Replicas == 0
}

// AddNamespace tells the labels of a namespace.
func (c *Collector) AddNamespace(name string, labels map[string]string) {
	kept := map[string]string{}
	for _, key := range modeLabels {
		if value, ok := labels[key]; ok {
			kept[key] = strings.Clone(value)
		}
	}
	c.namespace(name).labels = kept
}

// modeLabels are the labels of Pod Security Admission.
var modeLabels = []string{
	api.EnforceLevelLabel, api.EnforceVersionLabel, api.AuditLevelLabel, api.AuditVersionLabel, api.WarnLevelLabel, api.WarnVersionLabel,
}

// AddUndecided tells of an object that may hold pods and could not be decided. Its namespace is empty where nobody knows it.
func (c *Collector) AddUndecided(namespace, object string, err error) {
	n := c.namespace(namespace)
	if len(n.undecided) == maxUndecided {
		n.more++
		return
	}
	n.undecided = append(n.undecided, Undecided{strings.Clone(object), err.Error()})
}

// AddUnreadable tells of a document that could not be read.
func (c *Collector) AddUnreadable() { c.unreadable++ }

// group is what is known of one owner.
type group struct {
	// pods and templates count what was judged. idle templates make no pods.
	pods, templates, idle int
	// broken are the checks that are violated, by way and level.
	broken [ways][ranks]broken
	marks  []mark
	// cut: there are more findings than are kept.
	cut bool
	// podsMayNotStart and templatesMayNotStart say at which questions what was filled in may not start.
	podsMayNotStart, templatesMayNotStart answers
}

// mark is a finding in a group.
type mark struct {
	*finding
	stands   answers
	pods     int
	template bool
}

// maxMarks is how many findings of a workload are kept; all are counted in its broken checks.
const maxMarks = 64

func (c *Collector) group(key Owner) *group {
	g := c.groups[key]
	if g == nil {
		g = &group{}
		c.groups[key.clone()] = g
	}
	return g
}

// judge asks all questions about a pod or template. Paths begin at the pod, so that a pod and the template that it was made
// of say the same.
func (c *Collector) judge(g *group, w podfence.Workload, idle bool) {
	w.Root = ""
	switch {
	case w.Pod != nil:
		g.pods++
	case idle:
		g.idle++
	default:
		g.templates++
	}
	var found []stand
	for q := range questions() {
		if q.way == UnderPolicies && c.policies.Len() == 0 {
			continue
		}
		result, mayNotStart := c.ask(&w, q)
		if mayNotStart && w.Pod != nil {
			g.podsMayNotStart = g.podsMayNotStart.with(q)
		} else if mayNotStart {
			g.templatesMayNotStart = g.templatesMayNotStart.with(q)
		}
		for i := range result.Violations {
			v := &result.Violations[i]
			g.broken[q.way][q.rank].add(v)
			found = stands(found, v, q)
		}
	}
	for i := range found {
		c.mark(g, &found[i], w.Pod != nil)
	}
}

// ask asks one question.
func (c *Collector) ask(w *podfence.Workload, q question) (r evaluate.Result, mayNotStart bool) {
	lv := api.LevelVersion{Level: levelOf[q.rank], Version: c.version}
	if q.way == AsIs {
		return w.EvaluateStored(lv, policy.Set{}), false
	}
	set := policy.Set{}
	if q.way == UnderPolicies {
		set = c.policies
	}
	d := w.Admit(lv, set)
	return d.Result, d.Allowed() && slices.ContainsFunc(d.Advice(), mutate.Advice.MayNotStart)
}

// stand is a violation of one pod, and where it stands.
type stand struct {
	findingKey
	violation evaluate.Violation
	stands    answers
}

// stands adds a violation to those of a pod.
func stands(list []stand, v *evaluate.Violation, q question) []stand {
	key := keyOf(v)
	i := slices.IndexFunc(list, func(s stand) bool { return s.findingKey == key })
	if i < 0 {
		i, list = len(list), append(list, stand{findingKey: key, violation: *v})
	}
	list[i].stands = list[i].stands.with(q)
	return list
}

// mark keeps a violation in a group.
func (c *Collector) mark(g *group, s *stand, inPod bool) {
	f := c.findings.byKey[s.findingKey]
	if f == nil && len(g.marks) < maxMarks {
		f = c.findings.add(s.violation, s.findingKey)
	}
	i := slices.IndexFunc(g.marks, func(m mark) bool { return m.finding == f })
	switch {
	case i >= 0:
	case len(g.marks) == maxMarks:
		g.cut = true
		return
	default:
		i, g.marks = len(g.marks), append(g.marks, mark{finding: f})
	}
	m := &g.marks[i]
	m.stands |= s.stands
	if inPod {
		m.pods++
	} else {
		m.template = true
	}
}

// merge adds what is known of one group to another: that of a ReplicaSet to that of its Deployment.
func (g *group) merge(other *group) {
	g.pods, g.templates, g.idle = g.pods+other.pods, g.templates+other.templates, g.idle+other.idle
	g.cut = g.cut || other.cut
	g.podsMayNotStart |= other.podsMayNotStart
	g.templatesMayNotStart |= other.templatesMayNotStart
	for q := range questions() {
		g.broken[q.way][q.rank].merge(other.broken[q.way][q.rank])
	}
	for _, m := range other.marks {
		i := slices.IndexFunc(g.marks, func(have mark) bool { return have.finding == m.finding })
		switch {
		case i >= 0:
			have := &g.marks[i]
			have.stands, have.pods, have.template = have.stands|m.stands, have.pods+m.pods, have.template || m.template
		case len(g.marks) < maxMarks:
			g.marks = append(g.marks, m)
		default:
			g.cut = true
		}
	}
}

// onlyIdle reports whether all that is known of a group are templates that make no pods.
func (g *group) onlyIdle() bool { return g.idle > 0 && g.pods+g.templates == 0 }

// mayNotStart says at which questions what was filled in may not start. Pods know as which user they run, and so have the
// say where there are some.
func (g *group) mayNotStart() answers {
	if g.pods > 0 {
		return g.podsMayNotStart
	}
	return g.templatesMayNotStart
}
