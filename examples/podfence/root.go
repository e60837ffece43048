package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The exit statuses, in order of gravity: the worst thing that was met is the
// status. A scan that denied one pod and could not read another has no verdict
// on the whole, so that 2 covers 1.
const (
	statusAllowed   = 0
	statusDenied    = 1
	statusUndecided = 2
)

// app is one run of the program: its streams, and the status so far.
type app struct {
	in io.Reader
	// out holds what is said of one chunk, and told what is said of those before
	// it. Told is flushed before the next chunk has to be waited for, and before
	// anything is said on standard error: answers come as they are found.
	out, told *bufio.Writer
	// stdout is what out writes to: whether that is a terminal decides on colour.
	stdout   io.Writer
	stderr   io.Writer
	progress *progress
	// started: cobra was content with the command line.
	started bool
	status  int
}

// run executes a command line and returns the exit status.
func run(args []string, in io.Reader, out, stderr io.Writer) int {
	a := &app{in: in, told: bufio.NewWriterSize(out, 64<<10), stdout: out, stderr: stderr}
	a.out = bufio.NewWriterSize(a.told, 64<<10)
	a.progress = newProgress(out, stderr)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(a.out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	if flushed := a.flush(); err == nil {
		err = flushed
	}
	if err != nil {
		a.fail(cmd, err)
	}
	a.progress.clear()
	return a.status
}

// flush prints what is said by now.
func (a *app) flush() error {
	if err := a.out.Flush(); err != nil || a.told == nil {
		return err
	}
	return a.told.Flush()
}

// fail reports an error that ended the command. A wrong command line gets a
// hint where to read on.
func (a *app) fail(cmd *cobra.Command, err error) {
	for _, err := range parts(err) {
		a.problem("podfence: %v", err)
	}
	var wrong *usageError
	if errors.As(err, &wrong) || !a.started {
		fmt.Fprintf(a.stderr, "see '%s --help'\n", cmd.CommandPath())
	}
}

// usageError is a command line that asks for something impossible.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// problem prints a line on standard error about something that could not be decided.
func (a *app) problem(format string, args ...any) {
	a.say(format, args...)
	a.worsen(statusUndecided)
}

// say prints a line on standard error.
func (a *app) say(format string, args ...any) {
	a.progress.clear()
	if a.told != nil {
		_ = a.told.Flush() // which remembers the error
	}
	fmt.Fprintln(a.stderr, oneLine(format, args...))
}

func (a *app) worsen(status int) { a.status = max(a.status, status) }

const statusHelp = `
Exit status: 0 if all is allowed, 1 if something is denied, 2 if something could
not be decided (an unreadable manifest or policy, a wrong flag), whatever else
was found.`

func (a *app) root() *cobra.Command {
	version := false
	root := &cobra.Command{
		Use:   "podfence",
		Short: "Judge and fill in manifests by the Pod Security Standards",
		Long: `Podfence judges Kubernetes manifests by the Pod Security Standards, as Pod
Security Admission does, and fills in the security fields that were left unset.
Policies allow single workloads more than the standards do.
` + statusHelp,
		Example: `  podfence admit -f manifests/ --policies policies/
  kubectl get pods -A -o json | podfence evaluate -f - --policies policies/
  podfence mutate -f manifests/ -o diff
  kubectl get pods,replicasets -A -o json | podfence survey -f - -o html > survey.html`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return a.version("text")
			}
			return cmd.Help()
		},
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
	}
	// Not the flag that cobra would add: of its own accord that takes -v too.
	root.Flags().BoolVar(&version, "version", false, "print the version, as the command of that name does")
	// "evalute -f x" is a wrong command, and not one without the flag -f.
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == root && cmd.Flags().NArg() > 0 {
			return noArguments(cmd, cmd.Flags().Args())
		}
		return err
	})
	root.AddCommand(a.admitCommand(), a.evaluateCommand(), a.mutateCommand(), a.functionCommand(), a.surveyCommand(), a.suggestCommand(), a.usageCommand(), a.lintCommand(), a.compareCommand(), a.testCommand(), a.reviewCommand(), a.exportCommand(), a.controlsCommand(), a.configCommand(), a.versionCommand())
	return root
}

// noArguments refuses what stands on the command line without a flag.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		message := fmt.Sprintf("unknown command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			message += fmt.Sprintf("; did you mean %s?", near[0])
		}
		return usagef("%s", message)
	default:
		return usagef("%q is no flag, and %s takes no arguments", args[0], cmd.Name())
	}
}

// outputFlag adds -o with the forms that a command knows; the first is the default.
func outputFlag(cmd *cobra.Command, value *string, forms ...string) {
	cmd.Flags().StringVarP(value, "output", "o", forms[0], "output form: "+strings.Join(forms, ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
	runE := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(forms, *value) {
			return usagef("unknown output form -o %s: write one of %s", *value, strings.Join(forms, ", "))
		}
		return runE(cmd, args)
	}
}
