package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
	"github.com/podfence/podfence/policy"
)

func (a *app) lintCommand() *cobra.Command {
	var paths []string
	var recursive bool
	form := ""
	var expiry expiryFlags
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
  - a default policy that changes nothing
  - with --expires-within 30, policies that expire within 30 days, or have expired

With -o json an error or a warning is one line, with the keys severity, reason, policy,
field, file, line, message and those of its reason. For a pipeline there are the forms
sarif, junit and github, which docs/ci.md describes.

Where no policies are named, those of .podfence.yaml are checked.

Exit status: 0 without errors, also with warnings; 1 with errors; 2 if a file cannot
be read.`,
		Example: `  podfence lint --policies policies/
  podfence lint -R policies/ more/route-manager.yaml
  podfence lint policies/ --expires-within 30d
  podfence lint policies/ -o sarif`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !cmd.Flags().Changed("policies") {
				paths = nil // arguments win over the configuration file, as flags do
			}
			return a.lint(append(paths, args...), recursive, form, &expiry)
		},
	}
	policiesFlag(cmd, &paths)
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "read directories with all below them, hidden ones excepted")
	expiry.register(cmd)
	outputFlag(cmd, &form, lintForms...)
	config.register(cmd)
	return cmd
}

// lintForms are the forms of -o in which lint prints.
var lintForms = []string{"text", "json", "sarif", "junit", "github"}

func (a *app) lint(paths []string, recursive bool, form string, expiry *expiryFlags) error {
	if len(paths) == 0 {
		return usagef("no policies are named: write --policies FILE or --policies DIRECTORY")
	}
	read, err := readPolicies(paths, recursive)
	if err != nil {
		return err
	}
	expiring, err := expiry.warnings(read.policies)
	if err != nil {
		return err
	}
	l := &linted{policyFiles: read, warnings: append(policy.Lint(read.policies...), expiring...)}
	if len(read.errs) > 0 {
		a.worsen(statusDenied)
	}
	switch form {
	case "json":
		return l.writeJSON(a.out)
	case "text":
		return l.writeText(a.out)
	}
	p := a.printer(form, rules.OfPolicies(), "")
	for _, s := range l.subjects() {
		if err := p.Print(s); err != nil {
			return err
		}
	}
	if err := a.close(p); err != nil || form != "github" {
		return err
	}
	_, err = fmt.Fprintln(a.out, l.summary())
	return err
}

// linted is what lint found.
type linted struct {
	policyFiles
	warnings []policy.Warning
}

// remarks are the errors and warnings, in order of file and line.
func (l *linted) remarks() (list []lintRemark) {
	for i := range l.warnings {
		list = append(list, lintRemark{at: l.warnings[i].Policy.Position, warning: &l.warnings[i]})
	}
	for i := range l.errs {
		e := &l.errs[i]
		list = append(list, lintRemark{at: policy.Position{File: e.File, Line: e.Line}, err: e})
	}
	slices.SortStableFunc(list, func(x, y lintRemark) int {
		return cmp.Or(cmp.Compare(x.at.File, y.at.File), cmp.Compare(x.at.Line, y.at.Line))
	})
	return list
}

// lintRemark is an error or a warning and what it is about.
type lintRemark struct {
	at      policy.Position
	err     *policy.Error
	warning *policy.Warning
}

func (l *linted) writeText(w io.Writer) error {
	for _, r := range l.remarks() {
		if _, err := fmt.Fprintln(w, r.String()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, l.summary())
	return err
}

func (r *lintRemark) String() string {
	if r.err != nil {
		return r.err.Error()
	}
	return r.warning.String()
}

// policy is the name of the policy that it is about, empty for a file's.
func (r *lintRemark) policy() string {
	if r.err != nil {
		return r.err.Policy
	}
	return r.warning.Policy.Name
}

func (l *linted) summary() string {
	return fmt.Sprintf("%s in %s: %s", policiesCounted(len(l.policies)), counted(len(l.names), "file"), cmp.Or(listed("", ", ",
		some(len(l.errs), plural("%d error", len(l.errs))),
		some(len(l.warnings), plural("%d warning", len(l.warnings))),
	), "ok"))
}

// lintRecord is an error or a warning as JSON.
type lintRecord struct {
	Severity string `json:"severity"`
	policy.Warning
	Message string `json:"message"`
	// Fix says what to write instead of what is wrong.
	Fix string `json:"fix,omitempty"`
}

func (l *linted) writeJSON(w io.Writer) error {
	for _, r := range l.remarks() {
		if err := writeJSON(w, r.record()); err != nil {
			return err
		}
	}
	return nil
}

func (r *lintRemark) record() lintRecord {
	if r.warning != nil {
		return lintRecord{Severity: "warning", Warning: *r.warning, Message: r.warning.Message()}
	}
	return lintRecord{
		Severity: "error", Message: r.err.Problem, Fix: r.err.Fix,
		Warning: policy.Warning{
			Reason: rules.PolicyError, Policy: policy.Reference{Name: r.err.Policy, Position: r.at},
			Field: r.err.Field, Position: r.at,
		},
	}
}

// subjects are the policies, in order of file and line, and what is to be said of
// them. An error whose policy is not known is one of its file.
func (l *linted) subjects() (list []*finding.Subject) {
	type key struct{ file, policy string }
	found := map[key]*finding.Subject{}
	subject := func(at policy.Position, name string) *finding.Subject {
		s := found[key{at.File, name}]
		if s == nil {
			s = &finding.Subject{File: at.File, Region: finding.Region{Line: at.Line}, Name: oneLine("%s", "policy "+cmp.Or(name, "file"))}
			found[key{at.File, name}] = s
			list = append(list, s)
		}
		return s
	}
	for i := range l.policies {
		subject(l.policies[i].Source.Position, l.policies[i].Name)
	}
	for _, r := range l.remarks() {
		s := subject(r.at, r.policy())
		s.Findings = append(s.Findings, r.finding())
	}
	slices.SortStableFunc(list, func(x, y *finding.Subject) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return list
}

func (r *lintRemark) finding() finding.Finding {
	w := r.record()
	f := finding.Finding{
		Rule: string(w.Reason), Severity: finding.Warning, Region: finding.Region{Line: w.Position.Line},
		Field: oneLine("%s", w.Field), Message: oneLine("%s", w.Message),
		Fingerprint: finding.Fingerprint(string(w.Reason), cmp.Or(w.Policy.Namespace, strings.Join(w.Policy.Namespaces, ",")), w.Policy.Name, w.Field, w.Value),
	}
	if r.err != nil {
		// What the lines below the first show, the text form does.
		fix, _, _ := strings.Cut(r.err.Fix, ":\n")
		f.Severity = finding.Error
		f.Message = oneLine("%s", strings.Join(present(r.err.Field, r.err.Problem+listed("; ", "", fix)), ": "))
	}
	return f
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
