package survey

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// width is that of the text form. Longer is only a line that has no space at which it could be broken: a long name.
const width = 80

// maxNames is how many workloads the text names in one place. The other forms name all.
const maxNames = 6

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{report: r, ways: []Way{AsIs, Filled}}
	if r.Policies > 0 {
		t.ways = append(t.ways, UnderPolicies)
	}
	t.table()
	for i := range r.Namespaces {
		t.namespace(&r.Namespaces[i])
	}
	t.rollOut()
	t.paragraph("", "", r.summary())
	_, err := w.Write(t.Bytes())
	return err
}

type text struct {
	bytes.Buffer
	report *Report
	ways   []Way
}

// line writes one line, whatever names it holds.
func (t *text) line(format string, args ...any) {
	t.WriteString(strings.TrimRight(spec.Printable(fmt.Sprintf(format, args...)), " "))
	t.WriteByte('\n')
}

// headings of the ways, and the widths of their columns.
var headings = [ways]string{"AS IS", "FILLED", "POLICIES"}

// The table has a line for each namespace.
const (
	nameColumn = 20
	countWidth = 9
	levelWidth = 15
)

func (t *text) table() {
	head := fmt.Sprintf("%-*s%*s", nameColumn, "NAMESPACE", countWidth, "WORKLOADS")
	for _, way := range t.ways {
		head += "  " + fmt.Sprintf("%-*s", levelWidth, headings[way])
	}
	t.line("%s", head)
	mayNotStart := false
	for i := range t.report.Namespaces {
		n := &t.report.Namespaces[i]
		row := fmt.Sprintf("%*d", countWidth, len(n.Workloads))
		for _, way := range t.ways {
			a := n.answerOf(way)
			mayNotStart = mayNotStart || len(a.MayNotStart) > 0
			row += "  " + fmt.Sprintf("%-*s", levelWidth, n.levelText(a))
		}
		name := n.title()
		if utf8.RuneCountInString(spec.Printable(name)) >= nameColumn {
			t.line("%s", name)
			name = ""
		}
		t.line("%-*s%s", nameColumn, name, row)
	}
	t.line("")
	t.paragraph("", "", "The highest level at which every workload is allowed: "+t.legend()+".")
	if mayNotStart {
		t.line("(n!): n of them may then not start.")
	}
}

func (t *text) legend() string {
	legend := "AS IS, as Pod Security Admission judges it; FILLED, once podfence has filled in what is unset"
	if t.report.Policies > 0 {
		legend += "; POLICIES, so filled in and under the policies"
	}
	return legend
}

// title is the namespace's name, or what stands for one.
func (n *Namespace) title() string {
	if n.Name == "" {
		return "(no namespace)"
	}
	return n.Name
}

func (n *Namespace) levelText(a *Answer) string {
	switch {
	case len(n.Workloads)+n.UndecidedCount == 0:
		return "-"
	case len(a.MayNotStart) > 0:
		return fmt.Sprintf("%s (%d!)", a.Level, len(a.MayNotStart))
	}
	return string(a.Level)
}

// namespace writes what keeps a namespace from the next levels, if anything does.
func (t *text) namespace(n *Namespace) {
	var levels []api.Level
	for _, level := range levelOf {
		if slices.ContainsFunc(t.ways, func(w Way) bool { a := n.answerOf(w); return a.Next != nil && a.Next.Level == level }) {
			levels = append(levels, level)
		}
	}
	excess := n.excess()
	if len(levels) == 0 && excess == "" && len(n.AsIs.MayNotStart)+len(t.last(n).MayNotStart) == 0 {
		return
	}
	t.line("")
	t.paragraph("", "  ", n.title()+": "+n.size())
	if n.UndecidedCount > 0 {
		t.paragraph("  ", "    ", fmt.Sprintf("%s could not be decided, which keeps the namespace at privileged", counted(n.UndecidedCount, "object")))
	}
	if excess != "" {
		t.paragraph("  ", "    ", excess)
	}
	for _, level := range levels {
		t.blocks(n, level)
	}
	t.mayNotStart(n)
}

// size says how much of a namespace was judged.
func (n *Namespace) size() string {
	size := counted(len(n.Workloads), "workload")
	if n.Pods > 0 {
		size += ", " + counted(n.Pods, "pod")
	}
	return size
}

func (t *text) last(n *Namespace) *Answer { return n.answerOf(t.ways[len(t.ways)-1]) }

// excess says that more is enforced already than the pods keep to, empty where that is not so.
func (n *Namespace) excess() string {
	if n.Now == nil || api.CompareLevels(n.AsIs.Level, n.Now.Enforce) >= 0 {
		return ""
	}
	return fmt.Sprintf("It enforces %s already: what that denies runs on, and would not be made again", n.Now.Enforce)
}

// blocks writes a line for each check that stands against a level in some way, and names the workloads, once for all checks
// that stand against the same ones.
func (t *text) blocks(n *Namespace, level api.Level) {
	rows := t.rows(n, level)
	if len(rows) == 0 {
		return
	}
	head := fmt.Sprintf("  %-*s", blockColumn, "against "+string(level))
	for _, way := range t.ways {
		head += fmt.Sprintf("%*s", blockWidth, headings[way])
	}
	t.line("%s", head)
	for len(rows) > 0 {
		same := 1
		for same < len(rows) && slices.EqualFunc(rows[0].workloads[:], rows[same].workloads[:], slices.Equal) {
			same++
		}
		for _, r := range rows[:same] {
			t.line("%s", t.numbers(&r))
		}
		t.workloads(&rows[0])
		rows = rows[same:]
	}
}

// row is a check, or a rule, and the workloads that violate it in each way.
type row struct {
	id        string
	workloads [ways][]string
}

// rows are the checks that stand against a level in some way. The first way has them in order, and a later one only adds
// what a policy demands.
func (t *text) rows(n *Namespace, level api.Level) (rows []row) {
	for _, way := range t.ways {
		for _, b := range n.blocks(way, level) {
			i := slices.IndexFunc(rows, func(r row) bool { return r.id == b.CheckOrRule() })
			if i < 0 {
				i, rows = len(rows), append(rows, row{id: b.CheckOrRule()})
			}
			rows[i].workloads[way] = b.Workloads
		}
	}
	return rows
}

// Where the numbers of a check stand.
const (
	blockColumn = 34
	blockWidth  = 10
)

func (t *text) numbers(r *row) string {
	line := fmt.Sprintf("    %-*s", blockColumn-2, r.id)
	for _, way := range t.ways {
		number := "-"
		if n := len(r.workloads[way]); n > 0 {
			number = fmt.Sprint(n)
		}
		line += fmt.Sprintf("%*s", blockWidth, number)
	}
	return line
}

// workloads names those that violate a check as they are, and those that still do in the last way.
func (t *text) workloads(r *row) {
	first, last := r.workloads[AsIs], r.workloads[t.ways[len(t.ways)-1]]
	t.names("      ", "", first)
	if len(last) > 0 && !slices.Equal(first, last) {
		t.names("      ", "still: ", last)
	}
}

// mayNotStart names what is allowed and may not start, at the level of the last way and at the next one.
func (t *text) mayNotStart(n *Namespace) {
	a := t.last(n)
	t.names("  ", fmt.Sprintf("may not start at %s: ", a.Level), a.MayNotStart)
	if a.Next != nil {
		t.names("  ", fmt.Sprintf("would be allowed and may not start at %s: ", a.Next.Level), a.Next.MayNotStart)
	}
}

// names writes names, the first of them, behind something; nothing for none.
func (t *text) names(indent, before string, names []string) {
	if len(names) == 0 {
		return
	}
	shown := names[:min(len(names), maxNames)]
	list := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	t.paragraph(indent, indent+"  ", before+list)
}

// paragraph writes words in lines of the width of the text, the first behind first and the others behind rest.
func (t *text) paragraph(first, rest, words string) {
	line, empty := first, true
	for _, word := range strings.Fields(spec.Printable(words)) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			t.line("%s", line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	t.line("%s", line)
}

// rollOut writes the commands, one for all namespaces that it brings to the same level.
func (t *text) rollOut() {
	for _, way := range []Way{AsIs, t.ways[len(t.ways)-1]} {
		steps := t.steps(way)
		if len(steps) == 0 {
			continue
		}
		t.line("")
		if way == AsIs {
			t.line("To label the namespaces for Pod Security Admission, as they are:")
		} else {
			t.line("%s", webhookText[t.report.Policies > 0])
		}
		said := Step("")
		for _, s := range steps {
			t.line("")
			if s.step != said {
				t.paragraph("  # ", "  # ", stepText[s.step])
			}
			said = s.step
			t.command(s)
		}
	}
	t.line("")
}

var webhookText = map[bool]string{
	false: "To label them for podfence's webhook, which fills in what is unset:",
	true:  "To label them for podfence's webhook, which fills in and knows the policies:",
}

var stepText = map[Step]string{
	Warn:    "Warn and audit first. Nothing is refused.",
	DryRun:  "Ask the cluster. Nothing is changed; it names the pods that violate the level.",
	Enforce: "Enforce, and warn of what the next level would refuse.",
}

// step is a command for all the namespaces that need the same.
type step struct {
	step       Step
	labels     []string
	namespaces []string
}

// steps are the commands of a way, in the order of the roll-out and of their first namespaces. Those of another way than the
// first are only for namespaces that get farther by it.
func (t *text) steps(way Way) (list []step) {
	for _, kind := range []Step{Warn, DryRun, Enforce} {
		for i := range t.report.Namespaces {
			n := &t.report.Namespaces[i]
			if way != AsIs && api.CompareLevels(n.answerOf(way).Level, n.AsIs.Level) <= 0 {
				continue
			}
			for _, c := range n.answerOf(way).Commands {
				if c.Step != kind {
					continue
				}
				j := slices.IndexFunc(list, func(s step) bool { return s.step == kind && slices.Equal(s.labels, c.labels) })
				if j < 0 {
					j, list = len(list), append(list, step{step: kind, labels: c.labels})
				}
				list[j].namespaces = append(list[j].namespaces, n.Name)
			}
		}
	}
	return list
}

// command writes a command in lines that a shell joins.
func (t *text) command(s step) {
	words := strings.Fields(labelCommand(s.step, s.namespaces, s.labels))
	line := " "
	for _, word := range words {
		if len(line)+1+len(word)+len(` \`) > width && strings.TrimSpace(line) != "" {
			t.line(`%s \`, line)
			line = "   "
		}
		line += " " + word
	}
	t.line("%s", line)
}

// summary is the last line.
func (r *Report) summary() string {
	workloads, pods, undecided := 0, 0, 0
	for i := range r.Namespaces {
		n := &r.Namespaces[i]
		workloads, pods, undecided = workloads+len(n.Workloads), pods+n.Pods, undecided+n.UndecidedCount
	}
	s := counted(workloads, "workload") + " in " + counted(len(r.Namespaces), "namespace")
	if pods > 0 {
		s += ", " + counted(pods, "pod")
	}
	s += "; Pod Security Standards " + r.Version
	if undecided > 0 {
		s += fmt.Sprintf("; %s could not be decided", counted(undecided, "object"))
	}
	if r.Unreadable > 0 {
		s += "; " + counted(r.Unreadable, "unreadable document")
	}
	return s
}

// counted renders a number of things: "1 pod", "2 pods".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
