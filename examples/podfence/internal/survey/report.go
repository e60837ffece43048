package survey

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/spec"
)

// Report is what a survey found.
type Report struct {
	// Version is that of the standards: "latest" or "v1.35".
	Version string
	// Policies is how many policies there are. Without any, Namespace.Policies is nil.
	Policies int
	// Namespaces are in order of name. The first has none, if there are workloads without a namespace.
	Namespaces []Namespace
	// Unreadable are documents of which nobody knows what they hold.
	Unreadable int
}

// Namespace is what was found in one namespace.
type Namespace struct {
	Name string `json:"namespace"`
	// Version is that of the report.
	Version string `json:"version"`
	// Now are the levels that the namespace's labels name, where the Namespace is in the input, else nil.
	Now *Now `json:"now"`
	// Pods is how many pods were judged.
	Pods int `json:"pods"`
	// AsIs, Filled and Policies are the answers, each for one [Way].
	AsIs     Answer  `json:"asIs"`
	Filled   Answer  `json:"filled"`
	Policies *Answer `json:"policies"`
	// Undecided are objects that could not be decided, the first of them, and UndecidedCount how many there are. They keep
	// the namespace at privileged.
	UndecidedCount int         `json:"undecidedCount"`
	Undecided      []Undecided `json:"undecided"`
	Workloads      []Workload  `json:"workloads"`
}

// Now is what the labels of a namespace say to Pod Security Admission.
type Now struct {
	Enforce api.Level `json:"enforce"`
	Audit   api.Level `json:"audit"`
	Warn    api.Level `json:"warn"`
}

// Answer is to which level a namespace can go in one way.
type Answer struct {
	// Level is the highest at which all workloads are allowed. Where there is no workload it says nothing.
	Level api.Level `json:"level"`
	// MayNotStart are the workloads that are allowed at this level and may not start once they are filled in.
	MayNotStart []string `json:"mayNotStart"`
	// Next is what keeps the namespace from the next level, nil at restricted.
	Next *Next `json:"next"`
	// Commands label the namespace, in the order in which they are to be run.
	Commands []Command `json:"commands"`
}

// Next is what stands against a level.
type Next struct {
	Level api.Level `json:"level"`
	// Blocks are in the order of Pod Security Admission, the rules of policies last.
	Blocks []Block `json:"blocks"`
	// MayNotStart are the workloads that are allowed at this level and may not start once they are filled in.
	MayNotStart []string `json:"mayNotStart"`
}

// Block is a check, or a rule of a policy, and the workloads that violate it.
type Block struct {
	Check   string `json:"check,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Control string `json:"control,omitempty"`
	// Workloads are named as in "Deployment/web".
	Workloads []string `json:"workloads"`
}

// CheckOrRule is the ID of the check, or the policy's rule.
func (b *Block) CheckOrRule() string { return cmp.Or(b.Check, b.Rule) }

// Workload is one owner and what stands against it.
type Workload struct {
	Owner
	// Pods is how many of its pods were judged, Templates how many templates: its own, and those of its ReplicaSets and Jobs.
	Pods      int `json:"pods"`
	Templates int `json:"templates"`
	// Denied are the levels at which it is denied, MayNotStart those at which it is allowed and may not start.
	Denied      Levels `json:"denied"`
	MayNotStart Levels `json:"mayNotStart"`
	// Violations are in the order of Pod Security Admission.
	Violations []Violation `json:"violations"`
	// More: there are more violations than are kept of one workload, which are the first 64.
	More bool `json:"more,omitempty"`

	broken      [ways][ranks]broken
	mayNotStart answers
}

// Levels are levels for each way. Policies is nil without policies.
type Levels struct {
	AsIs     []api.Level `json:"asIs"`
	Filled   []api.Level `json:"filled"`
	Policies []api.Level `json:"policies"`
}

// Violation is one field that breaks a check or a rule. The path of its field begins at the pod.
type Violation struct {
	// StandsAt are the levels at which it stands.
	StandsAt Levels `json:"standsAt"`
	// Pods is in how many pods it is, Template whether it is in a template.
	Pods     int  `json:"pods"`
	Template bool `json:"template"`
	evaluate.ViolationRecord

	mark mark
}

// String is the violation on one line.
func (v *Violation) String() string { return v.mark.text }

// Report says what was found up to now.
func (c *Collector) Report() *Report {
	r := &Report{Version: c.version.String(), Policies: c.policies.Len(), Unreadable: c.unreadable}
	workloads := c.workloads()
	names := map[string]bool{}
	for name := range c.namespaces {
		names[name] = true
	}
	for name := range workloads {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		r.Namespaces = append(r.Namespaces, c.report(name, workloads[name]))
	}
	return r
}

// workloads are the workloads of each namespace, in order.
func (c *Collector) workloads() map[string][]Workload {
	roots := map[Owner]*group{}
	idle := map[Owner]*group{}
	// In order, so that it makes no difference which findings are cut off.
	for _, key := range slices.SortedFunc(maps.Keys(c.groups), compareOwners) {
		into := roots
		if c.groups[key].onlyIdle() {
			into = idle
		}
		root := c.family.root(key)
		if into[root] == nil {
			into[root] = &group{}
		}
		into[root].merge(c.groups[key])
	}
	// An old ReplicaSet is all that is known of a Deployment that is not in the input.
	for key, g := range idle {
		if roots[key] == nil {
			roots[key] = g
		}
	}
	list := map[string][]Workload{}
	for _, key := range slices.SortedFunc(maps.Keys(roots), compareOwners) {
		list[key.Namespace] = append(list[key.Namespace], c.workload(key, roots[key]))
	}
	return list
}

func (c *Collector) workload(o Owner, g *group) Workload {
	w := Workload{
		Owner: o, Pods: g.pods, Templates: g.templates + g.idle, More: g.cut, broken: g.broken, mayNotStart: g.mayNotStart(),
		Violations: []Violation{},
	}
	var denied answers
	for q := range questions() {
		if w.broken[q.way][q.rank].any() {
			denied = denied.with(q)
		}
	}
	// A workload that one of its pods keeps from being allowed is not allowed.
	w.mayNotStart &^= denied
	w.Denied, w.MayNotStart = c.levels(denied), c.levels(w.mayNotStart)
	slices.SortFunc(g.marks, compareMarks)
	for _, m := range g.marks {
		w.Violations = append(w.Violations, Violation{c.levels(m.stands), m.pods, m.template, m.ViolationRecord, m})
	}
	return w
}

func compareMarks(a, b mark) int {
	after := func(m mark) int { // rules come last
		if m.check == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(after(a), after(b)), cmp.Compare(a.check, b.check), cmp.Compare(a.rule, b.rule),
		cmp.Compare(a.Field, b.Field), cmp.Compare(a.order, b.order),
	)
}

func (c *Collector) levels(a answers) Levels {
	l := Levels{AsIs: a.at(AsIs), Filled: a.at(Filled)}
	if c.policies.Len() > 0 {
		l.Policies = a.at(UnderPolicies)
	}
	return l
}

func (c *Collector) report(name string, workloads []Workload) Namespace {
	n := Namespace{Name: name, Version: c.version.String(), Workloads: workloads, Undecided: []Undecided{}}
	if in := c.namespaces[name]; in != nil {
		n.Undecided = append(n.Undecided, in.undecided...)
		n.UndecidedCount = len(in.undecided) + in.more
		n.Now = now(in.labels)
	}
	if n.Workloads == nil {
		n.Workloads = []Workload{}
	}
	for i := range workloads {
		n.Pods += workloads[i].Pods
	}
	n.AsIs, n.Filled = c.answer(&n, AsIs), c.answer(&n, Filled)
	if c.policies.Len() > 0 {
		a := c.answer(&n, UnderPolicies)
		n.Policies = &a
	}
	return n
}

// now reads the labels as Pod Security Admission does.
func now(labels map[string]string) *Now {
	if labels == nil {
		return nil
	}
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	// What is wrong in a label is restricted, as the API server takes it.
	p, _ := api.PolicyToEvaluate(labels, api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged})
	return &Now{p.Enforce.Level, p.Audit.Level, p.Warn.Level}
}

func (c *Collector) answer(n *Namespace, way Way) Answer {
	a := Answer{Level: n.free(way)}
	a.MayNotStart = n.startless(way, a.Level)
	if next := nextLevel(a.Level); next != "" {
		a.Next = &Next{Level: next, Blocks: n.blocks(way, next), MayNotStart: n.startless(way, next)}
	}
	a.Commands = rollOut(n, way, a)
	return a
}

// free is the highest level at which nothing is denied.
func (n *Namespace) free(way Way) api.Level {
	for _, r := range [...]rank{restricted, baseline} {
		denied := slices.ContainsFunc(n.Workloads, func(w Workload) bool { return w.broken[way][r].any() })
		if !denied && n.UndecidedCount == 0 {
			return levelOf[r]
		}
	}
	return api.LevelPrivileged
}

func nextLevel(l api.Level) api.Level {
	switch l {
	case api.LevelPrivileged:
		return api.LevelBaseline
	case api.LevelBaseline:
		return api.LevelRestricted
	}
	return ""
}

// questionOf is the question that a level asks; false at privileged, which asks nothing.
func questionOf(way Way, level api.Level) (question, bool) {
	r := slices.Index(levelOf[:], level)
	return question{way, rank(max(r, 0))}, r >= 0
}

// startless are the workloads that are allowed at a level and may not start.
func (n *Namespace) startless(way Way, level api.Level) []string {
	names := []string{}
	if q, ok := questionOf(way, level); ok {
		for i := range n.Workloads {
			if n.Workloads[i].mayNotStart.has(q) {
				names = append(names, n.Workloads[i].String())
			}
		}
	}
	return names
}

// blocks are the checks and rules that are violated at a level.
func (n *Namespace) blocks(way Way, level api.Level) []Block {
	q, _ := questionOf(way, level)
	var all broken
	for i := range n.Workloads {
		all.merge(n.Workloads[i].broken[q.way][q.rank])
	}
	blocks := []Block{}
	for id := range all.checks.All() {
		b := Block{Check: id.String(), Control: id.Control().Title}
		b.Workloads = n.where(q, func(b *broken) bool { return b.checks.Has(id) })
		blocks = append(blocks, b)
	}
	for _, rule := range slices.Sorted(maps.Keys(all.rules)) {
		blocks = append(blocks, Block{Rule: rule.String(), Workloads: n.where(q, func(b *broken) bool { return b.rules[rule] })})
	}
	return blocks
}

func (n *Namespace) where(q question, breaks func(*broken) bool) (names []string) {
	for i := range n.Workloads {
		if breaks(&n.Workloads[i].broken[q.way][q.rank]) {
			names = append(names, n.Workloads[i].String())
		}
	}
	return names
}

// answerOf is the answer in one way, nil under policies without any.
func (n *Namespace) answerOf(way Way) *Answer {
	return [ways]*Answer{&n.AsIs, &n.Filled, n.Policies}[way]
}

// cell is how a namespace stands to one control.
type cell struct {
	// count is how many workloads violate it, at baseline or restricted.
	count int
	// baseline: it is violated at baseline, and not only at restricted.
	baseline bool
}

// cell counts the workloads that violate some checks; the rules of policies for none.
func (n *Namespace) cell(way Way, checks spec.CheckSet) (c cell) {
	for i := range n.Workloads {
		at := &n.Workloads[i].broken[way]
		violates := func(b *broken) bool {
			return b.checks&checks != 0 || checks == 0 && len(b.rules) > 0
		}
		if violates(&at[baseline]) || violates(&at[restricted]) {
			c.count++
		}
		c.baseline = c.baseline || violates(&at[baseline])
	}
	return c
}
