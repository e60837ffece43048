package main

import (
	"bytes"
	"errors"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/policy"
)

// source is a policy and where it stands.
type source struct {
	policy.Policy
	file string
	line int
}

// policySet reads the policies of --policies. All their errors are printed, and
// then none is used.
func (a *app) policySet(paths []string, recursive bool) (policy.Set, error) {
	sources, _, errs, err := readPolicies(paths, recursive)
	if err != nil {
		return policy.Set{}, err
	}
	for _, e := range errs {
		a.problem("%v", e)
	}
	if len(errs) > 0 {
		return policy.Set{}, errPolicies
	}
	policies := make([]policy.Policy, len(sources))
	for i := range sources {
		policies[i] = sources[i].Policy
	}
	return policy.NewSet(policies...)
}

// readPolicies reads the policies of files and directories: those that are
// right, the number of files, and everything that is wrong with the others. The
// error is that of a path that cannot be read.
func readPolicies(paths []string, recursive bool) (sources []source, files int, errs policy.Errors, err error) {
	for _, path := range paths {
		if path == manifest.Stdin {
			return nil, 0, nil, usagef("--policies -: policies are read from files; standard input is for manifests")
		}
	}
	names, err := manifest.Files(paths, recursive)
	if err != nil {
		return nil, 0, nil, err
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, nil, err
		}
		found, wrong := parsePolicies(data, name)
		sources, errs = append(sources, found...), append(errs, wrong...)
	}
	return sources, len(names), append(errs, duplicates(sources)...), nil
}

func parsePolicies(data []byte, file string) (sources []source, errs policy.Errors) {
	policies, err := policy.Parse(data, file)
	if err != nil {
		if !errors.As(err, &errs) {
			errs = policy.Errors{{File: file, Problem: err.Error()}}
		}
		return nil, errs
	}
	lines := policyLines(data)
	for i := range policies {
		s := source{Policy: policies[i], file: file}
		if len(lines) == len(policies) {
			s.line = lines[i]
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// duplicates finds policies of one name in one namespace in several files, as
// policy.NewSet would, and says where they stand. Those of one file are Parse's
// to find.
func duplicates(sources []source) (errs policy.Errors) {
	type key struct{ namespace, name string }
	first := map[key]*source{}
	for i := range sources {
		s := &sources[i]
		k := key{s.Namespace, s.Name}
		if s.Name == "" {
			errs = append(errs, policy.Error{
				File: s.file, Line: s.line, Field: "name",
				Problem: "missing, and the name of the file is no name for a policy", Fix: "write one, as in name: route-manager",
			})
			continue
		}
		if before, again := first[k]; again {
			errs = append(errs, policy.Error{
				File: s.file, Line: s.line, Policy: s.Name, Field: "name",
				Problem: "a policy named " + s.title() + " stands in " + before.where() + " already", Fix: "give one of them another name",
			})
			continue
		}
		first[k] = s
	}
	return errs
}

// policyLines are the lines on which the policies of a file begin, in the order
// of policy.Parse: a document each, or in a Welkin values file the keys
// constraints.<namespace>.<name>.
func policyLines(data []byte) (lines []int) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if decoder.Decode(&doc) != nil {
			return lines
		}
		if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
			continue
		}
		root := doc.Content[0]
		constraints := child(root, "constraints")
		if constraints == nil {
			lines = append(lines, firstLine(root))
			continue
		}
		for i := 1; i < len(constraints.Content); i += 2 {
			namespace := constraints.Content[i]
			for j := 0; j+1 < len(namespace.Content); j += 2 {
				lines = append(lines, namespace.Content[j].Line)
			}
		}
	}
}

// firstLine is the line of a mapping's first key.
func firstLine(mapping *yaml.Node) int {
	if len(mapping.Content) > 0 {
		return mapping.Content[0].Line
	}
	return mapping.Line
}

// child is the value of a key, nil if there is none.
func child(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
