package policy

import (
	"reflect"
	"slices"
	"testing"
)

// TestKeysAreTheFormats: every key of allow is a Key, in the order of the format,
// and after them every key of mutations; each reads what it writes.
func TestKeysAreTheFormats(t *testing.T) {
	want := []string{""}
	for _, name := range fieldNames(reflect.TypeFor[Allow]()) {
		want = append(want, "allow."+name)
	}
	for _, name := range fieldNames(reflect.TypeFor[Mutations]()) {
		want = append(want, "mutations."+name)
	}
	if !slices.Equal(keyPaths[:], want) {
		t.Errorf("the keys are\n%q, want\n%q", keyPaths, want)
	}
	for k := range keyEnd {
		text, err := k.MarshalText()
		if err != nil || string(text) != keyPaths[k] {
			t.Errorf("key %d writes %q, %v", k, text, err)
		}
		var read Key = keyEnd
		if err := read.UnmarshalText(text); err != nil || read != k {
			t.Errorf("%q reads as %d, %v", text, read, err)
		}
	}
	if got := keyEnd.String(); got != "key(30)" {
		t.Errorf("an unknown key is %q", got)
	}
	if err := new(Key).UnmarshalText([]byte("allow.everything")); err == nil {
		t.Error("an unknown path is a key")
	}
}
