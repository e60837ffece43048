package settings

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

	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/policy"
)

// Parse reads a configuration file. Its paths are relative to the directory of name.
// The error is policy.Errors: everything that is wrong.
func Parse(data []byte, name string, table []Setting) (File, error) {
	p := parser{file: name, table: table, values: map[string]Value{}}
	p.document(data)
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(a, b policy.Error) int { return cmp.Compare(a.Line, b.Line) })
		return File{}, p.errs
	}
	return File{Name: name, values: p.values}, nil
}

type parser struct {
	file   string
	table  []Setting
	values map[string]Value
	errs   policy.Errors
}

func (p *parser) fail(line int, field, problem, fix string) {
	p.errs = append(p.errs, policy.Error{File: p.file, Line: line, Field: field, Problem: problem, Fix: fix})
}

func (p *parser) document(data []byte) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return // empty, or comments alone
	} else if err != nil {
		p.fail(0, "", strings.TrimPrefix(err.Error(), "yaml: "), "correct the YAML")
		return
	}
	if err := d.Decode(&next); err == nil {
		p.fail(next.Line, "", "a second document", "write one document")
	} else if !errors.Is(err, io.EOF) {
		p.fail(0, "", strings.TrimPrefix(err.Error(), "yaml: "), "correct the YAML")
	}
	switch root := doc.Content[0]; {
	case root.Kind == yaml.MappingNode:
		p.mapping(root)
	case root.Tag == "!!null":
	default:
		p.fail(root.Line, "", describe(root)+" stands where keys belong", "write keys with their values, as in level: baseline")
	}
}

func (p *parser) mapping(root *yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		index := slices.IndexFunc(p.table, func(s Setting) bool { return s.Key == key.Value && key.Kind == yaml.ScalarNode })
		switch line, again := first[key.Value]; {
		case index < 0:
			p.unknown(key)
		case again:
			p.fail(key.Line, key.Value, fmt.Sprintf("given already in line %d", line), "leave one of them out")
		default:
			first[key.Value] = key.Line
			p.setting(&p.table[index], key.Line, value)
		}
	}
}

func (p *parser) unknown(key *yaml.Node) {
	if key.Kind != yaml.ScalarNode {
		p.fail(key.Line, "", describe(key)+" stands where a key belongs", "write one of "+strings.Join(p.keys(), ", "))
		return
	}
	fix := "write one of " + strings.Join(p.keys(), ", ")
	if meant := p.meant(key.Value); meant != "" {
		fix = "write " + meant
	}
	p.fail(key.Line, shorten(key.Value), "unknown key", fix)
}

// meant is the key that another word stands for: a misspelt one, or a flag.
func (p *parser) meant(word string) string {
	for i := range p.table {
		if p.table[i].Flag == strings.TrimLeft(word, "-") {
			return p.table[i].Key
		}
	}
	return nearest.Of(word, p.keys())
}

func (p *parser) keys() []string {
	keys := make([]string, len(p.table))
	for i := range p.table {
		keys[i] = p.table[i].Key
	}
	return keys
}

func (p *parser) setting(s *Setting, line int, value *yaml.Node) {
	before := len(p.errs)
	var texts []string
	switch value = target(value); s.Kind {
	case Bool:
		texts = p.boolean(s, value)
	case List:
		texts = p.list(s, value)
	default:
		texts = []string{p.text(s, s.Key, value)}
	}
	if len(p.errs) == before {
		p.values[s.Key] = s.resolve(filepath.Dir(p.file), line, texts)
	}
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (p *parser) boolean(s *Setting, n *yaml.Node) []string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Style != 0 || n.Value != "true" && n.Value != "false" {
		p.fail(n.Line, s.Key, describe(n)+" stands where true or false belongs", "write true or false")
	}
	return []string{n.Value}
}

func (p *parser) list(s *Setting, n *yaml.Node) (texts []string) {
	if n.Kind != yaml.SequenceNode {
		fix := "write a list, or leave the key out"
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
			fix = fmt.Sprintf("write [%s]", strconv.Quote(shorten(n.Value)))
		}
		p.fail(n.Line, s.Key, describe(n)+" stands where a list belongs", fix)
		return nil
	}
	for i, entry := range n.Content {
		texts = append(texts, p.text(s, fmt.Sprintf("%s[%d]", s.Key, i), target(entry)))
	}
	return texts
}

// text reads a text of a setting, and complains of one that it cannot have.
func (p *parser) text(s *Setting, field string, n *yaml.Node) string {
	problem, fix := s.wrong(n.Value)
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		if problem != "" {
			p.fail(n.Line, field, problem, fix)
		}
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		if fix == "" {
			fix = "write " + strconv.Quote(shorten(n.Value))
		}
		p.fail(n.Line, field, describe(n)+" stands where text belongs", fix)
	default:
		p.fail(n.Line, field, describe(n)+" stands where text belongs", "write text, or leave it out")
	}
	return n.Value
}

// wrong says what is wrong with a text, "" if nothing is.
func (s *Setting) wrong(text string) (problem, fix string) {
	shown := strconv.Quote(shorten(text))
	switch {
	case text == "":
		return "an empty text", "write one, or leave it out"
	case s.Form == Path && text == "-":
		return "standard input cannot be named here", "write a file or a directory"
	case s.Values != nil && !slices.Contains(s.Values, text):
		return shown + " is no value of " + s.Key, "write " + Either(s.Values)
	case s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(text):
		return shown + " is no value of " + s.Key, s.PatternHint
	case s.Check != nil:
		if err := s.Check(text); err != nil {
			return shown + ": " + err.Error(), ""
		}
	}
	return "", ""
}

// Either lists words of which one is to be written: "a, b or c".
func Either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
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
	case n.Tag == "!!str":
		return "the text " + strconv.Quote(shorten(n.Value))
	default:
		return strconv.Quote(shorten(n.Value)) + ", which YAML reads as " + readAs[n.Tag] + ","
	}
}

// readAs are the words for what YAML takes a plain scalar for.
var readAs = map[string]string{
	"!!bool": "a boolean", "!!int": "a number", "!!float": "a number", "!!timestamp": "a date", "!!merge": "a merge key", "!!binary": "binary data",
}

// maxQuoted is how many bytes of a value an error quotes.
const maxQuoted = 64

func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "..."
}
