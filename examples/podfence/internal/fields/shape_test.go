package fields

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/internal/benchlist"
	"github.com/podfence/podfence/internal/benchpod"
)

// scalars are what is put in the place of others: what a type takes, what it nearly takes, and nothing.
var scalars = []string{
	`"a"`, `""`, `"\u0061"`, `"\ud800"`, `true`, `"true"`, `0`, `-0`, `1`, `-1`, `1.0`, `1e1`, `2147483647`, `2147483648`, `9223372036854775807`, `9223372036854775808`,
	`"1"`, `"100m"`, `"1Gi"`, `"1 Gi"`, `"2026-11-26T01:02:03Z"`, `"2026-11-26T01:02:03+01:00"`, `"2026-11-26"`, `null`, `[]`, `{}`, `[null]`, `[{}]`, `{"a":"b"}`, `{"a":"b","a":"b"}`, `{"a":{"b":1,"b":1}}`, `["a"]`, `[1]`,
}

var keys = []string{"name", "Name", "status", "spec", "containers", "ports", "metadata", "managedFields", "fieldsV1", "nonsense", "limits", "value", "", "\\u006bind"}

// pieces are the tokens of a text and what is between them.
func pieces(text []byte) (list []string, scalarAt, keyAt []int) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for from := int64(0); ; {
		token, err := d.ReadToken()
		if err != nil {
			return list, scalarAt, keyAt
		}
		end := d.InputOffset()
		between := bytes.TrimLeft(text[from:end], " ,:\n")
		kind, n := d.StackIndex(d.StackDepth())
		list = append(list, string(text[from:int(end)-len(between)]), string(between))
		switch from = end; {
		case strings.ContainsRune("{}[]", rune(token.Kind())):
		case kind == '{' && n%2 == 1:
			keyAt = append(keyAt, len(list)-1)
		default:
			scalarAt = append(scalarAt, len(list)-1)
		}
	}
}

// TestFitsIsTakenByTheDecoder: what fits is what the strict decoder takes without a word, whatever is put into a text; and
// what the API's own types write fits.
func TestFitsIsTakenByTheDecoder(t *testing.T) {
	full := benchpod.P4()
	full.ManagedFields = append(full.ManagedFields, managed())
	types := []struct {
		of   reflect.Type
		make func() any
		text []byte
	}{
		{reflect.TypeFor[corev1.Pod](), func() any { return &corev1.Pod{} }, marshal(t, full)},
		{reflect.TypeFor[corev1.Pod](), func() any { return &corev1.Pod{} }, firstOf(t)},
		{reflect.TypeFor[appsv1.Deployment](), func() any { return &appsv1.Deployment{} }, marshal(t, appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: full.Spec}}})},
		{reflect.TypeFor[batchv1.CronJob](), func() any { return &batchv1.CronJob{} }, marshal(t, batchv1.CronJob{})},
	}
	var f Fitter
	for _, row := range types {
		if !f.Fits(row.text, ShapeOf(row.of)) {
			t.Errorf("%s does not fit: %s", row.of, row.text)
		}
	}
	fit, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		row := types[rapid.IntRange(0, len(types)-1).Draw(t, "type")]
		list, scalarAt, keyAt := pieces(row.text)
		for range rapid.IntRange(1, 2).Draw(t, "changes") {
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				list[rapid.SampledFrom(keyAt).Draw(t, "key at")] = `"` + rapid.SampledFrom(keys).Draw(t, "key") + `"`
			} else {
				list[rapid.SampledFrom(scalarAt).Draw(t, "scalar at")] = rapid.SampledFrom(scalars).Draw(t, "scalar")
			}
		}
		text := []byte(strings.Join(list, ""))
		all++
		if !f.Fits(text, ShapeOf(row.of)) {
			return
		}
		fit++
		strict, err := kjson.UnmarshalStrict(text, row.make())
		if err != nil || len(strict) > 0 {
			t.Fatalf("%s fits, and the decoder says %v, %v", text, strict, err)
		}
	})
	if fit < all/20 || fit == all {
		t.Errorf("%d of %d texts fit", fit, all)
	}
}

func managed() metav1.ManagedFieldsEntry {
	owned := &metav1.FieldsV1{}
	owned.SetRawString(`{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{}}}}}`)
	return metav1.ManagedFieldsEntry{Manager: "kubectl", FieldsType: "FieldsV1", FieldsV1: owned}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// firstOf is a pod as kubectl prints it.
func firstOf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := benchlist.WriteJSONList(&b, 1); err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(b.Bytes(), &list); err != nil || len(list.Items) != 1 {
		t.Fatal(len(list.Items), err)
	}
	return list.Items[0]
}
