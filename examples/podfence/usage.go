package main

import (
	"github.com/spf13/cobra"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// usageForms are the forms of -o in which usage prints.
var usageForms = []string{"text", "json"}

func (a *app) usageCommand() *cobra.Command {
	flags, form := &inputFlags{}, ""
	cmd := &cobra.Command{
		Use:   "usage [-f] FILE|DIR|-... [-R] --policies FILE|DIR",
		Short: "Say what workloads use of policies, and what nothing uses",
		Long: `Usage judges workloads under policies and prints of each policy which workloads it
governs, which of its grants they use and for which field, which grants nothing uses,
and the narrower policy that would do for what it governs: with the same selector and
rules, and with the grants that 'podfence suggest' finds.

What is unused by the input may be used by what is not in it: take the pods of the whole
cluster, over some time, before a grant is taken away. Pods count by their owner. What
the narrower policy would fill in and the policy in use leaves unset is named: a workload
that is made anew would run with it.

Exit status: 0, also with grants that are unused; 2 if something could not be decided.`,
		Example: `  podfence usage -f examples/manifests/ --policies examples/policies/
  kubectl get pods,replicasets -A -o json | podfence usage -f - --policies policies/
  podfence usage -f cluster.json --policies policies/ -o json | jq -r 'select(.pods == 0).policy.name'`,
	}
	flags.registerForOneLevel(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		flags.name(args)
		if err := flags.oneLevel(cmd); err != nil {
			return err
		}
		if len(flags.policies) == 0 {
			return usagef("no policies are named: write --policies FILE or --policies DIRECTORY")
		}
		return a.usage(flags, form)
	}
	outputFlag(cmd, &form, usageForms...)
	return cmd
}

func (a *app) usage(flags *inputFlags, form string) error {
	s, err := a.newScan(flags)
	if err != nil {
		return err
	}
	v := &usageCounter{scan: s, Usage: author.NewUsage(s.levels.Of("").Enforce, s.policies)}
	if err := s.visit(v); err != nil {
		return err
	}
	a.progress.clear()
	report := v.Report()
	if form != "json" {
		return writeUsage(a.out, &report)
	}
	for i := range report.Policies {
		if err := writeJSON(a.out, report.Policies[i].Record()); err != nil {
			return err
		}
	}
	return nil
}

// usageCounter is the visitor that counts what workloads use.
type usageCounter struct {
	*scan
	*author.Usage
}

func (v *usageCounter) begin(string) error     { return nil }
func (v *usageCounter) end(string, bool) error { return nil }

func (v *usageCounter) chunk(path string, c *manifest.Chunk) error {
	for i := range c.Objects {
		if found, err := v.examine(path, &c.Objects[i]); err == nil {
			for _, w := range v.owned(&c.Objects[i], found) {
				v.Add(&w)
			}
		}
	}
	return nil
}
