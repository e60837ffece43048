package manifest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// endless is a reader of one text again and again.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// TestEndless: what has no end is an error early, and not all of memory.
func TestEndless(t *testing.T) {
	const limit = 1 << 20
	large := "ERR <stdin>:%d: could not decide: the %s is larger than 1 MiB; split it, or raise --max-document-size"
	rows := []struct {
		name, reason, before string
		again                endless
		want                 string
	}{
		{"zeros", "/dev/zero", "", "\x00", fmt.Sprintf(large, 1, "document")},
		{"a line", "no end of line comes", "a: ", "x", fmt.Sprintf(large, 1, "document")},
		{"lines", "no end of the document comes", "a: |\n", "  x\n", fmt.Sprintf(large, 1, "document")},
		{"empty lines", "no document begins", "", "\n", fmt.Sprintf(large, 1, "document")},
		{"comments", "no document begins", "a: 1\n---\n", "# c\n", "1 passed\n" + fmt.Sprintf(large, 2, "document")},
		{"an item", "no end of the item comes", "kind: List\nitems:\n- a: |\n", "    x\n", fmt.Sprintf(large, 3, "item")},
		{"a tail", "no end of the list comes", "kind: List\nitems:\n" + strings.Repeat("- "+pod(strings.Repeat("a", 40_000))+"\n", 30) + "a: |\n", "  x\n", fmt.Sprintf(large, 33, "document")},
		{"a JSON string", "no quotes come", pod("a") + "\n{\"a\": \"", "x", "1 v1 Pod a typed\n" + fmt.Sprintf(large, 2, "object")},
		{"JSON members", "no bracket comes", "{", "\"a\":1,", fmt.Sprintf(large, 1, "object")},
		{"a JSON item", "no bracket comes", "{\"kind\":\"List\",\"items\":[" + pod("a") + ",\n{\"a\":[1", ",1", "1 v1 Pod a typed\n" + strings.Replace(fmt.Sprintf(large, 2, "object"), "decide:", "decide List:", 1)},
		{"broken JSON", "no line --- comes", "{\"a\":1,b", "x", "ERR <stdin>:1: could not decide: 'b' where JSON has a key in double quotes; correct the JSON"},
	}
	if len(rows) != 11 {
		t.Errorf("%d rows", len(rows))
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var got []string
			var last error
			read, heap, base := 0, uint64(0), liveHeap()
			for c, err := range ReadWithin(io.MultiReader(strings.NewReader(r.before), r.again), Stdin, limit) {
				if said := render([]Chunk{c}); said != "" && (len(got) == 0 || said != got[len(got)-1]) && !strings.Contains(said, "items.") && said[len(said)-1] != ' ' {
					got = append(got, said)
				}
				if c.Err != nil {
					now := liveHeap()
					heap = max(heap, now-min(base, now))
				}
				read += len(c.Raw)
				last = err
			}
			if r.name == "a tail" { // its items were answered before
				got = got[len(got)-1:]
			}
			if s := strings.Join(got, "\n"); s != r.want {
				t.Errorf("%s: got\n%s\nwant\n%s", r.reason, s, r.want)
			}
			if last == nil || !strings.Contains(last.Error(), "what could not be read goes on for more than 16 MiB") {
				t.Errorf("%s: it ends with %v", r.reason, last)
			}
			if most := 2*passedLimits*limit + len(r.before); read > most {
				t.Errorf("%s: %d bytes were read, want at most %d", r.reason, read, most)
			}
			if heap > 32*limit {
				t.Errorf("%s: %d MiB of heap", r.reason, heap>>20)
			}
		})
	}
}

// TestTooLarge: what is beyond the limit is an error, what is not is read, and what is behind it too.
func TestTooLarge(t *testing.T) {
	const limit = 1 << 20
	filler := strings.Repeat("x", limit)
	manyOf := func(text string) string { return strings.Repeat(text, limit/valueSize) }
	large := "the %s is larger than 1 MiB; split it, or raise --max-document-size"
	many := "the %s may hold more than 65536 values; split it, or raise --max-document-size"
	failed := func(line int, what, why string) string {
		return fmt.Sprintf("ERR <stdin>:%d: could not decide: "+why, line, what)
	}
	rows := []row{
		{"a scalar", "the next document is read", "a: " + filler + "\n---\n" + pod("a"), failed(1, "document", large) + "\n3 v1 Pod a typed"},
		{"a long one", "its rest is passed", "a: 1\n---\na: " + strings.Repeat(filler, 8) + "\n---\n" + pod("a"), "1 passed\n" + failed(2, "document", large) + "\n5 v1 Pod a typed"},
		{"just within", "a limit is what is still read", "a: " + filler[5:] + "\n" + "---\n" + pod("a"), "1 passed\n3 v1 Pod a typed"},
		{"an item of a list", "the others are read", "kind: List\nitems:\n- " + pod("a") + "\n- a: " + filler + "\n- " + pod("b") + "\n", "3 0 v1 Pod a typed\n" + failed(4, "item", large) + "\n5 0 v1 Pod b typed"},
		{"a long item of a list", "its rest is passed", "kind: List\nitems:\n- " + pod("a") + "\n- a: |\n" + strings.Repeat("    "+filler[:1000]+"\n", 5000) + "  b: 1\n- " + pod("b") + "\n",
			"3 0 v1 Pod a typed\n" + failed(4, "item", large) + "\n5006 0 v1 Pod b typed"},
		{"a JSON object", "the next is read", `{"a":"` + filler + "\"}\n" + pod("a"), failed(1, "object", large) + "\n2 v1 Pod a typed"},
		{"an item of a JSON list", "the others are read", `{"kind":"List","items":[` + pod("a") + ",{\"a\":\"" + filler + "\"},\n" + pod("b") + "]}", "1 v1 Pod a typed\n" + failed(1, "object", large) + "\n2 v1 Pod b typed"},
		{"values in flow style", "a hundred bytes of memory for two of text", "a: [" + manyOf("a,") + "]\n", failed(1, "document", many)},
		{"values in lines", "as above", "a:\n" + manyOf("- a\n"), failed(1, "document", many)},
		{"values in values", "as above", "a:\n" + strings.Repeat("- - - - - - - - a\n", limit/valueSize/8), failed(1, "document", many)},
		{"containers", "nearly a kilobyte of memory for three bytes of text", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[` + manyOf("{},") + `{}]}}`, failed(1, "object", many)},
		{"members of a JSON object", "each key is remembered", "{" + manyMembers(limit/valueSize+1) + `"b":1}` + "\n---\n" + pod("a"), failed(1, "object", many) + "\n3 v1 Pod a typed"},
		{"a text of commas", "a ConfigMap may hold any", "a: |\n  " + strings.Repeat("1,", limit/valueSize/2) + "\n", "1 passed"},
	}
	if len(rows) != 13 {
		t.Errorf("%d rows", len(rows))
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := render(readWithin(t, r.in, limitsOf(limit))); got != r.want {
				t.Errorf("%s: got\n%s\nwant\n%s", r.reason, got, r.want)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%q:1,", fmt.Sprint(i))
	}
	return b.String()
}

// TestSized: sizes are told as people write them.
func TestSized(t *testing.T) {
	for size, want := range map[int]string{8 << 20: "8 MiB", 1: "1 bytes", 1000: "1000 bytes", 3 << 10: "3 KiB", 1<<20 + 1: "1048577 bytes", 1 << 30: "1 GiB"} {
		if got := sized(size); got != want {
			t.Errorf("%d is told as %s, want %s", size, got, want)
		}
	}
}

// TestFailureWithinAList: the item that a failing reader cut short is not decided.
func TestFailureWithinAList(t *testing.T) {
	in := "kind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n- kind: Pod\n  apiVersion: v1\n"
	broken := errors.New("disk on fire")
	var said []string
	var last error
	for c, err := range read(io.MultiReader(strings.NewReader(in), failing{broken}), Stdin, eager(0)) {
		if s := render([]Chunk{c}); s != "" {
			said = append(said, s)
		}
		last = err
	}
	want := "3 0 v1 Pod typed\nERR <stdin>:5: could not decide: reading stopped before its end: disk on fire; read it again"
	if got := strings.Join(said, "\n"); got != want || last != broken {
		t.Errorf("got\n%s\n%v, want\n%s", got, last, want)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
