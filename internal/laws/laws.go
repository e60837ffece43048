// Package laws holds Mutate and Evaluate against the laws of the design, which
// package podfence's documentation lists, for one pod under one policy at a time.
// Its tests do so for generated pods and policies, as properties and as a fuzz
// target; package exhaustive does so for every pod and policy of small domains.
//
// What is granted, demanded and filled is said by package restated, which shares
// no code with the packages that are judged. Law 4 needs the API's own validation
// and is held by internal/validation.
package laws

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/kept"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Broken says which of the laws 1, 2, 5 and 6 are broken for a pod under a policy
// at some levels and versions, and whether anything is filled that the design
// does not want; none for none. original is a copy of the pod.
func Broken(pod, original *corev1.Pod, p *policy.Policy, lvs []api.LevelVersion) []string {
	l := &laws{Case: restated.Case{Pod: pod, Policy: p}}
	l.mutate(original)
	l.fills()
	of := rules{before: l.Demands(), after: l.filled().Demands()}
	for _, lv := range lvs {
		if len(l.broken) > 0 {
			break
		}
		l.evaluate(lv, of)
	}
	return l.broken
}

// laws is a pod under a policy, what Mutate made of it, and which laws were found
// to be broken.
type laws struct {
	restated.Case
	report mutate.Report
	broken []string
}

// rules are those of the policy that the pod and the filled pod break.
type rules struct{ before, after map[string]bool }

// filled is the case of the filled pod.
func (l *laws) filled() restated.Case { return restated.Case{Pod: l.Filled, Policy: l.Policy} }

func (l *laws) breaks(format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}

// under is what Evaluate says of a pod under one policy, nil for none.
func under(pod *corev1.Pod, lv api.LevelVersion, p *policy.Policy) evaluate.Result {
	return evaluate.Spec(&pod.ObjectMeta, &pod.Spec, lv, p)
}

// mutate is law 2: Mutate is idempotent and deterministic, keeps every set field
// and every order, and never changes its input.
func (l *laws) mutate(original *corev1.Pod) {
	l.Filled, l.report = mutate.Mutate(l.Pod, l.Policy)
	if !reflect.DeepEqual(original, l.Pod) {
		l.breaks("law 2: the input was changed")
	}
	changes := l.report.Changes()
	if (l.Filled == l.Pod) == l.report.Changed() {
		l.breaks("law 2: %d changes, and the pod itself came back: %v", len(changes), l.Filled == l.Pod)
	}
	if again, report := mutate.Mutate(l.Filled, l.Policy); again != l.Filled || report.Changed() {
		l.breaks("law 2: not idempotent: %v", report.Changes())
	}
	other, report := mutate.Mutate(l.Pod, l.Policy)
	if !reflect.DeepEqual(other, l.Filled) || !reflect.DeepEqual(report.Changes(), changes) ||
		!reflect.DeepEqual(report.Unset(), l.report.Unset()) {
		l.breaks("law 2: not deterministic")
	}
	if lost := kept.Lost(l.Pod, l.Filled); lost != "" {
		l.breaks("law 2: not kept: %s", lost)
	}
}

// fills is the table of fills: a field is filled only where its effective value
// is unset, with what the policy wants there, and where neither API validation
// nor the kubelet would refuse the pod for it; each reason to leave a field is
// true; and no field is forgotten.
func (l *laws) fills() {
	for _, c := range l.report.Changes() {
		f := l.Fill(c.Location, c.Value)
		if f.WasSet || f.Unwanted || f.Refused || !reflect.DeepEqual(c.Value, f.Want) {
			l.breaks("filled %s: want %v, was set: %v, unwanted: %v, Kubernetes refuses it: %v",
				c, f.Want, f.WasSet, f.Unwanted, f.Refused)
		}
	}
	for _, u := range l.report.Unset() {
		if !l.Leaves(u.Location, string(u.Reason)) || l.changed(u.Location) {
			l.breaks("left unset, which is not true, or filled all the same: %s", u)
		}
	}
	for at, path := range l.Unsettled() {
		here := func(l spec.Location) bool { return l.Container == at && restated.Path(l.Field) == path }
		if !slices.ContainsFunc(l.report.Changes(), func(c mutate.Change) bool { return here(c.Location) }) &&
			!slices.ContainsFunc(l.report.Unset(), func(u mutate.Unset) bool { return here(u.Location) }) {
			l.breaks("neither set, nor filled, nor in the report: %s %s", at, path)
		}
	}
}

// changed reports whether a field was filled.
func (l *laws) changed(at spec.Location) bool {
	return slices.ContainsFunc(l.report.Changes(), func(c mutate.Change) bool { return c.Location == at })
}

// evaluate holds laws 1, 5 and 6 at one level and version.
func (l *laws) evaluate(lv api.LevelVersion, of rules) {
	before, after := under(l.Pod, lv, l.Policy), under(l.Filled, lv, l.Policy)
	l.addsNone(lv, before.Violations, after.Violations)
	l.remains(lv, after.Violations)
	l.excused(lv, under(l.Pod, lv, nil).Violations, &before)
	l.demanded(lv, l.Case, of.before, before.Violations)
	l.demanded(lv, l.filled(), of.after, after.Violations)
}

// find finds what breaks the same check or rule at the same place.
func find(list []evaluate.Violation, v *evaluate.Violation) (*evaluate.Violation, bool) {
	for i := range list {
		if w := &list[i]; w.Check == v.Check && w.Rule == v.Rule && w.Location == v.Location {
			return w, true
		}
	}
	return nil, false
}

// addsNone is law 5: Mutate adds no violation.
func (l *laws) addsNone(lv api.LevelVersion, before, after []evaluate.Violation) {
	for i := range after {
		if _, found := find(before, &after[i]); !found {
			l.breaks("law 5: at %s, only after Mutate: %s", lv, after[i])
		}
	}
}

// remains is law 1: what is left of a filled pod was set by its author, or could
// not be supplied because of what the author set. Versions that judge the pod
// otherwise are left out.
func (l *laws) remains(lv api.LevelVersion, after []evaluate.Violation) {
	if restated.JudgedOtherwise(l.Pod, lv.Version) {
		return
	}
	for i := range after {
		if !l.isTheAuthors(&after[i]) {
			l.breaks("law 1: at %s, neither the author's nor the author's doing: %s", lv, after[i])
		}
	}
}

func (l *laws) isTheAuthors(v *evaluate.Violation) bool {
	if v.Value != nil {
		return !l.changed(v.Location)
	}
	i := slices.IndexFunc(l.report.Unset(), func(u mutate.Unset) bool { return u.Location == v.Location })
	if i < 0 {
		return false
	}
	switch l.report.Unset()[i].Reason {
	case mutate.Inherited, mutate.Annotation, mutate.AddsSysAdmin, mutate.PrivilegedContainer, mutate.NonRoot,
		mutate.Mirror, mutate.HostNamespaces, mutate.VolumeDevices:
		return true
	case mutate.RootUser:
		return l.RunsAsRoot(v.Container)
	case mutate.Administrator:
		return l.RunsAsAdministrator(v.Container)
	default:
		return false
	}
}

// excused is one half of law 6: an exception removes only violations that it
// grants, and all of these; and it adds none of the standard's.
func (l *laws) excused(lv api.LevelVersion, standard []evaluate.Violation, r *evaluate.Result) {
	stand := 0
	for i := range r.Violations {
		if r.Violations[i].FromStandard() {
			stand++
		}
	}
	if stand+len(r.Excused) != len(standard) {
		l.breaks("law 6: at %s, %d violations stand and %d are excused of %d", lv, stand, len(r.Excused), len(standard))
	}
	for i := range standard {
		v := &standard[i]
		want := l.Grants(v.Check, v.Location, v.Value)
		_, stands := find(r.Violations, v)
		excused, found := find(r.Excused, v)
		if found != want || stands == want || found && excused.ExcusedBy.Key == 0 {
			l.breaks("law 6: at %s, granted: %v, excused: %v, stands: %v: %s", lv, want, found, stands, v)
		}
	}
}

// demanded is the other half of law 6: a policy adds what its own rules name, and
// nothing else. want are the rules that the pod of the case breaks at every level.
func (l *laws) demanded(
	lv api.LevelVersion, of restated.Case, want map[string]bool, violations []evaluate.Violation,
) {
	volumes := of.DemandsVolumes(lv.Level)
	seen, number := 0, len(want)
	if volumes {
		number++
	}
	for i := range violations {
		v := &violations[i]
		if v.FromStandard() {
			continue
		}
		if i == 0 || violations[i-1].Rule != v.Rule {
			seen++
		}
		if name := v.Rule.String(); !want[name] && !(volumes && name == "allow.volumes") {
			l.breaks("law 6: at %s, no rule demands this: %s", lv, v)
		}
	}
	if seen != number {
		l.breaks("law 6: at %s, %d rules are broken, want %v, and the one of volumes: %v", lv, seen, want, volumes)
	}
}
