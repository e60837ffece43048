package main

import (
	"bytes"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// look is how a stream shows text. The zero look is that of a pipe or a file: as it
// is written.
type look struct {
	color bool
	// width is how many characters a line holds, 0 for any number.
	width int
}

// lookOf asks a stream. A terminal may not know its width.
func lookOf(stream any) look {
	f, ok := stream.(*os.File)
	if !ok || !isTerminal(stream) {
		return look{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return look{color: colorsWanted(), width: width}
}

// colorsWanted reports whether the user minds colours (https://no-color.org).
func colorsWanted() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

// The colours are git's.
const (
	bold   = "\x1b[1m"
	cyan   = "\x1b[36m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[m"
)

// paint writes whole lines in a colour, which ends before each line's end.
func (l look) paint(b *bytes.Buffer, color, text string) {
	if !l.color || color == "" {
		b.WriteString(text)
		return
	}
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		b.WriteString(color + body + reset + line[len(body):])
	}
}

// page is lines for people.
type page struct {
	bytes.Buffer
	look
	// column is where a folded line goes on; 0 is a step behind its beginning.
	column int
}

func (p *page) line(color, format string, args ...any) {
	text, column := oneLine(format, args...), p.column
	if column == 0 {
		column = len(text) - len(strings.TrimLeft(text, " ")) + len(indent)
	}
	p.paint(&p.Buffer, color, folded(text, p.width, column)+"\n")
}

// narrowest is the least that is left of a line for its text to be folded.
const narrowest = 30

// folded is a line, cut at its spaces into lines that are no longer than width,
// where words allow that: a path is never cut. They go on at a column, from 0.
func folded(text string, width, column int) string {
	if width < column+narrowest {
		return text
	}
	var b strings.Builder
	for utf8.RuneCountInString(text) > width {
		at := foldAt(text, width)
		if at < 0 {
			break
		}
		b.WriteString(strings.TrimRight(text[:at], " ") + "\n")
		text = strings.Repeat(" ", column) + strings.TrimLeft(text[at:], " ")
	}
	return b.String() + text
}

// foldAt is the last space between two words with no more than width characters
// before it, else the first space; -1 where there is one word.
func foldAt(text string, width int) int {
	best, count := -1, 0
	inWord := false
	for i, r := range text {
		if r != ' ' {
			inWord = true
		} else if inWord {
			if count > width && best >= 0 {
				return best
			}
			best = i
			if count > width {
				return best
			}
		}
		count++
	}
	return best
}
