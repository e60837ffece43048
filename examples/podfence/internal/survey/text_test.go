package survey

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"k8s.io/pod-security-admission/api"
)

// TestTextFits: no line is longer than a terminal of 80 columns is wide, unless it is one word, and none holds what a
// terminal would obey.
func TestTextFits(t *testing.T) {
	c := NewCollector(api.LatestVersion(), agents(t))
	long := strings.Repeat("a-long-name-", 5) + "abc"
	for _, namespace := range []string{"ns", long, "x" + long[1:], "team-with-a-name"} {
		for _, o := range objects(t, strings.Join([]string{
			pod("a", "labels: {app: agent}", "hostNetwork: true"), pod(long, "", "hostPID: true"), made("apps/v1", "StatefulSet", long, "", ""), pod("b", "", ""),
		}, "\n---\n")) {
			o.Owner.Namespace = namespace
			c.Add(o)
		}
		c.AddNamespace(namespace, map[string]string{api.EnforceLevelLabel: "baseline"})
	}
	for _, o := range objects(t, compliantPod) {
		c.Add(o)
	}
	for r := range 40 {
		for _, o := range objects(t, compliantPod) {
			o.Owner.Namespace = "namespace-" + strings.Repeat("x", r)
			c.Add(o)
		}
	}
	lines := 0
	for _, r := range []*Report{c.Report(), hostileReport()} {
		var b strings.Builder
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			lines++
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > width && strings.Contains(strings.TrimSuffix(strings.TrimSpace(line), ` \`), " ") {
				t.Errorf("%d characters: %q", utf8.RuneCountInString(line), line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not printable: %q", line)
			}
		}
	}
	if lines < 200 {
		t.Errorf("%d lines", lines)
	}
}

// TestTextKeepsNames: where lines are filled word by word, a name keeps what is odd in it, escaped.
func TestTextKeepsNames(t *testing.T) {
	var b strings.Builder
	if err := hostileReport().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const escaped = `line\nbreak\u2028\u202e\u200b\x00\x1b[2J`
	for _, where := range []string{"\n" + escaped + "\n", "\n" + escaped + ": 1 workload, 1 pod\n", "      Pod/" + escaped + "\n"} {
		if !strings.Contains(b.String(), where) {
			t.Errorf("the text does not hold %q:\n%s", where, &b)
		}
	}
}
