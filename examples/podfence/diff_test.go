package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestUnifiedApplies holds three laws for texts of any kind, in pieces of any
// size: the diff applied to the old text gives the new one; within a piece it
// adds lines only, where the old ones are all in the new text; a hunk has at most three lines of
// context on each side of a change, and no two hunks could be one.
func TestUnifiedApplies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := drawPieces(t)
		var out, before, after bytes.Buffer
		u := newUnified(&out, "f", look{})
		for _, p := range pieces {
			before.WriteString(p.before)
			after.WriteString(p.after)
			if err := u.chunk([]byte(p.before), []byte(p.after)); err != nil {
				t.Fatal(err)
			}
		}
		if err := u.end(); err != nil {
			t.Fatal(err)
		}
		got, removed, err := applyUnified(before.String(), out.String())
		if err != nil || got != after.String() {
			t.Fatalf("the diff\n%s\nmakes of %q\n%q, want\n%q (%v)", &out, &before, got, &after, err)
		}
		if len(pieces) == 1 && isSubsequence(lines(before.Bytes()), lines(after.Bytes())) && removed > 0 {
			t.Fatalf("the diff of an insertion removes %d lines:\n%s", removed, &out)
		}
		if !slices.ContainsFunc(pieces, func(p piece) bool { return p.before != p.after }) && out.Len() > 0 {
			t.Fatalf("a diff of equal pieces:\n%s", &out)
		}
	})
}

type piece struct{ before, after string }

// drawPieces draws a text of few different lines, cut anywhere, in which some
// pieces are edited.
func drawPieces(t *rapid.T) []piece {
	alphabet := []string{"a\n", "b\n", "\n", "unique", "c\r\n", "  ", "d"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) piece {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 12).Draw(t, "text"), "")
		if rapid.IntRange(0, 2).Draw(t, "edit") > 0 {
			return piece{text, text}
		}
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		insert := strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 5).Draw(t, "insert"), "")
		end := min(len(text), at+rapid.IntRange(0, 3).Draw(t, "removed"))
		return piece{text, text[:at] + insert + text[end:]}
	}), 0, 8).Draw(t, "pieces")
}

// applyUnified applies a diff, and holds every number in it against the text.
func applyUnified(text, diff string) (out string, removed int, err error) {
	old := lines([]byte(text))
	var result []string
	next := 0
	body := lines([]byte(diff))
	for i := 0; i < len(body); {
		if strings.HasPrefix(body[i], "--- ") && len(result) == 0 && i == 0 {
			i += 2
			continue
		}
		var oldStart, oldCount, newStart, newCount int
		if _, err := fmt.Sscanf(body[i], "@@ -%d,%d +%d,%d @@\n", &oldStart, &oldCount, &newStart, &newCount); err != nil {
			return "", 0, fmt.Errorf("header %q: %w", body[i], err)
		}
		i++
		if oldCount == 0 {
			oldStart++
		}
		if newCount == 0 {
			newStart++
		}
		if oldStart-1 < next {
			return "", 0, fmt.Errorf("hunk at line %d after line %d", oldStart, next)
		}
		result = append(result, old[next:oldStart-1]...)
		next = oldStart - 1
		if len(result) != newStart-1 {
			return "", 0, fmt.Errorf("hunk at new line %d, want %d", newStart, len(result)+1)
		}
		var form strings.Builder
		for oldCount > 0 || newCount > 0 {
			kind, line := body[i][0], body[i][1:]
			i++
			if i < len(body) && strings.HasPrefix(body[i], `\ No newline`) {
				line = strings.TrimSuffix(line, "\n")
				i++
			}
			form.WriteByte(kind)
			if kind != '+' {
				if old[next] != line {
					return "", 0, fmt.Errorf("line %d is %q, want %q", next+1, old[next], line)
				}
				next++
				oldCount--
			}
			if kind != '-' {
				result = append(result, line)
				newCount--
			} else {
				removed++
			}
		}
		kinds := form.String()
		if strings.HasPrefix(kinds, "    ") || strings.HasSuffix(kinds, "    ") || strings.Contains(kinds, "       ") || strings.Trim(kinds, " ") == "" {
			return "", 0, fmt.Errorf("a hunk of the form %q", kinds)
		}
	}
	return strings.Join(append(result, old[next:]...), ""), removed, nil
}

// TestUnifiedLong: a long list of equal items without an anchor between them is
// compared in reasonable time, and adds lines only.
func TestUnifiedLong(t *testing.T) {
	before := strings.Repeat("- a\n  b\n", 50_000)
	after := strings.Repeat("- a\n  x\n  b\n", 50_000)
	var out bytes.Buffer
	u := newUnified(&out, "f", look{})
	if err := u.chunk([]byte(before), []byte(after)); err != nil {
		t.Fatal(err)
	}
	if err := u.end(); err != nil {
		t.Fatal(err)
	}
	got, removed, err := applyUnified(before, out.String())
	if err != nil || got != after || removed > 0 {
		t.Errorf("%d lines removed, right: %t, %v", removed, got == after, err)
	}
}

// TestUnifiedReplacesGap: beyond the bound of the table a gap is replaced.
func TestUnifiedReplacesGap(t *testing.T) {
	before := "first\n" + strings.Repeat("- {a}\n", 5000) + "last\n"
	after := "first\n" + strings.Repeat("- {a, b}\n", 5000) + "last\n"
	var out bytes.Buffer
	u := newUnified(&out, "f", look{})
	if err := u.chunk([]byte(before), []byte(after)); err != nil {
		t.Fatal(err)
	}
	if err := u.end(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := applyUnified(before, out.String()); err != nil || got != after {
		t.Errorf("right: %t, %v", got == after, err)
	}
}

// TestUnifiedBounded: a list in which all items change is divided into hunks,
// and the tools that apply diffs take them.
func TestUnifiedBounded(t *testing.T) {
	var before, after, out bytes.Buffer
	u := newUnified(&out, "f", look{})
	for i := range 3000 {
		item := fmt.Sprintf("- name: %d\n  # %s\n", i, strings.Repeat("x", 1000))
		before.WriteString(item)
		after.WriteString(item + "  new: true\n")
		if err := u.chunk([]byte(item), []byte(item+"  new: true\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.end(); err != nil {
		t.Fatal(err)
	}
	if hunks := strings.Count(out.String(), "\n@@ "); hunks != 3 {
		t.Errorf("%d hunks of %d bytes, want 3", hunks, out.Len())
	}
	if got, removed, err := applyUnified(before.String(), out.String()); err != nil || got != after.String() || removed > 0 {
		t.Errorf("right: %t, %d lines removed, %v", got == after.String(), removed, err)
	}
	for _, tool := range [][]string{{"patch", "-s", "-p1"}, {"git", "apply"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("%s is not installed", tool[0])
			continue
		}
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, before.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tool[0], tool[1:]...)
		cmd.Dir, cmd.Stdin = filepath.Dir(file), bytes.NewReader(out.Bytes())
		message, err := cmd.CombinedOutput()
		got, _ := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, after.Bytes()) {
			t.Errorf("%s: right: %t, %v\n%s", tool[0], bytes.Equal(got, after.Bytes()), err, message)
		}
	}
}

func TestDiffHeader(t *testing.T) {
	for name, want := range map[string]string{
		"a/x.yaml": "a/x.yaml", "a/x y.yaml": "a/x y.yaml\t", "a/\"x\"": `"a/\"x\""`, "a/x\n": `"a/x\n"`,
	} {
		if got := headed(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for path, want := range map[string]string{"-": "stdin", "/x/y": "x/y", "./x": "x", "x//y": "x/y"} {
		if got := slashed(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
