package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
)

// writeUsage writes a report as text: a headline for each policy, and below it what it
// governs, each grant with what uses it, and the narrower policy.
func writeUsage(w io.Writer, r *author.UsageReport) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { b.WriteString(oneLine(format, args...) + "\n") }
	unused := 0
	for i := range r.Policies {
		p := &r.Policies[i]
		unused += len(p.Unused())
		line("%s", usageHeadline(p))
		for _, o := range p.Owners {
			line(indent+"%s: %s%s", o.Owner, podsCounted(o.Pods), some(o.Denied, ", %d denied"))
		}
		for j := range p.Entries {
			usageEntry(line, &p.Entries[j])
		}
		if err := usageNarrower(&b, line, p); err != nil {
			return err
		}
	}
	without := 0
	for _, o := range r.Without {
		without += o.Pods
	}
	line("%s at %s: %s, %s; %s without a policy", policiesCounted(len(r.Policies)), r.Level.String(),
		counted(podsGoverned(r), "pod")+" governed", counted(unused, "grant")+" unused", podsCounted(without))
	_, err := w.Write(b.Bytes())
	return err
}

func podsGoverned(r *author.UsageReport) (pods int) {
	for i := range r.Policies {
		n, _ := r.Policies[i].Pods()
		pods += n
	}
	return pods
}

func podsCounted(n int) string { return counted(n, "pod") }

func usageHeadline(p *author.PolicyUse) string {
	pods, denied := p.Pods()
	name := "policy " + p.Policy.Name
	if p.Policy.Namespace != "" {
		name += " in namespace " + p.Policy.Namespace
	}
	if pods == 0 {
		return name + ": governs nothing here"
	}
	unused := len(p.Unused())
	return fmt.Sprintf("%s: %sgoverns %s%s, %d of %s unused", name, only(p.Expired, "has expired, "), podsCounted(pods), some(denied, " (%d denied)"), unused, counted(len(p.Entries), "grant"))
}

func usageEntry(line func(string, ...any), e *author.EntryUse) {
	if e.Pods == 0 {
		line(indent+"unused  %s", grantText(e.At, e.Grant))
		return
	}
	line(indent+"used    %s by %s", grantText(e.At, e.Grant), podsCounted(e.Pods))
	for i := range e.Reasons {
		line(indent+indent+"%s: %s", theseFirst(e.Reasons[i].Workloads), e.Reasons[i].String())
	}
}

// grantText is a grant where it stands: that of an entry for single containers with
// the entry's place.
func grantText(at policy.Entry, g policy.Grant) string {
	if at.Container > 0 {
		return fmt.Sprintf("containers[%d].%s", at.Container-1, g)
	}
	return g.String()
}

// usageNarrower writes the narrower policy as YAML, indented.
func usageNarrower(b *bytes.Buffer, line func(string, ...any), p *author.PolicyUse) error {
	if p.Narrower == nil {
		return nil
	}
	text, err := policy.Marshal(*p.Narrower)
	if err != nil {
		return err
	}
	line(indent + "this narrower policy would do for what it governs here:")
	for row := range strings.Lines(string(text)) {
		b.WriteString(indent + indent + row)
	}
	for i := range p.Filled {
		line(indent+"and would fill in, what is left unset now: %s: %s", theseFirst(p.Filled[i].Workloads), p.Filled[i].String())
	}
	return nil
}
