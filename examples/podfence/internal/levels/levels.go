// Package levels says at which levels the pods of a namespace are judged: at
// those that the labels of its Namespace document name, as Pod Security Admission
// reads them.
//
//	book := levels.NewBook(config)
//	errs := book.Add(file, object) // of every Namespace document
//	book.Of("shop").Enforce        // then, of every workload
//
// What the labels mean is Pod Security Admission's own code, api.PolicyToEvaluate:
// a label that is left out has the default of the cluster, warn follows a stricter
// enforce, and an enforce label that cannot be read means restricted.
//
// Where the documents leave a doubt, the stricter level holds and an error says so:
// of two documents of one name, and of a document that cannot be decoded.
package levels

import (
	"cmp"

	"k8s.io/pod-security-admission/api"
)

// Source says where the levels of a namespace are from.
type Source int

// The sources.
const (
	// Fixed: one level for all, whatever documents say.
	Fixed Source = iota
	// Document: a Namespace document.
	Document
	// Missing: no document has the namespace's name.
	Missing
)

// Levels are those of one namespace.
type Levels struct {
	api.Policy
	Source Source
	// File and Line are the place of a Document, as messages show it.
	File string
	Line int
	// Labelled: the enforced level is that of a label, and no default.
	Labelled bool
}

// Config is what the documents do not say.
type Config struct {
	// Prefix begins the labels, without the slash behind it: pod-security.kubernetes.io.
	Prefix string
	// Defaults are for what the labels of a document leave open: in a cluster the
	// defaults of its PodSecurityConfiguration.
	Defaults api.Policy
	// Missing is for workloads whose namespace no document describes.
	Missing api.LevelVersion
}

// Book holds the levels of namespaces.
type Book struct {
	config Config
	// missing are the levels of every namespace that is not in documents.
	missing   Levels
	documents map[string]Levels
	// read: documents are wanted for their levels.
	read bool
	// labels are those of documents; nil: nobody wants them.
	labels map[string]labelled
}

// NewBook returns a book that wants documents.
func NewBook(config Config) *Book {
	return &Book{
		config: config, missing: uniform(config.Missing, Missing),
		documents: map[string]Levels{}, read: true,
	}
}

// NewFixed returns a book that has one level for all namespaces.
func NewFixed(lv api.LevelVersion) *Book { return &Book{missing: uniform(lv, Fixed)} }

func uniform(lv api.LevelVersion, source Source) Levels {
	return Levels{Policy: api.Policy{Enforce: lv, Audit: lv, Warn: lv}, Source: source}
}

// Reads reports whether Namespace documents say anything about levels here.
func (b *Book) Reads() bool { return b.read }

// Of returns the levels of a namespace; "" is that of a manifest that names none.
func (b *Book) Of(namespace string) Levels {
	if l, ok := b.documents[namespace]; ok {
		return l
	}
	return b.missing
}

// stricter is for each mode the stricter level of two, and of one level the newer
// version.
func stricter(a, b api.Policy) api.Policy {
	return api.Policy{
		Enforce: stricterOf(a.Enforce, b.Enforce),
		Audit:   stricterOf(a.Audit, b.Audit),
		Warn:    stricterOf(a.Warn, b.Warn),
	}
}

func stricterOf(a, b api.LevelVersion) api.LevelVersion {
	newer := 0
	if a.Version.Older(b.Version) {
		newer = -1
	}
	if cmp.Or(api.CompareLevels(a.Level, b.Level), newer) < 0 {
		return b
	}
	return a
}
