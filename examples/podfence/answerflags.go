package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/baseline"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/mutate"
)

// answerFlags say which answers are printed and what counts against the status.
type answerFlags struct {
	failOn                  string
	deniedOnly, summary     bool
	baseline, writeBaseline string
	// ownBaseline: the command line names the baseline, and no configuration file.
	ownBaseline bool
}

// The values of --fail-on.
const (
	failOnDenied      = "denied"
	failOnMayNotStart = "may-not-start"
	failOnNever       = "never"
)

// register adds the flags. The values of --fail-on are those that the command can tell.
func (f *answerFlags) register(cmd *cobra.Command, failOn []string) {
	flags := cmd.Flags()
	flags.StringVar(&f.failOn, "fail-on", failOnDenied, "what makes the status 1: "+strings.Join(failOn, ", ")+"; what could not be decided makes it 2 all the same")
	flags.BoolVar(&f.deniedOnly, "denied-only", false, "print only the answers that count against the status, and what could not be decided")
	flags.BoolVar(&f.summary, "summary", false, "print only the counts, in the forms text, json and yaml")
	flags.StringVar(&f.baseline, "baseline", "", "a file of violations that are known and accepted: only others count against the status")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write all violations that were found into a file for --baseline; they do not count against the status")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(failOn, cobra.ShellCompDirectiveNoFileComp))
}

// check refuses what makes no sense.
func (f *answerFlags) check(cmd *cobra.Command, failOn []string, form string) error {
	f.ownBaseline = cmd.Flags().Changed("baseline")
	if f.failOn == failOnMayNotStart && !cmd.Flags().Changed("fail-on") && !slices.Contains(failOn, f.failOn) {
		f.failOn = failOnDenied // the configuration file means the commands that know what may not start
	}
	switch {
	case !slices.Contains(failOn, f.failOn) && f.failOn == failOnMayNotStart:
		return usagef("--fail-on %s: %s fills nothing in, and does not know what may not start; use admit", f.failOn, cmd.Name())
	case !slices.Contains(failOn, f.failOn):
		return usagef("--fail-on %q: write one of %s", f.failOn, strings.Join(failOn, ", "))
	case f.summary && f.deniedOnly:
		return usagef("--summary prints no answers: leave out --denied-only, or --summary")
	case f.summary && !slices.Contains(recordForms, form):
		return usagef("--summary has no form %s: write -o %s, or leave out --summary", form, strings.Join(recordForms, ", -o "))
	}
	return nil
}

// fails reports whether an answer counts against the status, or would but for --fail-on never.
func (f *answerFlags) fails(a *answer) bool {
	if !a.result.Allowed() {
		return !a.accepted()
	}
	return f.failOn == failOnMayNotStart && mayNotStart(a.decision)
}

// mayNotStart reports whether a decision allows what may not start.
func mayNotStart(d *podfence.Decision) bool {
	return d != nil && d.Allowed() && slices.ContainsFunc(d.Advice(), mutate.Advice.MayNotStart)
}

// ledger is the violations that a run knows, and those that the next one will.
type ledger struct {
	command string
	// baseline is nil without --baseline, and record without --write-baseline.
	baseline *baseline.Baseline
	record   *baseline.Recorder
	file     string // of --write-baseline
}

// newLedger reads the baseline. All its errors are printed, and then nothing is judged.
func (a *app) newLedger(f *answerFlags, command string) (l ledger, err error) {
	l = ledger{command: command, file: f.writeBaseline}
	if f.writeBaseline != "" {
		l.record = &baseline.Recorder{}
	}
	if f.baseline == "" || f.writeBaseline != "" && !f.ownBaseline {
		return l, nil // the one of the configuration file may be what is written
	}
	if l.baseline, err = baseline.Read(f.baseline, command); err == nil {
		return l, nil
	}
	if other := (*baseline.Error)(nil); !f.ownBaseline && errors.As(err, &other) && other.Of != "" {
		a.say("podfence: %s is a baseline of %s, and not looked at", manifest.Display(f.baseline), other.Of)
		return l, nil
	}
	for _, err := range parts(err) {
		a.problem("%v", err)
	}
	return l, errBaseline
}

// errBaseline ends a command whose baseline cannot be used; the reasons are printed by then.
var errBaseline = errors.New("nothing was judged: the baseline has errors")

// mark notes which violations of an answer are accepted, and records all of them.
func (l *ledger) mark(a *answer) {
	if l.baseline == nil && l.record == nil {
		return
	}
	o := a.object()
	l.baseline.Judged(o, a.result.Level.Level)
	a.known = make([]bool, len(a.result.Violations))
	for i := range a.result.Violations {
		key := baseline.KeyOf(o, &a.result.Violations[i])
		a.known[i] = l.baseline.Accepts(key)
		if l.record != nil {
			l.record.Add(key)
		}
	}
}

// object names the workload for a baseline.
func (w *workload) object() baseline.Object {
	return baseline.ObjectOf(w.APIVersion, w.Kind, w.Namespace, w.Name)
}

// accepted reports whether the workload is denied for nothing but what the baseline accepts.
func (a *answer) accepted() bool {
	return !a.result.Allowed() && len(a.known) > 0 && !slices.Contains(a.known, false)
}

// knows reports whether the baseline accepts a violation, by its index.
func (a *answer) knows(i int) bool { return a.known != nil && a.known[i] }

// closing says what of the baseline no longer occurs, and writes the new one.
func (l *ledger) closing(a *app) {
	for _, gone := range l.baseline.Gone() {
		a.say("%s:%d: %s no longer breaks %s; remove the entry, or write the baseline anew", l.baseline.File(), gone.Line, gone.Object, gone.What())
	}
	if entries, objects := l.baseline.NotAsked(); entries > 0 {
		a.say("podfence: %s accepts %s, of %s that this run did not judge, or at a lower level",
			l.baseline.File(), counted(entries, "more violation"), counted(objects, "object"))
	}
	if l.record == nil {
		return
	}
	if err := l.record.Write(l.file, l.command); err != nil {
		a.problem("podfence: the baseline could not be written: %v", err)
		return
	}
	a.say("podfence: wrote %s to %s", counted(l.record.Len(), "violation"), l.file)
}
