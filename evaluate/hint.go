package evaluate

import (
	"strings"

	"github.com/podfence/podfence/spec"
)

// Hint says what to write where the offending value only looks like one that is
// allowed: in another case, with other marks between its words, or with the
// prefix CAP_ of a capability. It is empty for any other value.
func (v Violation) Hint() string {
	if v.Check == 0 {
		return ""
	}
	var written []string
	switch value := v.Value.(type) {
	case string:
		written = []string{value}
	case []string:
		written = value
	}
	for _, meant := range allowedWords(v.Check, v.Field) {
		for _, w := range written {
			if hint := likeness(w, meant); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// allowedWords are the texts that a check allows a field to hold, in any of its
// revisions: the standard has never respelt one.
func allowedWords(id spec.CheckID, f spec.Field) (words []spec.Value) {
	checks := id.Control().Checks
	for i := range checks {
		for j := range checks[i].Revisions {
			if a := checks[i].Revisions[j].AllowedFor(f); a != nil && checks[i].ID == id {
				words = append(words, a.Values...)
			}
		}
	}
	return words
}

// likeness says what to write for a text that only looks like an allowed one.
func likeness(written string, meant spec.Value) string {
	switch {
	case meant.Text == "" || meant.Holds(written):
		return ""
	case meant.Op == spec.Begins:
		n := len(meant.Text)
		if len(written) > n && strings.EqualFold(written[:n], meant.Text) {
			return "begin with " + meant.Text
		}
		return ""
	case meant.Op == spec.Not || letters(written) != letters(meant.Text):
		return ""
	case strings.EqualFold(written, meant.Text) && meant.Text == strings.ToUpper(meant.Text):
		return "write " + meant.Text + " in capitals"
	default:
		return "write " + meant.Text
	}
}

// between are the marks that people set between the words of a value.
var between = strings.NewReplacer("/", "", "-", "", "_", "", " ", "")

// letters is a text without what two spellings of it may differ by.
func letters(text string) string {
	return between.Replace(strings.TrimPrefix(strings.ToLower(text), "cap_"))
}
