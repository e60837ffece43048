package rules

import (
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/finding"
)

// OfTests are the rules of findings about tests of policies.
func OfTests() (list []finding.Rule) {
	for _, row := range aspects {
		help := row.description + " The message says what is expected and what was got. Correct the policy, or what the case expects of it."
		list = append(list, finding.Rule{
			ID: OfAspect(row.about), Title: row.title, Description: row.description, Help: help, Markdown: help,
			URI: docs + "testing-policies.md", Severity: finding.Error, Tags: []string{"kubernetes", "policy"},
		})
	}
	return append(list, undecided)
}

// OfAspect is the ID of the rule of what is not as a case expects it.
func OfAspect(about author.Aspect) string { return "expect." + string(about) }

// aspects are what a case may expect.
var aspects = []struct {
	about              author.Aspect
	title, description string
}{
	{author.AspectVerdict, "Another verdict", "The workload is expected to be allowed and is denied, or the other way round."},
	{author.AspectPolicy, "Another policy governs", "The workload is governed by another policy than the one that is expected."},
	{author.AspectViolations, "Other violations", "What stands against the workload is not what is expected to stand."},
	{author.AspectExcused, "Other excuses", "What the policy excuses is not what it is expected to excuse."},
	{author.AspectFilled, "Other fields filled in", "A field is not filled in as it is expected to be."},
	{author.AspectUnchanged, "Fields filled in", "Fields of a workload are filled in that is expected to stay unchanged."},
}
