package levels

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/spec"
)

// UpstreamPrefix is that of Pod Security Admission's own labels.
const UpstreamPrefix = "pod-security.kubernetes.io"

// upstreamLabel is one of Pod Security Admission's labels, and the level that it says
// something about.
type upstreamLabel struct {
	key, mode string
	of        func(*api.Policy) *api.LevelVersion
}

var upstreamLabels = []upstreamLabel{
	{api.EnforceLevelLabel, "enforce", enforceOf}, {api.EnforceVersionLabel, "enforce", enforceOf},
	{api.AuditLevelLabel, "audit", auditOf}, {api.AuditVersionLabel, "audit", auditOf},
	{api.WarnLevelLabel, "warn", warnOf}, {api.WarnVersionLabel, "warn", warnOf},
}

func enforceOf(p *api.Policy) *api.LevelVersion { return &p.Enforce }
func auditOf(p *api.Policy) *api.LevelVersion   { return &p.Audit }
func warnOf(p *api.Policy) *api.LevelVersion    { return &p.Warn }

// Add reads an object of the input, and takes its levels and its labels if it is a Namespace. The
// errors are *manifest.Error, each with its line; those that are no warnings say
// that what the document means could not be decided, and what is assumed instead.
func (b *Book) Add(file string, o *manifest.Object) []error {
	if !b.Collects() || o.Kind != "Namespace" || o.APIVersion != "v1" && o.APIVersion != "" {
		return nil
	}
	d := document{book: b, Object: o, file: manifest.Display(file)}
	if o.APIVersion == "" {
		d.fail(o.Line, "it has no apiVersion", "write apiVersion: v1")
	}
	d.read()
	return d.errs
}

// document is a Namespace that is read.
type document struct {
	book *Book
	*manifest.Object
	file string
	errs []error
}

func (d *document) fail(line int, problem, fix string) {
	d.errs = append(d.errs, &manifest.Error{File: d.file, Line: line, Object: d.String(), Problem: problem, Fix: fix})
}

func (d *document) warn(line int, problem, fix string) {
	d.errs = append(d.errs, &manifest.Error{File: d.file, Line: line, Object: d.String(), Problem: problem, Fix: fix, Warning: true})
}

func (d *document) read() {
	namespace, ok := d.decode()
	if !ok {
		d.label(&namespace, false)
		if d.book.read {
			restricted := uniform(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, Document)
			restricted.Labelled = true
			d.enter(d.Name, restricted)
		}
		return
	}
	if namespace.Name == "" {
		return // of a name that is yet to be made up, no manifest can be in it
	}
	d.label(&namespace, true)
	if d.book.read {
		d.readLevels(&namespace)
	}
}

// readLevels takes the levels that the labels name.
func (d *document) readLevels(namespace *corev1.Namespace) {
	found := Levels{}
	labels := d.upstream(namespace.Labels)
	var wrong field.ErrorList
	found.Policy, wrong = api.PolicyToEvaluate(labels, d.book.config.Defaults)
	_, found.Labelled = labels[api.EnforceLevelLabel]
	for _, err := range wrong {
		d.invalid(err, &found.Policy)
	}
	d.yetToCome(labels, &found.Policy)
	d.enter(namespace.Name, found)
}

// decode reads the Namespace as an API server does, and reports what that would not
// decode.
func (d *document) decode() (namespace corev1.Namespace, ok bool) {
	if d.JSON() == nil {
		d.fail(d.Line, "it is too large to be read as a whole", "write less into it")
		return namespace, false
	}
	err := kjson.UnmarshalCaseSensitivePreserveInts(d.JSON(), &namespace)
	if err == nil {
		return namespace, true
	}
	if worded := d.Mistyped(nil, func() any { return new(corev1.Namespace) }); worded != nil {
		d.errs = append(d.errs, worded)
	} else {
		d.fail(d.Line, err.Error(), "correct the manifest")
	}
	return namespace, false
}

// upstream are the labels under the prefix that are Pod Security Admission's, under
// its own prefix. One that is nearly such a label is warned of: upstream passes it
// over, and its author does not know.
func (d *document) upstream(labels map[string]string) map[string]string {
	prefix, found, names := d.book.config.Prefix+"/", map[string]string{}, make([]string, len(upstreamLabels))
	for i, l := range upstreamLabels {
		names[i] = l.name()
		if value, ok := labels[prefix+names[i]]; ok {
			found[l.key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		name, ours := strings.CutPrefix(key, prefix)
		if meant := nearest.Of(name, names); ours && meant != "" && meant != name {
			d.warn(d.lineOf(key), "no level is read from the label "+spec.Printable(key), "if a level is meant, write "+prefix+meant)
		}
	}
	return found
}

// name is the label without its prefix.
func (l *upstreamLabel) name() string { return strings.TrimPrefix(l.key, UpstreamPrefix+"/") }

// shown is the label as this document has it.
func (d *document) shown(l *upstreamLabel) string { return d.book.config.Prefix + "/" + l.name() }

func (d *document) lineOf(label string) int { return d.LineOf([]string{"metadata", "labels", label}) }

// invalid reports a label that upstream cannot read, in its words, and what it
// makes of it.
func (d *document) invalid(err *field.Error, p *api.Policy) {
	for _, l := range upstreamLabels {
		if field.NewPath("metadata", "labels").Key(l.key).String() == err.Field {
			label := d.shown(&l)
			d.fail(d.lineOf(label), fmt.Sprintf("label %s: %s", label, err.ErrorBody()),
				fmt.Sprintf("an API server refuses the Namespace, and %s is taken for %s here", l.mode, l.of(p)))
		}
	}
}

// yetToCome warns of a version that podfence does not know yet.
func (d *document) yetToCome(labels map[string]string, p *api.Policy) {
	newest := spec.Newest()
	for _, l := range upstreamLabels {
		if version := l.of(p).Version; labels[l.key] == version.String() && newest.Older(version) && !version.Latest() {
			label := d.shown(&l)
			d.warn(d.lineOf(label), fmt.Sprintf("label %s: %s is newer than %s, the newest that this podfence knows", label, version, newest),
				"it is judged as "+newest.String())
		}
	}
}

// enter takes the levels of a document. Where another one of that name has others,
// nobody can tell which of them the cluster has.
func (d *document) enter(name string, found Levels) {
	found.Source, found.File, found.Line = Document, d.file, d.Line
	known, again := d.book.documents[name]
	switch {
	case !again:
		d.book.documents[name] = found
	case !known.Equivalent(&found.Policy):
		known.Policy = stricter(known.Policy, found.Policy)
		known.Labelled = known.Labelled || found.Labelled
		d.book.documents[name] = known
		d.fail(d.Line, fmt.Sprintf("it has other levels than the document of the same name at %s:%d", known.File, known.Line),
			fmt.Sprintf("leave one of them out; the stricter levels of both hold here: enforce %s, audit %s, warn %s", known.Enforce, known.Audit, known.Warn))
	}
}
