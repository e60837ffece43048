package survey

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// The page is one file that asks for nothing else. Names of pods are hostile: they come into it through html/template and,
// in page.js, as text of elements, and never as markup. Its Content-Security-Policy lets no script run but page.js.

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// page is what the template is given.
type page struct {
	Style   template.CSS
	Script  template.JS
	Policy  string
	Summary string
	Ways    []string
	// Columns are the controls that some workload violates, Clean the titles of the others.
	Columns []pageControl
	Clean   []string
	Rows    []pageRow
	Data    pageData
}

type pageControl struct {
	Title string `json:"title"`
	Why   string `json:"why"`

	checks spec.CheckSet // none: the rules of policies
}

// pageRow is a namespace in the table, as it is.
type pageRow struct {
	Name      string
	Level     string
	Workloads int
	Cells     []pageCell
}

// pageCell is how a namespace stands to a control.
type pageCell struct {
	Count int    `json:"count"`
	Class string `json:"class"`
	// Mark and Blocks say what the colour does.
	Mark   string `json:"mark"`
	Blocks string `json:"blocks"`
}

// pageData is what page.js reads.
type pageData struct {
	Ways       []string        `json:"ways"`
	Controls   []pageControl   `json:"controls"`
	Namespaces []pageNamespace `json:"namespaces"`
	Violations []pageViolation `json:"violations"`
}

type pageNamespace struct {
	Name      string         `json:"name"`
	Pods      int            `json:"pods"`
	Now       string         `json:"now,omitempty"`
	Excess    string         `json:"excess,omitempty"`
	Answers   []pageAnswer   `json:"answers"`
	Workloads []pageWorkload `json:"workloads"`
	Undecided []string       `json:"undecided"`
	// UndecidedCount counts also those that are not named.
	UndecidedCount int `json:"undecidedCount"`
}

type pageAnswer struct {
	Level       string     `json:"level"`
	MayNotStart []string   `json:"mayNotStart"`
	Next        *pageNext  `json:"next,omitempty"`
	Commands    []string   `json:"commands"`
	Cells       []pageCell `json:"cells"`
}

type pageNext struct {
	Level       string      `json:"level"`
	Blocks      []pageBlock `json:"blocks"`
	MayNotStart []string    `json:"mayNotStart"`
}

type pageBlock struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type pageWorkload struct {
	Name string `json:"name"`
	In   string `json:"in"`
	More bool   `json:"more,omitempty"`
	// Broken are the columns of the controls that it violates, for each way.
	Broken [][]int    `json:"broken"`
	Marks  []pageMark `json:"marks"`
}

type pageMark struct {
	// Violation is an index of pageData.Violations.
	Violation int `json:"v"`
	// Ways are those in which it stands.
	Ways []int  `json:"ways"`
	In   string `json:"in"`
}

type pageViolation struct {
	// Column is that of its control.
	Column int      `json:"column"`
	ID     string   `json:"id"`
	Blocks string   `json:"blocks"`
	Field  string   `json:"field"`
	Who    string   `json:"who,omitempty"`
	Is     string   `json:"is"`
	Want   string   `json:"want"`
	Note   string   `json:"note,omitempty"`
	Grants []string `json:"grants,omitempty"`
}

// WritePage writes the report as one page of HTML.
func (r *Report) WritePage(w io.Writer) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, r.page())
}

func (r *Report) page() *page {
	p := &page{
		Style: template.CSS(pageCSS), Script: template.JS(pageJS), Policy: contentPolicy(), Summary: r.summary(),
		Ways: []string{"As is", "Filled in"},
	}
	if r.Policies > 0 {
		p.Ways = append(p.Ways, "Under the policies")
	}
	r.columns(p)
	b := pageBuilder{page: p, ways: Way(len(p.Ways)), violations: map[*finding]int{}}
	for i := range r.Namespaces {
		n := b.namespace(&r.Namespaces[i])
		p.Data.Namespaces = append(p.Data.Namespaces, n)
		p.Rows = append(p.Rows, pageRow{n.Name, n.Answers[AsIs].Level, len(n.Workloads), n.Answers[AsIs].Cells})
	}
	p.Data.Ways, p.Data.Controls = p.Ways, p.Columns
	return p
}

// contentPolicy lets the one style and the one script through, and no request at all.
func contentPolicy() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'", hash(pageJS), hash(pageCSS))
}

// columns are the controls in the order of the standard, as far as something violates them in some way.
func (r *Report) columns(p *page) {
	violated := func(checks spec.CheckSet) bool {
		return slices.ContainsFunc(r.Namespaces, func(n Namespace) bool {
			return slices.ContainsFunc([]Way{AsIs, Filled, UnderPolicies}, func(w Way) bool { return n.cell(w, checks).count > 0 })
		})
	}
	for _, c := range spec.Controls() {
		var checks spec.CheckSet
		for i := range c.Checks {
			checks = checks.With(c.Checks[i].ID)
		}
		if violated(checks) {
			p.Columns = append(p.Columns, pageControl{c.Title, c.Why, checks})
		} else {
			p.Clean = append(p.Clean, c.Title)
		}
	}
	if violated(0) {
		p.Columns = append(p.Columns, pageControl{"Rules of policies", "What a policy demands beyond the standard.", 0})
	}
}

type pageBuilder struct {
	*page
	ways       Way
	violations map[*finding]int
}

func (b *pageBuilder) namespace(n *Namespace) pageNamespace {
	p := pageNamespace{
		Name: spec.Printable(n.title()), Pods: n.Pods, Excess: n.excess(), UndecidedCount: n.UndecidedCount,
		Workloads: []pageWorkload{}, Undecided: []string{},
	}
	if n.Now != nil {
		p.Now = fmt.Sprintf("enforce %s, audit %s, warn %s", n.Now.Enforce, n.Now.Audit, n.Now.Warn)
	}
	for way := range b.ways {
		p.Answers = append(p.Answers, b.answer(n, way))
	}
	for i := range n.Workloads {
		p.Workloads = append(p.Workloads, b.workload(&n.Workloads[i]))
	}
	for _, u := range n.Undecided {
		p.Undecided = append(p.Undecided, spec.Printable(u.Error))
	}
	return p
}

func (b *pageBuilder) answer(n *Namespace, way Way) pageAnswer {
	a := n.answerOf(way)
	p := pageAnswer{Level: string(a.Level), MayNotStart: printable(a.MayNotStart), Commands: []string{}}
	if len(n.Workloads)+n.UndecidedCount == 0 {
		p.Level = "-"
	}
	for _, c := range a.Commands {
		p.Commands = append(p.Commands, "# "+stepText[c.Step], c.Command)
	}
	if a.Next != nil {
		p.Next = &pageNext{Level: string(a.Next.Level), MayNotStart: printable(a.Next.MayNotStart), Blocks: []pageBlock{}}
		for i := range a.Next.Blocks {
			block := &a.Next.Blocks[i]
			p.Next.Blocks = append(p.Next.Blocks, pageBlock{block.CheckOrRule(), len(block.Workloads)})
		}
	}
	for i := range b.Columns {
		p.Cells = append(p.Cells, pageCellOf(n.cell(way, b.Columns[i].checks), len(n.Workloads)))
	}
	return p
}

// pageCellOf shows a cell: how many, in which of three shades, and which level they block.
func pageCellOf(c cell, workloads int) pageCell {
	if c.count == 0 {
		return pageCell{Class: "none"}
	}
	p := pageCell{Count: c.count, Class: "restricted", Mark: "R", Blocks: string(api.LevelRestricted)}
	if c.baseline {
		p.Class, p.Mark, p.Blocks = "baseline", "B", string(api.LevelBaseline)
	}
	switch {
	case c.count*3 <= workloads:
		p.Class += " few"
	case c.count*3 <= workloads*2:
		p.Class += " some"
	default:
		p.Class += " most"
	}
	return p
}

func (b *pageBuilder) workload(w *Workload) pageWorkload {
	p := pageWorkload{Name: spec.Printable(w.String()), In: places(w.Pods, w.Templates), More: w.More, Marks: []pageMark{}}
	for way := range b.ways {
		p.Broken = append(p.Broken, b.broken(w, way))
	}
	for i := range w.Violations {
		m := &w.Violations[i].mark
		templates := 0
		if m.template {
			templates = 1
		}
		mark := pageMark{Violation: b.violation(m), Ways: []int{}, In: places(m.pods, templates)}
		for way := range b.ways {
			if len(m.stands.at(way)) > 0 {
				mark.Ways = append(mark.Ways, int(way))
			}
		}
		p.Marks = append(p.Marks, mark)
	}
	return p
}

// broken are the columns that a workload violates.
func (b *pageBuilder) broken(w *Workload, way Way) []int {
	columns := []int{}
	only := Namespace{Workloads: []Workload{*w}}
	for i := range b.Columns {
		if only.cell(way, b.Columns[i].checks).count > 0 {
			columns = append(columns, i)
		}
	}
	return columns
}

// violation is the index of a finding among the page's, which has each once.
func (b *pageBuilder) violation(m *mark) int {
	if i, known := b.violations[m.finding]; known {
		return i
	}
	f := m.finding
	v := pageViolation{
		Column: b.column(f), ID: f.Check, Blocks: string(f.Level), Field: spec.Printable(f.Field),
		Is: spec.Printable(f.is), Want: spec.Printable(f.Want),
	}
	if f.check == 0 {
		v.ID, v.Blocks = f.Rule, "policy"
	}
	switch {
	case f.Container != nil:
		v.Who = spec.Printable(fmt.Sprintf("container %s", f.Container.Name))
	case f.Volume != "":
		v.Who = spec.Printable("volume " + f.Volume)
	}
	v.Note = spec.Printable(strings.Join(slices.DeleteFunc([]string{f.Default, f.hint}, func(s string) bool { return s == "" }), "; "))
	for _, g := range f.Grants {
		v.Grants = append(v.Grants, spec.Printable(g.String()))
	}
	i := len(b.Data.Violations)
	b.Data.Violations, b.violations[f] = append(b.Data.Violations, v), i
	return i
}

func (b *pageBuilder) column(f *finding) int {
	return slices.IndexFunc(b.Columns, func(c pageControl) bool {
		return c.checks.Has(f.check) || c.checks == 0 && f.check == 0
	})
}

// places says where something was seen: "3 pods and the template".
func places(pods, templates int) string {
	var list []string
	if pods > 0 {
		list = append(list, counted(pods, "pod"))
	}
	if templates > 0 {
		list = append(list, "the template")
	}
	return strings.Join(list, " and ")
}

func printable(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = spec.Printable(name)
	}
	return list
}
