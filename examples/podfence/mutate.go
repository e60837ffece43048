package main

import (
	"bytes"
	"errors"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
	"github.com/podfence/podfence/mutate"
)

// mutateForms are the forms of -o in which mutate prints.
var mutateForms = []string{"yaml", "json", "diff", "patch"}

func (a *app) mutateCommand() *cobra.Command {
	flags, form, how := &inputFlags{}, "", mutateFlags{}
	cmd := &cobra.Command{
		Use:   "mutate [-f] FILE|DIR|-... [-R] [--policies FILE|DIR] [-i]",
		Short: "Fill in the security fields that workloads leave unset",
		Long: `Mutate prints the manifests with the fields that their governing policy fills in,
and with nothing else changed: comments, order, quotes, line ends, unknown fields
and other documents stay. What an author set is never touched. It is for what is to
be created: of a pod that runs, the security fields can no longer be changed.

  -o yaml   the text of the manifests; JSON stays JSON
  -o json   every object, also of other kinds and out of lists, on one line
  -o diff   a unified diff, coloured on a terminal (unless NO_COLOR is set)
  -o patch  for every workload one line: file, line, kind, namespace, name, and
            the RFC 6902 patch of the object

An object of another kind that holds a pod template is filled in too, which
standard error says; of a field that its kind does not have it says which one is
filled in beside it. Where a field cannot be added to the text without touching other
text, as inside an alias, yaml, diff and -i leave the workload as it is, standard
error says so, and the status is 2; json and patch need no such edit.

Standard error says what may keep a container from starting, as admit does: often
an image without a numeric USER; and what may keep it from working as meant.

A workload that is denied all the same is still filled in, as in a cluster, where
filling comes before judging: standard error names it, and the status is 1, or 0 with
--allow-denied. Where another level lets it run, what was filled in may break it, as
dropped capabilities do a privileged container: --only-allowed leaves such workloads
as they are, and --level privileged fills nothing in. With --level labels it is the
level that the workload's namespace enforces, as for evaluate.

So it is with -i, which writes the files back: only those that change, each at once
(by rename), with its owner and mode. What of them this user may not keep, and that
other hard links keep the old text, standard error says. A symbolic link stays, and
its target is written.
` + statusHelp,
		Example: `  podfence mutate -f deployment.yaml | kubectl apply -f -
  podfence mutate -R -f manifests/ --policies policies/ -o diff
  podfence mutate -R -f manifests/ --policies policies/ -i --only-allowed
  helm template chart/ | podfence mutate --allow-denied -
  kubectl get deployments -A -o json | podfence mutate -f - -o patch`,
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&how.allowDenied, "allow-denied", false, "status 0 also for workloads that are denied all the same, which are still named: for a post-renderer, where the cluster says no")
	cmd.Flags().BoolVar(&how.onlyAllowed, "only-allowed", false, "leave a workload as it is that would be denied all the same; it is still named, and the status is the same")
	cmd.Flags().BoolVarP(&how.inPlace, "in-place", "i", false, "write the files back instead of printing them")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		flags.name(args)
		if how.inPlace {
			return a.mutateInPlace(flags, form, how)
		}
		s, err := a.newScan(flags)
		if err != nil {
			return err
		}
		m := &mutation{scan: s, sink: a.newSink(form), edits: form == "yaml" || form == "diff", mutateFlags: how}
		err = s.visit(m)
		m.warnDenied()
		return err
	}
	outputFlag(cmd, &form, mutateForms...)
	return cmd
}

// mutateFlags are those of mutate alone.
type mutateFlags struct {
	// inPlace: the files are written back.
	inPlace bool
	// allowDenied: a denial is said, and does not count.
	allowDenied bool
	// onlyAllowed: what is denied all the same is left as it is.
	onlyAllowed bool
}

// mutation is the visitor that fills chunks in and hands them on.
type mutation struct {
	*scan
	sink
	// edits: the sink wants the text with its edits, not the additions alone.
	edits bool
	mutateFlags
	// undecidable is told of what could not be decided or filled in; nil tells nobody.
	undecidable func(*manifest.Object, error)
	// lead is the white space before the next chunk in its line.
	lead []byte
}

// sink takes chunks with what they have become.
type sink interface {
	begin(path string) error
	mutated(path string, c *manifest.Chunk, after []byte, additions []*addition) error
	end(path string, whole bool) error
}

func (m *mutation) begin(path string) error {
	m.lead = nil
	return m.sink.begin(path)
}

func (m *mutation) end(path string, whole bool) error { return m.sink.end(path, whole) }

func (m *mutation) chunk(path string, c *manifest.Chunk) error {
	additions, after := m.additions(path, c), c.Raw
	left := map[*addition]*conflict{}
	if m.edits {
		var conflicts []conflict
		after, conflicts = m.add(c, additions)
		for i := range conflicts {
			left[conflicts[i].addition] = &conflicts[i]
		}
	}
	for _, a := range additions {
		if k := left[a]; k != nil {
			m.leave(c, k)
		} else {
			m.tell(a)
		}
	}
	return m.sink.mutated(path, c, after, additions)
}

// add makes the edits with the white space before the chunk, an item of a JSON
// list, so that the editor sees how far its lines are indented.
func (m *mutation) add(c *manifest.Chunk, additions []*addition) (after []byte, conflicts []conflict) {
	lead := len(m.lead)
	if lead == 0 {
		after, conflicts = addTo(c.Raw, yamledit.Parsed(c.Parsed), additions)
	} else {
		after, conflicts = addTo(append(m.lead, c.Raw...), yamledit.Parsed{}, additions)
		after = after[lead:]
	}
	m.lead = leadAfter(c.Raw)
	return after, conflicts
}

// leadAfter is the white space with which a text ends in its last line, if that
// holds nothing else.
func leadAfter(text []byte) []byte {
	line := text[bytes.LastIndexByte(text, '\n')+1:]
	if len(line) == len(text) || len(bytes.TrimLeft(line, " \t")) > 0 {
		return nil
	}
	return bytes.Clone(line)
}

// additions decides about the workloads of a chunk.
func (m *mutation) additions(path string, c *manifest.Chunk) (additions []*addition) {
	for i := range c.Objects {
		found, err := m.examine(path, &c.Objects[i])
		if err != nil && m.undecidable != nil {
			m.undecidable(&c.Objects[i], err)
		}
		for _, w := range found {
			d := w.held.Admit(m.levels.Of(w.Namespace).Enforce, m.policies)
			additions = append(additions, newAddition(w, d, !m.onlyAllowed || d.Allowed()))
		}
	}
	return additions
}

// tell counts a workload and says what is to be known of it: that it is denied
// all the same, and what may keep it from starting as it is now.
func (m *mutation) tell(a *addition) {
	filled, allowed := len(a.operations) > 0, a.decision.Allowed()
	var changes []mutate.Change
	verb := "judged"
	if filled {
		m.filled++
		changes, verb = a.decision.Report.Changes(), "filled in"
	}
	m.warnUnknown(a.workload, changes)
	if note := a.note(verb); note != "" {
		m.say("%s: %s: %s", a.where(), a.title(), note)
	}
	for _, text := range noticed(a.workload, &a.decision.Result) {
		m.say("%s: %s: %s", a.where(), a.title(), text)
	}
	for _, text := range m.near(a.workload, &a.decision.Result).lines() {
		m.say("%s: %s is %s", a.where(), a.title(), text)
	}
	m.verdict(allowed)
	if !allowed {
		m.deny(a, filled)
	}
	if !allowed && m.onlyAllowed {
		return
	}
	if mayNotStart(&a.decision) {
		m.doubtful++
	}
	for _, advice := range a.decision.Advice() {
		may := "may not start"
		if !advice.MayNotStart() {
			may = "may not work as meant"
		}
		m.say("%s: %s %s: %s", a.where(), a.title(), may, advice)
	}
}

func (m *mutation) deny(a *addition, filled bool) {
	if !m.allowDenied {
		m.worsen(statusDenied)
	}
	said := "is denied"
	switch {
	case filled:
		m.filledDenied++
		said = "was filled in (" + counted(len(a.decision.Report.Changes()), "field") + ") and is still denied"
	case m.onlyAllowed && a.decision.Report.Changed():
		said = "would be denied all the same, and is left as it is"
	}
	m.say("%s: %s %s: %s", a.where(), a.title(), said, a.decision.Result.Refusal())
}

// warnDenied says after the whole input what filling in may have cost: what is
// denied here may be meant to run at another level, where nothing is filled in.
func (m *mutation) warnDenied() {
	if m.filledDenied > 0 {
		m.say("podfence: warning: %s filled in and still denied: where another level or policy lets such a workload run, "+
			"what was filled in may break it; --only-allowed leaves it as it is", counted(m.filledDenied, "workload"))
	}
}

// leave reports a workload whose text could not be edited.
func (m *mutation) leave(c *manifest.Chunk, k *conflict) {
	m.warnUnknown(k.workload, nil)
	m.undecided++
	k.left = true
	line, reason := k.locate(c)
	if m.undecidable != nil {
		m.undecidable(k.Object, errors.New("it could not be filled in and is left as it is: "+reason))
	}
	m.problem("%s:%d: %s could not be filled in and is left as it is: %s", k.file, line, k.title(), reason)
}
