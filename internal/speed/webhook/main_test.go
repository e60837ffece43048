package main

import (
	"encoding/json"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
)

// TestSamples: names, with their labels, and values; comments and what is no number
// are passed over.
func TestSamples(t *testing.T) {
	got := samples("# HELP a b\na 1.5\nb{side=\"mutate\"} 2e3\nc x\n\n")
	if len(got) != 2 || got["a"] != 1.5 || got[`b{side="mutate"}`] != 2000 {
		t.Errorf("read %v", got)
	}
}

// TestShow: the ratio of each round counts, and not that of the medians.
func TestShow(t *testing.T) {
	version := func(values ...float64) (list []figures) {
		for _, v := range values {
			f := figures{}
			for _, row := range rows() {
				f[row] = v
			}
			list = append(list, f)
		}
		return list
	}
	var b strings.Builder
	show(&b, []string{"old"}, [][]figures{version(1e-3, 2e-3, 9e-3), version(4e-3, 4e-3, 9e-3)})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2+len(rows()) || lines[2] != "| a request to /mutate, on loopback | 2ms | 0.50 (0.25 to 0.50), fastest 0.25 |" {
		t.Errorf("printed\n%s", b.String())
	}
}

// TestQuestion: it is a review of a pod of some size.
func TestQuestion(t *testing.T) {
	text, err := question()
	if err != nil {
		t.Fatal(err)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &review); err != nil || len(text) < 10_000 || review.Request.Namespace != namespace {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
