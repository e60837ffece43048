package nearest

import "testing"

// TestOf: which word is offered for one that is unknown.
func TestOf(t *testing.T) {
	words := []string{"volumes", "privileged", "procMounts", "name", "min", "allowedCapabilities", "readOnly", "hostPID"}
	for _, row := range []struct{ name, why, word, want string }{
		{"the word in another case", "keys are told apart by case", "PRIVILEGED", "privileged"},
		{"one letter of three", "a slip per three letters", "mim", "min"},
		{"two letters of three", "more than a slip", "mmm", ""},
		{"a letter missing", "the lengths may differ by a slip", "volume", "volumes"},
		{"a letter too many", "the other way round", "volumess", "volumes"},
		{"two of seven letters", "seven letters have two slips", "volumex", "volumes"},
		{"three letters too many", "the lengths differ by more", "minutes", ""},
		{"two letters swapped", "that is one slip", "nmae", "name"},
		{"its beginning", "four letters tell", "allowedCap", "allowedCapabilities"},
		{"too short a beginning", "three letters do not", "pri", ""},
		{"an empty key", "everything is as near to it", "", ""},
		{"a plural", "a letter too many, in another case", "hostpids", "hostPID"},
		{"one letter of three at the front", "where it stands does not matter", "xin", "min"},
		{"nothing like it", "a wrong offer is worse than none", "zzzzzz", ""},
	} {
		if got := Of(row.word, words); got != row.want {
			t.Errorf("%s: nearest to %q is %q, want %q: %s", row.name, row.word, got, row.want, row.why)
		}
	}
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"abc", "acb", 1}, {"abcd", "badc", 2}, {"xab", "xba", 1}, {"kitten", "sitting", 3}, {"aab", "aba", 1}, {"abab", "baba", 2},
	} {
		if got := distance(row.a, row.b); got != row.want {
			t.Errorf("from %q to %q: %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
