// Package finding is what the commands say about files before it is put into a form: what was judged, what was found in
// it and where. The packages sarif, junit and github each print a stream of [Subject] in one form of continuous
// integration; none of them knows what a pod is, so that a further command needs only to make subjects.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Severity says what follows from a finding.
type Severity int

// The severities.
const (
	// Warning: the subject passes all the same.
	Warning Severity = iota + 1
	// Error: the subject fails, unless the finding is accepted.
	Error
	// Undecided: the subject could not be judged.
	Undecided
)

// Region is a part of a text file. Lines and columns count from 1, columns in characters; 0 is one that is not known.
// EndColumn is that behind the last character.
type Region struct{ Line, Column, EndLine, EndColumn int }

// Subject is something that was judged as one: a workload, a file of policies, a test.
type Subject struct {
	// File is its path, empty for standard input.
	File string
	Region
	// Name names it to a person, printable and on one line: "Deployment/prod/web".
	Name string
	// Findings are what is to be said of it. Without one of severity Error that is not accepted, and none that is
	// Undecided, it passes.
	Findings []Finding
}

// Finding is one thing that is said of one place. All its text is printable.
type Finding struct {
	// Rule is the ID of a Rule that the printer was given.
	Rule string
	Severity
	Region
	// Field is the path of the field in the object, "spec.hostPID"; empty for none.
	Field string
	// Message is a sentence.
	Message string
	// Fingerprint tells the finding from all others, and stays when lines are moved.
	Fingerprint string
	// Accepted: it was known before, and is accepted.
	Accepted bool
	// Fix is what would mend it; nil for nothing that is known.
	Fix *Fix
}

// Fix is a change of the subject's file.
type Fix struct {
	// Description says what the change does.
	Description string
	// Replacements are in the order of the text.
	Replacements []Replacement
}

// Replacement puts a text in place of a region, which may be empty: then the text is inserted.
type Replacement struct {
	Region
	Text string
}

// Rule is what findings of one kind have in common.
type Rule struct {
	// ID is stable: "hostNamespaces".
	ID string
	// Title is a few words, Description a sentence, and Help all that a person wants to know, as text and as Markdown.
	Title, Description, Help, Markdown string
	// URI leads to a page about it.
	URI string
	// Severity is that of its findings.
	Severity
	// Score says how grave it is for security, from 0.1 to 10; 0 for what has nothing to do with it.
	Score float64
	// Tags sort rules.
	Tags []string
}

// Failed reports whether there is something against the subject that is not accepted.
func (s *Subject) Failed() bool { return s.first(Error, false) != nil }

// Undecided is the first finding that keeps the subject from being judged, nil for none.
func (s *Subject) Undecided() *Finding { return s.first(Undecided, false) }

// Accepted reports whether all that is against the subject is accepted, and there is something.
func (s *Subject) Accepted() bool {
	return !s.Failed() && s.Undecided() == nil && s.first(Error, true) != nil
}

func (s *Subject) first(of Severity, accepted bool) *Finding {
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Severity == of && f.Accepted == accepted {
			return f
		}
	}
	return nil
}

// Printer prints subjects in one form, as they come.
type Printer interface {
	// Print prints a subject. Those of one file follow each other.
	Print(*Subject) error
	// Close ends the document.
	Close(End) error
}

// End is how a command ends.
type End struct {
	// Status is its exit status.
	Status int
	// Complete: all that it was given could be judged.
	Complete bool
}

// Incomplete is a subject that says that a run did not judge all that it was given, for a form whose readers see nothing
// of the exit status.
func Incomplete() *Subject {
	return &Subject{Name: "podfence", Findings: []Finding{{
		Rule: UndecidedRule, Severity: Undecided, Fingerprint: Fingerprint(UndecidedRule),
		Message: "something could not be decided: standard error says what, and the exit status is 2",
	}}}
}

// UndecidedRule is the ID of the rule for findings of that severity.
const UndecidedRule = "undecided"

// Fingerprint is one text for several, which no others have.
func Fingerprint(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(strconv.AppendQuote(nil, part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
