// Podfence judges Kubernetes manifests by the Pod Security Standards, fills in
// the security fields that their authors left unset, and checks the policies
// that allow a pod more than the standards do.
//
//	go install github.com/podfence/podfence/examples/podfence@latest
//	podfence admit -f examples/manifests --policies examples/policies
//
// In a clone, "go run -C examples/podfence . admit -f ../manifests" does the
// same without installing anything; but go run returns 1 for every exit status
// that is not 0.
//
// The rules are the library's. This program reads manifests as a stream, asks
// the library about each workload, and prints the answer:
//
//	evaluate.go  mutate.go  admit.go  lint.go  controls.go  config.go  version.go   one file a command
//	survey.go    the command of that name; internal/survey counts and renders
//	suggest.go   usage.go   the least policies that workloads need, and what they use
//	             of policies; suggesttext.go and usagetext.go print them
//	compare.go   policies held against each other; comparetext.go prints it
//	test.go      the command of that name; internal/cases reads its files, and testprint.go prints what came of them
//	review.go    the command of that name; package author of the library says what policies open
//	export.go    the command of that name; verify.go compares, by internal/drift
//	flags.go     what the commands are told
//	function.go  mutate and evaluate over a ResourceList, for Kustomize and kpt;
//	             functionresult.go is what it says of each item
//	config.go    what the configuration file says in place of flags
//	levels.go    levels by the labels of Namespace documents; levelanswer.go is
//	             what an answer says of them
//	scan.go      from files to workloads, one at a time; workload.go is one of them
//	kinds.go     workloads in objects of kinds that Kubernetes itself does not have
//	patches.go   what looks like a workload and is a patch of one
//	unknown.go   fields that the API types do not have
//	policies.go  the policies of --policies; clock.go when they are asked
//	answer.go    the answer about a workload as JSON and YAML; text.go as text,
//	             and page.go is how a terminal shows that
//	forms.go     the forms of -o for answers; findings.go those for what runs in CI,
//	             with the places of chunktext.go and the fixes of fixes.go
//	answerflags.go  which answers count and are printed, and what a baseline accepts
//	addition.go  a decision as an addition to the manifest's text
//	sinks.go     the forms in which mutate prints; objectjson.go is an object as
//	             JSON, and inplace.go rewrites files, owner_*.go and
//	             attributes_*.go with what a rename would lose
//	diff.go      the unified diff
package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much may be made before it is collected, in percent of what is in
// use: that is little, a document or a few, and to make it is most of the work.
const garbage = 300

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
