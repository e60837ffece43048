package policy

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxQuoted is how many bytes of a value an error quotes.
const maxQuoted = 64

// written names a node in an error, as the file writes it.
func written(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a block of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isPlain(n) && !strings.ContainsFunc(n.Value, isUnprintable):
		return shorten(n.Value)
	}
	return quote(n.Value)
}

func quote(s string) string { return strconv.Quote(shorten(s)) }

func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "..."
}

// isPlain reports whether a scalar stands without quotes and not as a block of text.
func isPlain(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Style&^yaml.TaggedStyle == 0 }

func isTagged(n *yaml.Node) bool { return n.Style&yaml.TaggedStyle != 0 }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// complaint is a problem and its fix; the zero complaint is none.
type complaint struct{ problem, fix string }

func complain(fix, format string, args ...any) complaint {
	return complaint{fmt.Sprintf(format, args...), fix}
}

// readAs are the words for what YAML takes a plain scalar for.
var readAs = map[string]string{
	"!!bool": "a boolean", "!!int": "a number", "!!float": "a number", "!!timestamp": "a date", "!!null": "nothing",
	"!!merge": "a merge key",
}

// oldBooleans are booleans to YAML 1.1, which Helm and kubectl read, and text
// to YAML 1.2.
var oldBooleans = []string{"y", "n", "yes", "no", "on", "off"}

// text reads a scalar that must be text to every reader of YAML.
func text(n *yaml.Node) (string, complaint) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", complain("write text", "%s stands where text belongs", written(n))
	case n.Tag != "!!str":
		return "", complain("write "+quote(n.Value), "%s is read as %s, not as text", written(n), readAs[n.Tag])
	case isPlain(n) && slices.Contains(oldBooleans, strings.ToLower(n.Value)):
		return "", complain("write "+quote(n.Value), "%s is a boolean to some readers of YAML", written(n))
	}
	return n.Value, complaint{}
}

// boolean reads true or false and none of their many other spellings.
func boolean(n *yaml.Node) (bool, complaint) {
	if !isPlain(n) || n.Tag != "!!bool" {
		return false, complain("write true or false", "%s is no boolean", written(n))
	}
	return strings.EqualFold(n.Value, "true"), complaint{}
}

var (
	decimal  = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	leading0 = regexp.MustCompile(`^0[0-9]+$`)
)

// wholeNumber is the fix where nothing better is known.
const wholeNumber = "write a whole number, as in 400"

// number reads a whole number in decimal digits and in no other notation.
// limit is the fix for one that is too large for its field.
func number(n *yaml.Node, bits int, limit string) (int64, complaint) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return 0, complain(wholeNumber, "%s stands where a number belongs", written(n))
	case !isPlain(n) && decimal.MatchString(n.Value):
		fix := "write " + shorten(n.Value) + " without quotes"
		if _, err := strconv.ParseInt(n.Value, 10, bits); err != nil {
			fix = limit
		}
		return 0, complain(fix, "%s is text, not a number", written(n))
	case !isPlain(n) || !decimal.MatchString(n.Value):
		return 0, complain(plainNumber(n, bits, limit), "%s is no plain decimal number", written(n))
	}
	i, err := strconv.ParseInt(n.Value, 10, bits)
	if err != nil {
		return 0, complain(limit, "%s is out of range", written(n))
	}
	return i, complaint{}
}

// maxExact bounds the whole numbers that a float64 holds exactly.
const maxExact = 1 << 53

// plainNumber says how to write a number that is written in another notation;
// limit, where no notation would make it fit.
func plainNumber(n *yaml.Node, bits int, limit string) string {
	if !isPlain(n) {
		return wholeNumber
	}
	if leading0.MatchString(n.Value) {
		return leadingZero(n.Value)
	}
	i, err := strconv.ParseInt(n.Value, 0, 64)
	if f, inexact := strconv.ParseFloat(n.Value, 64); err != nil && inexact == nil && f == math.Trunc(f) && math.Abs(f) < maxExact {
		i, err = int64(f), nil
	}
	switch {
	case err != nil:
		return wholeNumber
	case bits < 64 && i != i<<(64-bits)>>(64-bits):
		return limit
	default:
		return "write " + strconv.FormatInt(i, 10)
	}
}

func leadingZero(v string) string {
	fix := "write " + strings.TrimLeft(v[:len(v)-1], "0") + v[len(v)-1:]
	if octal, err := strconv.ParseInt(v, 8, 64); err == nil && octal > 7 {
		fix += fmt.Sprintf(", or %d if octal is meant", octal)
	}
	return fix
}

const (
	// maxDepth is how deep a file may nest; a policy in a Welkin file takes 9.
	maxDepth = 64
	// maxAliased is how many nodes the aliases of one document may stand for.
	maxAliased = 100_000
)

// expander replaces aliases by copies of what they stand for.
type expander struct {
	open    map[*yaml.Node]bool
	aliased int
}

// expand replaces the aliases within a document. The error is the only one of
// its document: what it stops at cannot be read.
func expand(n *yaml.Node) (*yaml.Node, *Error) {
	e := expander{open: map[*yaml.Node]bool{}}
	return e.expand(n, 0)
}

// expand works in place. An alias stands behind its anchor, so what it stands
// for is expanded already, unless the alias is within it.
func (e *expander) expand(n *yaml.Node, depth int) (*yaml.Node, *Error) {
	if depth > maxDepth {
		return nil, &Error{Line: n.Line, Problem: "nests too deep", Fix: "a policy nests less than ten levels"}
	}
	if n.Kind == yaml.AliasNode {
		return e.alias(n, depth)
	}
	e.open[n] = true
	defer delete(e.open, n)
	for i := range n.Content {
		expanded, err := e.expand(n.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		n.Content[i] = expanded
	}
	return n, nil
}

func (e *expander) alias(n *yaml.Node, depth int) (*yaml.Node, *Error) {
	if e.open[n.Alias] {
		return nil, &Error{Line: n.Line, Problem: "the alias *" + shorten(n.Value) + " contains itself", Fix: "write the values out"}
	}
	copied := e.copy(n.Alias, depth)
	if copied == nil {
		return nil, &Error{Line: n.Line, Problem: "the aliases of this document stand for too much", Fix: "write the values out"}
	}
	return copied, nil
}

// copy returns nil when there is too much to copy.
func (e *expander) copy(n *yaml.Node, depth int) *yaml.Node {
	e.aliased++
	if e.aliased > maxAliased || depth > maxDepth {
		return nil
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		if c.Content[i] = e.copy(n.Content[i], depth+1); c.Content[i] == nil {
			return nil
		}
	}
	return &c
}
