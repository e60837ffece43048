package usage

import (
	"regexp"
	"slices"
	"strings"
)

// command is a shell command of a page.
type command struct {
	page string
	line int
	// heading is the heading that it stands under.
	heading string
	text    string
}

// shells are the languages of fenced blocks that hold commands. A block without a
// language, fenced or indented, holds commands if its first word is a program.
var shells = []string{"sh", "bash", "shell", "console"}

// programs are those that the pages run. A line that begins with another word, in
// a block that is nothing else by its language, is asked about by the test.
var programs = []string{
	".ci/run", ".ci/long", ".ci/fuzz", ".ci/speed", ".ci/speed-command", "bash", "cd", "cp", "curl", "docker", "git", "go", "helm", "install", "kpt", "kubectl",
	"kustomize", "mkdir", "mv", "openssl", "podfence", "pre-commit", "rm", "sed", "tools/bite", "tools/embed", "tools/mutants", "yamllint",
}

var (
	fence    = regexp.MustCompile("^ *```(\\S*)")
	heading  = regexp.MustCompile(`^#+ +(.*)`)
	span     = regexp.MustCompile("`([^`]+)`")
	variable = regexp.MustCompile(`^(\w+=\S*\s+)+`)
	listItem = regexp.MustCompile(`^ *(?:[-*]|\d+\.) +`)
)

// commandsOf are the commands of a Markdown page: those in its blocks, and in its
// text those spans of code that are a program with arguments. other are the lines of
// blocks that are neither a command nor known by a language.
func commandsOf(page, text string) (commands []command, other []command) {
	r := reader{page: page, lines: strings.Split(text, "\n")}
	for r.next < len(r.lines) {
		r.read()
	}
	r.paragraph()
	return r.commands, r.other
}

// reader goes through the lines of a page.
type reader struct {
	page, under string
	lines       []string
	next        int
	// fenced: within a fenced block, of this language.
	fenced   bool
	language string
	// indent is where the text of the list's item stands, 0 outside a list: a block
	// is four columns further in.
	indent int
	// apart: the line before is empty, or of a block. Else an indented line goes on
	// with the text before it.
	apart bool
	// prose is the text since the last empty line, from its line on.
	prose           []string
	since           int
	commands, other []command
}

// read reads a line, and those that it goes on in.
func (r *reader) read() {
	line := r.lines[r.next]
	r.next++
	indent := len(line) - len(strings.TrimLeft(line, " "))
	switch m := fence.FindStringSubmatch(line); {
	case m != nil:
		r.paragraph()
		r.fenced, r.language = !r.fenced, m[1]
	case strings.TrimSpace(line) == "":
		r.paragraph()
		r.apart = true
	case r.fenced || indent >= r.indent+4 && r.apart:
		r.block(line)
	default:
		r.apart = false
		if m := heading.FindStringSubmatch(line); m != nil {
			r.under = m[1]
		}
		if item := listItem.FindString(line); item != "" {
			r.indent = len(item)
		} else if indent < r.indent {
			r.indent = 0
		}
		if len(r.prose) == 0 {
			r.since = r.next
		}
		r.prose = append(r.prose, line)
	}
}

// block takes a line of a block.
func (r *reader) block(line string) {
	if r.fenced && r.language != "" && !slices.Contains(shells, r.language) {
		return
	}
	c := command{page: r.page, line: r.next, heading: r.under, text: strings.TrimPrefix(strings.TrimSpace(line), "$ ")}
	for strings.HasSuffix(c.text, `\`) && r.next < len(r.lines) {
		c.text = strings.TrimSuffix(c.text, `\`) + strings.TrimSpace(r.lines[r.next])
		r.next++
	}
	if isCommand(c.text) {
		r.commands = append(r.commands, c)
	} else {
		r.other = append(r.other, c)
	}
}

// paragraph takes the commands in the text since the last empty line. A span of
// code may go on in the next line; a name without arguments is a name.
func (r *reader) paragraph() {
	for _, m := range span.FindAllStringSubmatch(strings.Join(r.prose, "\n"), -1) {
		text := strings.Join(strings.Fields(m[1]), " ")
		if isCommand(text) && strings.Contains(text, " ") {
			r.commands = append(r.commands, command{page: r.page, line: r.since, heading: r.under, text: text})
		}
	}
	r.prose = nil
}

// isCommand reports whether a text begins with a program.
func isCommand(text string) bool {
	first, _, _ := strings.Cut(variable.ReplaceAllString(text, ""), " ")
	return slices.Contains(programs, first)
}
