package manifest

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// generated is a reader that makes its text on the fly: before, then parts, then after.
type generated struct {
	before, part, comma, after string
	parts                      int
	rest                       string
	state                      int
}

func (g *generated) Read(p []byte) (int, error) {
	for g.rest == "" {
		switch {
		case g.state == 0:
			g.rest = g.before
		case g.state <= g.parts:
			g.rest = strings.ReplaceAll(g.part, "#", fmt.Sprint(g.state))
			if g.state > 1 {
				g.rest = g.comma + g.rest
			}
		case g.state == g.parts+1:
			g.rest = g.after
		default:
			return 0, io.EOF
		}
		g.state++
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

const (
	manyPods  = 12_000
	heapBound = 16 << 20
	// YAML takes longer to parse.
	bigYAMLPods = 2_500
)

var bigPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p#","labels":{"a":"` + strings.Repeat("x", 1600) + `"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`

// A list of any length needs memory for its largest item only, whatever the order of the list's members. The text is far
// larger than the bound on the live heap.
func TestJSONListMemory(t *testing.T) {
	for _, test := range []struct {
		name, reason string
		g            generated
		want         int
	}{
		{"kind first", "as a person writes it", generated{before: `{"kind":"List","apiVersion":"v1","items":[`, comma: ",", after: "]}"}, manyPods},
		{"alphabetical", "as kubectl writes it", generated{before: `{"apiVersion":"v1","items":[`, comma: ",\n", after: `],"kind":"List","metadata":{}}`}, manyPods},
		{"typed", "as the API server writes it", generated{before: `{"kind":"PodList","apiVersion":"v1","items":[`, comma: ",", after: "]}"}, manyPods},
		{"one after another", "a stream of objects", generated{comma: "\n"}, manyPods},
		{"array", "as jq .items writes it", generated{before: "[", comma: ",\n", after: "]"}, manyPods},
		{"broken", "the rest is passed, not held", generated{before: `{"a":1,"b":]`}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.g.part, test.g.parts = bigPod, manyPods
			heap, pods := drain(t, &test.g)
			if pods != test.want || heap > heapBound {
				t.Errorf("%s: %d pods, want %d; live heap %d MiB, want at most %d", test.reason, pods, test.want, heap>>20, heapBound>>20)
			}
			t.Logf("live heap %d KiB", heap>>10)
		})
	}
}

var bigYAMLPod = "- apiVersion: v1\n  kind: Pod\n  metadata:\n    labels:\n      a: " + strings.Repeat("x", 8000) + "\n    name: p#\n  spec:\n    containers:\n    - image: i\n      name: c\n"

// So does a list in YAML, in the form that kubectl writes. (A document takes a hundred times its length to parse.)
func TestYAMLListMemory(t *testing.T) {
	indented := "  " + strings.ReplaceAll(strings.TrimSuffix(bigYAMLPod, "\n"), "\n", "\n  ") + "\n"
	for _, test := range []struct {
		name, reason string
		g            generated
	}{
		{"alphabetical", "as kubectl writes it", generated{before: "apiVersion: v1\nitems:\n", part: bigYAMLPod, after: "kind: List\nmetadata:\n  resourceVersion: \"\"\n"}},
		{"kind first", "as a person writes it", generated{before: "kind: List\napiVersion: v1\nitems:\n", part: bigYAMLPod}},
		{"indented", "as some tools write it", generated{before: "kind: PodList\napiVersion: v1\nitems:\n", part: indented}},
		{"bare", "as yq .items writes it", generated{part: bigYAMLPod}},
		{"documents", "as helm template writes it", generated{part: strings.ReplaceAll("\n"+bigYAMLPod, "\n- ", "\n---\n  ")[1:]}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.g.parts = bigYAMLPods
			heap, pods := drain(t, &test.g)
			if pods != bigYAMLPods || heap > heapBound {
				t.Errorf("%s: %d pods, want %d; live heap %d MiB, want at most %d", test.reason, pods, bigYAMLPods, heap>>20, heapBound>>20)
			}
			t.Logf("live heap %d KiB", heap>>10)
		})
	}
}

// drain reads to the end and returns the growth of the live heap, sampled, and the number of pods.
func drain(t *testing.T, r io.Reader) (heap uint64, pods int) {
	base, chunks := liveHeap(), 0
	for c, err := range Read(r, Stdin) {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Objects {
			if o.Typed != nil {
				pods++
			}
		}
		if chunks++; chunks%500 == 1 {
			now := liveHeap()
			heap = max(heap, now-min(base, now))
		}
	}
	return heap, pods
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Beyond 4 MiB an object is a list, whatever its kind turns out to be; what is not, and holds a pod, is not passed over.
func TestItemsBeforeKind(t *testing.T) {
	filler := strings.Repeat(" ", undecidedBound)
	kindless := `{"metadata":{"name":"k"}}`
	for _, r := range []row{
		{"items with a kind", "delivered at once; the object is passed at its end", `{"items":[` + filler + pod("a") + `],"kind":"ConfigMap"}`, "1 v1 Pod a typed\n1 ConfigMap passed"},
		{"items without", "they are nothing of their own", `{"items":[` + filler + kindless + `],"kind":"ConfigMap"}`, "1 ConfigMap passed"},
		{"a workload", "it cannot be read as a whole", `{"items":[` + filler + pod("a") + `],"kind":"Pod","apiVersion":"v1"}`,
			"1 v1 Pod a typed\nERR <stdin>:1: could not decide Pod: it has a member items of more than 4 MiB before its kind; remove items"},
		{"a mixed list", "an item without a kind waits, and those after it", `{"items":[` + filler + pod("a") + "," + kindless + "," + pod("b") + `],"kind":"PodList","apiVersion":"v1"}`,
			"1 v1 Pod a typed\n1 v1 Pod k typed\n1 v1 Pod b typed"},
		{"too long a wait", "kind must come first", `{"items":[` + strings.Repeat(filler+kindless+",", 17) + kindless + "," + pod("b") + `],"kind":"PodList","apiVersion":"v1"}`,
			"ERR <stdin>:1: could not decide: an item has no apiVersion and kind, and the list gives none in its first 64 MiB; write the list's apiVersion and kind before its items\n1 v1 Pod b typed"},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := render(readAll(t, strings.NewReader(r.in), r.in)); got != r.want {
				t.Errorf("%s: got\n%s\nwant\n%s", r.reason, got, r.want)
			}
		})
	}
}
