package main

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence"
)

// tally counts what a scan met. It is all that is kept of a workload once its
// answer is printed.
type tally struct {
	allowed, denied int
	// doubtful are those allowed ones of which a container may not start.
	doubtful int
	// undecided are workloads without an answer.
	undecided int
	// unreadable are documents and files in which there may be workloads.
	unreadable int
	// others are documents that hold no workload.
	others int
	// filled are workloads in which something was filled in.
	filled int
	// rewritten are files that were written back.
	rewritten, files int
}

func (t *tally) workloads() int { return t.allowed + t.denied + t.undecided }

func (t *tally) verdict(allowed bool) {
	if allowed {
		t.allowed++
	} else {
		t.denied++
	}
}

// mayNotStart counts what was allowed and then may not start: one with advice.
func (t *tally) mayNotStart(d *podfence.Decision) {
	if d.Allowed() && len(d.Advice()) > 0 {
		t.doubtful++
	}
}

// summary is the last line of the text form.
func (t *tally) summary() string {
	return counted(t.workloads(), "workload") + listed(": ", ", ",
		some(t.allowed, "%d allowed")+some(t.doubtful, " (%d may not start)"),
		some(t.denied, "%d denied"),
		some(t.undecided, "%d could not be decided"),
	) + t.rest()
}

// rewriteSummary is what mutate -i says of itself.
func (t *tally) rewriteSummary() string {
	return fmt.Sprintf("rewrote %d of %s; %s", t.rewritten, counted(t.files, "file"), counted(t.workloads(), "workload")) +
		listed(": ", ", ",
			some(t.filled, "%d filled in"),
			some(t.doubtful, "%d may not start"),
			some(t.denied, "%d denied all the same"),
			some(t.undecided, "%d could not be decided"),
		) + t.rest()
}

// rest is the part of a summary about what is no workload.
func (t *tally) rest() string {
	s := ""
	if t.unreadable > 0 {
		s += "; " + counted(t.unreadable, "unreadable document")
	}
	if t.others > 0 {
		s += "; " + counted(t.others, "other document") + " passed through"
	}
	return s
}

// counted renders a number of things: "1 workload", "2 workloads".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// some renders a count, and nothing for none.
func some(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// listed joins the parts that are not empty, with something before the first.
func listed(before, between string, parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return before + strings.Join(kept, between)
}
