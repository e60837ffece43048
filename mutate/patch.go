package mutate

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/spec"
)

// Patch renders the changes as an RFC 6902 patch of the object's JSON, straight
// from the changes. A parent that the pod lacks is created by the one operation
// that fills it. Without a change it is the empty patch, "[]".
func (r Report) Patch() []byte { return r.AppendPatch(nil) }

// AppendPatch appends the patch that Patch renders.
func (r Report) AppendPatch(b []byte) []byte {
	prefix := appendPrefix(nil, string(r.root))
	if n := room(r.plan.Fills, len(prefix)); cap(b)-len(b) < n {
		b = append(make([]byte, 0, len(b)+n), b...)
	}
	b = append(b, '[')
	for rest := r.plan.Fills; len(rest) > 0; {
		n := together(rest)
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = r.appendOperation(b, prefix, rest[:n])
		rest = rest[n:]
	}
	return append(b, ']')
}

// appendPrefix appends the caller's root, escaped as JSON.
func appendPrefix(b []byte, root string) []byte {
	if root == "" {
		return b
	}
	quoted, err := json.Marshal(root)
	if err != nil {
		panic(err) // not reached: any string is JSON
	}
	return append(b, quoted[1:len(quoted)-1]...)
}

// The parts of an operation around its pointer and its value.
const (
	operationStart = `{"op":"add","path":"`
	operationValue = `","value":`
)

// room is about as many bytes as the patch needs.
func room(fills []plan.Fill, prefix int) int {
	n := len("[]")
	for i := 0; i < len(fills); {
		group := fills[i:][:together(fills[i:])]
		i += len(group)
		n += len(operationStart) + prefix + len("/spec/ephemeralContainers/0") + len(operationValue) + len("{}},")
		n += len(wordings[group[0].Field][group[0].Lacks].pointer)
		for j := range group {
			w := &wordings[group[j].Field][group[j].Lacks]
			n += len(w.before) + len(plan.FieldOf(group[j].Field).Word) + len(w.after) + len("[false],")
		}
	}
	return n
}

// together is the number of fills at the start that one operation makes: those
// below a security context that it creates. Below any other parent one field
// alone is ever filled.
func together(fills []plan.Fill) int {
	first := &fills[0]
	n := 1
	for n < len(fills) && first.Lacks == plan.Context && fills[n].Kind == first.Kind && fills[n].Index == first.Index {
		n++
	}
	return n
}

func (r *Report) appendOperation(b, prefix []byte, group []plan.Fill) []byte {
	first := &group[0]
	b = append(b, operationStart...)
	b = append(b, prefix...)
	if first.Kind != 0 {
		b = append(b, "/spec/"...)
		b = append(b, first.Kind.List()...)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(first.Index), 10)
	}
	b = append(b, wordings[first.Field][first.Lacks].pointer...)
	b = append(b, operationValue...)
	if first.Lacks == plan.Nothing {
		b = r.appendValue(b, first)
	} else {
		b = r.appendObject(b, group)
	}
	return append(b, '}')
}

// appendObject appends the parent that an operation creates, with the fields
// below it. No two of them share a parent of their own.
func (r *Report) appendObject(b []byte, group []plan.Fill) []byte {
	b = append(b, '{')
	for i := range group {
		if i > 0 {
			b = append(b, ',')
		}
		w := &wordings[group[i].Field][group[i].Lacks]
		b = append(b, w.before...)
		b = r.appendValue(b, &group[i])
		b = append(b, w.after...)
	}
	return append(b, '}')
}

// appendValue appends the JSON of a fill's value. Its words are constants of the
// API, which need no escaping.
func (r *Report) appendValue(b []byte, f *plan.Fill) []byte {
	switch field := plan.FieldOf(f.Field); field.Path.Type() {
	case spec.Bool:
		return strconv.AppendBool(b, f.Value != 0)
	case spec.ID:
		return strconv.AppendInt(b, f.Value, 10)
	case spec.IDs:
		for i, group := range r.plan.Groups {
			b = strconv.AppendInt(append(b, "[,"[min(i, 1)]), group, 10)
		}
		return append(b, ']')
	case spec.String:
		return appendWord(b, field.Word)
	default:
		return append(appendWord(append(b, '['), field.Word), ']')
	}
}

func appendWord(b []byte, word string) []byte { return append(append(append(b, '"'), word...), '"') }

// Operation is one operation of the patch, which is always an "add".
type Operation struct {
	// Path are the names and indices on the way to what is added, from the object
	// on: "spec", "containers", "0", "securityContext".
	Path []string
	// Value is a bool, int64, []int64, string, []string, or an [Object] for a
	// parent that is created.
	Value any
}

// Object is a JSON object with its members in order.
type Object []Member

// Member is one member of an [Object].
type Member struct {
	Name string
	// Value is one of those of [Operation.Value].
	Value any
}

// MarshalJSON renders the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		b = append(append(strconv.AppendQuote(b, m.Name), ':'), value...)
	}
	return append(b, '}'), nil
}

// Operations returns the operations of [Report.Patch] for callers that edit
// something else than JSON by them.
func (r Report) Operations() (operations []Operation) {
	root := r.root.Steps()
	for rest := r.plan.Fills; len(rest) > 0; {
		n := together(rest)
		operations = append(operations, r.operation(root, rest[:n]))
		rest = rest[n:]
	}
	return operations
}

func (r *Report) operation(root []string, group []plan.Fill) Operation {
	first := &group[0]
	op := Operation{Path: slices.Clone(root)}
	if first.Kind != 0 {
		op.Path = append(op.Path, "spec", first.Kind.List(), strconv.Itoa(int(first.Index)))
	}
	path := plan.FieldOf(first.Field).Path
	op.Path = append(op.Path, path.Steps()[:target(path, first.Lacks)]...)
	if first.Lacks == plan.Nothing {
		op.Value = r.value(first)
		return op
	}
	var parent Object
	for i := range group {
		path := plan.FieldOf(group[i].Field).Path
		parent = append(parent, r.member(path.Steps()[target(path, group[i].Lacks):], &group[i]))
	}
	op.Value = parent
	return op
}

// member is the value of a fill as a member of a parent, below which it stands
// at the end of some steps.
func (r *Report) member(steps []string, f *plan.Fill) Member {
	if len(steps) == 1 {
		return Member{steps[0], r.value(f)}
	}
	return Member{steps[0], Object{r.member(steps[1:], f)}}
}
