package policy

import (
	"fmt"
	"reflect"
	"strings"
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
	for i, path := range want {
		if i >= len(keyPaths) || keyPaths[i] != path {
			t.Fatalf("key %d is to be %s, by the order of the fields in policy/types.go: see the constants and keyPaths in policy/key.go,\n%q",
				i, path, keyPaths)
		}
	}
	if len(keyPaths) != len(want) {
		t.Fatalf("policy/key.go has %q, which are no fields in policy/types.go", keyPaths[len(want):])
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
	if got := keyEnd.String(); got != fmt.Sprintf("key(%d)", len(want)) {
		t.Errorf("an unknown key is %q", got)
	}
	if len(want) < 30 {
		t.Errorf("%d keys, want 29 and the zero one at least", len(want))
	}
	if err := new(Key).UnmarshalText([]byte("allow.everything")); err == nil {
		t.Error("an unknown path is a key")
	}
}

// TestKeysReachTheirFields: what is read and written under a key that holds a
// boolean or a list of words is the field of the policy that has its name; and
// what a list may hold is known, and an empty one is none.
func TestKeysReachTheirFields(t *testing.T) {
	var p Policy
	reached := 0
	for k := KeyAllowPrivilegeEscalation; k < keyEnd; k++ {
		block, name, _ := strings.Cut(k.String(), ".")
		field := reflect.ValueOf(&p.Allow).Elem()
		if block == "mutations" {
			field = reflect.ValueOf(&p.Mutations).Elem()
		}
		for i, have := range fieldNames(field.Type()) {
			if have == name {
				field = field.Field(i)
				break
			}
		}
		switch at := field.Addr().Interface().(type) {
		case *bool:
			if p.Allow.flag(k) != at {
				t.Errorf("%s: flag in policy/granttype.go does not lead to its field", k)
			}
		case *[]string:
			if p.Allow.wordList(k) != at {
				t.Errorf("%s: wordList in policy/granttype.go does not lead to its field", k)
				continue
			}
			known := false
			for _, row := range wordChecks {
				known = known || row.key == k
			}
			if !known {
				t.Errorf("%s: say in wordChecks of policy/validate.go what its entries may be", k)
			}
			var empty Policy
			*empty.Allow.wordList(k) = []string{}
			if k != KeyVolumes && empty.effect() == differs { // no volume at all is another rule
				t.Errorf("%s: an empty list means something; drop it in dropPlainLists of policy/effect.go", k)
			}
		case **bool:
			for _, value := range []bool{true, false} {
				p.setBool(k, value)
				if *at == nil || **at != value || p.given(k) != value {
					t.Errorf("%s: setBool and given in policy/granttype.go do not lead to its field", k)
				}
			}
		default: // ranges, paths, rules and IDs, each with code of its own
			continue
		}
		reached++
	}
	if reached < 19 {
		t.Errorf("%d keys hold a boolean or words, want 19 at least", reached)
	}
}
