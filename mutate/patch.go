package mutate

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Pointer is the JSON pointer (RFC 6901) of the field in the pod.
func (c Change) Pointer() string { return "/" + strings.Join(c.Segments(), "/") }

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
	b := make([]byte, 0, room(r.fills, len(prefix)))
	b = append(b, '[')
	for rest := r.fills; len(rest) > 0; {
		n := together(rest)
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = r.appendOperation(b, prefix, rest[:n])
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

// The parts of an operation around its pointer and its value.
const (
	operationStart = `{"op":"add","path":"`
	operationValue = `","value":`
)

// room is about as many bytes as the patch needs.
func room(fills []fill, prefix int) int {
	n := len("[]")
	for i := 0; i < len(fills); {
		group := fills[i:][:together(fills[i:])]
		i += len(group)
		n += len(operationStart) + prefix + len("/spec/ephemeralContainers/0") + len(operationValue) + len("{}},")
		n += len(wordings[group[0].field][group[0].lacks].pointer)
		for j := range group {
			w := &wordings[group[j].field][group[j].lacks]
			n += len(w.before) + len(fields[group[j].field].word) + len(w.after) + len("[false],")
		}
	}
	return n
}

// together is the number of fills at the start that one operation makes: those
// below a security context that it creates. Below any other parent one field
// alone is ever filled.
func together(fills []fill) int {
	first := &fills[0]
	n := 1
	for n < len(fills) && first.lacks == context && fills[n].kind == first.kind && fills[n].index == first.index {
		n++
	}
	return n
}

func (r *Report) appendOperation(b, prefix []byte, group []fill) []byte {
	first := &group[0]
	b = append(b, operationStart...)
	b = append(b, prefix...)
	if first.kind != 0 {
		b = append(b, "/spec/"...)
		b = append(b, first.kind.List()...)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(first.index), 10)
	}
	b = append(b, wordings[first.field][first.lacks].pointer...)
	b = append(b, operationValue...)
	if first.lacks == nothing {
		b = r.appendValue(b, first)
	} else {
		b = r.appendObject(b, group)
	}
	return append(b, '}')
}

// appendObject appends the parent that an operation creates, with the fields
// below it. No two of them share a parent of their own.
func (r *Report) appendObject(b []byte, group []fill) []byte {
	b = append(b, '{')
	for i := range group {
		if i > 0 {
			b = append(b, ',')
		}
		w := &wordings[group[i].field][group[i].lacks]
		b = append(b, w.before...)
		b = r.appendValue(b, &group[i])
		b = append(b, w.after...)
	}
	return append(b, '}')
}

// appendValue appends the JSON of a fill's value. Its words are constants of the
// API, which need no escaping.
func (r *Report) appendValue(b []byte, f *fill) []byte {
	switch row := &fields[f.field]; row.holds {
	case flag:
		return strconv.AppendBool(b, f.value != 0)
	case id:
		return strconv.AppendInt(b, f.value, 10)
	case ids:
		for i, group := range r.groups {
			b = strconv.AppendInt(append(b, "[,"[min(i, 1)]), group, 10)
		}
		return append(b, ']')
	case word:
		return appendWord(b, row.word)
	default:
		return append(appendWord(append(b, '['), row.word), ']')
	}
}

func appendWord(b []byte, word string) []byte { return append(append(append(b, '"'), word...), '"') }
