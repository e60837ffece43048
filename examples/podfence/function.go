package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
)

func (a *app) functionCommand() *cobra.Command {
	flags, how, judge := &inputFlags{}, mutateFlags{}, false
	cmd := &cobra.Command{
		Use:   "function [--policies FILE|DIR] [--allow-denied] [--evaluate]",
		Short: "Fill in or judge the items of a ResourceList, for Kustomize and kpt",
		Long: `Function reads a ResourceList on standard input and prints it with the fields that
mutate would fill in, and with a list of results: what was filled in (info), what may
not start or not work as meant (warning), and what stands against a workload (error).
With --evaluate it changes no item and judges the items as they are.

It follows the KRM Functions Specification, so that Kustomize and kpt run it as an
exec function. Its settings are flags: a functionConfig with more than apiVersion,
kind and metadata is refused.

If a workload is denied, the status is 1, and Kustomize builds nothing. With
--allow-denied denials are warnings: the cluster says no, where it must.
` + statusHelp,
		Example: `  podfence function --policies policies/ < resourcelist.yaml
  kustomize build --enable-alpha-plugins --enable-exec overlays/prod`,
		Args: noArguments,
	}
	flags.register(cmd)
	for _, name := range inputNames {
		_ = cmd.Flags().MarkHidden(name)
	}
	cmd.Flags().BoolVar(&how.allowDenied, "allow-denied", false, "status 0 also for workloads that are denied: their violations become warnings")
	cmd.Flags().BoolVar(&judge, "evaluate", false, "change nothing, and judge the items as they are")
	cmd.RunE = func(*cobra.Command, []string) error {
		for _, name := range inputNames {
			if cmd.Flags().Changed(name) {
				return usagef("--%s: a function reads its ResourceList from standard input, and nothing else", name)
			}
		}
		return a.function(flags, how, judge)
	}
	return cmd
}

// inputNames are the flags that name manifests, of which a function has none.
var inputNames = []string{"filename", "exclude", "skip-patches"}

// function runs over the ResourceList of standard input. It is held in memory as a
// whole: its results can stand behind its items only once all of them are known.
func (a *app) function(flags *inputFlags, how mutateFlags, judge bool) error {
	input, err := io.ReadAll(a.in)
	if err != nil {
		return err
	}
	if err := checkResourceList(input); err != nil {
		return err
	}
	flags.files, a.in = []string{manifest.Stdin}, bytes.NewReader(input)
	s, err := a.newScan(flags)
	if err != nil {
		return err
	}
	f := newFunction(s, how, judge)
	if err := s.visit(f); err != nil {
		return err
	}
	if s.requireWorkloads && s.workloads() == 0 {
		f.fail(&manifest.Object{}, errors.New("the list holds no workload, and --require-workloads demands one"))
	}
	output, err := f.list()
	if err != nil {
		return err
	}
	_, err = a.out.Write(output)
	return err
}

// function is the visitor that keeps the text of the list and collects the results.
type function struct {
	*mutation
	judge   bool
	text    bytes.Buffer
	results []functionResult
	// last is the item that the last result is about, and file the file of it: to
	// find it takes decoding the item.
	last *manifest.Object
	file *resultFile
}

func newFunction(s *scan, how mutateFlags, judge bool) *function {
	f := &function{judge: judge}
	sink := &functionSink{textSink: textSink{out: bufio.NewWriter(&f.text)}, tell: f.filledIn}
	f.mutation = &mutation{scan: s, sink: sink, edits: true, mutateFlags: how, undecidable: f.fail}
	return f
}

// functionSink writes the text of the list, and tells what was filled in.
type functionSink struct {
	textSink
	tell func(*addition)
}

func (s *functionSink) end(string, bool) error { return s.out.Flush() }

func (s *functionSink) mutated(path string, c *manifest.Chunk, after []byte, additions []*addition) error {
	for _, a := range additions {
		s.tell(a)
	}
	return s.textSink.mutated(path, c, after, additions)
}

func (f *function) chunk(path string, c *manifest.Chunk) error {
	if c.Err != nil {
		f.fail(&manifest.Object{}, c.Err)
	}
	if !f.judge {
		return f.mutation.chunk(path, c)
	}
	for i := range c.Objects {
		found, err := f.examine(path, &c.Objects[i])
		if err != nil {
			f.fail(&c.Objects[i], err)
		}
		for _, w := range found {
			f.judged(w)
		}
	}
	return f.sink.mutated(path, c, c.Raw, nil)
}

// judged says what stands against a workload as it is.
func (f *function) judged(w *workload) {
	f.warnUnknown(w, nil)
	a := evaluated(f.scan, w)
	allowed := a.result.Allowed()
	f.verdict(allowed)
	if !allowed {
		if !f.allowDenied {
			f.worsen(statusDenied)
		}
		f.say("%s: %s is denied: %s", w.where(), w.title(), a.result.Refusal())
	}
	f.notices(w, a.result)
	f.violations(w.Object, a.result)
	if a.stored != nil && allowed {
		f.add(w.Object, functionResult{Severity: severityWarning, Message: "as the API server would store it, it is denied: " + a.stored.Refusal()})
	}
}

// filledIn says what was filled in into a workload, and what stands against it.
func (f *function) filledIn(a *addition) {
	if len(a.operations) > 0 && !a.left {
		for _, c := range a.decision.Report.Changes() {
			f.add(a.Object, functionResult{
				Severity: severityInfo, Message: "filled in (" + c.Serves() + ")",
				Field: &resultField{Path: c.Location.String(), ProposedValue: written(c.Value)},
			})
		}
	}
	for _, advice := range a.decision.Advice() {
		f.add(a.Object, functionResult{Severity: severityWarning, Message: advice.String(), Field: fieldAt(advice.Location.String())})
	}
	f.notices(a.workload, &a.decision.Result)
	f.violations(a.Object, &a.decision.Result)
}

// checkResourceList reports input that is no ResourceList, or that asks for what
// function does not read.
func checkResourceList(input []byte) error {
	var list struct {
		APIVersion     string               `yaml:"apiVersion"`
		Kind           string               `yaml:"kind"`
		Results        []yaml.Node          `yaml:"results"`
		FunctionConfig map[string]yaml.Node `yaml:"functionConfig"`
	}
	if err := yaml.Unmarshal(input, &list); err != nil {
		return fmt.Errorf("the ResourceList on standard input cannot be read: %w", err)
	}
	if group, _, _ := strings.Cut(list.APIVersion, "/"); group != "config.kubernetes.io" || list.Kind != "ResourceList" {
		return usagef("standard input holds no ResourceList of config.kubernetes.io/v1: function is run by Kustomize or kpt; for manifests there is 'podfence mutate'")
	}
	if len(list.Results) > 0 {
		return usagef("the ResourceList has results already, which are for a function to write: remove them")
	}
	for key := range list.FunctionConfig {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata"}, key) {
			return usagef("functionConfig has the key %q, which podfence does not read: its settings are flags, under exec.args of the annotation config.kubernetes.io/function", key)
		}
	}
	return nil
}

// list is the text of the ResourceList with the results.
func (f *function) list() ([]byte, error) {
	if len(f.results) == 0 {
		return f.text.Bytes(), nil
	}
	values := make([]any, len(f.results))
	for i := range f.results {
		values[i] = f.results[i].value()
	}
	output, err := yamledit.Insert(f.text.Bytes(), []yamledit.Edit{{Path: []string{"results"}, Value: values}})
	if err != nil {
		return nil, fmt.Errorf("the results cannot be written into the ResourceList: %w", err)
	}
	return output, nil
}
