package levels

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// TestMayHold: no Namespace is overlooked, however it is written.
func TestMayHold(t *testing.T) {
	long := strings.Repeat("# pods\n", 10_000)
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"none", "{apiVersion: v1, kind: Pod, metadata: {namespace: a}}", false},
		{"nothing", "", false},
		{"plain", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", true},
		{"in a typed list", "{apiVersion: v1, kind: NamespaceList, items: [{metadata: {name: a}}]}", true},
		{"escaped in JSON", `{"apiVersion":"v1","kind":"\u004eamespace","metadata":{"name":"a"}}`, true},
		{"escaped in YAML", `{apiVersion: v1, kind: "\x4eamespace", metadata: {name: a}}`, true},
		{"over two lines", "apiVersion: v1\nkind: \"Name\\\n  space\"\nmetadata: {name: a}", true},
		{"by an alias", "apiVersion: v1\nx: &n Namespace\nkind: *n\nmetadata: {name: a}", true},
		{"behind a long text", long + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", true},
		{"a long text without", long, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook(UpstreamPrefix)
			for c, err := range manifest.Read(strings.NewReader(tt.text), "n.yaml") {
				if err != nil || c.Err != nil {
					t.Fatal(err, c.Err)
				}
				for i := range c.Objects {
					b.Add("n.yaml", &c.Objects[i])
				}
			}
			if held := b.Of("a").Source == Document; held != tt.want {
				t.Fatalf("the reader finds one: %t", held)
			}
			if got := MayHold(strings.NewReader(tt.text)); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
			// The word may be cut by every block.
			if got := MayHold(iotest.OneByteReader(strings.NewReader(tt.text))); got != tt.want {
				t.Errorf("byte by byte: %t, want %t", got, tt.want)
			}
		})
	}
	for cut := range len(kind) {
		text := strings.Repeat("-", 64<<10-cut) + kind
		if !MayHold(strings.NewReader(text)) {
			t.Errorf("cut behind %d letters it is overlooked", cut)
		}
	}
}
