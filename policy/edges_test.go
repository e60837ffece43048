package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
)

// TestOneErrorHidesNoOther: every mistake of a file is listed, those that come
// after another of their kind among them, and none that follows from another.
func TestOneErrorHidesNoOther(t *testing.T) {
	const selects = "podSelectorLabels: {app: web}\n"
	for _, row := range []struct {
		name, why, in string
		want          []string
		not           []string
	}{
		{name: "a misspelt key beside the key itself", why: "what was meant is there, and is judged",
			in: "name: Bad_Name\nnmae: x\n" + selects, want: []string{"nmae: unknown key", "name: \"Bad_Name\""}},
		{name: "an unknown key like no other", why: "the block around it is judged all the same",
			in: "zzzzzzzzzz: 1\n" + selects + "allow: {allowedHostPaths: [{pathPrefix: relative}]}\n", want: []string{"zzzzzzzzzz", "allow.allowedHostPaths[0].pathPrefix"}},
		{name: "keys after one that is no text", why: "the first is not the last",
			in: "1: x\nzzz: y\n" + selects, want: []string{"line 1", "zzz: unknown key"}},
		{name: "keys after one that is repeated", why: "the first is not the last",
			in: "name: a\nname: b\nzzz: y\n" + selects, want: []string{"the key stands in line 1 already", "zzz: unknown key"}},
		{name: "two pairs of one name", why: "each pair is an error of its own",
			in:   "name: a\n" + selects + "---\nname: a\n" + selects + "---\nname: b\n" + selects + "---\nname: b\n" + selects,
			want: []string{`a policy named "a"`, `a policy named "b"`}},
		{name: "a pair behind a nameless one", why: "what cannot be compared is passed over",
			in:   selects + "---\nname: b\n" + selects + "---\nname: b\n" + selects,
			want: []string{"missing, though the file holds several policies", `a policy named "b"`}},
		{name: "names that could not be read", why: "two that are wrong are not two of one name",
			in:  "name: 1\n" + selects + "---\nname: 1\n" + selects,
			not: []string{"already"}, want: []string{"line 1", "line 4"}},
		{name: "namespaces that could not be read", why: "nobody knows whether they are one",
			in:  "name: a\nnamespace: 1\n" + selects + "---\nname: a\nnamespace: 2\n" + selects,
			not: []string{"already"}, want: []string{"line 2", "line 6"}},
		{name: "a name that is given twice", why: "nobody knows which of the two is meant",
			in:  "name: a\nname: b\n" + selects + "---\nname: a\nname: c\n" + selects,
			not: []string{`a policy named "a"`}, want: []string{"line 2", "line 6"}},
		{name: "a key that begins like the chart's other name", why: "it is shown as it was written",
			in: "constraints: {net: {a: {mutation: {}, mutationsFoo: 1, podSelectorLabels: {app: web}}}}\n", want: []string{"constraints.net.a.mutationsFoo"}},
		{name: "constraints after a key of the chart", why: "both are read",
			in: "mutations: {}\nconstraints: {net: {a: {zzz: 1, podSelectorLabels: {app: web}}}}\n", want: []string{"mutations:", "zzz: unknown key"}},
		{name: "a rule beside a key that holds none", why: "it is not what was outdented",
			in: selects + "allow:\n  privileged: true\n  rule: MustRunAs\n", want: []string{"allow.rule: unknown key"}, not: []string{"beside privileged"}},
		{name: "a null key that holds no rule", why: "only the four rules can have lost theirs",
			in: selects + "allow:\n  privileged:\n  rule: MustRunAs\n", want: []string{"allow.rule: unknown key"}, not: []string{"beside privileged"}},
		{name: "a rule beside a key that has its value", why: "that one is complete",
			in: selects + "allow:\n  runAsUser: RunAsAny\n  rule: MustRunAs\n", want: []string{"allow.rule: unknown key"}, not: []string{"beside runAsUser"}},
		{name: "a rule outdented from a group", why: "the other three rules are lost as easily",
			in: selects + "allow:\n  fsGroup:\n  rule: RunAsAny\n", want: []string{"rule stands beside fsGroup"}},
		{name: "a range whose end is no ID", why: "what is out of range cannot be compared too",
			in: selects + "allow: {runAsGroup: {rule: MustRunAs, ranges: [{min: 3000000000, max: 5}]}}\n", want: []string{"is out of range"}, not: []string{"is above max"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.in), "")
			if err == nil {
				t.Fatalf("accepted:\n%s", row.in)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("because %s: no %q in\n%v", row.why, want, err)
				}
			}
			for _, not := range row.not {
				if strings.Contains(err.Error(), not) {
					t.Errorf("because %s: %q in\n%v", row.why, not, err)
				}
			}
		})
	}
}

// TestBounds: the last that is accepted and the first that is not.
func TestBounds(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	sysctl := func(length int) string {
		return "podSelectorLabels: {app: web}\nallow: {allowedUnsafeSysctls: [" + strings.Repeat("a", length) + "]}\n"
	}
	number := func(n string) string { return "podSelectorLabels: {app: web}\nmutations: {runAsUser: " + n + "}\n" }
	aliases := func(times int) string {
		return "a: &a [" + strings.TrimSuffix(strings.Repeat("x, ", 9_999), ", ") + "]\nb: [" + strings.TrimSuffix(strings.Repeat("*a, ", times), ", ") + "]\n"
	}
	aliasedAt := func(depth int) string {
		return "a: &a " + nested(10) + "\nb: " + strings.Repeat("[", depth) + "*a" + strings.Repeat("]", depth) + "\n"
	}
	for _, row := range []struct {
		name, why, in, says string
		want                bool
	}{
		{"a value of 64 bytes", "it is quoted whole", "podSelectorLabels: {app: web}\nname: " + strings.Repeat("A", 64) + "\n", "A...", false},
		{"a value of 65 bytes", "it is cut", "podSelectorLabels: {app: web}\nname: " + strings.Repeat("A", 65) + "\n", "A...", true},
		{"the largest exact float", "a larger one may have been another number", number("9007199254740991.0"), "write 9007199254740991", true},
		{"the first inexact float", "it may have been another number", number("9007199254740992.0"), "write a whole number, as in 400", true},
		{"an octal digit", "it is the same number in decimal", number("07"), "octal", false},
		{"two octal digits", "they are not", number("010"), "or 8 if octal is meant", true},
		{"64 lists below a key", "a file may nest so deep", "a: " + nested(64) + "\n", "nests too deep", false},
		{"one list more", "the parser's stack is bounded", "a: " + nested(65) + "\n", "nests too deep", true},
		{"100,000 aliased nodes", "a file may repeat itself", aliases(10), "stand for too much", false},
		{"100,000 aliased nodes and more", "a small file must not become a large one", aliases(11), "stand for too much", true},
		{"an alias at the last level", "what it stands for fits", aliasedAt(54), "stand for too much", false},
		{"an alias below the last level", "what it stands for does not fit", aliasedAt(55), "stand for too much", true},
		{"a sysctl of 253 bytes", "API validation allows it", sysctl(253), "is no sysctl", false},
		{"a sysctl of 254 bytes", "API validation refuses it", sysctl(254), "is no sysctl", true},
		{"U+007F", "YAML excludes it", "# \x7f\n", "control character", true},
		{"U+009F", "YAML excludes it", "# \u009f\n", "control character", true},
		{"U+0085", "YAML admits it", "# \u0085\n", "control character", false},
		{"U+00A0", "YAML admits it", "# \u00a0\n", "control character", false},
		{"U+FFFD", "YAML admits it, where it was written", "# \ufffd\n", "control character", false},
		{"U+FFFE", "YAML excludes it", "# \ufffe\n", "control character", true},
		{"U+10000", "YAML admits it", "# \U00010000\n", "control character", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.in), "")
			if got := strings.Contains(fmt.Sprint(err), row.says); got != row.want {
				t.Errorf("because %s: says %q: %v, want %v: %.300s", row.why, row.says, got, row.want, fmt.Sprint(err))
			}
		})
	}
}

// TestDeepCopies: a copy of every type is equal, shares nothing, and that of nil is nil.
func TestDeepCopies(t *testing.T) {
	full, err := Parse(testdata(t, "every-key.yaml"), "")
	if err != nil || len(full) == 0 {
		t.Fatalf("%d policies, %v", len(full), err)
	}
	p := &full[0]
	values := []any{
		p, &p.Allow, &p.Mutations, &p.Source, &p.Allow.RunAsUser, &p.Allow.RunAsGroup,
		&p.Allow.AllowedHostPaths[0], &p.Allow.RunAsUser.Ranges[0], &p.Allow.AllowedHostPorts[0],
	}
	for _, v := range values {
		value := reflect.ValueOf(v)
		copied := value.MethodByName("DeepCopy").Call(nil)[0]
		if !equality.Semantic.DeepEqual(v, copied.Interface()) {
			t.Errorf("%T: the copy differs", v)
		}
		if value.Pointer() == copied.Pointer() || shares(value.Elem(), copied.Elem()) {
			t.Errorf("%T: the copy shares memory", v)
		}
		into := reflect.New(value.Type().Elem())
		value.MethodByName("DeepCopyInto").Call([]reflect.Value{into})
		if !equality.Semantic.DeepEqual(v, into.Interface()) {
			t.Errorf("%T: the copy into another differs", v)
		}
		if none := reflect.Zero(value.Type()).MethodByName("DeepCopy").Call(nil)[0]; !none.IsNil() {
			t.Errorf("%T: the copy of nil is %v", v, none)
		}
	}
}

// shares reports whether two values reach memory that both could write to.
func shares(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer, reflect.Map:
		return !a.IsNil() && a.Pointer() == b.Pointer()
	case reflect.Slice:
		if a.Len() == 0 {
			return false
		}
		if a.Pointer() == b.Pointer() {
			return true
		}
		for i := range a.Len() {
			if shares(a.Index(i), b.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if shares(a.Field(i), b.Field(i)) {
				return true
			}
		}
	}
	return false
}
