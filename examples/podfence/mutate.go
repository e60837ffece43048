package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// mutateForms are the forms of -o in which mutate prints.
var mutateForms = []string{"yaml", "json", "diff", "patch"}

func (a *app) mutateCommand() *cobra.Command {
	flags, form, inPlace, allowDenied := &inputFlags{}, "", false, false
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
filled in beside it. Where a field cannot be added without touching other text, as inside an alias, the
workload is left as it is, standard error says so, and the status is 2.

Standard error says what may keep a container from starting, as admit does: often
an image without a numeric USER; and what may keep it from working as meant.

A workload that is denied all the same is still filled in, as in a cluster, where
filling comes before judging: standard error names it, and the status is 1, or 0
with --allow-denied. So it is with -i, which writes the files back: only those that change, each at once
(by rename), with its mode; a symbolic link stays and its target is written.
` + statusHelp,
		Example: `  podfence mutate -f deployment.yaml | kubectl apply -f -
  podfence mutate -R -f manifests/ --policies policies/ -o diff
  podfence mutate -R -f manifests/ --policies policies/ -i
  helm template chart/ | podfence mutate --allow-denied -
  kubectl get deployments -A -o json | podfence mutate -f - -o patch`,
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&allowDenied, "allow-denied", false, "status 0 also for workloads that are denied all the same, which are still named: for a post-renderer, where the cluster says no")
	cmd.Flags().BoolVarP(&inPlace, "in-place", "i", false, "write the files back instead of printing them")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		flags.name(args)
		if inPlace {
			return a.mutateInPlace(flags, form, allowDenied)
		}
		s, err := a.newScan(flags)
		if err != nil {
			return err
		}
		return s.visit(&mutation{scan: s, sink: a.newSink(form), edits: form != "patch", allowDenied: allowDenied})
	}
	outputFlag(cmd, &form, mutateForms...)
	return cmd
}

// mutation is the visitor that fills chunks in and hands them on.
type mutation struct {
	*scan
	sink
	// edits: the sink wants the text with its edits, not the patches alone.
	edits bool
	// allowDenied: a denial is said, and does not count.
	allowDenied bool
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
	left := map[*addition]bool{}
	if m.edits {
		var conflicts []conflict
		after, conflicts = m.add(c.Raw, additions)
		for i := range conflicts {
			m.leave(c, &conflicts[i])
			left[conflicts[i].addition] = true
		}
	}
	for _, a := range additions {
		if !left[a] {
			m.advise(a)
		}
	}
	return m.sink.mutated(path, c, after, additions)
}

// add makes the edits with the white space before the chunk, an item of a JSON
// list, so that the editor sees how far its lines are indented.
func (m *mutation) add(raw []byte, additions []*addition) (after []byte, conflicts []conflict) {
	lead := len(m.lead)
	if lead == 0 {
		after, conflicts = addTo(raw, additions)
	} else {
		after, conflicts = addTo(append(m.lead, raw...), additions)
		after = after[lead:]
	}
	m.lead = leadAfter(raw)
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
		found, _ := m.examine(path, &c.Objects[i])
		for _, w := range found {
			a := newAddition(w, w.held.Admit(m.level, m.policies))
			m.tell(a)
			for _, text := range m.near(w, &a.decision.Result).lines() {
				m.say("%s: %s is %s", a.where(), a.title(), text)
			}
			m.count(a)
			additions = append(additions, a)
		}
	}
	return additions
}

// tell says on standard error what is to be known of an addition.
func (m *mutation) tell(a *addition) {
	m.warnUnknown(a.workload, a.decision.Report.Changes())
	if note := a.note("filled in"); note != "" {
		m.say("%s: %s: %s", a.where(), a.title(), note)
	}
}

func (m *mutation) count(a *addition) {
	m.verdict(a.decision.Allowed())
	if a.decision.Report.Changed() {
		m.filled++
	}
	if !a.decision.Allowed() {
		if !m.allowDenied {
			m.worsen(statusDenied)
		}
		m.say("%s: %s is denied all the same: %s", a.where(), a.title(), a.decision.Result.Refusal())
	}
}

// advise says what may keep a workload from starting or working, as it is now.
func (m *mutation) advise(a *addition) {
	m.mayNotStart(&a.decision)
	for _, advice := range a.decision.Advice() {
		may := "may not start"
		if !advice.MayNotStart() {
			may = "may not work as meant"
		}
		m.say("%s: %s %s: %s", a.where(), a.title(), may, advice)
	}
}

// leave reports a workload that was left as it is.
func (m *mutation) leave(c *manifest.Chunk, k *conflict) {
	m.filled--
	if k.decision.Allowed() {
		m.allowed--
	} else {
		m.denied--
	}
	m.undecided++
	line, reason := k.locate(c)
	m.problem("%s:%d: %s could not be filled in and is left as it is: %s", k.file, line, k.title(), reason)
}
