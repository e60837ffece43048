package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// tally counts what a scan met. It is all that is kept of a workload once its
// answer is printed.
type tally struct {
	allowed, denied int
	// accepted are denied for nothing but what the baseline accepts, and not
	// counted among the denied.
	accepted int
	// doubtful are those allowed ones of which a container may not start.
	doubtful int
	// undecided are workloads without an answer.
	undecided int
	// unreadable are documents and files in which there may be workloads.
	unreadable int
	// others are documents that hold no workload.
	others others
	// patches are Kustomize patches that were passed over.
	patches int
	// warned and audited are workloads of which an API server would warn, or write to
	// its audit log.
	warned, audited int
	// filled are workloads in which something was filled in; filledDenied those of
	// them that are denied all the same.
	filled, filledDenied int
	// rewritten are files that were written back.
	rewritten, files int
}

func (t *tally) workloads() int { return t.allowed + t.denied + t.accepted + t.undecided }

func (t *tally) verdict(allowed bool) {
	if allowed {
		t.allowed++
	} else {
		t.denied++
	}
}

// summary is the last line of the text form.
func (t *tally) summary() string {
	return counted(t.workloads(), "workload") + listed(": ", ", ",
		some(t.allowed, "%d allowed")+some(t.doubtful, " (%d may not start)"),
		some(t.denied, "%d denied"),
		some(t.accepted, "%d accepted by the baseline"),
		some(t.warned, "%d with warnings"),
		some(t.audited, "%d with audit violations"),
		some(t.undecided, "%d could not be decided"),
	) + t.rest()
}

// tallyRecord is a summary as JSON.
type tallyRecord struct {
	Workloads   int `json:"workloads"`
	Allowed     int `json:"allowed"`
	MayNotStart int `json:"mayNotStart"`
	Denied      int `json:"denied"`
	Accepted    int `json:"accepted"`
	Warned      int `json:"warned,omitempty"`
	Audited     int `json:"audited,omitempty"`
	Undecided   int `json:"undecided"`
	Unreadable  int `json:"unreadable"`
	Patches     int `json:"patches"`
	Others      int `json:"others"`
}

func (t *tally) record() tallyRecord {
	return tallyRecord{
		Workloads: t.workloads(), Allowed: t.allowed, MayNotStart: t.doubtful, Denied: t.denied, Accepted: t.accepted,
		Warned: t.warned, Audited: t.audited, Undecided: t.undecided, Unreadable: t.unreadable, Patches: t.patches, Others: t.others.total,
	}
}

// rewriteSummary is what mutate -i says of itself.
func (t *tally) rewriteSummary() string {
	return fmt.Sprintf("rewrote %d of %s; %s", t.rewritten, counted(t.files, "file"), counted(t.workloads(), "workload")) +
		listed(": ", ", ",
			some(t.filled, "%d filled in")+some(t.filledDenied, " (%d still denied)"),
			some(t.doubtful, "%d may not start"),
			some(t.denied, "%d denied"),
			some(t.undecided, "%d could not be decided"),
		) + t.rest()
}

// rest is the part of a summary about what is no workload.
func (t *tally) rest() string {
	s := ""
	if t.unreadable > 0 {
		s += "; " + counted(t.unreadable, "unreadable document")
	}
	if t.patches > 0 {
		s += "; " + counted(t.patches, "patch document") + " passed over"
	}
	if t.others.total > 0 {
		s += "; " + counted(t.others.total, "other document") + " passed through: " + t.others.String()
	}
	return s
}

// others counts documents without a workload by their kind.
type others struct {
	total int
	kinds map[string]int
	// rest are those of kinds beyond maxKinds, or without a proper name.
	rest int
}

// maxKinds is how many kinds are counted by name, maxNamed how many are named.
const (
	maxKinds = 1000
	maxNamed = 5
)

const kindNone = "without a kind"

func (o *others) pass(kind string) {
	o.total++
	if o.kinds == nil {
		o.kinds = map[string]int{}
	}
	if kind == "" {
		kind = kindNone
	} else if !kindName.MatchString(kind) || len(kind) > validation.DNS1123LabelMaxLength || len(o.kinds) == maxKinds && o.kinds[kind] == 0 {
		o.rest++
		return
	}
	o.kinds[kind]++
}

// String names the kinds, the most frequent first: "2 ConfigMap, 1 Service".
func (o *others) String() string {
	kinds := slices.SortedFunc(maps.Keys(o.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.kinds[b], o.kinds[a]), strings.Compare(a, b))
	})
	rest := o.rest
	var named []string
	for i, kind := range kinds {
		if i < maxNamed {
			named = append(named, fmt.Sprintf("%d %s", o.kinds[kind], kind))
		} else {
			rest += o.kinds[kind]
		}
	}
	return strings.Join(present(strings.Join(named, ", "), some(rest, "%d of other kinds")), ", ")
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
