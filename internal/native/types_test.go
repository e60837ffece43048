package native_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/native"
)

// ownTypes are package native's types of objects, beside upstream's.
var ownTypes = []struct{ own, upstream any }{
	{native.ValidatingAdmissionPolicy{}, admissionregistrationv1.ValidatingAdmissionPolicy{}},
	{native.ValidatingAdmissionPolicyBinding{}, admissionregistrationv1.ValidatingAdmissionPolicyBinding{}},
	{native.MutatingAdmissionPolicy{}, admissionregistrationv1.MutatingAdmissionPolicy{}},
	{native.MutatingAdmissionPolicyBinding{}, admissionregistrationv1.MutatingAdmissionPolicyBinding{}},
}

// TestTypesAreUpstreams: every field of package native's own types is one of
// upstream's, by its JSON name and by the kind of its value.
func TestTypesAreUpstreams(t *testing.T) {
	fields := 0
	for _, row := range ownTypes {
		fields += sameFields(t, reflect.TypeOf(row.own).Name(), reflect.TypeOf(row.own), reflect.TypeOf(row.upstream))
	}
	if t.Logf("%d fields", fields); fields < 50 {
		t.Errorf("only %d fields were compared", fields)
	}
}

// sameFields counts the fields below a type that it has compared.
func sameFields(t *testing.T, path string, own, upstream reflect.Type) (n int) {
	own, upstream = value(own), value(upstream)
	if own.Kind() != upstream.Kind() {
		t.Errorf("%s: %s is no %s", path, own, upstream)
		return 0
	}
	switch own.Kind() {
	case reflect.Slice:
		return sameFields(t, path+"[]", own.Elem(), upstream.Elem())
	case reflect.Struct:
		if own == upstream {
			return 1
		}
		theirs := byJSON(upstream)
		for name, f := range byJSON(own) {
			if _, ok := theirs[name]; !ok {
				t.Errorf("%s.%s: upstream has no such field", path, name)
				continue
			}
			n += 1 + sameFields(t, path+"."+name, f.Type, theirs[name].Type)
		}
	}
	return n
}

// value is a type without pointers.
func value(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// byJSON are the fields of a struct by their names in JSON, those of embedded structs
// among them.
func byJSON(t reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			for name, inner := range byJSON(value(f.Type)) {
				fields[name] = inner
			}
			continue
		}
		fields[name] = f
	}
	return fields
}

// TestTypesDecodeAsUpstreams: what package native's types hold is decoded strictly by
// upstream's, and comes back from these as it was.
func TestTypesDecodeAsUpstreams(t *testing.T) {
	t.Run("ValidatingAdmissionPolicy", roundTrip[native.ValidatingAdmissionPolicy, admissionregistrationv1.ValidatingAdmissionPolicy])
	t.Run("ValidatingAdmissionPolicyBinding", roundTrip[native.ValidatingAdmissionPolicyBinding, admissionregistrationv1.ValidatingAdmissionPolicyBinding])
	t.Run("MutatingAdmissionPolicy", roundTrip[native.MutatingAdmissionPolicy, admissionregistrationv1.MutatingAdmissionPolicy])
	t.Run("MutatingAdmissionPolicyBinding", roundTrip[native.MutatingAdmissionPolicyBinding, admissionregistrationv1.MutatingAdmissionPolicyBinding])
}

func roundTrip[Own, Upstream any](t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var given, back Own
		var theirs Upstream
		fill(t, reflect.ValueOf(&given).Elem())
		strictly(t, given, &theirs)
		// Upstream writes its empty status too, which package native does not know.
		text, err := json.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(given, back); diff != "" {
			t.Fatalf("(-given +back):\n%s", diff)
		}
	})
}

// strictly decodes the JSON of a value into another one.
func strictly(t *rapid.T, from, into any) {
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err != nil || len(strict) > 0 {
		t.Fatalf("%v, %v\n%s", err, strict, text)
	}
}

// fill sets every field that a value has, with one or two elements in each list.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.String:
		v.SetString(rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "text"))
	case reflect.Slice:
		n := rapid.IntRange(1, 2).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "key")), reflect.ValueOf("value"))
	case reflect.Struct:
		if _, ok := v.Interface().(metav1.LabelSelectorRequirement); ok {
			v.Set(reflect.ValueOf(metav1.LabelSelectorRequirement{Key: "key", Operator: metav1.LabelSelectorOpIn, Values: []string{"value"}}))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("a field of type %s", v.Type())
	}
}
