package manifest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// eager reads every list item by item from its first lines on, with the kind if the document ends soon enough.
func eager(undecided int) limits {
	l := limitsOf(DefaultLimit)
	l.whole, l.undecided = 0, undecided
	return l
}

// fatal is a test of either kind.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// readWithin reads a text within limits and checks that the chunks are it.
func readWithin(t fatal, in string, l limits) (chunks []Chunk) {
	t.Helper()
	var raw bytes.Buffer
	for c, err := range read(strings.NewReader(in), Stdin, l) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		raw.Write(c.Raw)
		chunks = append(chunks, c)
	}
	if raw.String() != in {
		t.Fatalf("the chunks are not the input: %d bytes of %d", raw.Len(), len(in))
	}
	return chunks
}

// TestBlockList: what is read item by item, what is read as a whole, and what is refused since it was not.
func TestBlockList(t *testing.T) {
	item := "- apiVersion: v1\n  kind: Pod\n  metadata: {name: #}\n"
	pods := func(names ...string) (text string) {
		for _, name := range names {
			text += strings.ReplaceAll(item, "#", name)
		}
		return text
	}
	indented := strings.ReplaceAll(strings.TrimSuffix("\n"+pods("a", "b"), "\n"), "\n", "\n  ")[1:] + "\n"
	head, tail := "apiVersion: v1\nitems:\n", "kind: List\nmetadata:\n  resourceVersion: \"\"\n"
	rows := []row{
		{"as kubectl writes it", "the kind is behind the items", head + pods("a", "b") + tail, "3 0 v1 Pod a typed\n6 0 v1 Pod b typed"},
		{"kind first", "as people write it", "# c\n---\nkind: List\nmetadata:\n  labels:\n  - x\nitems: # c\n# d\n\n" + pods("a", "b"), "10 0 v1 Pod a typed\n13 0 v1 Pod b typed"},
		{"indented", "as some tools write it", head + indented + tail, "3 0 v1 Pod a typed\n6 0 v1 Pod b typed"},
		{"bare", "as yq .items writes it", pods("a", "b"), "1 0 v1 Pod a typed\n4 0 v1 Pod b typed"},
		{"then another document", "the list ends at its mark", head + pods("a") + tail + "---\n" + pods("b"), "3 0 v1 Pod a typed\n10 0 v1 Pod b typed"},
		{"no tail, then another document", "the next document is not its tail", "kind: List\nitems:\n" + pods("a") + "---\nkind: Pod\napiVersion: v1\n", "3 0 v1 Pod a typed\n7 v1 Pod typed"},
		{"document end", "as above", "kind: List\nitems:\n" + pods("a") + "...\n" + pods("b"), "3 0 v1 Pod a typed\n7 0 v1 Pod b typed"},
		{"comments and empty lines", "they belong to the item before them", "kind: List\nitems:\n" + pods("a") + "\n# c\n  # d\n" + pods("b") + "# e\n", "3 0 v1 Pod a typed\n9 0 v1 Pod b typed"},
		{"CRLF", "Windows", strings.ReplaceAll(head+pods("a", "b")+tail, "\n", "\r\n"), "3 0 v1 Pod a typed\n6 0 v1 Pod b typed"},
		{"typed", "items take their kind from the list before them", "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n", "4 0 v1 Pod a typed\n5 0 v1 Pod b typed"},
		{"typed, kind last", "it is known if the list is short enough", "apiVersion: v1\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\nkind: PodList\n", "3 0 v1 Pod a typed\n4 0 v1 Pod b typed"},
		{"list in a list", "the inner one is read as a whole", "kind: List\nitems:\n- kind: List\n  items:\n  - {apiVersion: v1, kind: Pod}\n- 1\n-\n", "5 0.items.0 v1 Pod typed\n6 0 passed\n7 0 passed"},
		{"a bad item", "the others stand", "kind: List\nitems:\n" + pods("a") + "- a: [\n" + pods("b") + "- a: 1\n  a: 2\n",
			"3 0 v1 Pod a typed\nERR <stdin>:6: could not decide: did not find expected node content; correct the YAML\n7 0 v1 Pod b typed\nERR <stdin>:11: could not decide: key a is given twice; remove one of the two"},
		{"a dash in quotes", "the library would read on, so that the item is an error", "kind: List\nitems:\n- a: \"x\n- kind: Pod\"\n" + pods("b"),
			"ERR <stdin>:4: could not decide: found unexpected end of stream; correct the YAML\n4 0 Pod\" passed\n5 0 v1 Pod b typed"},
		{"a dash in a block", "its text is indented further", "kind: List\nitems:\n- a: |\n    x\n   - y\n" + pods("b"),
			"ERR <stdin>:5: could not decide: did not find expected key; correct the YAML\n6 0 v1 Pod b typed"},
		{"an anchor before the items", "the list is read as a whole", "kind: List\nx: &x {apiVersion: v1, kind: Pod}\nitems:\n- a: 1\n- *x\n- b: 1\n", "4 items.0 passed\n5 items.1 v1 Pod typed\n6 items.2 passed"},
		{"an anchor of its own", "it goes with its item", "kind: List\nitems:\n- {apiVersion: &x v1, kind: Pod, y: *x}\n" + pods("b"), "3 0 v1 Pod typed\n4 0 v1 Pod b typed"},
		{"flow style", "read as a whole", "kind: List\nitems: [" + pod("a") + "]\n", "2 items.0 v1 Pod a typed"},
		{"an item in flow style", "an item all the same", "kind: List\nitems:\n- " + pod("a") + "\n- {apiVersion: v1,\n  kind: Pod}\n", "3 0 v1 Pod a typed\n4 0 v1 Pod typed"},
		{"no list", "a ConfigMap of that form is read as a whole", "kind: ConfigMap\nitems:\n" + pods("a"), "1 ConfigMap passed"},
		{"no list, kind last", "as above", "items:\n" + pods("a") + "kind: ConfigMap\n", "1 ConfigMap passed"},
		{"no kind", "it is not known for a list", "items:\n" + pods("a"), "1 passed"},
		{"items merged", "a merged key may hold anything", "x: &x {a: 1}\n<<: *x\nkind: List\nitems:\n" + pods("a"), "5 items.0 v1 Pod a typed"},
		{"a directive", "it is for the whole document", "%YAML 1.1\n---\nkind: List\nitems:\n" + pods("a"), "5 items.0 v1 Pod a typed"},
		{"items that are a scalar", "not what it looks like", "a: |\n items:\n - b\nkind: List\nitems:\n" + pods("a"), "6 0 v1 Pod a typed"},
		{"items twice", "which holds would be a guess", "kind: List\nitems:\n" + pods("a") + "items:\n" + pods("b"),
			"3 0 v1 Pod a typed\nERR <stdin>:6: could not decide: key items is given twice; remove one of the two"},
		{"kind twice", "as above", "kind: List\nitems:\n" + pods("a") + "kind: List\n", "3 0 v1 Pod a typed\nERR <stdin>:6: could not decide: key kind is given twice; remove one of the two"},
		{"text behind the items", "no YAML", "kind: List\nitems:\n  " + strings.ReplaceAll(strings.TrimSpace(pods("a")), "\n", "\n  ") + "\n- b\n",
			"3 0 v1 Pod a typed\nERR <stdin>:6: could not decide: what stands behind the items of the list is no part of it; correct the YAML"},
		{"a key behind a bare list", "no YAML", pods("a") + "b: 1\n", "1 0 v1 Pod a typed\nERR <stdin>:4: could not decide: what stands behind the items of the list is no part of it; correct the YAML"},
		{"a hidden line break", "it begins an item for the library, and is one of the chunk's", "kind: List\nitems:\n- a: 1\u2028- apiVersion: v1\u2028  kind: Pod\n" + pods("b"),
			"3 0 passed\n3 1 v1 Pod typed\n4 0 v1 Pod b typed"},
	}
	if len(rows) != 30 {
		t.Errorf("%d rows", len(rows))
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			l := eager(undecidedBound)
			if r.name == "an anchor before the items" {
				l.whole = len(r.in) - 1 // its alias is held
			}
			if diff := cmp.Diff(r.want, render(readWithin(t, r.in, l))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.reason, diff)
			}
		})
	}
}

// TestBlockListWithoutKind: the kind of a list that is too long to be held comes behind its items, or never.
func TestBlockListWithoutKind(t *testing.T) {
	pod, kindless := "- {apiVersion: v1, kind: Pod}\n", "- metadata: {name: k}\n"
	rows := []row{
		{"a list", "items say what they are", "apiVersion: v1\nitems:\n" + pod + pod + "kind: List\n", "3 0 v1 Pod typed\n4 0 v1 Pod typed"},
		{"a kindless item", "one error stands for all", "apiVersion: v1\nitems:\n" + pod + kindless + kindless + pod + "kind: PodList\n",
			"3 0 v1 Pod typed\nERR <stdin>:4: could not decide: an item has no apiVersion and kind, and the list gives none in its first 0 bytes; write the list's apiVersion and kind before its items\n6 0 v1 Pod typed"},
		{"kind without its apiVersion", "it may come yet", "kind: PodList\nitems:\n" + pod + kindless,
			"3 0 v1 Pod typed\nERR <stdin>:4: could not decide PodList: an item has no apiVersion and kind, and the list gives none in its first 0 bytes; write the list's apiVersion and kind before its items"},
		{"no list", "the object is told at its end", "# c\nitems:\n" + pod + "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", "3 0 v1 Pod typed\n1 v1 ConfigMap passed"},
		{"a workload", "it cannot be read as a whole", "items:\n" + pod + "kind: Deployment\napiVersion: apps/v1\n",
			"2 0 v1 Pod typed\nERR <stdin>:1: could not decide Deployment: it has a member items of more than 0 bytes before its kind; remove items"},
		{"no kind at all", "the items are all there is", "items:\n" + pod, "2 0 v1 Pod typed"},
		{"an anchor of another item", "it is too late to read the list as a whole", "items:\n" + pod + "- {apiVersion: v1, kind: &x Pod}\n" + pod + "- {apiVersion: v1, kind: *x}\nkind: List\n",
			"2 0 v1 Pod typed\n3 0 v1 Pod typed\n4 0 v1 Pod typed\nERR <stdin>:5: could not decide: the anchor of alias x is not in its item, and a list of this length is read item by item; write the value out"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			l := eager(0)
			l.whole = strings.Index(r.in, "items:") + len("items:\n")
			if diff := cmp.Diff(r.want, render(readWithin(t, r.in, l))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.reason, diff)
			}
		})
	}
}

// heard is what matters of chunks: the workloads, without their paths, and whether something could not be read.
func heard(chunks []Chunk) (workloads []string, failed bool) {
	for _, c := range chunks {
		failed = failed || c.Err != nil
		for _, o := range c.Objects {
			if o.Typed != nil || o.Err != nil {
				o.Path = nil
				workloads = append(workloads, renderObject(o))
			}
		}
	}
	return workloads, failed
}

// sameByItem demands of a text that reading its lists item by item finds what reading them as a whole finds, or says that
// something could not be read.
func sameByItem(t fatal, in string) {
	t.Helper()
	l := limitsOf(DefaultLimit)
	l.whole = DefaultLimit
	want, failed := heard(readWithin(t, in, l))
	for _, undecided := range []int{0, undecidedBound} {
		got, gotFailed := heard(readWithin(t, in, eager(undecided)))
		if failed && !gotFailed {
			t.Fatalf("what is wrong as a whole is right item by item:\n%q", in)
		}
		// Without a kind a list that is long enough is one all the same.
		if same := slices.Equal(want, got) || undecided == 0 && isSubsequence(want, got); !failed && !gotFailed && !same {
			t.Fatalf("as a whole %q\nitem by item %q\n%q", want, got, in)
		}
	}
}

func isSubsequence(part, all []string) bool {
	for _, s := range all {
		if len(part) > 0 && part[0] == s {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// TestBlockListProperty: item by item is found what is found in the whole.
func TestBlockListProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := ""
		for range rapid.IntRange(1, 14).Draw(t, "lines") {
			in += rapid.SampledFrom([]string{
				"apiVersion: v1", "kind: List", "kind: PodList", "items:", "items:", "- apiVersion: v1\n  kind: Pod", "- {apiVersion: v1, kind: Pod, spec: {hostPID: true}}",
				"  - apiVersion: v1\n    kind: Pod", "- kind: Pod", "- metadata: {name: a}", "-", "- - a", "- \"", "  b: '", "- |", "    text", "  spec: {", "}", "- [", "]", "# c", "", "---", "...",
				"- &x a", "- *x", "  <<: *x", "metadata: {}", "  kind: Pod", "x: &x {kind: Pod, apiVersion: v1}", "\ufeff---", "\t- a", "- ? a", "  : b", "--- |", "- !!map", "a\u2028- kind: Pod", "%TAG ! !x",
			}).Draw(t, "line") + rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", " # c\n"}).Draw(t, "end")
		}
		sameByItem(t, in)
	})
}
