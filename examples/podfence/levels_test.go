package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// labelledPods are pods that differ in the levels that allow them.
var labelledPods = []string{
	"{containers: [{name: c, image: i}]}",
	"{hostPID: true, containers: [{name: c, image: i}]}",
	"{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}",
	"{os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: c, image: i}]}",
}

// labelSets are every combination of levels for the three modes, none among them,
// with and without an older version.
func labelSets() (sets []map[string]string) {
	levels := []string{"", "privileged", "baseline", "restricted"}
	for n := range 4 * 4 * 4 * 2 {
		set := map[string]string{}
		for i, key := range []string{api.EnforceLevelLabel, api.AuditLevelLabel, api.WarnLevelLabel} {
			if level := levels[n>>(2*i)&3]; level != "" {
				set[key] = level
				if n >= 4*4*4 {
					set[key+"-version"] = fmt.Sprintf("v1.%d", 20+3*i)
				}
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// labelledAnswer is an answer as programs read it.
type labelledAnswer struct {
	levelAnswer
	Levels struct{ Audit, Warn *levelAnswer }
}

type levelAnswer struct {
	Allowed bool
	Message string
}

// TestLabelsAnswerAsACluster: at the three levels of its namespace a pod gets the
// answers that Pod Security Admission gives, word for word.
func TestLabelsAnswerAsACluster(t *testing.T) {
	sets := labelSets()
	var input strings.Builder
	for i, set := range sets {
		for j, pod := range labelledPods {
			fmt.Fprintf(&input, "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: n%d}, spec: %s}\n", j, i, pod)
		}
		labels, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&input, "---\n{apiVersion: v1, kind: Namespace, metadata: {name: n%d, labels: %s}}\n", i, labels)
	}
	var out, stderr bytes.Buffer
	status := run([]string{"evaluate", "-", "--no-config", "--level", "labels", "-o", "json"}, strings.NewReader(input.String()), &out, &stderr)
	if status != statusDenied || stderr.Len() > 0 {
		t.Fatalf("status %d\n%s", status, &stderr)
	}
	upstream, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cluster := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	d, answers := json.NewDecoder(&out), 0
	for _, set := range sets {
		want, wrong := api.PolicyToEvaluate(set, api.Policy{Enforce: cluster, Audit: cluster, Warn: cluster})
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		for _, text := range labelledPods {
			var pod corev1.PodSpec
			if err := yaml.Unmarshal([]byte(text), &pod); err != nil {
				t.Fatal(err)
			}
			var got labelledAnswer
			if err := d.Decode(&got); err != nil {
				t.Fatal(err)
			}
			for _, one := range []struct {
				mode string
				lv   api.LevelVersion
				got  *levelAnswer
			}{{"enforce", want.Enforce, &got.levelAnswer}, {"audit", want.Audit, got.Levels.Audit}, {"warn", want.Warn, got.Levels.Warn}} {
				if one.got == nil {
					one.got = &got.levelAnswer // it asks for nothing else
				}
				result := psa.AggregateCheckResults(upstream.EvaluatePod(one.lv, new(metav1.ObjectMeta), &pod))
				if one.got.Allowed != result.Allowed || !result.Allowed && one.got.Message != result.ForbiddenDetail() {
					t.Errorf("%v, %s of %s: allowed %t, %q, want %t, %q", set, one.mode, text, one.got.Allowed, one.got.Message, result.Allowed, result.ForbiddenDetail())
				}
			}
			answers++
		}
	}
	if answers != 512 || d.More() {
		t.Errorf("%d answers, want 512", answers)
	}
}
