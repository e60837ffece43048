package main

import (
	"strconv"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
	"github.com/podfence/podfence/spec"
)

// functionResult is an entry of a ResourceList's results, as the KRM Functions
// Specification has it.
type functionResult struct {
	Message     string
	Severity    severity
	ResourceRef *manifest.Object
	Field       *resultField
	File        *resultFile
	Tags        yamledit.Mapping
}

type severity string

const (
	severityError   severity = "error"
	severityWarning severity = "warning"
	severityInfo    severity = "info"
)

// resultField is a field of the item. A value that is nil is not written.
type resultField struct {
	Path                        string
	CurrentValue, ProposedValue any
}

// resultFile is the file from which the orchestrator has the item.
type resultFile struct {
	Path  string
	Index int64
}

// fieldAt is a field of which only the place is known; nil for the item itself.
func fieldAt(path string) *resultField {
	if path == "" {
		return nil
	}
	return &resultField{Path: path}
}

// add adds a result about an item.
func (f *function) add(o *manifest.Object, r functionResult) {
	if o != f.last {
		f.last, f.file = o, fileOf(o)
	}
	r.ResourceRef, r.File = o, f.file
	f.results = append(f.results, r)
}

// fail adds the result that an item could not be decided.
func (f *function) fail(o *manifest.Object, err error) {
	f.add(o, functionResult{Severity: severityError, Message: err.Error()})
}

// notices adds what is to be said of policies that do not speak as they are written.
func (f *function) notices(w *workload, r *evaluate.Result) {
	for _, text := range noticed(w, r) {
		f.add(w.Object, functionResult{Severity: severityInfo, Message: text})
	}
}

// violations adds what stands against a workload.
func (f *function) violations(o *manifest.Object, r *evaluate.Result) {
	severity := severityError
	if f.allowDenied {
		severity = severityWarning
	}
	for _, v := range r.Violations {
		tags := texts([2]string{"check", v.Check.String()}, [2]string{"rule", v.Rule.String()},
			[2]string{"level", r.Level.String()}, [2]string{"policy", r.PolicyName()})
		f.add(o, functionResult{
			Severity: severity, Message: v.String(), Tags: tags,
			Field: &resultField{Path: v.Location.String(), CurrentValue: v.Value},
		})
	}
}

// pathAnnotations and indexAnnotations say from which file an orchestrator has an
// item: that of the specification, and the one before it.
var (
	pathAnnotations  = []string{"internal.config.kubernetes.io/path", "config.kubernetes.io/path"}
	indexAnnotations = []string{"internal.config.kubernetes.io/index", "config.kubernetes.io/index"}
)

// fileOf is the file of an item, nil where its orchestrator does not say.
func fileOf(o *manifest.Object) *resultFile {
	item := o.Tree()
	if item == nil {
		return nil
	}
	annotations := item.GetAnnotations()
	path := firstOf(annotations, pathAnnotations)
	if path == "" {
		return nil
	}
	// A file of one item has no index, or one that is no number of ours to mend.
	index, _ := strconv.ParseInt(firstOf(annotations, indexAnnotations), 10, 32)
	return &resultFile{path, index}
}

// firstOf is the value of the first name that a map has.
func firstOf(values map[string]string, names []string) string {
	for _, name := range names {
		if value := values[name]; value != "" {
			return value
		}
	}
	return ""
}

// value is the result as the editor writes it. Names are printable in it: it may
// be shown before anybody has validated them.
func (r *functionResult) value() yamledit.Mapping {
	m := yamledit.Mapping{{Key: "message", Value: spec.Printable(r.Message)}, {Key: "severity", Value: string(r.Severity)}}
	if o := r.ResourceRef; o.Kind != "" {
		m = append(m, yamledit.Member{Key: "resourceRef", Value: texts(
			[2]string{"apiVersion", o.APIVersion}, [2]string{"kind", o.Kind}, [2]string{"name", o.Name}, [2]string{"namespace", o.Namespace})})
	}
	if r.Field != nil {
		field := texts([2]string{"path", r.Field.Path})
		if r.Field.CurrentValue != nil {
			field = append(field, yamledit.Member{Key: "currentValue", Value: r.Field.CurrentValue})
		}
		if r.Field.ProposedValue != nil {
			field = append(field, yamledit.Member{Key: "proposedValue", Value: r.Field.ProposedValue})
		}
		m = append(m, yamledit.Member{Key: "field", Value: field})
	}
	if r.File != nil {
		m = append(m, yamledit.Member{Key: "file", Value: yamledit.Mapping{
			{Key: "path", Value: spec.Printable(r.File.Path)}, {Key: "index", Value: r.File.Index}}})
	}
	if len(r.Tags) > 0 {
		m = append(m, yamledit.Member{Key: "tags", Value: r.Tags})
	}
	return m
}

// texts is a mapping of those texts that are not empty.
func texts(pairs ...[2]string) (m yamledit.Mapping) {
	for _, pair := range pairs {
		if pair[1] != "" {
			m = append(m, yamledit.Member{Key: pair[0], Value: spec.Printable(pair[1])})
		}
	}
	return m
}
