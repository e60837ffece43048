package cases

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/policy"
)

// MaxSize is the size in bytes of the largest file of tests.
const MaxSize = 8 << 20

// Parse reads a file of tests. Its paths are relative to the directory of name. The error is policy.Errors: everything
// that is wrong.
func Parse(data []byte, name string) (*File, error) {
	p := parser{file: name, data: data, lines: map[string]int{}}
	root := p.document()
	if root != nil {
		p.value(root, fileForm, "")
	}
	f := &File{Name: name, lines: p.lines}
	if len(p.errs) == 0 {
		p.cases(root, f)
	}
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(a, b policy.Error) int { return cmp.Compare(a.Line, b.Line) })
		return nil, p.errs
	}
	return f, nil
}

type parser struct {
	file  string
	data  []byte
	lines map[string]int
	errs  policy.Errors
}

func (p *parser) fail(line int, field, problem, fix string) {
	p.errs = append(p.errs, policy.Error{File: p.file, Line: line, Field: field, Problem: problem, Fix: fix})
}

// document is the one document of the file, nil where it has none or is none of YAML.
func (p *parser) document() *yaml.Node {
	if len(p.data) > MaxSize {
		p.fail(0, "", fmt.Sprintf("the file has %d bytes, more than %d", len(p.data), MaxSize), "divide it into several files")
		return nil
	}
	var doc, next yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(p.data))
	if err := decode(d, &doc); errors.Is(err, io.EOF) || err == nil && doc.Content[0].Tag == "!!null" {
		p.fail(0, "", "the file holds no case", "write at least one under cases")
		return nil
	} else if err != nil {
		p.fail(0, "", strings.TrimPrefix(err.Error(), "yaml: "), "correct the YAML")
		return nil
	}
	switch err := decode(d, &next); {
	case err == nil:
		p.fail(next.Line, "", "a second document", "write all cases into one document")
	case !errors.Is(err, io.EOF):
		p.fail(0, "", strings.TrimPrefix(err.Error(), "yaml: "), "correct the YAML")
	}
	return doc.Content[0]
}

// decode reads a document. The library panics where it takes itself to be wrong.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return d.Decode(into)
}

// value holds a node to a form, and remembers its line.
func (p *parser) value(n *yaml.Node, f *form, path string) {
	if path != "" {
		p.lines[path] = n.Line
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.fail(n.Line, path, "anchors and aliases are not read", "write the value out, or name a file by its path")
	case f.instead != nil && n.Kind == yaml.ScalarNode:
		p.text(n, f.instead, path)
	default:
		p.kind(n, f, path)
	}
}

// stands are the words for what belongs at a place, by its kind.
var stands = map[kind]string{block: "a block of keys", list: "a list", labels: "a block of labels", foreign: "a block of keys"}

func (p *parser) kind(n *yaml.Node, f *form, path string) {
	wanted := yaml.MappingNode
	switch f.kind {
	case text:
		p.text(n, f, path)
		return
	case flag:
		if n.Tag != "!!bool" || n.Value != "true" {
			p.fail(n.Line, path, describe(n)+" stands where true belongs", "write true, or leave the key out")
		}
		return
	case value:
		p.constant(n, path, true)
		return
	case list:
		wanted = yaml.SequenceNode
	}
	if n.Kind != wanted {
		p.fail(n.Line, path, describe(n)+" stands where "+stands[f.kind]+" belongs", f.example())
		return
	}
	switch f.kind {
	case block:
		p.block(n, f, path)
	case labels:
		p.labels(n, f, path)
	case list:
		if f.needsEntry && len(n.Content) == 0 {
			p.fail(n.Line, path, "an empty list", "write an entry")
		}
		for i, entry := range n.Content {
			p.value(entry, f.entry, fmt.Sprintf("%s[%d]", path, i))
		}
	case foreign:
		p.foreign(n, path)
	}
}

// example says what to write where something of another kind stands.
func (f *form) example() string {
	switch {
	case f.kind == list:
		return "write a list: begin each entry with a -"
	case len(f.keys) > 0:
		return "write its keys: " + strings.Join(f.names(), ", ")
	case f.instead != nil:
		return "write the path of a file, or the keys of an object"
	default:
		return "write keys with their values"
	}
}

func (f *form) names() (names []string) {
	for i := range f.keys {
		names = append(names, f.keys[i].name)
	}
	return names
}

func (p *parser) block(n *yaml.Node, f *form, path string) {
	given := map[string]bool{}
	for key, value := range p.pairs(n, path) {
		index := slices.IndexFunc(f.keys, func(k formKey) bool { return k.name == key.Value })
		if index < 0 {
			p.unknown(key, f, path, given)
			continue
		}
		given[key.Value] = true
		p.value(value, f.keys[index].form, below(path, key.Value))
		p.lines[below(path, key.Value)] = key.Line
	}
	for i := range f.keys {
		if k := &f.keys[i]; k.required && !given[k.name] {
			p.fail(n.Line, below(path, k.name), "is missing", "write "+k.name+": "+firstLower(k.doc))
		}
	}
}

// unknown is the error about a key. One that was probably meant by it is not missed as well.
func (p *parser) unknown(key *yaml.Node, f *form, path string, given map[string]bool) {
	fix := "write one of " + strings.Join(f.names(), ", ")
	if meant := nearest.Of(key.Value, f.names()); meant != "" {
		fix, given[meant] = "did you mean "+meant+"?", true
	}
	p.fail(key.Line, below(path, shorten(key.Value)), "unknown key", fix)
}

func (p *parser) labels(n *yaml.Node, f *form, path string) {
	for key, value := range p.pairs(n, path) {
		p.value(value, f.entry, below(path, shorten(key.Value)))
	}
}

// pairs visits the pairs of a mapping whose key is a text, and was not there before.
func (p *parser) pairs(n *yaml.Node, path string) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			line, again := first[key.Value]
			switch {
			case key.Kind != yaml.ScalarNode || key.Tag != "!!str":
				p.fail(key.Line, path, describe(key)+" stands where a key belongs", "write a text")
			case again:
				p.fail(key.Line, below(path, shorten(key.Value)), fmt.Sprintf("given already in line %d", line), "leave one of them out")
			default:
				first[key.Value] = key.Line
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

func (p *parser) text(n *yaml.Node, f *form, path string) {
	switch problem := f.wrong(n.Value); {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		p.fail(n.Line, path, describe(n)+" stands where text belongs", f.fixOf(""))
	case n.Tag != "!!str" && !(n.Tag == "!!timestamp" && f.pattern != "" && problem == ""): // a day without quotes
		p.fail(n.Line, path, describe(n)+" stands where text belongs", "write "+quoted(n.Value))
	case strings.Contains(n.Value, "\n"):
		p.fail(n.Line, path, "more than one line", "write one line")
	case problem != "":
		p.fail(n.Line, path, problem, f.fixOf(n.Value))
	}
}

// maxListed is how many words an error lists.
const maxListed = 4

// fixOf says what to write instead of a text.
func (f *form) fixOf(text string) string {
	switch {
	case f.words == nil:
		return f.fix
	case nearest.Of(text, f.words) != "":
		return "did you mean " + nearest.Of(text, f.words) + "?"
	case len(f.words) <= maxListed:
		return "write one of " + strings.Join(f.words, ", ")
	default:
		return "write the ID of a check, as in hostNamespaces, or of a policy's own rule, as in allow.volumes"
	}
}

// constant holds a node to be a value that can be filled in.
func (p *parser) constant(n *yaml.Node, path string, mayBeList bool) {
	switch {
	case n.Kind == yaml.SequenceNode && mayBeList:
		for i, entry := range n.Content {
			p.constant(entry, fmt.Sprintf("%s[%d]", path, i), false)
		}
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str" && n.Tag != "!!bool" && n.Tag != "!!int":
		p.fail(n.Line, path, describe(n)+" stands where a value belongs", "write true or false, a whole number, a text, or a list of them")
	}
}

// foreign holds what another format reads to be without aliases, which may lead out of it.
func (p *parser) foreign(n *yaml.Node, path string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		p.fail(n.Line, path, "anchors and aliases are not read", "write the value out, or name a file by its path")
		return
	}
	for _, c := range n.Content {
		p.foreign(c, path)
	}
}

// cases makes the cases of a file whose form is right.
func (p *parser) cases(root *yaml.Node, f *File) {
	var w written
	if err := root.Decode(&w); err != nil {
		p.fail(0, "", err.Error(), "correct the YAML")
		return
	}
	names := map[string]int{}
	for i := range w.Cases {
		c := p.testCase(&w, i, f)
		line := c.Line("name")
		if first, again := names[c.Name]; again {
			p.fail(line, c.at+".name", fmt.Sprintf("the case in line %d has this name", first), "give each case a name of its own")
		}
		names[c.Name] = line
		if err := c.Expect.Validate(); err != nil {
			p.expectation(&c, err)
		}
		f.Cases = append(f.Cases, c)
	}
}

// expectation reports what is wrong with what a case expects.
func (p *parser) expectation(c *Case, err error) {
	var errs policy.Errors
	if !errors.As(err, &errs) {
		errs = policy.Errors{{Problem: err.Error()}}
	}
	for _, e := range errs {
		field := "expect"
		if e.Field != "" {
			field += "." + e.Field
		}
		p.fail(c.Line(field), c.at+"."+field, e.Problem, e.Fix)
	}
}

func (p *parser) testCase(w *written, i int, f *File) Case {
	from, at := &w.Cases[i], fmt.Sprintf("cases[%d]", i)
	own := from.Own
	c := Case{Name: from.Name, at: at, file: f, Pods: p.inputs(from.Pods, at+".pods")}
	if own.Policies != nil {
		c.Policies = p.inputs(own.Policies, at+".policies")
	} else {
		c.Policies = p.inputs(w.Defaults.Policies, "policies")
	}
	c.Level.Level = api.Level(cmp.Or(own.Level, w.Defaults.Level, string(api.LevelRestricted)))
	c.Level.Version, _ = api.ParseVersion(cmp.Or(own.Version, w.Defaults.Version, "latest")) // its form is right
	c.Namespace = cmp.Or(own.Namespace, w.Defaults.Namespace)
	if c.NamespaceLabels = own.NamespaceLabels; c.NamespaceLabels == nil {
		c.NamespaceLabels = w.Defaults.NamespaceLabels
	}
	if day := cmp.Or(own.At, w.Defaults.At); day != "" {
		c.At, _ = parseTime(day) // the same
	}
	e := &from.Expect
	c.Expect = author.Expectation{
		Verdict: e.Verdict, Policy: e.Policy, Filled: e.Filled, Unchanged: e.Unchanged,
		Violations: expected(e.Violations), Excused: expected(e.Excused),
	}
	return c
}

// expected are violations by their IDs, which are known.
func expected(nodes []yaml.Node) (list []author.Expected) {
	if nodes == nil {
		return nil
	}
	list = []author.Expected{}
	for i := range nodes {
		var w writtenID
		if nodes[i].Kind == yaml.ScalarNode {
			w.ID = nodes[i].Value
		} else {
			_ = nodes[i].Decode(&w) // its form is right
		}
		e, _ := author.ExpectedID(w.ID) // the same
		e.Field = w.Field
		list = append(list, e)
	}
	return list
}

func (p *parser) inputs(nodes []yaml.Node, path string) (list []Input) {
	for i := range nodes {
		n := &nodes[i]
		input := Input{Position: policy.Position{File: p.file, Line: n.Line}, Field: fmt.Sprintf("%s[%d]", path, i)}
		if n.Kind == yaml.ScalarNode {
			input.Path = under(filepath.Dir(p.file), n.Value)
		} else {
			input.Text = textOf(p.data, n)
		}
		list = append(list, input)
	}
	return list
}

func under(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// describe is a value as an error names it.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a block of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Tag == "!!null":
		return "nothing"
	default:
		return quoted(n.Value)
	}
}

// maxQuoted is how many bytes of a value an error quotes.
const maxQuoted = 64

func quoted(s string) string { return strconv.Quote(shorten(s)) }

func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "..."
}

func firstLower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
