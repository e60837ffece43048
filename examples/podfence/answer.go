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
	// levels are those of the workload's namespace, where documents give them; else nil.
	levels *answerLevels
}

// answerForms are the forms of -o in which an answer is printed.
var answerForms = []string{"text", "json", "yaml"}

const answerFormsHelp = `
On a terminal the text has colours (unless NO_COLOR is set), and lines longer than
the terminal is wide are folded at words.

With -o json an answer is one line, with -o yaml one document, with the keys
%s.
Its line is the object's, and a violation has a line of its own.
Something that could not be decided gets one too, never allowed, with the
further key error; one of a kind that is not known has the key note, and one
that policies nearly select, which is denied or has no policy, the key almost. With
--level labels there is the key levels, with the answers at the audit and warn levels.`

// answerCommand completes a command that asks a question about each workload
// and prints the answers.
func (a *app) answerCommand(cmd *cobra.Command, ask func(*scan, *workload) *answer) *cobra.Command {
	flags, form := &inputFlags{}, ""
	flags.register(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		flags.name(args)
		s, err := a.newScan(flags)
		if err != nil {
			return err
		}
		p := &answerPrinter{scan: s, ask: ask, form: form, look: lookOf(a.stdout)}
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
	form string
	look // of the text form
}

func (p *answerPrinter) begin(string) error     { return nil }
func (p *answerPrinter) end(string, bool) error { return nil }

func (p *answerPrinter) chunk(path string, c *manifest.Chunk) error {
	if c.Err != nil {
		line := c.Line
		if e, ok := c.Err.(*manifest.Error); ok && e.Line > 0 {
			line = e.Line
		}
		return p.undecided(&workload{file: manifest.Display(path), Object: &manifest.Object{Line: line}}, c.Err)
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
		return p.undecided(&workload{file: manifest.Display(path), Object: o}, err)
	}
	for _, w := range found {
		if err := p.answer(w); err != nil {
			return err
		}
	}
	return nil
}

func (p *answerPrinter) answer(w *workload) error {
	p.warnUnknown(w, nil)
	a := p.ask(p.scan, w)
	a.near = p.near(w, a.result)
	p.verdict(a.result.Allowed())
	if a.decision != nil {
		p.mayNotStart(a.decision)
	}
	p.observed(a.levels)
	if !a.result.Allowed() {
		p.worsen(statusDenied)
	}
	if p.form == "text" {
		p.progress.clear()
		return a.writeText(p.out, p.look)
	}
	return p.print(a.record())
}

// undecided prints the answer that there is none. The text form leaves it to
// standard error, where the reason stands.
func (p *answerPrinter) undecided(w *workload, err error) error {
	if p.form == "text" {
		return nil
	}
	return p.print(w.undecidedRecord(p.levels.Of(w.Namespace).Enforce, err))
}

func (p *answerPrinter) print(r any) error {
	p.progress.clear()
	if p.form == "yaml" {
		return writeYAML(p.out, r)
	}
	return writeJSON(p.out, r)
}

func (p *answerPrinter) finish() error {
	p.progress.clear()
	if p.form != "text" {
		return nil
	}
	last := page{look: p.look}
	last.line(bold, "%s", p.summary())
	_, err := p.out.Write(last.Bytes())
	return err
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
// violation. Every key is always there, but for note, almost and error.
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
	}
)

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
			head: a.head(), resultRecord: a.resultRecord(a.result), Stored: a.storedRecord(), remark: remark{a.note("judged")},
			nearness: a.near.record(), leveled: a.leveled(),
		}
	}
	d := a.decision.Record()
	return admitRecord{
		head: a.head(), resultRecord: a.resultRecord(a.result), ReportRecord: d.ReportRecord,
		Advice: d.Advice, Reason: d.Reason, Considered: d.Considered, remark: remark{a.note("judged")}, nearness: a.near.record(),
		leveled: a.leveled(),
	}
}

func (a *answer) storedRecord() *storedRecord {
	if a.stored == nil {
		return nil
	}
	r := a.resultRecord(a.stored)
	return &storedRecord{r.Allowed, r.Message, r.Policy, r.Violations}
}

func (w *workload) resultRecord(r *evaluate.Result) resultRecord {
	record := r.Record()
	return resultRecord{record, located(record.Violations, w.lines(r.Violations)), located(record.Excused, w.lines(r.Excused))}
}

// located are violations, each with its line.
func located(records []evaluate.ViolationRecord, lines []int) []violationRecord {
	list := make([]violationRecord, len(records))
	for i := range records {
		list[i] = violationRecord{lines[i], records[i]}
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
	var text bytes.Buffer
	if err := writeJSON(&text, value); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &doc); err != nil {
		return err
	}
	unstyle(&doc)
	text.Reset()
	text.WriteString("---\n")
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
