package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/settings"
	"github.com/podfence/podfence/policy"
)

// notInput are the names of files that hold neither manifests nor policies, wherever they stand.
var notInput = append([]string{settings.Name}, testFilePatterns...)

// policySet reads the policies of --policies. All their errors are printed, and
// then none is used.
func (a *app) policySet(paths []string, recursive bool) (policy.Set, error) {
	policies, _, errs, err := readPolicies(paths, recursive)
	if err != nil {
		return policy.Set{}, err
	}
	for _, e := range errs {
		a.progress.clear()
		fmt.Fprintln(a.stderr, e.Error()) // printable, and its fix may have several lines
		a.worsen(statusUndecided)
	}
	if len(errs) > 0 {
		return policy.Set{}, errPolicies
	}
	return policy.NewSet(policies...)
}

// readPolicies reads the policies of files and directories: those that are
// right, the number of files, and everything that is wrong with the others. The
// error is that of a path that cannot be read.
func readPolicies(paths []string, recursive bool) (policies []policy.Policy, files int, errs policy.Errors, err error) {
	for _, path := range paths {
		if path == manifest.Stdin {
			return nil, 0, nil, usagef("--policies -: policies are read from files; standard input is for manifests")
		}
	}
	names, err := manifest.Files(paths, recursive, notInput...)
	if err != nil {
		return nil, 0, nil, err
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, 0, nil, err
		}
		found, err := policy.Parse(data, name)
		policies, errs = append(policies, found...), append(errs, listOf(err)...)
	}
	return policies, len(names), append(errs, clashes(policies)...), nil
}

// listOf is an error of package policy as the list that it is.
func listOf(err error) (errs policy.Errors) {
	if err != nil && !errors.As(err, &errs) {
		errs = policy.Errors{{Problem: err.Error()}}
	}
	return errs
}

// clashes finds policies without a name, and those whose name another file has
// given already. Those of one file are Parse's to find.
func clashes(policies []policy.Policy) (errs policy.Errors) {
	var named []policy.Policy
	for i := range policies {
		if policies[i].Name != "" {
			named = append(named, policies[i])
			continue
		}
		at := policies[i].Source.At("name")
		errs = append(errs, policy.Error{
			File: at.File, Line: at.Line, Field: "name",
			Problem: "missing, and the name of the file is no name for a policy", Fix: "write one, as in name: route-manager",
		})
	}
	_, err := policy.NewSet(named...)
	return append(errs, listOf(err)...)
}
