package baseline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/podfence/podfence/spec"
)

// Recorder gathers violations for a new baseline. It holds each once.
type Recorder struct{ keys map[Key]bool }

// Add puts a violation into the baseline.
func (r *Recorder) Add(k Key) {
	if r.keys == nil {
		r.keys = map[Key]bool{}
	}
	r.keys[k] = true
}

// Len is the number of entries.
func (r *Recorder) Len() int { return len(r.keys) }

const header = `# Violations that podfence %[1]s accepts with --baseline; any other fails.
# It excuses nothing in a cluster. --write-baseline writes it anew, without comments.
`

// Write writes the baseline of a command: an entry to a line, sorted, so that two of them are easily compared.
func (r *Recorder) Write(name, command string) error {
	return os.WriteFile(name, r.render(command), 0o666)
}

func (r *Recorder) render(command string) []byte {
	lines := make([]string, 0, len(r.keys))
	for k := range r.keys {
		lines = append(lines, k.line())
	}
	slices.Sort(lines)
	var b bytes.Buffer
	fmt.Fprintf(&b, header+"%s: %[1]s\n%[3]s:", command, keyCommand, keyAccepted)
	if len(lines) == 0 {
		b.WriteString(" []")
	}
	b.WriteString("\n" + strings.Join(lines, ""))
	return b.Bytes()
}

// line is an entry in YAML's flow style, with texts as JSON has them, of which YAML knows all.
func (k Key) line() string {
	var members []string
	for _, t := range k.texts() {
		if *t.value != "" {
			members = append(members, t.name+": "+quoted(*t.value))
		}
	}
	if k.Value != unset {
		members = append(members, keyValue+": "+escaped(k.Value))
	}
	return "- {" + strings.Join(members, ", ") + "}\n"
}

func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can always be encoded
	return escaped(strings.TrimSuffix(b.String(), "\n"))
}

// escaped is JSON with all that is not printable escaped as YAML does, which beyond U+FFFF differs from JSON.
func escaped(text string) string {
	if spec.Printable(text) == text {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
