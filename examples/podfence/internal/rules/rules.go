// Package rules describes the kinds of findings that commands have, as the tables of the library know them: a rule for
// each check of the standards, each rule of a policy's own, each advice and each warning about a policy.
package rules

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/internal/anchor"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// The IDs that no table of the library has.
const (
	// PolicyError is what keeps a policy from being used.
	PolicyError = "policyError"
	// UnknownField is a field that a workload's kind does not have.
	UnknownField = "unknownField"
)

// docs is where the pages of the documentation are read.
const docs = "https://github.com/podfence/podfence/blob/main/docs/"

// The scores of GitHub's code scanning (above 7 high, above 4 medium): a baseline check is about a known way to rule the
// node, a restricted one hardens beyond it.
const (
	baselineScore   = 8
	restrictedScore = 5
)

// OfWorkloads are the rules of findings about workloads, in the order of reports.
func OfWorkloads() (list []finding.Rule) {
	var checks []*spec.Check
	for _, control := range spec.Controls() {
		for i := range control.Checks {
			checks = append(checks, &control.Checks[i])
		}
	}
	slices.SortFunc(checks, func(a, b *spec.Check) int { return int(a.ID) - int(b.ID) })
	for _, check := range checks {
		list = append(list, ofCheck(check))
	}
	return slices.Concat(list, ofDemands(), ofAdvice(), ofNotices(), []finding.Rule{unknownField, undecided})
}

var (
	undecided = finding.Rule{
		ID: finding.UndecidedRule, Title: "Could not be decided", Severity: finding.Undecided,
		Description: "A document could not be read, or a workload could not be judged: nothing is said of whether it is allowed.",
		Help:        "Correct what the message names. Exit status 2 says that this was met.",
		Markdown:    "Correct what the message names. Exit status 2 says that this was met.",
		URI:         docs + "ci.md#exit-status", Tags: []string{"kubernetes"},
	}
	unknownField = finding.Rule{
		ID: UnknownField, Title: "Unknown field", Severity: finding.Warning,
		Description: "The workload's kind does not have the field: the API server drops it or refuses the manifest, and what was meant is unset.",
		Help:        "Write the field where the message says. --strict makes it status 2.",
		Markdown:    "Write the field where the message says. `--strict` makes it status 2.",
		URI:         docs + "ci.md#unknown-fields", Tags: []string{"kubernetes"},
	}
)

func ofCheck(check *spec.Check) finding.Rule {
	control, level := check.ID.Control(), check.ID.Level()
	score := float64(restrictedScore)
	if level == api.LevelBaseline {
		score = baselineScore
	}
	h := helpOf(check)
	return finding.Rule{
		ID: check.ID.String(), Title: control.Title + " (" + string(level) + ")", Description: control.Why,
		Help: h.text(), Markdown: h.markdown(),
		URI: docs + "controls.md#" + anchor.Of(control.Title), Severity: finding.Error, Score: score,
		Tags: []string{"security", "kubernetes", "pod-security", string(level)},
	}
}

// ofDemands are the rules that a policy may make of its own. Several rows of the library's table may have one key.
func ofDemands() (list []finding.Rule) {
	for _, d := range policy.Demands() {
		if id := d.Key.String(); !slices.ContainsFunc(list, func(r finding.Rule) bool { return r.ID == id }) {
			h := demandHelp(d.Key)
			list = append(list, finding.Rule{
				ID: id, Title: "A policy's own rule: " + id,
				Description: "The policy that governs the workload demands it under " + id + ", beyond the level.",
				Help:        h.text(), Markdown: h.markdown(), URI: docs + "controls.md#" + anchor.Of("A policy's own rules"),
				Severity: finding.Error, Score: restrictedScore, Tags: []string{"security", "kubernetes", "policy"},
			})
		}
	}
	return list
}

// advice is what is said of each concern.
var advice = []struct {
	about              mutate.Concern
	title, description string
}{
	{mutate.ImageUser, "May not start: the image's user", "Under runAsNonRoot the kubelet starts a container without runAsUser only if the USER of its image is a number other than 0."},
	{mutate.RefusedUser, "May not start: root under runAsNonRoot", "Under runAsNonRoot the kubelet refuses to start a container as UID 0."},
	{mutate.AddedCapabilities, "May not work: capabilities of a user other than root", "Kubernetes sets no ambient capabilities, so that the process of another user than root has those of its file alone."},
	{mutate.VolumeModes, "May not work: modes of files in volumes", "For the fsGroup that is filled in, the kubelet changes the group of a volume's files and widens their modes."},
	{mutate.WindowsNodes, "May not work: Windows nodes", "The pod selects Windows nodes and does not say spec.os.name, so that it is judged as one for Linux."},
}

// notices are what is said of policies that do not speak as they are written.
var notices = []struct {
	reason                   policy.NoticeReason
	title, description, help string
}{
	{policy.NoticeNamespaceUnknown, "A policy whose namespaces are not known", "A policy selects namespaces by their labels, and those of the workload's namespace are not known, so that it does not govern the workload.",
		"Put the Namespace document into the input, or list the namespaces in the policy."},
	{policy.NoticeExpired, "A policy that has expired", "A policy that selects the workload has expired, so that it grants nothing any more.",
		"Renew the policy, or remove it."},
	{policy.NoticeExpiryUnchecked, "A policy whose expiry is not checked", "A policy that selects the workload expires on a day, and which day it is was not asked, so that it grants what it is written to grant.",
		"Ask for a day."},
}

func ofNotices() (list []finding.Rule) {
	for _, n := range notices {
		list = append(list, finding.Rule{
			ID: string(n.reason), Title: n.title, Description: n.description, Help: n.help, Markdown: n.help,
			URI: docs + "policies.md", Severity: finding.Warning, Tags: []string{"kubernetes", "policy"},
		})
	}
	return list
}

func ofAdvice() (list []finding.Rule) {
	for _, a := range advice {
		help := a.description + " Nothing that is filled in can mend it."
		list = append(list, finding.Rule{
			ID: string(a.about), Title: a.title, Description: a.description, Help: help, Markdown: help,
			URI: docs + "ci.md#what-may-not-start", Severity: finding.Warning, Tags: []string{"kubernetes"},
		})
	}
	return list
}
