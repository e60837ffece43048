package main

import (
	"crypto/sha256"
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
	read, err := readPolicies(paths, recursive)
	if err != nil {
		return policy.Set{}, err
	}
	return a.setOf(read)
}

// setOf is the policies that were read as a set, if none has an error.
func (a *app) setOf(read policyFiles) (policy.Set, error) {
	for _, e := range read.errs {
		a.progress.clear()
		fmt.Fprintln(a.stderr, e.Error()) // printable, and its fix may have several lines
		a.worsen(statusUndecided)
	}
	if len(read.errs) > 0 {
		return policy.Set{}, errPolicies
	}
	return policy.NewSet(read.policies...)
}

// policyFiles is what files of policies hold.
type policyFiles struct {
	// policies are those that are right.
	policies []policy.Policy
	names    []string
	// digest is the SHA-256 of the files, one behind the other.
	digest []byte
	errs   policy.Errors
}

// readPolicies reads the policies of files and directories. The error is that of a
// path that cannot be read.
func readPolicies(paths []string, recursive bool) (read policyFiles, err error) {
	for _, path := range paths {
		if path == manifest.Stdin {
			return read, usagef("--policies -: policies are read from files; standard input is for manifests")
		}
	}
	if read.names, err = manifest.Files(paths, recursive, notInput...); err != nil {
		return read, err
	}
	digest := sha256.New()
	for _, name := range read.names {
		data, err := os.ReadFile(name)
		if err != nil {
			return read, err
		}
		digest.Write(data)
		found, err := policy.Parse(data, name)
		read.policies, read.errs = append(read.policies, found...), append(read.errs, listOf(err)...)
	}
	read.digest = digest.Sum(nil)
	read.errs = append(read.errs, clashes(read.policies)...)
	return read, nil
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
