package conformance_test

import (
	"encoding/json"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/review"
)

// TestConformanceOfSparsePods: the fixtures, read sparsely from their JSON, are
// judged as Pod Security Admission judges them.
func TestConformanceOfSparsePods(t *testing.T) {
	pods, _ := fixtures(t)
	comparisons := 0
	for path, pod := range pods {
		text, err := json.Marshal(withEphemeral(pod))
		if err != nil {
			t.Fatal(err)
		}
		sparse, err := review.Pod(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, level := range levels {
			for _, version := range versions() {
				comparisons++
				compare(t, path, sparse, api.LevelVersion{Level: level, Version: version})
			}
		}
	}
	if comparisons != 363*2*39 {
		t.Errorf("%d comparisons, want %d", comparisons, 363*2*39)
	}
}
