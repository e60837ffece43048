// Package sarif prints findings in the Static Analysis Results Interchange Format, version 2.1.0, which GitHub's code
// scanning, editors and dashboards read.
//
// The document is one run with a rule for each kind of finding. It is written as findings come, one result to a line, so
// that memory does not grow with their number.
package sarif

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/spec"
)

// Run is what the document says of the run as a whole.
type Run struct {
	// Version is that of podfence.
	Version string
	// Rules are those of all findings that will come.
	Rules []finding.Rule
	// Accepting says what accepts findings, "the baseline known.yaml"; empty where nothing does.
	Accepting string
}

const (
	name = "podfence"
	home = "https://github.com/podfence/podfence"
	// sourceRoot is the base of relative paths: the reader's directory, by custom under this name.
	sourceRoot = "%SRCROOT%"
	// fingerprint is the name and version of the fingerprint.
	fingerprint = "podfence/v1"
)

type printer struct {
	w   io.Writer
	run Run
	// rules is the index of each rule.
	rules  map[string]int
	opened bool
	more   bool // a result was written
}

// New returns a printer of one document.
func New(w io.Writer, run Run) finding.Printer {
	p := &printer{w: w, run: run, rules: map[string]int{}}
	for i := range run.Rules {
		p.rules[run.Rules[i].ID] = i
	}
	return p
}

func (p *printer) Print(s *finding.Subject) error {
	if err := p.open(); err != nil {
		return err
	}
	for i := range s.Findings {
		r, err := p.result(s, &s.Findings[i])
		if err != nil {
			return err
		}
		separator := "\n"
		if p.more {
			separator = ",\n"
		}
		p.more = true
		if err := p.write(separator, r); err != nil {
			return err
		}
	}
	return nil
}

// open writes all that stands before the results.
func (p *printer) open() error {
	if p.opened {
		return nil
	}
	p.opened = true
	t := tool{driver{Name: name, Version: p.run.Version, InformationURI: home, Rules: []rule{}}}
	for i := range p.run.Rules {
		t.Driver.Rules = append(t.Driver.Rules, ruleOf(&p.run.Rules[i]))
	}
	if err := p.write(fmt.Sprintf("{\n\"$schema\": %q,\n\"version\": %q,\n\"runs\": [{\n\"tool\": ", schemaURI, version), t); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, ",\n\"columnKind\": \"unicodeCodePoints\",\n\"results\": [")
	return err
}

func (p *printer) Close(end finding.End) error {
	if err := p.open(); err != nil {
		return err
	}
	if err := p.write("\n],\n\"invocations\": ", []invocation{{end.Complete, end.Status}}); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, "\n}]\n}\n")
	return err
}

// write writes a value behind some text, as JSON on one line.
func (p *printer) write(before string, value any) error {
	var b bytes.Buffer
	b.WriteString(before)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	_, err := p.w.Write(spec.PrintableJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))))
	return err
}

func ruleOf(r *finding.Rule) rule {
	of := rule{
		ID: r.ID, Name: r.Title, ShortDescription: message{r.Title}, FullDescription: message{r.Description},
		Help: help{r.Help, r.Markdown}, HelpURI: r.URI, Default: configuration{level(r.Severity)},
		Properties: properties{Tags: r.Tags, Precision: "very-high"},
	}
	if r.Score > 0 {
		of.Properties.SecuritySeverity = strconv.FormatFloat(r.Score, 'f', 1, 64)
	}
	return of
}

func level(s finding.Severity) string {
	if s == finding.Warning {
		return "warning"
	}
	return "error"
}

func (p *printer) result(s *finding.Subject, f *finding.Finding) (*result, error) {
	index, ok := p.rules[f.Rule]
	if !ok {
		return nil, fmt.Errorf("sarif: no rule has the ID %q", f.Rule)
	}
	artifact := artifactOf(s.File)
	r := &result{
		RuleID: f.Rule, RuleIndex: index, Level: level(f.Severity), Message: message{f.Message},
		Locations:    []location{{physicalLocation{artifact, regionOf(f.Region)}, []logicalLocation{logical(s, f)}}},
		Fingerprints: map[string]string{fingerprint: f.Fingerprint},
	}
	if f.Fix != nil && s.File != "" {
		r.Fixes = []fix{fixOf(f.Fix, artifact)}
	}
	switch {
	case f.Accepted:
		r.Suppressions = []suppression{{"external", "accepted", "it is in " + p.run.Accepting}}
	case p.run.Accepting != "":
		r.Suppressions = []suppression{}
	}
	return r, nil
}

// artifactOf is a file as a URI: a relative one stays relative.
func artifactOf(file string) artifactLocation {
	if file == "" {
		return artifactLocation{URI: "stdin", Description: &message{"standard input"}}
	}
	slashed := path.Clean(filepath.ToSlash(file))
	if !filepath.IsAbs(file) {
		return artifactLocation{URI: (&url.URL{Path: slashed}).String(), URIBaseID: sourceRoot}
	}
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive of Windows
	}
	return artifactLocation{URI: (&url.URL{Scheme: "file", Path: slashed}).String()}
}

// regionOf is nil where nothing is known.
func regionOf(r finding.Region) *region {
	if r.Line == 0 {
		return nil
	}
	return &region{r.Line, r.Column, r.EndLine, r.EndColumn}
}

// logical is the place in the object, whatever its file.
func logical(s *finding.Subject, f *finding.Finding) logicalLocation {
	if f.Field == "" {
		return logicalLocation{s.Name, s.Name, "resource"}
	}
	return logicalLocation{f.Field, s.Name + ":" + f.Field, "property"}
}

func fixOf(f *finding.Fix, artifact artifactLocation) fix {
	change := artifactChange{Artifact: artifact}
	for _, r := range f.Replacements {
		change.Replacements = append(change.Replacements, replacement{*regionOf(r.Region), message{r.Text}})
	}
	return fix{message{f.Description}, []artifactChange{change}}
}
