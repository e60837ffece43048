package main

import (
	"fmt"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/levels"
)

// answerLevels is the part of an answer about the levels of the workload's namespace:
// where the level is from, and what stands against those that deny nothing.
type answerLevels struct {
	levels.Levels
	namespace string
	// audit and warn are the answers at those levels, nil where they ask for nothing
	// else than the enforced level.
	audit, warn *evaluate.Result
	// denied: the enforced level denies the workload.
	denied bool
}

// answerLevels judges a workload at the levels of its namespace that deny nothing.
// enforced is the answer at the one that may.
func (s *scan) answerLevels(namespace string, enforced *evaluate.Result, ask func(api.LevelVersion) evaluate.Result) *answerLevels {
	if !s.levels.Reads() {
		return nil
	}
	a := &answerLevels{Levels: s.levels.Of(namespace), namespace: namespace, denied: !enforced.Allowed()}
	if !a.Audit.Equivalent(&a.Enforce) {
		r := ask(a.Audit)
		a.audit = &r
	}
	switch {
	case a.Warn.Equivalent(&a.Enforce):
	case a.audit != nil && a.Warn.Equivalent(&a.Audit):
		a.warn = a.audit
	default:
		r := ask(a.Warn)
		a.warn = &r
	}
	return a
}

// observed counts what stands against the levels that deny nothing.
func (t *tally) observed(a *answerLevels) {
	if a.warned() {
		t.warned++
	}
	if a.audited() {
		t.audited++
	}
}

// warned reports whether an API server would warn: it does not of what it denies.
func (a *answerLevels) warned() bool {
	return a != nil && a.warn != nil && !a.warn.Allowed() && !a.denied
}

// audited reports whether an API server would write violations into its audit log.
func (a *answerLevels) audited() bool { return a != nil && a.audit != nil && !a.audit.Allowed() }

// headline is what the first line of an answer says of them, behind the verdict.
func (a *answerLevels) headline() string {
	return listed(", with ", " and ", only(a.warned(), "warnings"), only(a.audited(), "audit violations"))
}

// writeLevels says at which levels the workload is judged, and who says so.
func (a *answer) writeLevels(p *page) {
	if a.levels != nil {
		p.line("", indent+"%s", a.levels.source())
	}
}

func (a *answerLevels) source() string {
	return fmt.Sprintf("level %s by %s%s", a.Enforce, a.reason(), a.others())
}

func (a *answerLevels) reason() string {
	switch {
	case a.Source == levels.Missing && a.namespace == "":
		return "--level-without-namespace: the manifest names no namespace (-n gives one)"
	case a.Source == levels.Missing:
		return "--level-without-namespace: no document describes Namespace " + a.namespace
	case !a.Labelled:
		return fmt.Sprintf("--default-level: Namespace %s at %s:%d has no label for it", a.namespace, a.File, a.Line)
	default:
		return fmt.Sprintf("Namespace %s at %s:%d", a.namespace, a.File, a.Line)
	}
}

// others are the levels that deny nothing, where they ask for more than nothing and
// for something else than the enforced one.
func (a *answerLevels) others() string {
	other := func(mode string, lv api.LevelVersion) string {
		return only(lv.Level != api.LevelPrivileged && !lv.Equivalent(&a.Enforce), mode+" "+lv.String())
	}
	return listed("; ", ", ", other("audit", a.Audit), other("warn", a.Warn))
}

// writeObserved writes what stands against the warn and the audit level, but for
// what is denied already, and what an API server would say of it.
func (a *answer) writeObserved(p *page) {
	l := a.levels
	if l == nil {
		return
	}
	both := l.warned() && l.warn == l.audit
	if l.warned() {
		lead := "warn"
		if both {
			lead = "warn and audit"
		}
		a.writeViolations(p, lead+": ", l.warn.Violations)
		p.line(yellow, indent+"Warning: %s", l.warn.Warning())
	}
	if l.audited() && !both {
		a.writeViolations(p, "audit: ", notIn(a.result, l.audit))
		p.line(yellow, indent+"Audit: %s", l.audit.Warning())
	}
}

// notIn are the violations of a second result that the first does not have.
func notIn(first, second *evaluate.Result) (more []evaluate.Violation) {
	for i := range second.Violations {
		v := &second.Violations[i]
		if !slices.ContainsFunc(first.Violations, func(f evaluate.Violation) bool {
			return f.Check == v.Check && f.Rule == v.Rule && f.Location == v.Location
		}) {
			more = append(more, *v)
		}
	}
	return more
}

// leveled is the part of an answer's JSON about the levels of the namespace. The key
// is there only with --level labels.
type leveled struct {
	Levels *levelsRecord `json:"levels,omitempty"`
}

// levelsRecord says where the level of the answer is from, and what the two levels
// say that deny nothing.
type levelsRecord struct {
	// From is namespace, defaultLevel or levelWithoutNamespace.
	From string `json:"from"`
	// File and Line are the place of the Namespace, where there is one.
	File  string          `json:"file,omitempty"`
	Line  int             `json:"line,omitempty"`
	Audit *observedRecord `json:"audit"`
	Warn  *observedRecord `json:"warn"`
}

// observedRecord is the answer at a level that denies nothing: null where that asks
// for nothing else than the enforced level.
type observedRecord struct {
	Level      api.Level         `json:"level"`
	Version    string            `json:"version"`
	Allowed    bool              `json:"allowed"`
	Message    string            `json:"message"`
	Policy     string            `json:"policy"`
	Violations []violationRecord `json:"violations"`
}

func (a *answer) leveled() leveled {
	l := a.levels
	if l == nil {
		return leveled{}
	}
	return leveled{&levelsRecord{
		From: l.from(), File: l.File, Line: l.Line, Audit: a.observedRecord(l.audit), Warn: a.observedRecord(l.warn),
	}}
}

func (a *answerLevels) from() string {
	switch {
	case a.Source == levels.Missing:
		return "levelWithoutNamespace"
	case !a.Labelled:
		return "defaultLevel"
	default:
		return "namespace"
	}
}

func (a *answer) observedRecord(r *evaluate.Result) *observedRecord {
	if r == nil {
		return nil
	}
	record := a.resultRecord(r)
	return &observedRecord{record.Level, record.Version, record.Allowed, record.Message, record.Policy, record.Violations}
}
