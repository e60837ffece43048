package yamledit

import "testing"

// TestReplacements: for every row of the table, making the replacements by hand
// gives what Insert gives, and no two of them touch the same bytes.
func TestReplacements(t *testing.T) {
	made := 0
	for _, row := range table {
		list, err := Replacements([]byte(row.src), row.edits)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		out, done := "", 0
		for _, r := range list {
			if r.Offset < done || r.Text == "" {
				t.Errorf("%s: %+v comes after byte %d", row.name, r, done)
				break
			}
			out += row.src[done:r.Offset] + r.Text
			done = r.Offset + r.Removed
			made++
		}
		if out += row.src[done:]; out != row.want {
			t.Errorf("%s: the replacements make\n%s\nwant\n%s", row.name, out, row.want)
		}
	}
	if made < len(table) {
		t.Errorf("%d replacements in %d rows", made, len(table))
	}
	if _, err := Replacements([]byte("a: 1\n"), []Edit{{Path: []string{"a", "b"}, Value: true}}); err == nil {
		t.Error("an edit that cannot be made has no error")
	}
}
