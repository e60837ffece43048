package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/policy"
)

func (a *app) lintCommand() *cobra.Command {
	var paths []string
	var recursive bool
	var config configFlags
	cmd := &cobra.Command{
		Use:   "lint --policies FILE|DIR [-R]",
		Short: "Check policy files",
		Long: `Lint prints everything that is wrong with policy files, and warns of policies that
are right and yet hardly meant so:

  - a policy that can never differ from the default policy, plain restricted, in
    what it excuses, demands or fills in; or that only narrows the volume types
  - hostPath in volumes without allowedHostPaths, which alone allow it
  - volumes without projected, which refuses nearly every pod
  - what is wide: "*" or ALL in a list, a writable host path above places that rule
    the node, a grant that opens the node in every namespace
  - a capability that Linux does not have; a probe host that no probe can name
  - supplementalGroups with ranges that the groups of the image escape
  - a key in a Welkin values file that Welkin's chart does not know
  - a selector that no pod can meet
  - policies that can select one pod, a line for each group of them: they are tried
    in order of name, and their grants never add up

Where no policies are named, those of .podfence.yaml are checked.

Exit status: 0 without errors, also with warnings; 1 with errors; 2 if a file cannot
be read.`,
		Example: `  podfence lint --policies policies/
  podfence lint -R policies/ more/route-manager.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !cmd.Flags().Changed("policies") {
				paths = nil // arguments win over the configuration file, as flags do
			}
			return a.lint(append(paths, args...), recursive)
		},
	}
	policiesFlag(cmd, &paths)
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "read directories with all below them, hidden ones excepted")
	config.register(cmd)
	return cmd
}

func (a *app) lint(paths []string, recursive bool) error {
	if len(paths) == 0 {
		return usagef("no policies are named: write --policies FILE or --policies DIRECTORY")
	}
	policies, files, errs, err := readPolicies(paths, recursive)
	if err != nil {
		return err
	}
	var lines []lintLine
	for _, w := range policy.Lint(policies...) {
		lines = append(lines, lintLine{w.Policy.Position, w.String()})
	}
	warnings := len(lines)
	for _, e := range errs {
		lines = append(lines, lintLine{policy.Position{File: e.File, Line: e.Line}, e.Error()})
	}
	slices.SortStableFunc(lines, func(x, y lintLine) int {
		return cmp.Or(cmp.Compare(x.at.File, y.at.File), cmp.Compare(x.at.Line, y.at.Line))
	})
	for _, l := range lines {
		fmt.Fprintln(a.out, l.text)
	}
	if len(errs) > 0 {
		a.worsen(statusDenied)
	}
	summary := fmt.Sprintf("%s in %s", policiesCounted(len(policies)), counted(files, "file"))
	fmt.Fprintf(a.out, "%s: %s\n", summary, cmp.Or(listed("", ", ",
		some(len(errs), plural("%d error", len(errs))),
		some(warnings, plural("%d warning", warnings)),
	), "ok"))
	return nil
}

// lintLine is a line of lint and what it is about.
type lintLine struct {
	at   policy.Position
	text string
}

func plural(noun string, n int) string {
	if n != 1 {
		return noun + "s"
	}
	return noun
}

func policiesCounted(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}
