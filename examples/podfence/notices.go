package main

import (
	"cmp"
	"strings"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/policy"
)

// noticed is what is said of policies that do not speak as they are written, with
// what the command can be given where they hang on it.
func noticed(w *workload, r *evaluate.Result) (lines []string) {
	for i := range r.Notices {
		lines = append(lines, w.notice(&r.Notices[i]))
	}
	return lines
}

func (w *workload) notice(n *policy.Notice) string {
	text := n.String()
	switch {
	case n.Reason != policy.NoticeNamespaceUnknown:
	case w.Namespace == "":
		text += " (the manifest names no namespace; -n gives one)"
	default:
		text += " (a document of Namespace " + w.Namespace + " in the input says them)"
	}
	return text
}

func (a *answer) writeNotices(p *page) {
	for _, text := range noticed(a.workload, a.result) {
		p.line(yellow, indent+"%s", text)
	}
}

// notices are findings about the policies, at the workload.
func (a *answer) notices() (list []finding.Finding) {
	o, at := a.object(), a.subject().Region
	for i := range a.result.Notices {
		n := &a.result.Notices[i]
		list = append(list, finding.Finding{
			Rule: string(n.Reason), Severity: finding.Warning, Region: at,
			Message:     oneLine("%s: %s", a.title(), a.notice(n)),
			Fingerprint: finding.Fingerprint(o.Kind, o.Namespace, o.Name, string(n.Reason), cmp.Or(n.Policy.Namespace, strings.Join(n.Policy.Namespaces, ",")), n.Policy.Name),
		})
	}
	return list
}
