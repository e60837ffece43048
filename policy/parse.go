package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// MaxFileSize is the size in bytes of the largest file that Parse reads:
	// 3 MiB, well above what a ConfigMap (1 MiB) or a default etcd request
	// (1.5 MiB) holds.
	MaxFileSize = 3 << 20

	// maxErrors is how many errors of one file are listed, so that a hostile
	// file cannot make its error a hundred times its own size, nor have a
	// suggestion sought for each of a million words.
	maxErrors = 1000
)

// Parse reads the policies of a file, YAML or JSON: one policy, several
// documents, or a Welkin values file, where policies stand under
// constraints.<namespace>.<name> and take both from there. file is the file's
// name for messages; of a single policy without a name, its base name without
// extension becomes the name, if it is a DNS-1123 subdomain.
//
// Reading is strict: what is returned passes Validate, and nothing in the file
// was passed over. The error is Errors, everything that is wrong in order of
// line (at most 1000 of them), and then no policy is returned. Parse trims one
// trailing slash of a path prefix and changes nothing else. Every policy knows
// its file and its lines, in [Policy].Source.
func Parse(data []byte, file string) ([]Policy, error) {
	f := &parser{file: file}
	for _, doc := range f.documents(data) {
		f.document(doc)
	}
	f.names()
	f.duplicates()
	if len(f.policies) == 0 && len(f.errs) == 0 {
		f.add(Error{Problem: "the file holds no policy", Fix: "write at least podSelectorLabels, and what its pods are allowed under allow"})
	}
	if err := f.sorted().orNil(); err != nil {
		return nil, err
	}
	policies := make([]Policy, len(f.policies))
	for i := range f.policies {
		policies[i] = f.policies[i].Policy
		policies[i].Source = f.policies[i].reader.source()
	}
	return policies, nil
}

// parser collects what one file holds and what is wrong with it.
type parser struct {
	file     string
	policies []parsed
	errs     Errors
	more     bool // than errs lists
}

// parsed is a policy with what is needed to compare it with the others of its file.
type parsed struct {
	Policy
	reader *reader
}

func (f *parser) add(e Error) {
	if f.more = f.isFull(); f.more {
		return
	}
	e.File = f.file
	f.errs = append(f.errs, e)
}

func (f *parser) isFull() bool { return len(f.errs) >= maxErrors }

// sorted returns the errors by line, each one once.
func (f *parser) sorted() Errors {
	slices.SortStableFunc(f.errs, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
	type key struct {
		line           int
		field, problem string
	}
	seen := map[key]bool{}
	errs := slices.DeleteFunc(f.errs, func(e Error) bool {
		k := key{e.Line, e.Field, e.Problem}
		again := seen[k]
		seen[k] = true
		return again
	})
	if f.more {
		errs = append(errs, Error{File: f.file, Problem: "there are more errors than are listed", Fix: "mend those above first"})
	}
	return errs
}

// documents returns the documents of a file up to the first that is no YAML,
// without the empty ones.
func (f *parser) documents(data []byte) (docs []*yaml.Node) {
	if e := unreadable(data); e != nil {
		f.add(*e)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		doc, err := next(decoder)
		switch {
		case err == io.EOF:
			return docs
		case err != nil:
			f.add(syntaxError(err, data))
			return docs
		case !isEmpty(doc):
			docs = append(docs, doc.Content[0])
		}
	}
}

// next reads one document. The library panics where it takes itself to be
// wrong ("please report"); a policy file must not be able to do that to a
// webhook.
func next(decoder *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = &yaml.Node{}
	return doc, decoder.Decode(doc)
}

func isEmpty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || isNull(doc.Content[0]) && doc.Content[0].Value == "" && !isTagged(doc.Content[0])
}

// unreadable finds what no YAML may hold, for which the library has no line.
func unreadable(data []byte) *Error {
	if len(data) > MaxFileSize {
		e := tooLarge(int64(len(data)))
		return &e
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return &Error{Line: lineAt(data, i), Problem: "the file is not UTF-8", Fix: "save it as UTF-8"}
		}
		if !isYAML(r) {
			return &Error{Line: lineAt(data, i), Problem: fmt.Sprintf("the file holds the control character %U", r), Fix: "remove it"}
		}
		i += size
	}
	return nil
}

func tooLarge(size int64) Error {
	return Error{Problem: fmt.Sprintf("the file has %d bytes, more than %d", size, MaxFileSize), Fix: "divide it into several files"}
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// isYAML reports whether YAML may hold a character: c-printable of YAML 1.2,
// section 5.1, or the byte order mark.
func isYAML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= '~' || r == 0x85 ||
		r >= 0xA0 && r <= 0xFFFD || r >= 0x10000
}

var libraryError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(?s:(.*))$`)

// unknownAnchor is a message to which the library gives no line.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// syntaxError turns the library's message into an error with a line. Without
// one, the library means the first.
func syntaxError(err error, data []byte) Error {
	m := libraryError.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	if name := unknownAnchor.FindStringSubmatch(m[2]); name != nil {
		line = lineAt(data, max(0, bytes.Index(data, []byte("*"+name[1]))))
	}
	e := Error{Line: max(1, line), Problem: "this is no YAML: " + m[2]}
	for _, h := range syntaxFixes {
		if strings.Contains(m[2], h.message) {
			e.Fix = h.fix
		}
	}
	return e
}

// syntaxFixes are the syntax errors that policies tend to have.
var syntaxFixes = []struct{ message, fix string }{
	{"did not find expected alphabetic or numeric character", `write "*" in quotes`},
	{"found character that cannot start any token", "indent with spaces, and write text with special characters in quotes"},
	{"mapping values are not allowed", "indent the keys of one block alike"},
	{"did not find expected key", "indent the keys of one block alike"},
	{"unknown anchor", `write the values out; text that begins with * is written in quotes`},
}

// document reads one document: a policy, or the constraints of a Welkin file.
func (f *parser) document(doc *yaml.Node) {
	root, err := expand(doc)
	switch {
	case err != nil:
		f.add(*err)
	case isWelkin(root):
		f.welkin(root)
	default:
		f.policy(root, &reader{parser: f, at: func(field string) string { return field }}, Policy{})
	}
}

// policy reads one policy on top of what is known of it, its name and
// namespace in a Welkin file.
func (f *parser) policy(n *yaml.Node, r *reader, p Policy) {
	before := len(f.errs)
	if r.lineOf("") == 0 {
		r.line("", n.Line)
	}
	if n.Kind == yaml.MappingNode {
		r.value(n, reflectOf(&p), "")
		r.findings(&p)
	} else {
		r.found("", written(n)+" stands where a policy belongs", "write the policy's keys; several policies are separated by ---")
	}
	for i := before; i < len(f.errs); i++ {
		f.errs[i].Policy = p.Name
	}
	f.policies = append(f.policies, parsed{p, r})
}

// names gives a single policy the name of its file, and demands names of several.
func (f *parser) names() {
	if len(f.policies) == 1 {
		if p := &f.policies[0]; p.Name == "" {
			p.Name = fileName(f.file)
		}
		return
	}
	for _, p := range f.policies {
		if p.Name == "" && !p.reader.hides("name") {
			p.reader.found("name", "missing, though the file holds several policies", "write a name for each, as in name: route-manager")
		}
	}
}

// fileName is the policy name that a file's name stands for, "" for none.
func fileName(file string) string {
	base := filepath.Base(file)
	name := strings.TrimSuffix(base, filepath.Ext(base))
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return ""
	}
	return name
}

// duplicates finds policies with one name in one namespace.
func (f *parser) duplicates() {
	first := register[int]{}
	for i := range f.policies {
		p := &f.policies[i]
		if p.Name == "" || p.reader.hides("name") || p.reader.hides("namespace") || p.reader.hides("namespaces") {
			continue
		}
		if at, namespace, again := first.before(&p.Policy); again {
			p.reader.found("name", fmt.Sprintf("a policy named %q %s stands in line %d already", p.Name, whereOf(namespace), at), "give one of them another name")
			continue
		}
		first.enter(&p.Policy, p.reader.lineOf("name"))
	}
}

func whereOf(namespace string) string {
	if namespace == "" {
		return "for every namespace"
	}
	return fmt.Sprintf("in namespace %q", namespace)
}

// decodeNode reads one document of YAML or JSON that is no file.
func decodeNode(data []byte) (*yaml.Node, error) {
	f := &parser{}
	docs := f.documents(data)
	if len(f.errs) > 0 {
		return nil, f.errs
	}
	if len(docs) != 1 {
		return nil, errors.New("one value is wanted")
	}
	return docs[0], nil
}
