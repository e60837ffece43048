package yamledit

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var fuzzValues = []any{true, int64(-1), "RuntimeDefault", "a: b\n", nil, restricted, Mapping{}, []any{"ALL"}, []any{}}

// FuzzInsert holds on any bytes that Insert does not panic, that it gives a result or an *Error, that it leaves its input
// alone, and that a result is one document with the source in it. One edit goes to the path, one to a place which the
// source has.
func FuzzInsert(f *testing.F) {
	seeds := 0
	add := func(src string, edits []Edit) {
		for i, edit := range edits {
			f.Add([]byte(src), strings.Join(edit.Path, "/"), uint16(seeds+i))
		}
		seeds++
	}
	for _, row := range table {
		add(row.src, row.edits)
	}
	for _, row := range refused {
		add(row.src, row.edits)
	}
	if seeds != tableRows+refusedRows {
		f.Fatalf("%d seeds, want %d", seeds, tableRows+refusedRows)
	}
	f.Fuzz(func(t *testing.T, src []byte, path string, choice uint16) {
		value := fuzzValues[int(choice)%len(fuzzValues)]
		checkInsert(t, src, []Edit{at(path, value)})
		if root, err := parseNodes(src); err == nil {
			if all := places(root, nil); len(all) > 0 {
				place := all[int(choice)%len(all)]
				if place.value == nil {
					place.path, place.value = child(place.path, "added"), value
				}
				checkInsert(t, src, []Edit{{place.path, place.value}, at(path, value)})
				checkInsert(t, src, []Edit{{place.path, place.value}})
			}
		}
	})
}

func checkInsert(t *testing.T, src []byte, edits []Edit) {
	before := bytes.Clone(src)
	out, err := Insert(src, edits)
	if !bytes.Equal(before, src) {
		t.Fatal("the input was modified")
	}
	if err != nil {
		var typed *Error
		if !errors.As(err, &typed) || out != nil || typed.Reason == "" {
			t.Fatalf("error %#v with result %q", err, out)
		}
		return
	}
	if _, err := parseNodes(out); err != nil {
		t.Fatalf("%v in the result %q", err, out)
	}
	if !isSubsequence(withoutNulls(src), out) {
		t.Fatalf("%q is not in %q", src, out)
	}
}

// withoutNulls takes away what an edit may remove, and more: other law checks are exact, this one fits any bytes.
func withoutNulls(src []byte) []byte {
	for _, null := range []string{"null", "Null", "NULL", "~"} {
		src = bytes.ReplaceAll(src, []byte(null), nil)
	}
	return src
}
