package main

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

// maxNear is how many policies that nearly select a workload are named, and
// maxNearJSON how many there are in JSON.
const (
	maxNear     = 3
	maxNearJSON = 10
)

// near are the policies that nearly select a workload, where somebody may ask:
// no policy governs it, or it is denied.
type near []policy.NearMiss

func (s *scan) near(w *workload, r *evaluate.Result) near {
	switch {
	case s.policies.Len() == 0, r.Policy != nil && !r.Policy.Default && r.Allowed(), r.Level.Level == api.LevelPrivileged:
		return nil
	case w.held.Pod != nil:
		return s.policies.NearMisses(w.held.Namespace, w.held.Pod.Labels)
	default:
		return s.policies.NearMisses(w.held.Namespace, w.held.Template.Labels)
	}
}

// lines are what is said of them.
func (n near) lines() (lines []string) {
	for _, m := range n[:min(len(n), maxNear)] {
		line := "almost selected by " + m.String()
		if m.Namespace != "" {
			line += " (-n " + m.Namespace + ")"
		}
		lines = append(lines, line)
	}
	if more := len(n) - maxNear; more > 0 {
		lines = append(lines, fmt.Sprintf("almost selected by %d more policies", more))
	}
	return lines
}

func (a *answer) writeNear(p *page) {
	for _, text := range a.near.lines() {
		p.line("", indent+"%s", text)
	}
}

// nearness is the part of an answer's JSON about policies that nearly select the
// workload, the first of them. The key is there only where there are some.
type nearness struct {
	Almost []nearRecord `json:"almost,omitempty"`
}

// nearRecord is one of them. Namespace is there where the workload names none.
type nearRecord struct {
	Policy    string            `json:"policy"`
	Namespace string            `json:"namespace,omitempty"`
	Labels    []nearLabelRecord `json:"labels,omitempty"`
}

// nearLabelRecord is a label as the policy wants it, and as the workload has it.
type nearLabelRecord struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	HasKey   string `json:"hasKey"`
	HasValue string `json:"hasValue"`
}

func (n near) record() (r nearness) {
	for _, m := range n[:min(len(n), maxNearJSON)] {
		record := nearRecord{Policy: m.Policy.Name, Namespace: m.Namespace}
		for _, l := range m.Labels {
			record.Labels = append(record.Labels, nearLabelRecord{l.Key, l.Value, l.PodKey, l.PodValue})
		}
		r.Almost = append(r.Almost, record)
	}
	return r
}
