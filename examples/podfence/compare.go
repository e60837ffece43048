package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/policy"
)

// compareForms are the forms of -o in which compare prints.
var compareForms = []string{"text", "json", "markdown"}

// failOnWider is the value of --fail-on that only compare has.
const failOnWider = "wider"

func (a *app) compareCommand() *cobra.Command {
	flags, form, failOn := &inputFlags{}, "", ""
	cmd := &cobra.Command{
		Use:   "compare OLD NEW [-f FILE|DIR|-...] [-R]",
		Short: "Say what new policies allow that old ones did not, and the other way round",
		Long: `Compare holds the policies of two files or directories against each other, paired by
name and namespace, and says which pods they let run: a new policy is equal to the old
one, narrower, wider or incomparable. Each difference has a line, with + for what is
allowed now and was not, and - for what is not any more. Below it stands a small pod
that shows the difference: it was judged under both before it is printed.

A policy also takes the place of the default one, plain restricted if the policies have
none, for pods that no policy selected, and leaves them to it when it is removed or
selects them no longer. What such pods notice is told too. So is what is filled in
otherwise, with =. That a policy expires later than it did is told, and all else is
compared as long as it has not expired.

Pods are judged as 'podfence admit' judges them, filled in and as the API server would
store them. What no pod could be found for is marked with +? or -?, and a key that this
podfence does not know how to compare with ?: then nothing is proven. What is not said
to be allowed now is not.

With -f the workloads whose verdict changes are printed as well, as of now or of --at.

  -o text      for people
  -o json      a line for each policy, then one for each workload whose verdict changes
  -o markdown  for the comment of a pull request

Exit status: 0; with --fail-on wider 1 if a new policy allows more than the old one, or
may do so; 2 if something could not be decided (a policy with errors, a wrong flag).`,
		Example: `  podfence compare policies/ new-policies/
  podfence compare old.yaml new.yaml --level baseline --version v1.35
  podfence compare old/ new/ -o markdown --fail-on wider
  podfence compare old/ new/ -f manifests/`,
		Args: twoArguments,
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&failOn, "fail-on", failOnNever, "what makes the status 1: "+failOnWider+", "+failOnNever)
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{failOnWider, failOnNever}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range append(labelFlagNames, "policies") {
		_ = cmd.Flags().MarkHidden(name)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		set := cmd.Flags().Changed
		switch {
		case set("policies"):
			return usagef("--policies: compare takes its policies as arguments, OLD NEW; leave it out")
		case flags.level == fromLabels && set("level"):
			return usagef("--level labels: policies are compared at one level; write %s", strings.Join(levelNames, ", "))
		case flags.level == fromLabels: // the configuration file means the commands that judge manifests
			flags.level = string(api.LevelRestricted)
		}
		if failOn != failOnWider && failOn != failOnNever {
			if set("fail-on") {
				return usagef("--fail-on %q: write one of %s, %s", failOn, failOnWider, failOnNever)
			}
			failOn = failOnNever // so it does here
		}
		return a.compare(flags, args[0], args[1], form, failOn)
	}
	outputFlag(cmd, &form, compareForms...)
	return cmd
}

// twoArguments wants the old policies and the new ones.
func twoArguments(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("compare takes two arguments, the old policies and the new ones: compare OLD NEW")
	}
	return nil
}

func (a *app) compare(flags *inputFlags, old, new, form, failOn string) error {
	lv, err := a.parse(&flags.levelFlags)
	if err != nil {
		return err
	}
	before, err := a.policyList(old, flags.recursive)
	if err != nil {
		return err
	}
	after, err := a.policyList(new, flags.recursive)
	if err != nil {
		return err
	}
	found, err := author.CompareSets(before, after, lv)
	if err != nil {
		return err
	}
	if failOn == failOnWider && found.MayAllowMore() {
		a.worsen(statusDenied)
	}
	p := &comparePrinter{app: a, found: &found, look: lookOf(a.stdout)}
	if err := p.policies(form); err != nil || len(flags.files) == 0 {
		return err
	}
	return a.compareWorkloads(flags, before, after, new, p, form)
}

// policyList reads the policies of a file or directory. All their errors are printed,
// and then none is used.
func (a *app) policyList(path string, recursive bool) ([]policy.Policy, error) {
	read, err := readPolicies([]string{path}, recursive)
	if err != nil {
		return nil, err
	}
	for _, e := range read.errs {
		a.progress.clear()
		fmt.Fprintln(a.stderr, e.Error())
		a.worsen(statusUndecided)
	}
	if len(read.errs) > 0 {
		return nil, errNotCompared
	}
	return read.policies, nil
}

var errNotCompared = errors.New("nothing was compared: the policies have errors")

// compareWorkloads prints the workloads of the manifests whose verdict changes.
func (a *app) compareWorkloads(flags *inputFlags, before, after []policy.Policy, new string, p *comparePrinter, form string) error {
	old, err := policy.NewSet(before...)
	if err != nil {
		return err
	}
	flags.policies = []string{new}
	s, err := a.newScan(flags, before...)
	if err != nil {
		return err
	}
	v := &verdictScan{scan: s, old: s.selectNamespaces(old).At(s.moment), print: p, form: form}
	if err := s.visit(v); err != nil {
		return err
	}
	return p.workloads(v, form)
}

// verdictScan is the visitor that judges workloads under two sets of policies.
type verdictScan struct {
	*scan
	old   policy.Set
	print *comparePrinter
	form  string
	// changes are how many have another verdict now: allowed, and denied.
	nowAllowed, nowDenied int
}

func (v *verdictScan) begin(string) error     { return nil }
func (v *verdictScan) end(string, bool) error { return nil }

func (v *verdictScan) chunk(path string, c *manifest.Chunk) error {
	for i := range c.Objects {
		found, err := v.examine(path, &c.Objects[i])
		if err != nil {
			continue // it is reported
		}
		for _, w := range found {
			v.warnUnknown(w, nil)
			if err := v.judge(w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verdictScan) judge(w *workload) error {
	lv := v.levels.Of(w.Namespace).Enforce
	before, after := w.held.Admit(lv, v.old), w.held.Admit(lv, v.policies)
	switch v.verdict(after.Allowed()); {
	case before.Allowed() == after.Allowed():
		return nil
	case after.Allowed():
		v.nowAllowed++
	default:
		v.nowDenied++
	}
	return v.print.workload(w, &before, &after, v.form)
}

// changedRecord is a workload whose verdict changes, as JSON.
type changedRecord struct {
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Allowed   bool     `json:"allowed"`
	OldPolicy string   `json:"oldPolicy"`
	NewPolicy string   `json:"newPolicy"`
	Denied    []string `json:"denied"`
}

func newChangedRecord(w *workload, before, after *podfence.Decision) changedRecord {
	r := changedRecord{
		File: w.file, Line: w.Line, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Allowed: after.Allowed(),
		OldPolicy: before.Result.PolicyName(), NewPolicy: after.Result.PolicyName(), Denied: []string{},
	}
	for _, violation := range slices.Concat(before.Result.Violations, after.Result.Violations) {
		r.Denied = append(r.Denied, violation.String())
	}
	return r
}
