package main

import (
	"bufio"
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/podfence/podfence/examples/podfence/internal/levels"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// TestFolded holds the laws of a folded line: it says the same words, no line is
// longer than the width but for one that is a single word, and none could have
// taken the first word of the next; a stream without a width gets it as it is.
func TestFolded(t *testing.T) {
	folds := 0
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé.:]{1,25}|[a-z.]{60}`), 1, 30).Draw(t, "words")
		lead := rapid.SampledFrom([]string{"", indent, indent + "  "}).Draw(t, "lead")
		between := rapid.SampledFrom([]string{" ", " ", "  "}).Draw(t, "between")
		text := lead + strings.Join(words, between)
		width := rapid.IntRange(0, 120).Draw(t, "width")
		column := rapid.IntRange(0, 20).Draw(t, "column")
		got := folded(text, width, column)
		if !slices.Equal(strings.Fields(got), words) || !strings.HasPrefix(got, lead+words[0]) {
			t.Fatalf("%q has become %q", text, got)
		}
		lines := strings.Split(got, "\n")
		if width < column+narrowest {
			if got != text {
				t.Fatalf("at width %d %q has become %q", width, text, got)
			}
			return
		}
		for i, line := range lines {
			if n := utf8.RuneCountInString(line); n > width && len(strings.Fields(line)) > 1 {
				t.Fatalf("line %d of %q has %d characters, width %d", i, got, n, width)
			}
			if i == 0 {
				continue
			}
			folds++
			first := strings.Fields(line)[0]
			if !strings.HasPrefix(line, strings.Repeat(" ", column)+first) {
				t.Fatalf("line %d of %q is not indented", i, got)
			}
			if above := utf8.RuneCountInString(lines[i-1] + between + first); above <= width {
				t.Fatalf("line %d of %q had room for %q, width %d", i-1, got, first, width)
			}
		}
	})
	if folds == 0 {
		t.Error("nothing was folded")
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// textOf is the answer to a manifest as a stream of a look shows it.
func textOf(t *testing.T, text string, l look, ask func(*scan, *workload) *answer) string {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: bufio.NewWriter(&out), stderr: &out}
	p := &answerPrinter{scan: &scan{app: a, levels: levels.NewFixed(restricted)}, ask: ask}
	p.form = &textForm{p, l}
	for c, err := range manifest.Read(strings.NewReader(text), "pod.yaml") {
		if err != nil {
			t.Fatal(err)
		}
		if err := p.chunk("pod.yaml", &c); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.finish(); err != nil {
		t.Fatal(err)
	}
	a.out.Flush()
	return out.String()
}

// TestTextLooks: a terminal shows the same words as a pipe does, with colours by
// what is said, each on one line, and with lines of its width.
func TestTextLooks(t *testing.T) {
	denied := strings.Replace(barePod, "spec:\n", "spec:\n  hostPID: true\n", 1)
	for _, ask := range []func(*scan, *workload) *answer{evaluated, admitted} {
		plain := textOf(t, barePod+"---\n"+denied, look{}, ask)
		if strings.Contains(plain, "\x1b") || !strings.Contains(plain, "hostPID is true, must be false or unset [hostNamespaces]; a policy could allow it: allow.hostPID: true\n") {
			t.Errorf("a pipe gets %q", plain)
		}
		colored := textOf(t, barePod+"---\n"+denied, look{color: true}, ask)
		if escape.ReplaceAllString(colored, "") != plain {
			t.Errorf("colours change the text:\n%s\n%s", colored, plain)
		}
		folded := textOf(t, barePod+"---\n"+denied, look{color: true, width: 70}, ask)
		if !slices.Equal(strings.Fields(escape.ReplaceAllString(folded, "")), strings.Fields(plain)) {
			t.Errorf("folding changes the text:\n%s\n%s", folded, plain)
		}
		for line := range strings.Lines(folded) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(escape.ReplaceAllString(line, "")); n > 70 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%d characters: %q", n, line)
			}
			if opened := strings.HasPrefix(line, "\x1b["); opened != strings.HasSuffix(line, reset) || strings.Contains(strings.TrimSuffix(line, reset), reset) {
				t.Errorf("the colour does not end with the line: %q", line)
			}
		}
	}
	colors := textOf(t, barePod+"---\n"+denied, look{color: true}, admitted)
	for _, want := range []string{
		bold + green + "pod.yaml:1 Pod/a: allowed, 8 fields filled in" + reset,
		bold + red + "pod.yaml:8 Pod/a: denied, 8 fields filled in" + reset,
		green + "    + spec.securityContext.fsGroup: 1  (mutations.fsGroup)" + reset,
		yellow + `    ! container "c": runAsNonRoot is true`,
		bold + "2 workloads: 1 allowed (1 may not start), 1 denied" + reset,
	} {
		if !strings.Contains(colors, want) {
			t.Errorf("no %q in %q", want, colors)
		}
	}
}
