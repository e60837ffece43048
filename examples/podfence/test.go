package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/cases"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
	"github.com/podfence/podfence/policy"
)

// testSchemaAddress is where editors find the schema of files of tests.
const testSchemaAddress = "https://raw.githubusercontent.com/podfence/podfence/main/docs/podfence-test.schema.json"

// testFilePatterns match the names of files of tests, which hold neither manifests nor policies.
var testFilePatterns = func() (patterns []string) {
	for _, suffix := range cases.Suffixes {
		patterns = append(patterns, "*"+suffix)
	}
	return patterns
}()

// testForms are the forms of -o in which test prints.
var testForms = []string{"text", "json", "sarif", "junit", "github"}

func (a *app) testCommand() *cobra.Command {
	form, schema := "", false
	cmd := &cobra.Command{
		Use:   "test FILE|DIR...",
		Short: "Run the tests of policies",
		Long: `Test judges pods under policies, as admit does, and compares the answers with what
a file expects of them:

  policies: [../route-manager.yaml]
  cases:
    - name: the route manager may run
      pods: [../../manifests/route-manager-pod.yaml]
      expect:
        verdict: allowed
        policy: route-manager

Pods and policies are named by their paths, relative to the file, or written out; what
makes pods, as a Deployment, is held to it too. A case expects any of: the verdict, the
policy that governs, all that stands against the pod, all that is excused, fields that
are filled in with their values, or that nothing is. docs/testing-policies.md has every
key. In a directory, and in those below it, the files *.podfence-test.yaml and
*.podfence-test.yml are read, and no other command reads these.

A file is read strictly. A case that expects nothing, names no pod, or whose pods have
fields that their kinds do not have, could not be decided.

With -o json a case is one line; docs/json.md has its keys. For a pipeline there are
the forms sarif, junit and github. --schema prints the JSON schema of the files, for
editors.

Exit status: 0 if all is as it is expected, 1 if something is not, 2 if something could
not be decided, whatever else was found.`,
		Example: `  podfence test policies/
  podfence test policies/tests/route-manager.podfence-test.yaml
  podfence test policies/ -o junit > report.xml`,
		RunE: func(_ *cobra.Command, args []string) error {
			if schema {
				return a.testSchema()
			}
			return a.test(args, form)
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of files of tests")
	outputFlag(cmd, &form, testForms...)
	return cmd
}

func (a *app) testSchema() error {
	text, err := cases.Schema(testSchemaAddress)
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

func (a *app) test(paths []string, form string) error {
	if len(paths) == 0 {
		return usagef("no tests are named: write a file of tests, or a directory of them")
	}
	names, problems := testFiles(paths)
	for _, err := range parts(problems) {
		a.problem("podfence: %v", err)
	}
	p := a.newTestPrinter(form)
	for _, name := range names {
		if err := a.testFile(name, p); err != nil {
			return err
		}
	}
	return p.end()
}

// testFiles are the files of tests of some arguments: a file as it is, and those of a directory and of what is below it
// by their names, but for hidden directories.
func testFiles(paths []string) (names []string, problems error) {
	for _, path := range paths {
		found, err := testFilesIn(path)
		names, problems = append(names, found...), errors.Join(problems, err)
	}
	return names, problems
}

func testFilesIn(root string) (names []string, err error) {
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return []string{root}, err
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, wrong error) error { // whose own error is always nil
		switch {
		case wrong != nil:
			err = errors.Join(err, wrong)
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && hasTestName(d.Name()):
			is, wrong := isTestFile(path)
			if err = errors.Join(err, wrong); is {
				names = append(names, path)
			}
		}
		return nil
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no %s in this directory or below it", root, strings.Join(testFilePatterns, " and no "))
	}
	return names, err
}

// isTestFile reports whether something of such a name is a file, or a link to one. A pipe is an error: to open it
// could hang.
func isTestFile(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false, err
	case info.Mode().IsRegular() || info.IsDir():
		return !info.IsDir(), nil
	}
	return false, fmt.Errorf("%s: not a regular file", path)
}

func hasTestName(name string) bool {
	return slices.ContainsFunc(cases.Suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// testFile runs the cases of a file. The error is one of printing.
func (a *app) testFile(name string, p testPrinter) error {
	file, err := readTests(name)
	if err != nil {
		t := &tested{file: name, problems: parts(err)}
		a.tell(t)
		return p.print(t)
	}
	for i := range file.Cases {
		t := a.runCase(&file.Cases[i])
		a.tell(t)
		if err := errors.Join(p.print(t), a.flush()); err != nil {
			return err
		}
	}
	return nil
}

func readTests(name string) (*cases.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("podfence: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, cases.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("podfence: %w", err)
	}
	return cases.Parse(data, name)
}

// tell says on standard error what kept a case from being decided, and counts what came of it in the status.
func (a *app) tell(t *tested) {
	for _, err := range t.problems {
		a.progress.clear()
		_ = a.told.Flush() // which remembers the error
		fmt.Fprintln(a.stderr, shownError(err))
		a.worsen(statusUndecided)
	}
	if t.failed() {
		a.worsen(statusDenied)
	}
}

// shownError is an error as people read it: on one line, but for the fix of a policy, which may have several.
func shownError(err error) string {
	if of := (policy.Error{}); errors.As(err, &of) {
		return of.Error()
	}
	return oneLine("%v", err)
}

// tested is a case and what came of it, or a file that could not be read.
type tested struct {
	file string
	// test is nil for a file that could not be read.
	test      *cases.Case
	workloads []*workload
	// outcomes are those of the workloads.
	outcomes []author.Outcome
	// problems are why it could not be decided.
	problems []error
}

func (t *tested) failed() bool {
	return slices.ContainsFunc(t.outcomes, func(o author.Outcome) bool { return !o.Passed() })
}

func (t *tested) passed() bool { return len(t.problems) == 0 && !t.failed() }

func (a *app) runCase(c *cases.Case) *tested {
	t := &tested{file: c.Position().File, test: c}
	var set policy.Set
	set, t.problems = policiesOfCase(c)
	pods, problems := a.podsOfCase(c)
	if t.problems = append(t.problems, problems...); len(t.problems) > 0 {
		return t
	}
	t.workloads = pods
	question := author.Case{Name: c.Name, Workloads: make([]podfence.Workload, len(pods)), Level: c.Level, Policies: set, Expect: c.Expect}
	for i := range pods {
		question.Workloads[i] = pods[i].held
	}
	outcomes, err := question.Run()
	t.outcomes, t.problems = outcomes, parts(err)
	return t
}

// problemIn is an error about what a file of tests names.
func problemIn(in *cases.Input, problem, fix string) error {
	return policy.Error{File: in.File, Line: in.Line, Field: in.Field, Problem: problem, Fix: fix}
}

// policiesOfCase reads the policies of a case, at its time and with its namespaces.
func policiesOfCase(c *cases.Case) (policy.Set, []error) {
	var policies []policy.Policy
	var problems []error
	for i := range c.Policies {
		found, err := policiesIn(&c.Policies[i])
		policies, problems = append(policies, found...), append(problems, parts(err)...)
	}
	if errs := clashes(policies); len(problems) == 0 && len(errs) > 0 {
		problems = parts(errs)
	}
	if len(problems) > 0 {
		return policy.Set{}, problems
	}
	set, err := policy.NewSet(policies...)
	if !c.At.IsZero() {
		set = set.At(c.At)
	}
	if c.NamespaceLabels != nil {
		set = set.WithNamespaces(func(namespace string) (map[string]string, bool) {
			labels, known := c.NamespaceLabels[namespace]
			return labels, known
		})
	}
	return set, parts(err)
}

func policiesIn(in *cases.Input) (policies []policy.Policy, err error) {
	if in.Text != nil {
		policies, err = policy.Parse(in.Text, in.File)
		for i := range policies {
			if policies[i].Source.Lines["name"] == 0 {
				return nil, problemIn(in, "a policy that is written out has no name", "write one, as in name: route-manager")
			}
		}
		return policies, err
	}
	names, err := manifest.Files([]string{in.Path}, false, notInput...)
	if err != nil {
		return nil, problemIn(in, err.Error(), "write the path of policies, relative to this file")
	}
	for _, name := range names {
		data, wrong := os.ReadFile(name)
		var found []policy.Policy
		if wrong == nil {
			found, wrong = policy.Parse(data, name)
		}
		policies, err = append(policies, found...), errors.Join(err, wrong)
	}
	if err == nil && len(policies) == 0 {
		err = problemIn(in, "holds no policy", "write the path of policies, relative to this file")
	}
	return policies, err
}

// podsOfCase reads the pods of a case. Each of its entries has to hold one.
func (a *app) podsOfCase(c *cases.Case) (found []*workload, problems []error) {
	for i := range c.Pods {
		in := &c.Pods[i]
		pods, errs := a.podsIn(in, c.Namespace)
		if len(pods) == 0 && len(errs) == 0 {
			errs = []error{problemIn(in, "there is no pod here, and nothing that makes pods", "write a pod, or a workload with a pod template")}
		}
		found, problems = append(found, pods...), append(problems, errs...)
	}
	return found, problems
}

func (a *app) podsIn(in *cases.Input, namespace string) (found []*workload, problems []error) {
	if in.Text != nil {
		return a.podsOf(bytes.NewReader(in.Text), in.File, namespace)
	}
	names, err := manifest.Files([]string{in.Path}, false, notInput...)
	if err != nil {
		return nil, []error{problemIn(in, err.Error(), "write the path of manifests, relative to this file")}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		pods, errs := a.podsOf(f, name, namespace)
		f.Close()
		found, problems = append(found, pods...), append(problems, errs...)
	}
	return found, problems
}

// podsOf are the workloads of a text. Each field has to be one that its kind has: what a misspelt one was to say would
// not be tested.
func (a *app) podsOf(r io.Reader, path, namespace string) (found []*workload, problems []error) {
	s := &scan{app: a}
	for c, err := range manifest.ReadWithin(r, path, manifest.DefaultLimit) {
		for _, err := range []error{err, c.Err} {
			if err != nil {
				problems = append(problems, err)
			}
		}
		for i := range c.Objects {
			c.Objects[i].GiveNamespace(namespace)
			pods, err := s.find(path, &c.Objects[i])
			for j := range pods {
				pods[j].path = path
				for k := range pods[j].unknown {
					problems = append(problems, pods[j].unknownField(&pods[j].unknown[k], "", false))
				}
			}
			found, problems = append(found, pods...), append(problems, parts(err)...)
		}
	}
	return found, problems
}

// testPrinter prints cases in one of the forms.
type testPrinter interface {
	print(*tested) error
	end() error
}

func (a *app) newTestPrinter(form string) testPrinter {
	count := testCount{files: map[string]bool{}}
	switch form {
	case "text":
		return &testText{app: a, look: lookOf(a.stdout), testCount: count}
	case "json":
		return testJSON{a}
	}
	return &testFindings{app: a, printer: a.printer(form, rules.OfTests(), ""), log: form == "github", testCount: count}
}
