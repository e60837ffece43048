package rules

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// help is what a person wants to know of a rule, a paragraph and a list.
type help struct {
	why   string
	items []item
}

// item is a line: what it is, and names of fields and values, which are code.
type item struct {
	what string
	code []string
	more string
}

func (h *help) add(what, more string, code ...string) {
	if len(code) > 0 || more != "" {
		h.items = append(h.items, item{what, code, more})
	}
}

func (h *help) text() string {
	var b strings.Builder
	b.WriteString(h.why)
	for _, i := range h.items {
		b.WriteString("\n" + i.what + ": " + strings.Join(i.code, ", ") + i.more)
	}
	return b.String()
}

func (h *help) markdown() string {
	var b strings.Builder
	b.WriteString(h.why + "\n")
	for _, i := range h.items {
		b.WriteString("\n- " + i.what + ": ")
		for n, c := range i.code {
			if n > 0 {
				b.WriteString(", ")
			}
			b.WriteString("`" + c + "`")
		}
		b.WriteString(i.more)
	}
	return b.String()
}

// helpOf is that of a check in its newest revision.
func helpOf(check *spec.Check) *help {
	control := check.ID.Control()
	rev := &check.Revisions[len(check.Revisions)-1]
	h := &help{why: control.Why + " " + rev.Change}
	for _, allowed := range rev.Allowed {
		var fields []string
		for _, f := range allowed.Fields {
			fields = append(fields, f.String())
		}
		h.add("Fields", "", fields...)
		h.add("Must be", allowed.Want())
	}
	var grants []string
	for _, g := range policy.GrantTypesOf(control) {
		grants = append(grants, g.String())
	}
	h.add("A policy may allow it by", "", grants...)
	if control.NoFill != "" {
		h.add("Filled in", "nothing: "+control.NoFill)
	}
	for _, f := range mutate.FillTypesOf(control) {
		unless := ""
		if f.Unless != "" {
			unless = ", unless " + f.Unless
		}
		h.add("Filled in", unless, fmt.Sprintf("%s: %s", f.Field, f.Value))
	}
	return h
}

// demandHelp is that of a policy's own rule.
func demandHelp(key policy.Key) *help {
	h := &help{why: "The level allows what the policy does not: its rule demands more of the workloads that it selects. " +
		"Set the field as the message says, or change the rule."}
	for _, d := range policy.Demands() {
		if d.Key != key {
			continue
		}
		var fields []string
		for _, f := range d.Fields {
			fields = append(fields, f.String())
		}
		h.add("Fields", "", fields...)
	}
	return h
}
