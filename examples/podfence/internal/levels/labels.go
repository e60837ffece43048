package levels

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// The labels of namespaces as such, which policies may select, are those of the same
// documents. Where these leave a doubt the labels are not known: of two documents of
// one name that have others, and of one that cannot be decoded.

// labelled are the labels of a Namespace document.
type labelled struct {
	labels map[string]string
	known  bool
	file   string
	line   int
}

// WantLabels has the book keep the labels of the documents that it will be shown. Those
// that it keeps already stay.
func (b *Book) WantLabels() {
	if b.labels == nil {
		b.labels = map[string]labelled{}
	}
}

// Collects reports whether documents are wanted at all, for levels or for labels.
func (b *Book) Collects() bool { return b.read || b.labels != nil }

// LabelsOf returns the labels of a namespace, and whether they are known. They must not
// be changed.
func (b *Book) LabelsOf(namespace string) (labels map[string]string, known bool) {
	of := b.labels[namespace]
	return of.labels, of.known
}

// label takes the labels of a document; known is false for one that cannot be decoded.
func (d *document) label(namespace *corev1.Namespace, known bool) {
	if d.book.labels == nil {
		return
	}
	name := namespace.Name
	if !known {
		name = d.Name
	}
	before, again := d.book.labels[name]
	switch {
	case !again:
		d.book.labels[name] = labelled{namespace.Labels, known, d.file, d.Line}
	case !known || before.known && !maps.Equal(before.labels, namespace.Labels):
		before.labels, before.known = nil, false
		d.book.labels[name] = before
		if known {
			d.fail(d.Line, fmt.Sprintf("it has other labels than the document of the same name at %s:%d", before.file, before.line),
				"leave one of them out; no policy selects the namespace by its labels here")
		}
	}
}
