package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// answer is what evaluate and admit found about one workload.
type answer struct {
	*workload
	result *evaluate.Result
	// decision is admit's; nil for evaluate.
	decision *podfence.Decision
}

// answerForms are the forms of -o in which an answer is printed.
var answerForms = []string{"text", "json", "yaml"}

const answerFormsHelp = `
With -o json an answer is one line, with -o yaml one document, with the keys
%s.
Something that could not be decided gets one too, never allowed, with the
further key error.`

// answerCommand completes a command that asks a question about each workload
// and prints the answers.
func (a *app) answerCommand(cmd *cobra.Command, ask func(*scan, *workload) *answer) *cobra.Command {
	flags, form := &inputFlags{}, ""
	flags.register(cmd)
	cmd.Args = noArguments
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := a.newScan(flags)
		if err != nil {
			return err
		}
		p := &answerPrinter{scan: s, ask: ask, form: form}
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
	w, found, err := p.examine(path, o)
	switch {
	case err != nil:
		return p.undecided(w, err)
	case !found:
		return nil
	}
	a := p.ask(p.scan, w)
	p.verdict(a.result.Allowed())
	if !a.result.Allowed() {
		p.worsen(statusDenied)
	}
	if p.form == "text" {
		p.progress.clear()
		return a.writeText(p.out)
	}
	return p.print(a.record())
}

// undecided prints the answer that there is none. The text form leaves it to
// standard error, where the reason stands.
func (p *answerPrinter) undecided(w *workload, err error) error {
	if p.form == "text" {
		return nil
	}
	r := w.record()
	r.Error = err.Error()
	return p.print(&r)
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
	_, err := fmt.Fprintln(p.out, p.summary())
	return err
}

// record is the JSON form of evaluate's answer. Every key is always there, but
// for error.
type record struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Allowed   bool   `json:"allowed"`
	// Message is in the words of Pod Security Admission, empty when allowed.
	Message string `json:"message"`
	// Policy is the name of the governing policy, empty for none.
	Policy     string `json:"policy"`
	Violations []any  `json:"violations"`
	Excused    []any  `json:"excused"`
	// Error says why the question could not be decided.
	Error string `json:"error,omitempty"`
}

// admitRecord is the JSON form of admit's answer, which is about the workload
// as filled in.
type admitRecord struct {
	record
	Changes    []changeRecord  `json:"changes"`
	Unset      []unsetRecord   `json:"unset"`
	Advice     []adviceRecord  `json:"advice"`
	Patch      json.RawMessage `json:"patch"`
	Reason     podfence.Reason `json:"reason"`
	Considered []string        `json:"considered"`
}

type changeRecord struct {
	Field   string `json:"field"`
	Value   any    `json:"value"`
	Control string `json:"control"`
}

type unsetRecord struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
	Why    string `json:"why"`
}

type adviceRecord struct {
	Container string `json:"container"`
	Advice    string `json:"advice"`
}

// record is the part of a record that names the workload.
func (w *workload) record() record {
	return record{
		File: w.file, Line: w.Line, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name,
		Violations: []any{}, Excused: []any{},
	}
}

func (a *answer) record() any {
	r := a.workload.record()
	r.Allowed = a.result.Allowed()
	r.Message = a.result.Message()
	r.Policy = a.result.PolicyName()
	for i := range a.result.Violations {
		r.Violations = append(r.Violations, a.result.Violations[i].JSON(a.root()))
	}
	for i := range a.result.Excused {
		r.Excused = append(r.Excused, a.result.Excused[i].JSON(a.root()))
	}
	if a.decision == nil {
		return &r
	}
	return a.admitRecord(r)
}

func (a *answer) admitRecord(r record) *admitRecord {
	d := a.decision
	j := &admitRecord{
		record:  r,
		Changes: []changeRecord{}, Unset: []unsetRecord{}, Advice: []adviceRecord{},
		Patch:  d.Report.PatchWithin(a.held.Root...),
		Reason: d.Reason, Considered: append([]string{}, d.Considered...),
	}
	for _, c := range d.Report.Changes() {
		j.Changes = append(j.Changes, changeRecord{c.Location.Within(a.root()), c.Value, c.Control})
	}
	for i := range d.Report.Unset {
		u := &d.Report.Unset[i]
		j.Unset = append(j.Unset, unsetRecord{u.Location.Within(a.root()), string(u.Reason), u.Reason.String()})
	}
	for _, advice := range d.Report.Advice() {
		j.Advice = append(j.Advice, adviceRecord{advice.Container.Name, advice.Text})
	}
	return j
}

// writeJSON writes a value on one line.
func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
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
	_, err := w.Write(text.Bytes())
	return err
}

// unstyle turns flow style into block style, and leaves empty collections and
// quotes to the encoder.
func unstyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		unstyle(c)
	}
}
