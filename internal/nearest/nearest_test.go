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

// TestSlip: which words differ by a slip of the pen.
func TestSlip(t *testing.T) {
	for _, row := range []struct {
		name, why, a, b string
		want            bool
	}{
		{"the same", "nothing slipped", "manager", "manager", false},
		{"a letter missing", "in the middle", "manger", "manager", true},
		{"a letter missing at the end", "as anywhere", "manage", "manager", true},
		{"a letter missing at the front", "as anywhere", "anager", "manager", true},
		{"a letter for another", "one", "monager", "manager", true},
		{"two letters for others", "two slips", "moneger", "manager", false},
		{"two letters missing", "two slips", "maner", "manager", false},
		{"neighbours swapped", "one slip", "mnaager", "manager", true},
		{"letters swapped that are no neighbours", "two slips", "gamaner", "manager", false},
		{"another of a series", "a digit tells two things apart", "redis-1", "redis-2", false},
		{"the first of a series", "a digit tells two things apart", "redis", "redis2", false},
		{"a digit that is the same", "it tells nothing", "redis2-man", "redis2-mam", true},
		{"short words", "they differ by a letter anyway", "web", "wed", false},
		{"a short word and a longer one", "the same", "web", "webs", false},
		{"a letter twice", "one too many", "webserver", "webbserver", true},
		{"no word", "nothing was written", "", "manager", false},
	} {
		if got := Slip(row.a, row.b); got != row.want || Slip(row.b, row.a) != row.want {
			t.Errorf("%s: %q and %q differ by a slip: %v, %s", row.name, row.a, row.b, got, row.why)
		}
	}
}
