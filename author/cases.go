package author

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Case is a claim about what policies do to workloads: a test of policies.
type Case struct {
	// Name says what is claimed.
	Name string
	// Workloads are judged one by one, and the claim is made of each.
	Workloads []podfence.Workload
	// Level is the level and version at which they are judged. Its version zero is
	// the latest.
	Level api.LevelVersion
	// Policies are those in force. The zero Set holds none.
	Policies policy.Set
	// Expect is what is claimed.
	Expect Expectation
}

// Expectation is what a [Case] claims of the answer of podfence.Admit. What it does
// not speak of may be anything; an expectation that speaks of nothing is an error.
type Expectation struct {
	// Verdict is whether the workload may run, as filled in. Empty: not asked.
	Verdict Verdict
	// Policy is the name of the policy that governs the workload, "" for the default
	// one, because no policy selects it. Nil: not asked.
	Policy *string
	// Violations are all that stands against the workload: what stands is named, and
	// what is named stands. Nil: not asked. Empty: nothing stands.
	Violations []Expected
	// Excused are all violations that a grant of the policy excuses. Nil: not asked.
	// Empty: nothing is excused.
	Excused []Expected
	// Filled are fields that are filled in, with their values; others may be too.
	Filled []Filled
	// Unchanged: nothing is filled in.
	Unchanged bool
}

// Verdict is whether a workload may run.
type Verdict string

// The verdicts.
const (
	Allowed Verdict = "allowed"
	Denied  Verdict = "denied"
)

// Expected names violations: those of a check or of a policy's own rule, all of
// them or the one of a field.
type Expected struct {
	// Check is the check, zero for a rule.
	Check spec.CheckID
	// Rule is the policy's own rule, zero for a check.
	Rule policy.Key
	// Field is the path of the field in the workload's object, as answers write it:
	// spec.template.spec.hostPID. Empty: every field.
	Field string
}

// ExpectedID is the expectation of violations of a check, or of a policy's own rule, given by its
// ID as answers write it: hostNamespaces, allow.volumes. The error says what was
// probably meant.
func ExpectedID(id string) (Expected, error) {
	var e Expected
	if e.Check.UnmarshalText([]byte(id)) == nil && e.Check != 0 {
		return e, nil
	}
	if e.Rule.UnmarshalText([]byte(id)) == nil && isDemand(e.Rule) {
		return Expected{Rule: e.Rule}, nil
	}
	fix := "write the ID of a check, as in hostNamespaces, or of a policy's own rule, as in allow.volumes"
	if meant := nearest.Of(id, IDs()); meant != "" {
		fix = "did you mean " + meant + "?"
	}
	return Expected{}, policy.Error{Problem: fmt.Sprintf("no check and no rule of a policy has the ID %q", id), Fix: fix}
}

// IDs are the IDs that violations have: of every check, and of every rule that a
// policy may make of its own.
func IDs() (ids []string) {
	for id := spec.CheckID(1); id.Control() != nil; id++ {
		ids = append(ids, id.String())
	}
	for _, d := range policy.Demands() {
		if id := d.Key.String(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func isDemand(key policy.Key) bool {
	return slices.ContainsFunc(policy.Demands(), func(d policy.Demand) bool { return d.Key == key })
}

// ID is the ID of the check or of the rule.
func (e *Expected) ID() string {
	if e.Check != 0 {
		return e.Check.String()
	}
	return e.Rule.String()
}

// names reports whether a violation is one of those that are meant.
func (e *Expected) names(v *evaluate.Violation) bool {
	return e.Check == v.Check && e.Rule == v.Rule && (e.Field == "" || e.Field == v.Location.String())
}

// Filled is a field that is filled in, and its value.
type Filled struct {
	// Field is the path of the field in the workload's object, as answers write it.
	Field string
	// Value is a bool, a number, a text or a list of them. Numbers of any type are
	// compared by what they are.
	Value any
}

// Validate says what keeps an expectation from claiming anything, or from being met
// by any answer. The error is [policy.Errors], whose fields are the keys of a file
// of tests: "violations[1].field".
func (e *Expectation) Validate() error {
	var errs policy.Errors
	for _, row := range contradictions {
		if row.is(e) {
			errs = append(errs, policy.Error{Field: row.field, Problem: row.problem, Fix: row.fix})
		}
	}
	for _, list := range []struct {
		field   string
		entries []Expected
	}{{"violations", e.Violations}, {"excused", e.Excused}} {
		for i := range list.entries {
			if twice := slices.Index(list.entries[:i], list.entries[i]); twice >= 0 {
				errs = append(errs, policy.Error{
					Field:   fmt.Sprintf("%s[%d]", list.field, i),
					Problem: fmt.Sprintf("says what %s[%d] says already", list.field, twice), Fix: "keep one of them",
				})
			}
		}
	}
	for i := range e.Filled {
		for j := range e.Filled[:i] {
			if e.Filled[i].Field == e.Filled[j].Field {
				errs = append(errs, policy.Error{
					Field:   fmt.Sprintf("filled[%d]", i),
					Problem: fmt.Sprintf("is about the field of filled[%d]", j), Fix: "keep one of them",
				})
			}
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// contradictions are the expectations that no test can have.
var contradictions = [...]struct {
	is                  func(*Expectation) bool
	field, problem, fix string
}{
	{
		func(e *Expectation) bool {
			return e.Verdict == "" && e.Policy == nil && e.Violations == nil && e.Excused == nil && len(e.Filled) == 0 && !e.Unchanged
		},
		"", "nothing is expected, so that the case checks nothing", "write at least verdict: allowed or verdict: denied",
	},
	{
		func(e *Expectation) bool { return e.Verdict != "" && e.Verdict != Allowed && e.Verdict != Denied },
		"verdict", "is no verdict", "write allowed or denied",
	},
	{
		func(e *Expectation) bool { return e.Verdict == Allowed && len(e.Violations) > 0 },
		"violations", "stand against a workload that is expected to be allowed", "write verdict: denied, or move them to excused",
	},
	{
		func(e *Expectation) bool { return e.Verdict == Denied && e.Violations != nil && len(e.Violations) == 0 },
		"violations", "none are expected, and the workload to be denied", "name what stands against it, or write verdict: allowed",
	},
	{
		func(e *Expectation) bool { return e.Unchanged && len(e.Filled) > 0 },
		"filled", "fields are expected to be filled in, and the workload to stay unchanged", "leave one of the two out",
	},
}

// Aspect is what of an answer a [Difference] is about.
type Aspect string

// The aspects, in the order of reports.
const (
	AspectVerdict    Aspect = "verdict"
	AspectPolicy     Aspect = "policy"
	AspectViolations Aspect = "violations"
	AspectExcused    Aspect = "excused"
	AspectFilled     Aspect = "filled"
	AspectUnchanged  Aspect = "unchanged"
)

// Aspects returns all of them. Each is the key of a file of tests that speaks of it.
func Aspects() []Aspect {
	return []Aspect{AspectVerdict, AspectPolicy, AspectViolations, AspectExcused, AspectFilled, AspectUnchanged}
}

// Difference is one thing in which an answer is not what was expected.
type Difference struct {
	Aspect Aspect `json:"aspect"`
	// Index counts the entries of the expectation from 0; -1 for what has no entry.
	Index int `json:"-"`
	// Expected is what is not there. Nil: what was got was not expected.
	Expected *Fact `json:"expected"`
	// Got is what is there instead. Nil: nothing is.
	Got *Fact `json:"got"`
}

// Key is where the expectation says it, in a file of tests: "violations[1]".
func (d *Difference) Key() string {
	if d.Index < 0 {
		return string(d.Aspect)
	}
	return fmt.Sprintf("%s[%d]", d.Aspect, d.Index)
}

// String renders the difference on one line.
func (d *Difference) String() string {
	text := d.Key() + ": "
	switch {
	case d.Expected == nil:
		text += "not expected: " + d.Got.String()
	case d.Got == nil:
		text += "expected " + d.Expected.String() + ", which is not there"
	default:
		text += "expected " + d.Expected.String() + ", got " + d.Got.String()
	}
	return spec.Printable(text)
}

// Fact is a part of an answer, or of what is expected of one.
type Fact struct {
	// ID is that of a check or a rule; empty elsewhere.
	ID string `json:"id,omitempty"`
	// Field is the path of a field; empty for what has none, or for every field.
	Field string `json:"field,omitempty"`
	// Value is a verdict, the name of a policy, empty for the default one, or the value of the field. Nil where
	// none is asked for; "unset" where a violation is that there is none.
	Value any `json:"value,omitempty"`
}

// String renders the fact in a few words.
func (f *Fact) String() string {
	var parts []string
	if f.ID != "" {
		parts = append(parts, f.ID)
	}
	if f.Field != "" {
		parts = append(parts, f.Field)
	}
	text := strings.Join(parts, " at ")
	if f.Value == nil {
		return text
	}
	value := string(inJSON(f.Value))
	if text == "" {
		return value
	}
	return text + ": " + value
}

// Outcome is what became of a case's claim about one of its workloads.
type Outcome struct {
	// Decision is the answer about the workload.
	Decision podfence.Decision
	// Differences are what is not as it was expected, in the order of the aspects.
	Differences []Difference
}

// Passed reports whether all is as it was expected.
func (o *Outcome) Passed() bool { return len(o.Differences) == 0 }

// Run asks podfence about each workload of a case, and compares the answers with
// what is expected. The error says that the case cannot test anything: it has no
// workload, or its expectation is one that [Expectation.Validate] refuses.
func (c *Case) Run() ([]Outcome, error) {
	if len(c.Workloads) == 0 {
		return nil, policy.Errors{{Field: "pods", Problem: "there is no pod, so that the case checks nothing", Fix: "write one, or the file of one"}}
	}
	if err := c.Expect.Validate(); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(c.Workloads))
	for i := range c.Workloads {
		d := c.Workloads[i].Admit(c.Level, c.Policies)
		outcomes[i] = Outcome{Decision: d, Differences: c.Expect.differences(&d)}
	}
	return outcomes, nil
}

// differences compares an answer with what is expected of it.
func (e *Expectation) differences(d *podfence.Decision) (list []Difference) {
	if got := verdictOf(d); e.Verdict != "" && e.Verdict != got {
		list = append(list, differ(AspectVerdict, string(e.Verdict), string(got)))
	}
	if got := d.Result.PolicyName(); e.Policy != nil && *e.Policy != got {
		list = append(list, differ(AspectPolicy, *e.Policy, got))
	}
	if e.Violations != nil {
		list = append(list, compareViolations(AspectViolations, e.Violations, d.Result.Violations)...)
	}
	if e.Excused != nil {
		list = append(list, compareViolations(AspectExcused, e.Excused, d.Result.Excused)...)
	}
	list = append(list, compareFilled(e.Filled, d)...)
	if e.Unchanged {
		list = append(list, changed(d)...)
	}
	return list
}

func verdictOf(d *podfence.Decision) Verdict {
	if d.Allowed() {
		return Allowed
	}
	return Denied
}

func differ(about Aspect, expected, got string) Difference {
	return Difference{Aspect: about, Index: -1, Expected: &Fact{Value: expected}, Got: &Fact{Value: got}}
}

// compareViolations finds what is named and is not there, and then what is there
// and is not named.
func compareViolations(about Aspect, expected []Expected, got []evaluate.Violation) (list []Difference) {
	for i := range expected {
		e := &expected[i]
		if !slices.ContainsFunc(got, func(v evaluate.Violation) bool { return e.names(&v) }) {
			list = append(list, Difference{Aspect: about, Index: i, Expected: &Fact{ID: e.ID(), Field: e.Field}})
		}
	}
	for i := range got {
		v := &got[i]
		if !slices.ContainsFunc(expected, func(e Expected) bool { return e.names(v) }) {
			list = append(list, Difference{Aspect: about, Index: -1, Got: factOf(v)})
		}
	}
	return list
}

func factOf(v *evaluate.Violation) *Fact {
	f := &Fact{ID: v.CheckOrRule(), Field: v.Location.String(), Value: v.Value}
	if v.Value == nil {
		f.Value = "unset"
	}
	return f
}

func compareFilled(expected []Filled, d *podfence.Decision) (list []Difference) {
	for i := range expected {
		want := &Fact{Field: expected[i].Field, Value: expected[i].Value}
		got := filledAt(d, want.Field)
		if got == nil || !bytes.Equal(inJSON(want.Value), inJSON(got.Value)) {
			list = append(list, Difference{Aspect: AspectFilled, Index: i, Expected: want, Got: got})
		}
	}
	return list
}

// filledAt is what was filled in at a field, nil for nothing.
func filledAt(d *podfence.Decision, field string) *Fact {
	for _, c := range d.Report.Changes() {
		if c.Location.String() == field {
			return &Fact{Field: field, Value: c.Value}
		}
	}
	return nil
}

func changed(d *podfence.Decision) (list []Difference) {
	for _, c := range d.Report.Changes() {
		list = append(list, Difference{Aspect: AspectUnchanged, Index: -1, Got: &Fact{Field: c.Location.String(), Value: c.Value}})
	}
	return list
}

// inJSON is a value in the one form in which two of different types can be
// compared and shown. What JSON has no form for is shown as Go has it, and equals
// nothing that is filled in.
func inJSON(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Append(nil, value)
	}
	return bytes.TrimSpace(b.Bytes())
}
