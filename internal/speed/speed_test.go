package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	sigsjson "sigs.k8s.io/json"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	fast "github.com/podfence/podfence/review"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

func pods() []benchpod.Named {
	return append(benchpod.All(), benchpod.Named{Name: "P3unset", Pod: benchpod.P3Unset()})
}

// BenchmarkPatch makes the patch of a filled pod: from the report, with all of
// the mutation; from a plan, without the pod; and from the two pods, which are marshalled before the clock
// starts, as controllers do that use controller-runtime's PatchResponseFromRaw.
func BenchmarkPatch(b *testing.B) {
	for _, p := range pods() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, report := mutate.Mutate(p.Pod, nil)
				report.Patch()
			}
		})
		b.Run(p.Name+"/by=plan", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				report := mutate.Plan(&p.Pod.ObjectMeta, &p.Pod.Spec, nil)
				report.Patch()
			}
		})
		filled, _ := mutate.Mutate(p.Pod, nil)
		before, after := marshal(b, p.Pod), marshal(b, filled)
		b.Run(p.Name+"/by=createpatch", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jsonpatch.CreatePatch(before, after); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// decoders are the decoders of JSON that a webhook may choose from.
var decoders = []struct {
	name      string
	unmarshal func([]byte, any) error
}{
	{"encoding", json.Unmarshal},
	{"sigs", sigsjson.UnmarshalCaseSensitivePreserveInts},
	{"experiment", func(b []byte, v any) error { return jsonv1.Unmarshal(b, v) }},
}

// BenchmarkReview: the bytes of an AdmissionReview in, the bytes of the answer
// with its patch out; and the decoding that is part of it, alone.
func BenchmarkReview(b *testing.B) {
	for _, p := range pods() {
		request := review(b, p.Pod)
		for _, d := range decoders {
			b.Run(fmt.Sprintf("%s/json=%s/do=decode", p.Name, d.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := decode(d.unmarshal, request); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/json=%s/do=answer", p.Name, d.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := answer(d.unmarshal, request); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkHandler is BenchmarkReview by package review, which reads only what
// matters and writes without reflection; beside it every token of the review.
func BenchmarkHandler(b *testing.B) {
	for _, p := range pods() {
		request := review(b, p.Pod)
		b.Run(p.Name+"/do=answer", func(b *testing.B) {
			b.ReportAllocs()
			handler := mutating()
			for b.Loop() {
				if _, err := handler.Review(b.Context(), request); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.Name+"/do=tokens", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := jsontext.NewDecoder(bytes.NewBuffer(request))
				for {
					if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func mutating() *fast.Handler { return &fast.Handler{Mutate: true} }

// TestAnswers: all decoders lead to the same answer, which the benchmark would
// not notice otherwise.
func TestAnswers(t *testing.T) {
	for _, p := range pods() {
		var first string
		for _, d := range decoders {
			out, err := answer(d.unmarshal, review(t, p.Pod))
			if err != nil {
				t.Fatalf("%s by %s: %v", p.Name, d.name, err)
			}
			if first == "" {
				first = string(out)
			}
			if string(out) != first {
				t.Errorf("%s by %s:\n%s\nand by %s:\n%s", p.Name, d.name, out, decoders[0].name, first)
			}
		}
		var got, byReview admissionv1.AdmissionReview
		if err := json.Unmarshal([]byte(first), &got); err != nil {
			t.Fatal(err)
		}
		out, err := mutating().Review(t.Context(), review(t, p.Pod))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &byReview); err != nil {
			t.Fatal(err)
		}
		if string(byReview.Response.Patch) != string(got.Response.Patch) {
			t.Errorf("%s has the patch\n%s\nby package review, and\n%s", p.Name, byReview.Response.Patch, got.Response.Patch)
		}
		if want := p.Name != "P4"; got.Response.Allowed != want {
			t.Errorf("%s is allowed: %v, want %v", p.Name, got.Response.Allowed, want)
		}
		if want := p.Name == "P2" || p.Name == "P3unset" || p.Name == "P4"; (len(got.Response.Patch) > 0) != want {
			t.Errorf("%s has the patch %q", p.Name, got.Response.Patch)
		}
	}
}

func decode(unmarshal func([]byte, any) error, b []byte) (*admissionv1.AdmissionReview, *corev1.Pod, error) {
	in, pod := &admissionv1.AdmissionReview{}, &corev1.Pod{}
	if err := unmarshal(b, in); err != nil {
		return nil, nil, err
	}
	return in, pod, unmarshal(in.Request.Object.Raw, pod)
}

// answer is a whole mutating webhook, but for the network.
func answer(unmarshal func([]byte, any) error, b []byte) ([]byte, error) {
	in, pod, err := decode(unmarshal, b)
	if err != nil {
		return nil, err
	}
	d := podfence.Admit(pod, restricted, policy.Set{})
	response := &admissionv1.AdmissionResponse{UID: in.Request.UID, Allowed: d.Allowed()}
	if d.Report.Changed() {
		kind := admissionv1.PatchTypeJSONPatch
		response.Patch, response.PatchType = d.Report.Patch(), &kind
	}
	if !d.Allowed() {
		response.Result = &metav1.Status{Message: d.Result.Refusal(), Code: 403}
	}
	return json.Marshal(admissionv1.AdmissionReview{TypeMeta: in.TypeMeta, Response: response})
}

func review(tb testing.TB, pod *corev1.Pod) []byte {
	return marshal(tb, admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:       "705ab4f5-6393-11e8-b7cc-42010a800002",
			Kind:      metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource:  metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Namespace: pod.Namespace,
			Name:      pod.Name,
			Operation: admissionv1.Create,
			Object:    runtime.RawExtension{Raw: marshal(tb, pod)},
		},
	})
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
