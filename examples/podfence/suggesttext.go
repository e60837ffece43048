package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/podfence/podfence/author"
)

// writeSuggestion writes the policies as a file, with what is to be said of them all
// in comments above.
func writeSuggestion(w io.Writer, s *author.Suggestion) error {
	policies, err := s.YAML()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, line := range preamble(s) {
		b.WriteString(oneLine("# %s", line) + "\n")
	}
	if len(policies) > 0 {
		b.WriteByte('\n')
	}
	b.Write(policies)
	_, err = w.Write(b.Bytes())
	return err
}

// preamble is what is said before the policies: what manifests could change, what no
// policy can allow, and what was proven.
func preamble(s *author.Suggestion) (lines []string) {
	lines = append(lines, suggestionSummary(s))
	if len(s.Remarks) > 0 {
		lines = append(lines, "Before a policy: these manifests could change, and would need less.")
		for i := range s.Remarks {
			r := &s.Remarks[i]
			lines = append(lines, fmt.Sprintf("  - %s: %s: %s", theseFirst(r.Reason.Workloads), r.Reason.String(), r.Text()))
		}
	}
	if len(s.Unmet) > 0 {
		lines = append(lines, "No policy can allow these: their manifests have to change.")
		for i := range s.Unmet {
			lines = append(lines, "  - "+unmetText(&s.Unmet[i]))
		}
	}
	return append(lines, s.Proof.String())
}

func suggestionSummary(s *author.Suggestion) string {
	needy := s.Workloads - s.Allowed
	return fmt.Sprintf("%s at %s: %d allowed without a policy%s%s", counted(s.Workloads, "workload"), s.Level.String(), s.Allowed,
		some(max(0, needy-len(s.Unmet)), ", %d under ")+only(needy > len(s.Unmet), policiesCounted(len(s.Policies))),
		some(len(s.Unmet), ", %d that no policy can allow"))
}

func unmetText(u *author.Unmet) string {
	text := u.Workload.String() + ": " + u.Reason.String()
	var fields []string
	for i := range u.Fields {
		fields = append(fields, u.Fields[i].String())
	}
	return text + listed(": ", "; ", fields...)
}

// mostNamed is how many workloads a line names.
const mostNamed = 3

// theseFirst names the first of some workloads, and counts the others.
func theseFirst(refs []author.Reference) string {
	var names []string
	for _, r := range refs[:min(len(refs), mostNamed)] {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ") + some(max(0, len(refs)-mostNamed), " and %d more")
}

// writeExplanation writes every grant with all that needs it, and every smaller policy
// that was tried.
func writeExplanation(w io.Writer, s *author.Suggestion) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { b.WriteString(oneLine(format, args...) + "\n") }
	for _, text := range preamble(s) {
		line("%s", text)
	}
	for i := range s.Policies {
		p := &s.Policies[i]
		line("")
		line("policy %s%s: selects %s", p.Policy.Name, listed(" in namespace ", "", p.Policy.Namespace), selectorText(p))
		line(indent+"for %s", theseFirst(p.Governs))
		if len(p.Others) > 0 {
			line(indent+"and for %s, which no label tells from these", theseFirst(p.Others))
		}
		for j := range p.Unpinned {
			line(indent+"%s", p.Unpinned[j].String())
		}
		for j := range p.Grants {
			explainGrant(line, &p.Grants[j])
		}
		for _, step := range s.Proof.Steps {
			if step.Policy == p.Policy.Name {
				line(indent+"tried %s: denies %s", step.Change, step.Refuses)
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func explainGrant(line func(string, ...any), g *author.Grant) {
	where := ""
	if g.Container > 0 {
		where = fmt.Sprintf("containers[%d].", g.Container-1)
	}
	line(indent+"%s%s", where, g.Text)
	for i := range g.Reasons {
		line(indent+indent+"%s: %s", theseFirst(g.Reasons[i].Workloads), g.Reasons[i].String())
	}
}

// selectorText is the selector of a policy on one line, in the form of kubectl -l.
func selectorText(p *author.Suggested) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(p.Policy.PodSelectorLabels)) {
		parts = append(parts, key+"="+p.Policy.PodSelectorLabels[key])
	}
	for _, e := range p.Policy.PodSelectorExpressions {
		parts = append(parts, fmt.Sprintf("%s in (%s)", e.Key, strings.Join(e.Values, ",")))
	}
	return strings.Join(parts, ", ")
}
