package yamledit

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// blockStyle is how lines are written outside of braces.
type blockStyle struct {
	step         int // of a mapping under its key
	sequenceStep int // of a list under its key
	quoted       bool
}

func (s blockStyle) flow() flowStyle { return flowStyle{quoted: s.quoted} }

// members writes the lines of a mapping.
func (s blockStyle) members(object Mapping, column int) []string {
	var lines []string
	for _, member := range object {
		key := strings.Repeat(" ", column) + scalar(member.Key, s.quoted) + ":"
		beneath := s.beneath(member.Value, column)
		if beneath == nil {
			key += " " + s.flow().value(member.Value)
		}
		lines = append(append(lines, key), beneath...)
	}
	return lines
}

// beneath writes the lines under a key at a column; nil for scalars and empty collections, which follow the colon.
func (s blockStyle) beneath(value any, column int) []string {
	switch v := value.(type) {
	case Mapping:
		return s.members(v, column+s.step)
	case []any:
		var lines []string
		for _, item := range v {
			lines = append(lines, s.item(item, column+s.sequenceStep)...)
		}
		return lines
	default:
		return nil
	}
}

// item writes one item of a list. A list in a list, which Kubernetes has nowhere near what is filled, is written in flow.
func (s blockStyle) item(value any, column int) []string {
	dash := strings.Repeat(" ", column) + "- "
	object, ok := value.(Mapping)
	if !ok || len(object) == 0 {
		return []string{dash + s.flow().value(value)}
	}
	lines := s.members(object, len(dash))
	lines[0] = dash + lines[0][len(dash):]
	return lines
}

func (s flowStyle) space() string {
	if s.compact {
		return ""
	}
	return " "
}

// value writes any value in a line.
func (s flowStyle) value(value any) string {
	switch v := value.(type) {
	case Mapping:
		return "{" + s.members(v) + "}"
	case []any:
		return "[" + s.items(v) + "]"
	default:
		return scalar(v, s.quoted)
	}
}

func (s flowStyle) members(object Mapping) string {
	parts := make([]string, len(object))
	for i, member := range object {
		parts[i] = s.key(member) + s.value(member.Value)
	}
	return strings.Join(parts, ","+s.space())
}

func (s flowStyle) key(member Member) string { return scalar(member.Key, s.quoted) + ":" + s.space() }

func (s flowStyle) items(list []any) string {
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = s.value(item)
	}
	return strings.Join(parts, ","+s.space())
}

// memberLines writes members on lines of their own, with commas between them and none after the last. With a unit, which
// JSON with a member a line has, what is in them gets lines of its own too.
func (s flowStyle) memberLines(object Mapping, lead, unit string) []string {
	var lines []string
	for i, member := range object {
		if i > 0 {
			lines[len(lines)-1] += ","
		}
		value := s.valueLines(member.Value, lead, unit)
		value[0] = lead + s.key(member) + value[0]
		lines = append(lines, value...)
	}
	return lines
}

// itemLines is memberLines for a list.
func (s flowStyle) itemLines(list []any, lead, unit string) []string {
	var lines []string
	for i, item := range list {
		if i > 0 {
			lines[len(lines)-1] += ","
		}
		value := s.valueLines(item, lead, unit)
		value[0] = lead + value[0]
		lines = append(lines, value...)
	}
	return lines
}

// valueLines leaves the first line without its lead, for a key to go before it.
func (s flowStyle) valueLines(value any, lead, unit string) []string {
	object, _ := value.(Mapping)
	list, _ := value.([]any)
	switch {
	case unit == "" || len(object)+len(list) == 0:
		return []string{s.value(value)}
	case len(object) > 0:
		return append(append([]string{"{"}, s.memberLines(object, lead+unit, unit)...), lead+"}")
	default:
		return append(append([]string{"["}, s.itemLines(list, lead+unit, unit)...), lead+"]")
	}
}

// scalar writes a value that has no parts.
func scalar(value any, quoted bool) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		if !quoted && isPlainSafe(v) {
			return v
		}
		return quote(v)
	default:
		return "null"
	}
}

// plainSafe allows what no reader takes for anything but a string, in block and in flow: names, paths, label keys.
var plainSafe = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// reserved are the words which YAML 1.1 reads as something else. The decoder of Kubernetes still does.
var reserved = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true, "null": true,
}

func isPlainSafe(s string) bool { return plainSafe.MatchString(s) && !reserved[strings.ToLower(s)] }

// quote writes a string as JSON does, with the characters that HTML needs left as they are.
func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
