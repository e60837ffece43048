package cases

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/author"
)

// kind is what may stand at a place of a file.
type kind int

const (
	block   kind = iota + 1 // keys that are known
	list                    // of entries of one form
	labels                  // keys that are texts, with values of one form
	text                    // of one line
	flag                    // true, and never false: leave it out
	value                   // a boolean, a number, a text, or a list of them
	foreign                 // a mapping of another format, which somebody else reads
)

// form is what may stand at one place of a file.
type form struct {
	kind kind
	// keys are those of a block.
	keys []formKey
	// entry is what each entry of a list is, or each value of labels.
	entry *form
	// needsEntry: a list without an entry says nothing.
	needsEntry bool
	// instead is what may stand in place of a block or a foreign mapping: a text. Nil: nothing.
	instead *form
	// words are all that a text may be. Nil: others too.
	words []string
	// pattern is what a text must match, in what Go and ECMAScript have in common.
	pattern string
	// mayBeEmpty: the text "" means something.
	mayBeEmpty bool
	// fix says what to write instead of a text that does not match.
	fix string
	// check finds what a pattern does not. Nil: nothing more is asked.
	check func(text string) error
}

// formKey is a key of a block.
type formKey struct {
	name string
	// doc says what it is for: a sentence for people.
	doc      string
	required bool
	form     *form
}

const namespacePattern = `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`

// settingKeys are those that a file may have for all its cases, and a case for itself.
var settingKeys = []formKey{
	{name: "policies", doc: "The policies in force: paths of files and directories, relative to this file, or policies written out. Without any, the default policy governs every pod.", form: &form{
		kind: list, entry: &form{kind: foreign, instead: pathForm},
	}},
	{name: "level", doc: "The level of the Pod Security Standards. Default: restricted.", form: &form{
		kind: text, words: []string{"privileged", "baseline", "restricted"},
	}},
	{name: "version", doc: "The version of the standards: latest, or a minor version of Kubernetes, as in v1.35. Default: latest.", form: &form{
		kind: text, pattern: `^(latest|v1\.(0|[1-9][0-9]*))$`, fix: "write latest, or a minor version of Kubernetes, as in v1.35", check: checkVersion,
	}},
	{name: "namespace", doc: "The namespace of pods that name none.", form: namespaceForm},
	{name: "namespaceLabels", doc: "The labels of namespaces, by their names, for policies that select namespaces by them. The labels of one that is not named are not known.", form: &form{
		kind: labels, entry: &form{kind: labels, entry: &form{kind: text, mayBeEmpty: true, fix: "write a value of a label"}},
	}},
	{name: "at", doc: "The time of the answer, for policies that expire: a day as in 2026-12-31, or a time as in 2026-12-31T08:00:00Z. Without it no policy has expired.", form: &form{
		kind: text, pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$`, fix: fixTime, check: func(text string) error { _, err := parseTime(text); return err },
	}},
}

var pathForm = &form{kind: text, fix: fixPath, check: func(text string) error {
	if text == "-" {
		return errors.New("standard input cannot be named here")
	}
	return nil
}}

var namespaceForm = &form{kind: text, pattern: namespacePattern, fix: "write lower-case letters, digits and -, at most 63 of them"}

const (
	fixPath = "write the path of a file, relative to this one"
	fixTime = "write a day, as in 2026-12-31, or a time, as in 2026-12-31T08:00:00Z, in quotes"
)

// fileForm is the form of a file.
var fileForm = &form{kind: block, keys: append(slices.Clone(settingKeys),
	formKey{name: "cases", required: true, doc: "The tests.", form: &form{kind: list, needsEntry: true, entry: &form{kind: block, keys: slices.Concat([]formKey{
		{name: "name", required: true, doc: "What is claimed. Each case of a file has a name of its own.", form: &form{kind: text, fix: "write what is claimed, in one line"}},
		{name: "pods", required: true, doc: "What the claim is about: paths of manifests, relative to this file, or manifests written out. Every workload is held to it: pods, and objects that make pods.", form: &form{
			kind: list, needsEntry: true, entry: &form{kind: foreign, instead: pathForm},
		}},
	}, settingKeys, []formKey{{name: "expect", required: true, doc: "What is claimed of the answer of podfence admit. What it does not speak of may be anything.", form: expectForm}})}}},
)}

// expectForm has a key for each aspect of an answer.
var expectForm = &form{kind: block, keys: []formKey{
	{name: string(author.AspectVerdict), doc: "Whether the workload may run, as filled in: allowed or denied.", form: &form{
		kind: text, words: []string{string(author.Allowed), string(author.Denied)},
	}},
	{name: string(author.AspectPolicy), doc: `The policy that governs it: its name, or "" where no policy selects it, so that the default one does.`, form: &form{
		kind: text, mayBeEmpty: true, fix: `write the name of a policy, or "" for the default one`,
		check: func(text string) error { return policyName(text) },
	}},
	{name: string(author.AspectViolations), doc: "All that stands against it, by the IDs of checks and of policies' own rules: hostNamespaces, allow.volumes. [] is nothing.", form: idsForm},
	{name: string(author.AspectExcused), doc: "All violations that grants of the policy excuse. [] is none.", form: idsForm},
	{name: string(author.AspectFilled), doc: "Fields that are filled in, and their values. Others may be filled in too.", form: &form{
		kind: list, needsEntry: true, entry: &form{kind: block, keys: []formKey{
			{name: "field", required: true, doc: "The path of the field, as podfence admit prints it: spec.containers[0].securityContext.runAsNonRoot.", form: fieldForm},
			{name: "value", required: true, doc: "What it is filled with.", form: &form{kind: value}},
		}},
	}},
	{name: string(author.AspectUnchanged), doc: "true: nothing is filled in.", form: &form{kind: flag}},
}}

var (
	idForm    = &form{kind: text, words: author.IDs()}
	fieldForm = &form{kind: text, fix: "write the path of a field, as in spec.hostPID"}
	idsForm   = &form{kind: list, entry: &form{kind: block, instead: idForm, keys: []formKey{
		{name: "id", required: true, doc: "The ID of the check, or of the policy's own rule.", form: idForm},
		{name: "field", doc: "The path of the field, as podfence admit prints it: spec.template.spec.hostPID. Without it, every field is meant.", form: fieldForm},
	}}}
)

func checkVersion(text string) error {
	_, err := api.ParseVersion(text)
	return err
}

func policyName(text string) error {
	if text != "" && len(validation.IsDNS1123Subdomain(text)) > 0 {
		return fmt.Errorf("%q is no name of a policy", text)
	}
	return nil
}

// parseTime reads a day, which begins at midnight of UTC, or a time.
func parseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		err = fmt.Errorf("%q is no day and no time", text)
	}
	return t, err
}

// wrong says what is wrong with a text, "" if nothing is.
func (f *form) wrong(text string) string {
	switch {
	case text == "" && f.mayBeEmpty:
		return ""
	case text == "":
		return "is empty"
	case f.words != nil && !slices.Contains(f.words, text):
		return quoted(text) + " is none of what may stand here"
	case f.pattern != "" && !regexp.MustCompile(f.pattern).MatchString(text):
		return quoted(text) + " does not fit"
	case f.check != nil:
		if err := f.check(text); err != nil {
			return err.Error()
		}
	}
	return ""
}
