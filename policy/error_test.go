package policy

import "testing"

// TestErrorIsPrintable: what a file holds cannot begin a line of its errors, or
// speak to a terminal there; the lines that show what to write are lines still.
func TestErrorIsPrintable(t *testing.T) {
	for _, row := range []struct {
		why  string
		err  error
		want string
	}{
		{"the name of a file is anybody's", Error{File: "a\nb.yaml\x1b", Line: 3, Problem: "p"}, `a\nb.yaml\x1b:3: p`},
		{"a key is the file's", Error{File: "a", Field: "allow.x\u202ey", Problem: "unknown key", Fix: "remove it"}, `a: allow.x\u202ey: unknown key; remove it`},
		{"the YAML library quotes the file", Error{Problem: "this is no YAML: a\r\nb"}, `this is no YAML: a\r\nb`},
		{"lines to write are indented", Error{Problem: "p", Fix: "indent it:\n  a:\n    b: \x7f"}, "p; indent it:\n  a:\n    b: \\x7f"},
		{"a line that is not indented is not ours", Error{Problem: "p", Fix: "write a\nallowed"}, `p; write a\nallowed`},
		{"of several errors each is its own", Errors{{Problem: "a\nb"}, {Problem: "c"}}, "a\\nb\nc"},
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
	if got, want := (Position{File: "a\nb", Line: 1}).String(), `a\nb:1`; got != want {
		t.Errorf("a position is %q, want %q", got, want)
	}
	w := Warning{Reason: WarnNoEffect, Policy: Reference{Name: "a\nb", Position: Position{File: "c\nd", Line: 1}}}
	if got := w.String(); got[:len(`c\nd:1: warning: policy a\nb `)] != `c\nd:1: warning: policy a\nb ` {
		t.Errorf("a warning is %q", got)
	}
}
