package mutate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/podfence/podfence/spec"
)

// Pointer is the JSON pointer (RFC 6901) of the field in the pod.
func (c Change) Pointer() string { return string(appendPointer(nil, "", c.Container, c.Field)) }

// Patch renders the changes as an RFC 6902 patch of the pod's JSON, straight
// from the changes. A parent that the pod lacks is created by the one operation
// that fills it. Without a change it is the empty patch, "[]".
func (r Report) Patch() []byte { return r.PatchWithin() }

// PatchWithin is [Report.Patch] for an object that holds the pod's template
// below the given steps: "spec", "template" for a Deployment.
func (r Report) PatchWithin(root ...string) []byte {
	var prefix []byte
	for _, step := range root {
		prefix = appendStep(prefix, step)
	}
	b := make([]byte, 0, 2+len(r.Changes)*(64+len(prefix)))
	b = append(b, '[')
	for rest := r.Changes; len(rest) > 0; {
		n := together(rest)
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = appendOperation(b, string(prefix), rest[:n])
		rest = rest[n:]
	}
	return append(b, ']')
}

// appendStep appends a caller's step, escaped as a pointer and as JSON.
func appendStep(b []byte, step string) []byte {
	quoted, err := json.Marshal(pointerEscaper.Replace(step))
	if err != nil {
		panic(err) // not reached: any string is JSON
	}
	return append(append(b, '/'), quoted[1:len(quoted)-1]...)
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// together is the number of changes at the start that one operation makes:
// those below a parent that it creates.
func together(changes []Change) int {
	first := &changes[0]
	if first.created == "" {
		return 1
	}
	n := 1
	for n < len(changes) && changes[n].created == first.created && changes[n].Container == first.Container {
		n++
	}
	return n
}

func appendOperation(b []byte, prefix string, group []Change) []byte {
	first := &group[0]
	target := first.Field
	if first.created != "" {
		target = first.created
	}
	b = append(b, `{"op":"add","path":"`...)
	b = appendPointer(b, prefix, first.Container, target)
	b = append(b, `","value":`...)
	if first.created == "" {
		b = appendValue(b, first.Value)
	} else {
		b = appendObject(b, target, group)
	}
	return append(b, '}')
}

// appendPointer appends the pointer of a field. The steps of a Field need no
// escaping, neither as a pointer nor as JSON.
func appendPointer(b []byte, prefix string, at spec.Container, f spec.Field) []byte {
	b = append(b, prefix...)
	if at.Kind != 0 {
		b = append(b, "/spec/"...)
		b = append(b, at.Kind.List()...)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(at.Index), 10)
	}
	for step := range strings.SplitSeq(string(f), ".") {
		b = append(append(b, '/'), step...)
	}
	return b
}

// appendObject appends the parent that an operation creates, with the fields
// below it. No two of them share a parent of their own.
func appendObject(b []byte, parent spec.Field, group []Change) []byte {
	b = append(b, '{')
	for i := range group {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(b, group[i].Field[len(parent)+1:], group[i].Value)
	}
	return append(b, '}')
}

// appendMember appends the member of an object at a dotted path, with an object
// for each step before the last.
func appendMember(b []byte, path spec.Field, value any) []byte {
	step, rest, more := strings.Cut(string(path), ".")
	b = append(appendString(b, step), ':')
	if !more {
		return appendValue(b, value)
	}
	return append(appendMember(append(b, '{'), spec.Field(rest), value), '}')
}

// appendValue appends the JSON of a change's value. Its strings are constants
// of the API, which need no escaping.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendString(b, v)
	case []int64:
		for i, id := range v {
			b = strconv.AppendInt(append(b, "[,"[min(i, 1)]), id, 10)
		}
		return append(b, ']')
	case []string:
		for i, s := range v {
			b = appendString(append(b, "[,"[min(i, 1)]), s)
		}
		return append(b, ']')
	default:
		panic(fmt.Sprintf("mutate: a change of type %T", value))
	}
}

func appendString(b []byte, s string) []byte { return append(append(append(b, '"'), s...), '"') }
