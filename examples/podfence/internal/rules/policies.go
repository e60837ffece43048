package rules

import (
	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/policy"
)

// OfPolicies are the rules of findings about policies.
func OfPolicies() []finding.Rule {
	tags := []string{"kubernetes", "policy"}
	list := []finding.Rule{{
		ID: PolicyError, Title: "An error in a policy", Description: "A policy with an error is not used, and nothing is judged with the others either.",
		Help: "Correct what the message names.", Markdown: "Correct what the message names.",
		URI: docs + "policies.md", Severity: finding.Error, Tags: tags,
	}}
	for _, w := range warnings {
		help := w.description + " The message says what to write instead."
		list = append(list, finding.Rule{
			ID: string(w.reason), Title: w.title, Description: w.description, Help: help, Markdown: help,
			URI: docs + "policies.md", Severity: finding.Warning, Tags: tags,
		})
	}
	return list
}

// warnings are those of policy.Lint.
var warnings = []struct {
	reason             policy.WarningReason
	title, description string
}{
	{policy.WarnNoEffect, "A policy without effect", "The policy can never differ from the default policy, plain restricted."},
	{policy.WarnNarrowsVolumes, "A policy that only narrows volumes", "The policy differs from the default policy only in volume types that it refuses and restricted allows."},
	{policy.WarnHostPathVolume, "hostPath in volumes", "The list of volumes has hostPath, which only allowedHostPaths allow, and there are none."},
	{policy.WarnRefusesTokens, "Volumes without projected", "The policy refuses every pod to which ServiceAccount admission adds its token."},
	{policy.WarnEverything, "Everything is allowed", "An entry of a list stands for all that the list may hold."},
	{policy.WarnWideHostPath, "A wide host path", "A host path covers places of the node from which its pods rule the node."},
	{policy.WarnEveryNamespace, "The node is open in every namespace", "The policy opens the node and names no namespace, so that whoever may create a pod anywhere may label it as one of the policy's."},
	{policy.WarnUnknownCapability, "An unknown capability", "Linux has no such capability."},
	{policy.WarnNoSuchHost, "A probe host that no probe can name", "Hosts are compared as they are written, so that a pattern, a network, a URL or a port allows none."},
	{policy.WarnMergedGroups, "Groups of the image", "Ranges of supplementalGroups hold for the groups of the manifest alone, while the rule does not demand Strict."},
	{policy.WarnNamesAlone, "Containers told by names alone", "An entry for single containers gives names and no images, and names are chosen by whoever writes the pod."},
	{policy.WarnNoRegistry, "An image without a registry", "The image is one of docker.io."},
	{policy.WarnLatestImage, "The tag latest", "What image the tag latest is changes without a word."},
	{policy.WarnWideImage, "A pattern across names of images", "The * stands within a name, so that other names that begin so match too."},
	{policy.WarnGrantsNothing, "An entry that grants nothing", "An entry for single containers allows nothing and fills nothing in."},
	{policy.WarnUnusableGrant, "A grant that no pod can use", "The policy grants a namespace or the network of the host, and demands a user namespace, beside which the API refuses them."},
	{policy.WarnNotInWelkin, "Keys that Welkin's chart does not know", "The policy stands in a Welkin values file and has keys that hold for podfence alone."},
	{policy.WarnSelectsNothing, "A policy that selects nothing", "No labels meet the selector of the policy."},
	{policy.WarnOverlap, "Policies that overlap", "Several policies can select one pod: they are tried in order of name, and their grants never add up."},
}
