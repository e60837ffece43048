package podgen_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// draws is how many pods and policies TestEveryCaseIsDrawn draws, each from a
// seed of its own, so that every run counts the same.
const draws = 20000

// shapes is how many lists, maps and pointers of a pod the generator sets: those
// that it forgets would go unnoticed otherwise.
const shapes = 144

// tally counts cases. A case is a subject and what became of it: a check and
// "violated". Floors are set before anything is counted; a case that has none is
// as wrong as one that is drawn too seldom, for then a list is not complete.
type tally struct {
	counts, floors map[[2]string]int
	// set holds the lists, maps and pointers that were ever set.
	set map[string]reflect.Type
	// shaped remembers what shapedOf found: to ask again for every pod takes long.
	shaped map[reflect.Type][]shapedField
}

func newTally() *tally {
	return &tally{map[[2]string]int{}, map[[2]string]int{}, map[string]reflect.Type{}, map[reflect.Type][]shapedField{}}
}

// add adds what another counted.
func (c *tally) add(other *tally) {
	for k, n := range other.counts {
		c.counts[k] += n
	}
	maps.Copy(c.set, other.set)
}

func (c *tally) want(floor int, subject string, becomes ...string) {
	for _, b := range becomes {
		c.floors[[2]string{subject, b}] = floor
	}
}

func (c *tally) count(subject, becomes string) { c.counts[[2]string{subject, becomes}]++ }

// check prints the counts, one line for each subject, and fails below a floor.
func (c *tally) check(t *testing.T) {
	t.Helper()
	lines := map[string]string{}
	all := maps.Clone(c.floors)
	maps.Copy(all, c.counts)
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		floor, wanted := c.floors[k]
		switch n := c.counts[k]; {
		case !wanted:
			t.Errorf("%s, %s: drawn %d times, and no floor is set for it", k[0], k[1], n)
		case n < floor:
			t.Errorf("%s, %s: drawn %d times, want at least %d", k[0], k[1], n, floor)
		}
		lines[k[0]] += fmt.Sprintf("  %s %d", k[1], c.counts[k])
	}
	for _, subject := range slices.Sorted(maps.Keys(lines)) {
		t.Logf("%s:%s", subject, lines[subject])
	}
	if t.Failed() {
		t.Log("pods are drawn by the tables of internal/podgen/fields.go and volumes.go, policies by allowFields of internal/podgen/policy.go")
	}
}

// TestEveryCaseIsDrawn: every check of every level and version is violated and
// satisfied, every grant used and unused, every own rule broken and met, every
// fill made and left for every reason, and so on. What there is to count comes
// from the library, so that something new without a case fails by its name.
func TestEveryCaseIsDrawn(t *testing.T) {
	c := newTally()
	c.wantStandard()
	c.wantGrants()
	c.wantRules()
	c.wantPolicyKeys()
	c.wantSelectors()
	c.wantFills(t)
	c.wantAdmit(t)
	c.wantVolumes()
	c.wantLevels()
	c.wantRuleLevels()
	c.wantValues()
	c.wantOddities()

	shards := [...]*tally{newTally(), newTally()}
	var wait sync.WaitGroup
	for i, shard := range shards {
		wait.Add(1)
		go func() {
			defer wait.Done()
			shard.draw(t, i, len(shards))
		}()
	}
	wait.Wait()
	for _, shard := range shards {
		c.add(shard)
	}
	c.wantShapes()
	if len(c.set) != shapes {
		t.Errorf("%d lists, maps and pointers of pods are ever set, want %d: one is drawn no more, or is new; see shapes in internal/podgen/podgen_test.go", len(c.set), shapes)
	}
	c.check(t)
}

// draw draws and counts every n-th pod and policy.
func (c *tally) draw(t *testing.T, first, n int) {
	pods, policies := podgen.Pod(), podgen.Policy()
	var recent [4]policy.Policy
	for i := 0; first+i*n < draws; i++ {
		seed := first + i*n
		pod, p := pods.Example(seed), policies.Example(draws+seed)
		recent[i%len(recent)] = p
		c.standard(i, pod)
		c.policy(pod, &p)
		c.policyKeys(&p)
		c.selectors(pod, &p)
		_, report := mutate.Mutate(pod, &p)
		c.fills(pod, &report)
		c.values(pod, &p, &report)
		c.levels(pod)
		c.ruleLevels(pod, &p)
		c.oddities(pod)
		c.prefixes(pod, &p)
		c.volumes(&pod.Spec)
		if i%2 == 0 { // the most expensive count
			c.shapes(pod)
		}
		if i%len(recent) == len(recent)-1 {
			c.admit(t, i/len(recent), pod, recent[:])
		}
	}
}

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// since are the minor versions in which a check was added or changed: what the
// standard says at any other, it says at the nearest of these below.
var since = func() (minors []int) {
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			for _, r := range check.Revisions {
				minors = append(minors, r.Since)
			}
		}
	}
	slices.Sort(minors)
	return slices.Compact(minors)
}()

func at(level api.Level, minor int) api.LevelVersion {
	return api.LevelVersion{Level: level, Version: api.MajorMinorVersion(1, minor)}
}

// checkNames are the checks in force at each level and version, as subjects.
var checkNames = func() map[api.LevelVersion]map[spec.CheckID]string {
	names := map[api.LevelVersion]map[spec.CheckID]string{}
	for _, level := range levels {
		for _, minor := range since {
			lv := at(level, minor)
			names[lv] = map[spec.CheckID]string{}
			for id := range spec.For(lv, false, false).Checks.All() {
				names[lv][id] = fmt.Sprintf("check %s at %s:v1.%02d", id, level, minor)
			}
		}
	}
	return names
}()

func revisionName(id spec.CheckID, minor int) string {
	return fmt.Sprintf("revision of %s in v1.%02d", id, minor)
}

func (c *tally) wantStandard() {
	newest := since[len(since)-1]
	for lv, names := range checkNames {
		for _, name := range names {
			c.want(30, name, "violated", "satisfied")
			if lv.Version.Minor() == newest {
				c.want(700, name, "violated", "satisfied")
				c.want(20, name, "alone")
			}
		}
	}
	for _, level := range levels {
		c.want(draws/20, "pod at "+string(level), "allowed", "denied")
	}
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			for _, r := range check.Revisions {
				if r.Since > 0 {
					c.want(20, revisionName(check.ID, r.Since), "tells")
				}
				for _, allowed := range r.Allowed {
					for _, f := range allowed.Fields {
						c.wantBroken(check.ID, f)
					}
				}
			}
		}
	}
}

// wantBroken: each field that a check reads breaks it, in each kind of container.
func (c *tally) wantBroken(id spec.CheckID, f spec.Field) {
	subject := "broken " + id.String() + " at " + f.String()
	if ofPod(f) {
		c.want(140, subject, "pod")
		return
	}
	for kind := spec.InitContainer; kind <= spec.EphemeralContainer; kind++ {
		c.want(140, subject, kind.String())
	}
}

func ofPod(f spec.Field) bool { return f.Scope() == spec.OfPod }

// standard holds the pod against the newest version and, in turn, against two
// others and those before them.
func (c *tally) standard(i int, pod *corev1.Pod) {
	newest := len(since) - 1
	for _, level := range levels {
		c.judge(pod, at(level, since[newest]), true)
		for _, turn := range []int{i % len(since), (i + len(since)/2) % len(since)} {
			now := c.judge(pod, at(level, since[turn]), false)
			if turn > 0 {
				c.revisions(since[turn], now, evaluate.Evaluate(pod, at(level, since[turn-1]), policy.Set{}).Violations)
			}
		}
	}
}

// judge counts which checks are violated and which are satisfied by a pod that
// they speak of, and which one alone decides.
func (c *tally) judge(pod *corev1.Pod, lv api.LevelVersion, newest bool) []evaluate.Violation {
	found := evaluate.Evaluate(pod, lv, policy.Set{}).Violations
	violated := map[spec.CheckID]bool{}
	for i := range found {
		violated[found[i].Check] = true
		c.broken(&found[i])
	}
	inForce := spec.For(lv, spec.IsWindows(&pod.Spec), spec.InUserNamespace(&pod.Spec)).Checks
	for id, name := range checkNames[lv] {
		switch {
		case violated[id]:
			c.count(name, "violated")
			if newest && len(violated) == 1 {
				c.count(name, "alone")
			}
		case inForce.Has(id) && len(pod.Spec.Containers) > 0:
			c.count(name, "satisfied")
		}
	}
	if newest && len(found) == 0 {
		c.count("pod at "+string(lv.Level), "allowed")
	} else if newest {
		c.count("pod at "+string(lv.Level), "denied")
	}
	return found
}

func (c *tally) broken(v *evaluate.Violation) {
	f, where := v.Field, "pod"
	if strings.HasPrefix(f.String(), spec.FieldVolume.String()) && v.Check == spec.CheckRestrictedVolumes {
		f = spec.FieldVolume // named by its type
	}
	if v.Container.Kind != 0 {
		where = v.Container.Kind.String()
	}
	c.count("broken "+v.Check.String()+" at "+f.String(), where)
}

// changed are the checks that were added or changed in a minor version.
func changed(minor int) (list []spec.CheckID) {
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			if slices.ContainsFunc(check.Revisions, func(r spec.Revision) bool { return r.Since == minor }) {
				list = append(list, check.ID)
			}
		}
	}
	return list
}

// revisions counts pods that a version judges otherwise than the one before it.
func (c *tally) revisions(minor int, now, before []evaluate.Violation) {
	for _, id := range changed(minor) {
		if violations(now, id) != violations(before, id) {
			c.count(revisionName(id, minor), "tells")
		}
	}
}

func violations(found []evaluate.Violation, id spec.CheckID) (n int) {
	for i := range found {
		if found[i].Check == id {
			n++
		}
	}
	return n
}

// admit holds a pod against a set of none to all of the policies.
func (c *tally) admit(t *testing.T, i int, pod *corev1.Pod, policies []policy.Policy) {
	set, err := policy.NewSet(podgen.Together(policies[:i%(len(policies)+1)])...)
	if err != nil {
		t.Error(err)
	}
	set = set.WithNamespaces(podgen.LabelsOf)
	lv := api.LevelVersion{Level: []api.Level{api.LevelRestricted, api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged}[i%4], Version: api.LatestVersion()}
	d := podfence.Admit(pod, lv, set)
	outcome := "denied"
	if d.Allowed() {
		outcome = "allowed"
	}
	c.count("admit for reason "+string(d.Reason), outcome)
	if n := len(d.Considered); n > 1 {
		c.count("admit", "several policies govern")
	}
}

func (c *tally) wantAdmit(t *testing.T) {
	for _, reason := range constants(t, "../..", func(_, typ string) bool { return typ == "Reason" }) {
		switch podfence.Reason(reason) {
		case podfence.Closest:
			c.want(50, "admit for reason "+reason, "denied")
		case podfence.NoPolicy:
			c.want(200, "admit for reason "+reason, "allowed", "denied")
		default:
			c.want(50, "admit for reason "+reason, "allowed")
		}
	}
	c.want(50, "admit", "several policies govern")
}

// TestBoundary: restricted allows many of these pods, and one check alone
// decides about most others.
func TestBoundary(t *testing.T) {
	const draws = 2000
	allowed, alone := 0, 0
	pods := podgen.Boundary()
	for i := range draws {
		violated := map[spec.CheckID]bool{}
		r := evaluate.Evaluate(pods.Example(i), api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, policy.Set{})
		for _, v := range r.Violations {
			violated[v.Check] = true
		}
		switch len(violated) {
		case 0:
			allowed++
		case 1:
			alone++
		}
	}
	t.Logf("%d of %d allowed, %d violate one check", allowed, draws, alone)
	if allowed < draws/4 || alone < draws/4 {
		t.Errorf("%d of %d allowed and %d violate one check, want a quarter of each at least", allowed, draws, alone)
	}
}

// TestSparse: Mutate has much to fill in in these pods, and most are allowed then.
func TestSparse(t *testing.T) {
	const draws = 2000
	changes, allowed := 0, 0
	pods := podgen.Sparse()
	for i := range draws {
		filled, report := mutate.Mutate(pods.Example(i), nil)
		changes += len(report.Changes())
		if evaluate.Evaluate(filled, api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, policy.Set{}).Allowed() {
			allowed++
		}
	}
	t.Logf("%d fields filled in in %d pods, of which %d are then allowed", changes, draws, allowed)
	if changes < 10*draws || allowed < draws/2 {
		t.Errorf("%d fields filled in in %d pods, of which %d are then allowed", changes, draws, allowed)
	}
}

// TestSameSeedSamePod: what the counts rest on.
func TestSameSeedSamePod(t *testing.T) {
	for i := range 200 {
		if !reflect.DeepEqual(podgen.Pod().Example(i), podgen.Pod().Example(i)) {
			t.Fatalf("seed %d gave two pods", i)
		}
		if !reflect.DeepEqual(podgen.Policy().Example(i), podgen.Policy().Example(i)) {
			t.Fatalf("seed %d gave two policies", i)
		}
	}
}

// BenchmarkPod: rapid draws pods by the hundred thousand.
func BenchmarkPod(b *testing.B) {
	pods := podgen.Pod()
	for i := range b.N {
		pods.Example(i)
	}
}

// BenchmarkPolicy includes Validate.
func BenchmarkPolicy(b *testing.B) {
	policies := podgen.Policy()
	for i := range b.N {
		policies.Example(i)
	}
}
