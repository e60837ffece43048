package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/spec"
)

// reviewForms are the forms of -o in which review prints.
var reviewForms = []string{"text", "json", "markdown"}

func (a *app) reviewCommand() *cobra.Command {
	form, recursive := "", false
	cmd := &cobra.Command{
		Use:   "review FILE|DIR... [-R]",
		Short: "Say what policies open",
		Long: `Review says in plain sentences what policies open beyond restricted, for whoever
accepts them. What reaches furthest comes first:

  - takeover of the node
  - files, memory and settings of the node
  - other pods and their traffic
  - this pod only

With each stand the entry of the policy, the shortest known way from it to what it
opens, the control of the Pod Security Standards that forbids it, and the pages that say
so. Last come grants that have the effect of others, and rules by which the policy
demands more than the level. There is no score: what is acceptable is the reader's to
say. A policy that picks no namespace is said to be open to whoever may create a pod, for
labels are set by who writes the pod. Of what an entry for single containers opens it is
said which these are, and so it is where names or kinds alone tell them.

With -o json a policy is one line; docs/json.md has its keys. -o markdown is for a pull
request.

Exit status: 0, whatever the policies open; 2 if one cannot be read, or has an error.`,
		Example: `  podfence review policies/route-manager.yaml
  podfence review policies/ -o markdown`,
		RunE: func(_ *cobra.Command, args []string) error { return a.review(args, recursive, form) },
	}
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "read directories with all below them, hidden ones excepted")
	outputFlag(cmd, &form, reviewForms...)
	return cmd
}

func (a *app) review(paths []string, recursive bool, form string) error {
	if len(paths) == 0 {
		return usagef("no policies are named: write FILE or DIRECTORY")
	}
	set, err := a.policySet(paths, recursive)
	if err != nil {
		return err
	}
	for i, p := range set.Policies() {
		e := author.Expose(p)
		switch form {
		case "json":
			err = writeJSON(a.out, e)
		case "markdown":
			_, err = a.out.WriteString(lineBetween(i) + markdownOf(&e))
		default:
			text := &page{look: lookOf(a.stdout)}
			text.exposure(&e)
			_, err = a.out.WriteString(lineBetween(i) + text.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lineBetween is an empty line before each but the first.
func lineBetween(i int) string {
	if i == 0 {
		return ""
	}
	return "\n"
}

// reviewedPolicy names a policy and where it governs.
func reviewedPolicy(e *author.Exposure) string {
	return e.Policy.Name + ", " + only(e.Default, "the default policy ") + "in " + reviewedNamespaces(e)
}

func reviewedNamespaces(e *author.Exposure) string {
	names := e.Policy.Namespaces
	if e.Policy.Namespace != "" {
		names = []string{e.Policy.Namespace}
	}
	text := "every namespace"
	switch len(names) {
	case 0:
	case 1:
		text = "namespace " + names[0]
	default:
		text = "the namespaces " + strings.Join(names, ", ")
	}
	return text + listed(" with ", "", e.NamespaceSelector)
}

// reach says which pods a policy governs.
func reach(e *author.Exposure) string {
	switch {
	case e.Default:
		return "pods that no policy selects"
	case e.EveryNamespace && e.NamespaceSelector != "":
		return "pods with " + e.Selector + ": whoever may create a pod in any such namespace can give it these labels"
	case e.EveryNamespace:
		return "pods with " + e.Selector + ": whoever may create a pod in any namespace can give it these labels"
	default:
		return "pods with " + e.Selector
	}
}

// about are lines of what a policy says to people, and until when it holds.
func about(e *author.Exposure) (lines []string) {
	return present(
		listed("reason: ", "", e.Reason),
		listed("owner: ", "", e.Owner),
		only(e.Expires != "", "opens what it does until the end of "+e.Expires+", UTC"),
	)
}

// whose says of which containers an opening is, and who makes them these; empty for all.
func whose(o *author.Opening) string {
	return listed("For ", "", o.Containers) +
		only(o.Chosen, ": whoever writes the pod can make any container one of these") + only(o.Containers != "", ".")
}

// granted names an opening's entry: its value, and what it takes beside it.
func granted(o *author.Opening) string {
	text := o.Grant.String() + listed(": ", "", o.Value)
	if len(o.With) > 0 {
		text += ", with " + joined(o.With, " or ")
	}
	return text
}

func joined[T fmt.Stringer](list []T, between string) string {
	words := make([]string, len(list))
	for i := range list {
		words[i] = list[i].String()
	}
	return strings.Join(words, between)
}

// opened is what an opening says, with the places that it reaches.
func opened(o *author.Opening) string {
	return o.Opens + listed(" Here: ", "", listed("", ", ", o.Places...)) + only(len(o.Places) > 0, ".")
}

const noOpenings = "It opens nothing that restricted does not allow."

// exposure writes for people what a policy opens.
func (p *page) exposure(e *author.Exposure) {
	p.line(bold, "%s", strings.Join(present(e.Policy.Position.String(), reviewedPolicy(e)), " "))
	p.line(only(e.EveryNamespace && !e.Default, yellow), indent+"%s", reach(e))
	for _, line := range about(e) {
		p.line("", indent+"%s", line)
	}
	if len(e.Openings) == 0 {
		p.line("", indent+"%s", noOpenings)
	}
	for _, weight := range author.Weights() {
		p.weighing(e, weight)
	}
	for i := range e.Implied {
		p.line("", indent+"%s", impliedText(&e.Implied[i]))
	}
	if len(e.Demands) > 0 {
		p.line("", indent+"demands more than the level: %s", joined(e.Demands, ", "))
	}
}

// weighing writes the openings of a weight.
func (p *page) weighing(e *author.Exposure, weight author.Weight) {
	headed := false
	for i := range e.Openings {
		o := &e.Openings[i]
		if o.Weight != weight {
			continue
		}
		if !headed {
			p.line(bold+colorOf(weight), indent+"%s", weight)
			headed = true
		}
		p.line("", indent+indent+"%s", strings.Join(present(o.Position.String(), granted(o)), ": "))
		if of := whose(o); of != "" {
			p.line(only(o.Chosen, yellow), indent+indent+indent+"%s", of)
		}
		p.line("", indent+indent+indent+"%s", opened(o))
		if o.Attack != "" {
			p.line("", indent+indent+indent+"attack: %s", o.Attack)
		}
		p.line("", indent+indent+indent+"control: %s, %s", o.Control, o.Page)
		p.line("", indent+indent+indent+"sources: %s", strings.Join(o.Sources, " "))
	}
}

func colorOf(weight author.Weight) string {
	switch weight {
	case author.NodeTakeover:
		return red
	case author.NodeFiles, author.OtherTenants:
		return yellow
	default:
		return ""
	}
}

// impliedText says which grants another one has the effect of, and which of them the
// policy writes as well.
func impliedText(i *author.Implication) string {
	text := i.By.String() + " implies " + joined(i.Implies, ", ") + ": " + i.Why
	if len(i.Given) > 0 {
		text += " Granted as well: " + joined(i.Given, ", ") + "."
	}
	return text
}

// markdownOf is what a policy opens, for a pull request.
func markdownOf(e *author.Exposure) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("### Policy %s\n", markdownText(reviewedPolicy(e)))
	if at := e.Policy.Position.String(); at != "" {
		line("%s: %s.\n", code(at), markdownText(reach(e)))
	} else {
		line("%s.\n", markdownText(reach(e)))
	}
	for _, text := range about(e) {
		line("%s\n", markdownText(text))
	}
	if len(e.Openings) == 0 {
		line("%s\n", noOpenings)
	}
	for _, weight := range author.Weights() {
		headed := false
		for i := range e.Openings {
			o := &e.Openings[i]
			if o.Weight != weight {
				continue
			}
			if !headed {
				line("**%s**\n", weight)
				headed = true
			}
			line("- %s %s%s%s [%s](%s)%s", code(granted(o)), markdownText(listed("", "", whose(o))+only(o.Containers != "", " ")), markdownText(opened(o)), markdownText(listed(" Attack: ", "", o.Attack)), o.Control, o.Page, links(o.Sources))
		}
		if headed {
			line("")
		}
	}
	for i := range e.Implied {
		line("- %s", markdownText(impliedText(&e.Implied[i])))
	}
	if len(e.Demands) > 0 {
		line("- Demands more than the level: %s", code(joined(e.Demands, ", ")))
	}
	return b.String()
}

// links are the sources by their numbers.
func links(sources []string) string {
	var b strings.Builder
	for i, source := range sources {
		fmt.Fprintf(&b, " [%d](%s)", i+1, source)
	}
	return b.String()
}

// code is a text as a span of code, whatever is in it.
func code(text string) string {
	text = spec.Printable(text)
	marks := "`"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	if len(marks) > 1 {
		return marks + " " + text + " " + marks
	}
	return marks + text + marks
}

// markdownText is a text of which Markdown takes nothing for a mark of its own.
func markdownText(text string) string { return markdownEscaper.Replace(spec.Printable(text)) }

var markdownEscaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`, "&", `\&`, "~", `\~`,
)
