package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// answer is what evaluate and admit found about one workload.
type answer struct {
	*workload
	result *evaluate.Result
	// stored is evaluate's about the workload as the API server would store it,
	// where the verdict is another one; else nil.
	stored *evaluate.Result
	// decision is admit's; nil for evaluate.
	decision *podfence.Decision
	// near are policies that nearly select the workload.
	near near
	// known tells of each violation of the result whether the baseline accepts it;
	// nil without one.
	known []bool
	// text is that of the chunk that holds the workload.
	text *chunkText
	// levels are those of the workload's namespace, where documents give them; else nil.
	levels *answerLevels
}

const answerFormsHelp = `
On a terminal the text has colours (unless NO_COLOR is set), and lines longer than
the terminal is wide are folded at words. For a pipeline there are the forms sarif
(code scanning), junit, github (workflow commands) and name (as kubectl prints it),
--fail-on, and --baseline, which docs/ci.md describes.

With -o json an answer is one line, with -o yaml one document, with the keys
%s.
Its line is the object's, and a violation has a line of its own.
Something that could not be decided gets one too, never allowed, with the
further key error; one of a kind that is not known has the key note, and one
that policies nearly select, which is denied or has no policy, the key almost. What
a baseline accepts has the key accepted, and its violations the key baseline. With
--level labels there is the key levels, with the answers at the audit and warn levels.`

// answerCommand completes a command that asks a question about each workload
// and prints the answers. failOn are the values of --fail-on that it knows.
func (a *app) answerCommand(cmd *cobra.Command, ask func(*scan, *workload) *answer, failOn ...string) *cobra.Command {
	flags, how, form := &inputFlags{}, answerFlags{}, ""
	flags.register(cmd)
	how.register(cmd, failOn)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		flags.name(args)
		if err := how.check(cmd, failOn, form); err != nil {
			return err
		}
		s, err := a.newScan(flags)
		if err != nil {
			return err
		}
		p := &answerPrinter{scan: s, ask: ask, answerFlags: how}
		if p.ledger, err = a.newLedger(&how, cmd.Name()); err != nil {
			return err
		}
		p.form = p.newForm(form)
		if err := s.visit(p); err != nil {
			return err
		}
		return p.finish()
	}
	outputFlag(cmd, &form, answerForms...)
	return cmd
}

// answerPrinter is the visitor that asks and prints.
type answerPrinter struct {
	*scan
	ask  func(*scan, *workload) *answer
	form answerForm
	answerFlags
	ledger ledger
	// text is that of the chunk at hand, nil before the first of a file.
	text *chunkText
}

func (p *answerPrinter) begin(string) error     { p.text = nil; return nil }
func (p *answerPrinter) end(string, bool) error { return nil }

func (p *answerPrinter) chunk(path string, c *manifest.Chunk) error {
	p.text = p.text.after(c)
	if c.Err != nil {
		line := c.Line
		if e, ok := c.Err.(*manifest.Error); ok && e.Line > 0 {
			line = e.Line
		}
		return p.undecided(&workload{file: manifest.Display(path), path: path, Object: &manifest.Object{Line: line}}, c.Err)
	}
	for i := range c.Objects {
		if err := p.object(path, &c.Objects[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *answerPrinter) object(path string, o *manifest.Object) error {
	found, err := p.examine(path, o)
	if err != nil {
		return p.undecided(&workload{file: manifest.Display(path), path: path, Object: o}, err)
	}
	for _, w := range found {
		w.path = path
		if err := p.answer(w); err != nil {
			return err
		}
	}
	return nil
}

func (p *answerPrinter) answer(w *workload) error {
	p.warnUnknown(w, nil)
	a := p.ask(p.scan, w)
	a.near, a.text = p.near(w, a.result), p.text
	p.ledger.mark(a)
	p.count(a)
	if p.summary || p.deniedOnly && !p.fails(a) {
		return nil
	}
	p.progress.clear()
	return p.form.answer(a)
}

// count puts an answer into the counts and the status.
func (p *answerPrinter) count(a *answer) {
	if a.accepted() {
		p.accepted++
	} else {
		p.verdict(a.result.Allowed())
	}
	if mayNotStart(a.decision) {
		p.doubtful++
	}
	p.observed(a.levels)
	if p.fails(a) && p.failOn != failOnNever && (p.ledger.record == nil || a.result.Allowed()) {
		p.worsen(statusDenied)
	}
}

// undecided prints the answer that there is none.
func (p *answerPrinter) undecided(w *workload, err error) error {
	if p.summary {
		return nil
	}
	p.progress.clear()
	return p.form.undecided(w, err)
}

func (p *answerPrinter) finish() error {
	p.progress.clear()
	p.ledger.closing(p.app)
	return p.form.end()
}

// head is the part of an answer's JSON that names the workload.
type head struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// The JSON of an answer is the library's own, below the head, with the line of each
// violation. Every key is always there, but for note, almost, accepted and error, and what there
// is to say of policies.
type (
	evaluateRecord struct {
		head
		resultRecord
		// Stored is there where the workload as the API server would store it has
		// another verdict; else it is null.
		Stored *storedRecord `json:"stored"`
		leveled
		remark
		nearness
		acceptance
		failure
	}
	storedRecord struct {
		Allowed    bool              `json:"allowed"`
		Message    string            `json:"message"`
		Policy     string            `json:"policy"`
		Violations []violationRecord `json:"violations"`
	}
	// admitRecord is a podfence.DecisionRecord, key by key.
	admitRecord struct {
		head
		resultRecord
		mutate.ReportRecord
		Advice     []podfence.AdviceRecord `json:"advice"`
		Reason     podfence.Reason         `json:"reason"`
		Considered []string                `json:"considered"`
		leveled
		remark
		nearness
		acceptance
		failure
	}
	// resultRecord has the violations in place of those of the library.
	resultRecord struct {
		evaluate.ResultRecord
		Violations []violationRecord `json:"violations"`
		Excused    []violationRecord `json:"excused"`
	}
	violationRecord struct {
		Line int `json:"line"`
		evaluate.ViolationRecord
		// Baseline: the baseline accepts it.
		Baseline bool `json:"baseline,omitempty"`
	}
)

// acceptance says that a workload is denied for nothing but what the baseline
// accepts.
type acceptance struct {
	Accepted bool `json:"accepted,omitempty"`
}

// remark says how a workload of a kind that is not known was judged.
type remark struct {
	Note string `json:"note,omitempty"`
}

// failure says why the question could not be decided.
type failure struct {
	Error string `json:"error,omitempty"`
}

func (w *workload) head() head {
	return head{File: w.file, Line: w.Line, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
}

func (a *answer) record() any {
	if a.decision == nil {
		return evaluateRecord{
			head: a.head(), resultRecord: a.judgedRecord(), Stored: a.storedRecord(), remark: remark{a.note("judged")},
			nearness: a.near.record(), acceptance: acceptance{a.accepted()}, leveled: a.leveled(),
		}
	}
	d := a.decision.Record()
	return admitRecord{
		head: a.head(), resultRecord: a.judgedRecord(), ReportRecord: d.ReportRecord,
		Advice: d.Advice, Reason: d.Reason, Considered: d.Considered, remark: remark{a.note("judged")}, nearness: a.near.record(),
		acceptance: acceptance{a.accepted()}, leveled: a.leveled(),
	}
}

func (a *answer) storedRecord() *storedRecord {
	if a.stored == nil {
		return nil
	}
	r := a.resultRecord(a.stored)
	return &storedRecord{r.Allowed, r.Message, r.Policy, r.Violations}
}

// judgedRecord is the result, with what the baseline accepts.
func (a *answer) judgedRecord() resultRecord {
	r := a.resultRecord(a.result)
	for i := range r.Violations {
		r.Violations[i].Baseline = a.knows(i)
	}
	return r
}

func (w *workload) resultRecord(r *evaluate.Result) resultRecord {
	record := r.Record()
	return resultRecord{record, located(record.Violations, w.lines(r.Violations)), located(record.Excused, w.lines(r.Excused))}
}

// located are violations, each with its line.
func located(records []evaluate.ViolationRecord, lines []int) []violationRecord {
	list := make([]violationRecord, len(records))
	for i := range records {
		list[i] = violationRecord{Line: lines[i], ViolationRecord: records[i]}
	}
	return list
}

// undecidedRecord is the answer that there is none: what was asked, and why.
func (w *workload) undecidedRecord(lv api.LevelVersion, err error) any {
	r := evaluateRecord{head: w.head(), resultRecord: w.resultRecord(&evaluate.Result{Level: lv}), failure: failure{err.Error()}}
	r.Allowed = false
	return r
}

// writeJSON writes a value on one line, which a terminal may show.
func writeJSON(w io.Writer, value any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(spec.PrintableJSON(text.Bytes()))
	return err
}

// writeYAML writes a value as one document, with the keys in the order of its
// JSON: that is YAML too, and only its style is changed.
func writeYAML(w io.Writer, value any) error {
	if _, err := io.WriteString(w, "---\n"); err != nil {
		return err
	}
	return encodeYAML(w, value, unstyle)
}

// encodeYAML writes a value in a style, without a mark before it.
func encodeYAML(w io.Writer, value any, style func(*yaml.Node)) error {
	var text bytes.Buffer
	if err := writeJSON(&text, value); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &doc); err != nil {
		return err
	}
	style(&doc)
	text.Reset()
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return err
	}
	// What is odd stands in double quotes, where YAML has JSON's escapes.
	_, err := w.Write(spec.PrintableJSON(text.Bytes()))
	return err
}

// unstyle turns flow style into block style, and leaves empty collections and
// quotes to the encoder, but for text that needs escapes: the encoder would
// write several lines as several lines.
func unstyle(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && spec.Printable(n.Value) != n.Value {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		unstyle(c)
	}
}
