package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
)

// comparePrinter prints what compare found, in one of its forms.
type comparePrinter struct {
	*app
	look
	found *author.SetComparison
	// told: the table of workloads has its head.
	told bool
}

// compareRecord is a policy of either set as JSON.
type compareRecord struct {
	Name       string                  `json:"name"`
	Namespace  string                  `json:"namespace"`
	Namespaces []string                `json:"namespaces,omitempty"`
	Change     author.Change           `json:"change"`
	Relation   author.Relation         `json:"relation"`
	Selectors  policy.SelectorRelation `json:"selectors,omitempty"`
	Old        *policy.Reference       `json:"old,omitempty"`
	New        *policy.Reference       `json:"new,omitempty"`
	Parts      []partRecord            `json:"parts"`
	Beside     []string                `json:"beside"`
}

// partRecord is some of its pods.
type partRecord struct {
	Pods        author.PartOf           `json:"pods"`
	With        string                  `json:"with,omitempty"`
	Relation    author.Relation         `json:"relation"`
	Differences []differenceRecord      `json:"differences"`
	Fills       []author.FillDifference `json:"fills"`
}

// differenceRecord is a difference, with its witness as JSON has it.
type differenceRecord struct {
	author.PolicyDifference
	Witness *author.WitnessRecord `json:"witness,omitempty"`
}

func newCompareRecord(c *author.PolicyComparison) (r compareRecord, err error) {
	r = compareRecord{
		Name: c.Name, Namespace: c.Namespace, Namespaces: c.Namespaces, Change: c.Change, Relation: c.Relation(), Selectors: c.Selectors,
		Old: c.Old, New: c.New, Parts: []partRecord{}, Beside: c.Beside,
	}
	for i := range c.Parts {
		part := &c.Parts[i]
		p := partRecord{part.Pods, part.With, part.Comparison.Relation, []differenceRecord{}, part.Fills}
		for _, d := range part.Differences {
			record := differenceRecord{PolicyDifference: d}
			if d.Witness != nil {
				w, err := d.Witness.Record()
				if err != nil {
					return r, err
				}
				record.Witness = &w
			}
			p.Differences = append(p.Differences, record)
		}
		r.Parts = append(r.Parts, p)
	}
	return r, nil
}

func (p *comparePrinter) policies(form string) error {
	var text bytes.Buffer
	switch form {
	case "json":
		for i := range p.found.Policies {
			record, err := newCompareRecord(&p.found.Policies[i])
			if err != nil {
				return err
			}
			if err := writeJSON(p.out, record); err != nil {
				return err
			}
		}
		return nil
	case "markdown":
		if err := p.markdown(&text); err != nil {
			return err
		}
	default:
		page := page{look: p.look}
		for i := range p.found.Policies {
			if err := p.policyText(&page, &p.found.Policies[i]); err != nil {
				return err
			}
		}
		page.line(bold, "%s", p.summary())
		text = page.Buffer
	}
	_, err := p.out.Write(text.Bytes())
	return err
}

// summary counts the policies by how they relate.
func (p *comparePrinter) summary() string {
	counts := map[author.Relation]int{}
	for i := range p.found.Policies {
		counts[p.found.Policies[i].Relation()]++
	}
	text := fmt.Sprintf("%s at %s", policiesCounted(len(p.found.Policies)), p.found.Level)
	var each []string
	for _, r := range []author.Relation{author.Wider, author.Incomparable, author.Undecided, author.Narrower, author.Equal} {
		each = append(each, some(counts[r], "%d "+string(r)))
	}
	return text + listed(": ", ", ", each...)
}

func (p *comparePrinter) policyText(page *page, c *author.PolicyComparison) error {
	page.line(bold, "%s", policyLine(c))
	for i := range c.Parts {
		part := &c.Parts[i]
		page.line("", indent+"%s:", partText(part))
		for _, line := range linesOf(part.Differences) {
			page.line(markColors[line.mark()], indent+indent+"%s", line.text())
			witness, err := line.witness()
			if err != nil {
				return err
			}
			if witness != "" {
				page.line("", indent+indent+indent+"%s", witness)
			}
		}
		for _, f := range part.Fills {
			page.line("", indent+indent+"= fills %s", fillText(&f))
		}
	}
	return nil
}

var markColors = map[string]string{"+": yellow, "+?": yellow, "?": yellow, "-": cyan, "-?": cyan}

func policyLine(c *author.PolicyComparison) string {
	line := nameOf(c) + ": " + string(c.Change) + ", " + string(c.Relation())
	if c.Selectors != "" && c.Selectors != policy.SelectorsSame {
		line += ", and what it selects " + relationText(c.Selectors)
	}
	if len(c.Beside) > 0 {
		line += " (its pods may be governed by " + strings.Join(c.Beside, ", ") + " too)"
	}
	return line
}

func relationText(r policy.SelectorRelation) string {
	switch r {
	case policy.SelectorsCross:
		return "is partly the same"
	case policy.SelectorsApart:
		return "is wholly other"
	default:
		return "is " + string(r)
	}
}

// partText says which pods a part is about.
func partText(part *author.Part) string {
	switch part.Pods {
	case author.Gained:
		return "pods that it governs now, in place of the default policy" + listed(" ", "", part.With)
	case author.Lost:
		return "pods that it governed, which are left to the default policy" + listed(" ", "", part.With)
	case author.Unselected:
		return "pods that no policy selects" + listed(", which were left to ", "", part.With)
	case author.Shared:
		return "pods that it governs now, beside " + part.With
	case author.Released:
		return "pods with a user namespace of their own that only it governed, and that " + part.With + " may govern now"
	default:
		return "pods that it governs"
	}
}

func fillText(f *author.FillDifference) string {
	return f.Field + ": " + orNothing(f.Old) + " before, " + orNothing(f.New) + " now"
}

func orNothing(value any) string {
	if value == nil {
		return "nothing"
	}
	return flow(value)
}

// compareLine is one or several differences that are said on one line: they have all
// but the value in common.
type compareLine []*author.PolicyDifference

func linesOf(differences []author.PolicyDifference) (lines []compareLine) {
	for i := range differences {
		d := &differences[i]
		if last := len(lines) - 1; last >= 0 {
			with := lines[last][0]
			if d.Value != "" && with.Key == d.Key && with.Direction == d.Direction && with.Subject == d.Subject && with.CoveredBy == d.CoveredBy && with.RefusedBy == d.RefusedBy {
				lines[last] = append(lines[last], d)
				continue
			}
		}
		lines = append(lines, compareLine{d})
	}
	return lines
}

func (l compareLine) mark() string {
	return map[author.Direction]string{
		author.Widens: "+", author.MayWiden: "+?", author.Narrows: "-", author.MayNarrow: "-?", author.NotCompared: "?",
	}[l[0].Direction]
}

// mostValues is how many values a line names.
const mostValues = 8

func (l compareLine) what() string {
	var values []string
	for i, d := range l {
		if i == mostValues {
			values = append(values, fmt.Sprintf("%d more", len(l)-i))
			break
		}
		values = append(values, d.Value)
	}
	text := strings.TrimSuffix(l[0].Subject+" "+strings.Join(values, ", "), " ")
	if l[0].CoveredBy != "" {
		text += " (" + l[0].CoveredBy + " allowed it to these pods already)"
	}
	if l[0].RefusedBy != "" {
		text += " (" + l[0].RefusedBy + " refuses it to these pods all the same)"
	}
	return text
}

// verb is what becomes of the thing.
func (l compareLine) verb() string {
	return map[author.Direction]string{
		author.Widens: "allows", author.MayWiden: "may allow, which no pod was found to show,",
		author.Narrows: "no longer allows", author.MayNarrow: "may no longer allow, which no pod was found to show,",
		author.NotCompared: "is not compared:",
	}[l[0].Direction]
}

func (l compareLine) text() string {
	return l.mark() + " " + l[0].Key + " " + l.verb() + " " + l.what()
}

// witness is the pod that shows the first of the differences, as one line.
func (l compareLine) witness() (string, error) {
	if l[0].Witness == nil {
		return "", nil
	}
	text, err := json.Marshal(l[0].Witness)
	if err != nil {
		return "", err
	}
	var record struct {
		Pod struct{ Spec, Metadata json.RawMessage }
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return "", err
	}
	shown := "as in " + string(record.Pod.Spec)
	for key, value := range l[0].Witness.Pod.Annotations {
		shown += fmt.Sprintf(" with the annotation %s: %s", key, value)
		break
	}
	shown += listed(" in a namespace with ", "", labels.Set(l[0].Witness.NamespaceLabels).String())
	return shown, nil
}

// markdown is for the comment of a pull request.
func (p *comparePrinter) markdown(b *bytes.Buffer) error {
	fmt.Fprintf(b, "### Policies: %s\n", cmp.Or(p.verdictWords(), "no pod notices a difference"))
	fmt.Fprintf(b, "\n| policy | change | pods that it selects | pods that it allows |\n|---|---|---|---|\n")
	for i := range p.found.Policies {
		c := &p.found.Policies[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", code(nameOf(c)), c.Change, cmp.Or(string(c.Selectors), "-"), c.Relation())
	}
	for i := range p.found.Policies {
		if c := &p.found.Policies[i]; len(c.Parts) > 0 {
			if err := p.markdownPolicy(b, c); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(b, "\n%s.\n", markdownText(p.summary()))
	return nil
}

// verdictWords says in a few words what the reader of the pull request must know.
func (p *comparePrinter) verdictWords() string {
	if p.found.MayAllowMore() {
		return "more is allowed"
	}
	for i := range p.found.Policies {
		if p.found.Policies[i].Relation() != author.Equal {
			return "no more is allowed, and less in part"
		}
	}
	return ""
}

// nameOf names a policy with the namespaces that it names.
func nameOf(c *author.PolicyComparison) string {
	return policy.Reference{Name: c.Name, Namespace: c.Namespace, Namespaces: c.Namespaces}.Title()
}

func (p *comparePrinter) markdownPolicy(b *bytes.Buffer, c *author.PolicyComparison) error {
	fmt.Fprintf(b, "\n#### %s\n", code(nameOf(c)))
	for i := range c.Parts {
		part := &c.Parts[i]
		fmt.Fprintf(b, "\nFor %s:\n\n", markdownText(partText(part)))
		for _, line := range linesOf(part.Differences) {
			fmt.Fprintf(b, "- **%s** %s (%s)\n", strings.TrimSuffix(line.verb(), ","), markdownText(line.what()), code(line[0].Key))
			if err := markdownWitness(b, line[0].Witness); err != nil {
				return err
			}
		}
		for _, f := range part.Fills {
			fmt.Fprintf(b, "- **fills** %s\n", markdownText(fillText(&f)))
		}
	}
	return nil
}

// markdownWitness folds the pod away below its line.
func markdownWitness(b *bytes.Buffer, w *author.Witness) error {
	if w == nil {
		return nil
	}
	manifest, err := w.Manifest()
	if err != nil {
		return err
	}
	text, err := yaml.JSONToYAML(manifest)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "  <details><summary>a pod that shows it%s</summary>\n\n  ```yaml\n",
		markdownText(listed(", in a namespace with ", "", labels.Set(w.NamespaceLabels).String())))
	for line := range strings.Lines(string(text)) {
		b.WriteString("  " + line)
	}
	fmt.Fprintf(b, "  ```\n\n  </details>\n")
	return nil
}

// workload prints one whose verdict changes.
func (p *comparePrinter) workload(w *workload, before, after *podfence.Decision, form string) error {
	r := newChangedRecord(w, before, after)
	var b bytes.Buffer
	switch form {
	case "json":
		return writeJSON(p.out, r)
	case "markdown":
		if !p.told {
			fmt.Fprintf(&b, "\n#### Workloads whose verdict changes\n\n| workload | now | why |\n|---|---|---|\n")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(w.title()), verdictText(r.Allowed), markdownText(r.why()))
	default:
		page := page{look: p.look}
		if !p.told {
			page.line(bold, "workloads whose verdict changes:")
		}
		page.line(map[bool]string{true: yellow, false: cyan}[r.Allowed], indent+"%s:%d %s: %s", w.file, w.Line, w.title(), verdictText(r.Allowed))
		page.line("", indent+indent+"%s", r.why())
		b = page.Buffer
	}
	p.told = true
	_, err := p.out.Write(b.Bytes())
	return err
}

func verdictText(allowed bool) string {
	if allowed {
		return "allowed now, denied before"
	}
	return "denied now, allowed before"
}

// why is what stood or stands against it.
func (r *changedRecord) why() string {
	more := ""
	if n := len(r.Denied) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return r.Denied[0] + more
}

// workloads prints how many have another verdict.
func (p *comparePrinter) workloads(v *verdictScan, form string) error {
	text := v.summaryOfChanges()
	switch form {
	case "json":
		return nil
	case "markdown":
		text = "\n" + markdownText(text) + "."
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}

func (v *verdictScan) summaryOfChanges() string {
	return counted(v.tally.workloads(), "workload") + ": " + cmp.Or(listed("", ", ",
		some(v.nowAllowed, "%d now allowed"),
		some(v.nowDenied, "%d now denied"),
	), "no verdict changes") + v.rest()
}
