package native_test

import (
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// A run draws sets of policies, -rapid.checks of them, and for each of them so many
// pods. Without the flags it draws what the constants say, the same in each run, so
// that what the pods are can be asserted.
const setsDrawn, seed = "55", "1"

var podsPerSet = flag.Int("native.pods", 96, "pods that are tried for each set of policies")

// TestPipeline: a pod on its way into a cluster with the rendered objects is filled,
// stored or refused as the library says, and the server's words are the library's. So
// is an update that adds ephemeral containers, and one that changes an image.
func TestPipeline(t *testing.T) {
	seeded := seedRapid(t, setsDrawn, seed)
	count := tally{}
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPipeline(rt, count)
		for range *podsPerSet {
			p.try(rt, validpod.Pod().Draw(rt, "pod"))
		}
	})
	count.check(t, seeded, pipelineFloors)
	if 100*count["ephemeral updates"] < fewestUpdates*count["pods"] {
		t.Errorf("%d updates of ephemeral containers for %d pods", count["ephemeral updates"], count["pods"])
	}
}

// pipeline is a cluster, and the server with its objects.
type pipeline struct {
	rapid.TB
	*cluster
	*server
	count tally
	// warns: there are objects for warnings and for the audit log too. Most clusters
	// are without, since compiling them takes most of the time.
	warns bool
}

func drawPipeline(t *rapid.T, count tally) *pipeline {
	return newPipeline(t, drawCluster(t), rapid.IntRange(0, 3).Draw(t, "warnings and audit log too") == 3, count)
}

func newPipeline(t rapid.TB, c *cluster, warns bool, count tally) *pipeline {
	r, err := native.Render(c.set, c.options)
	if err != nil {
		t.Fatalf("%v\n%s", err, show(c.policies))
	}
	if r.Templates = nil; !warns {
		r.Audit, r.Warn = nil, nil
	}
	objects, err := decodedObjects(r.List())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(objects)
	if err != nil {
		t.Fatalf("%v\n%s", err, show(c.policies))
	}
	count["sets"]++
	return &pipeline{TB: t, cluster: c, server: s, count: count, warns: warns}
}

// serviceAccounts say nothing, true and false of automountServiceAccountToken.
var serviceAccounts = []*serviceaccount.Plugin{
	apiserver.ServiceAccounts(nil, podgen.Namespaces()...),
	apiserver.ServiceAccounts(ptr(true), podgen.Namespaces()...),
	apiserver.ServiceAccounts(ptr(false), podgen.Namespaces()...),
}

// try takes a pod through the server, and some of those that it would store through
// an update.
func (p *pipeline) try(t *rapid.T, author *corev1.Pod) {
	p.count["pods"]++
	author.Namespace = apiserver.NamespaceOf(&author.ObjectMeta)
	ns := drawNamespace(t, author.Namespace, &p.options)
	internal := apiserver.Decoded[core.Pod](author)
	if err := apiserver.AddServiceAccount(rapid.SampledFrom(serviceAccounts).Draw(t, "ServiceAccount"), internal); err != nil {
		p.count["refused by ServiceAccount admission"]++
		return
	}
	stored, _ := p.creates(ns, apiserver.Encoded[corev1.Pod](internal))
	if stored == nil {
		return
	}
	switch rapid.IntRange(0, 4).Draw(t, "then: nothing, debug, update") {
	case 2, 3:
		p.debugged(t, ns, stored)
	case 4:
		p.updated(t, ns, stored)
	}
}

// creates is the creation of a pod: the stored pod, nil for one that validation
// refuses, and what is said against it.
func (p *pipeline) creates(ns *corev1.Namespace, seen *corev1.Pod) (stored *corev1.Pod, refusal string) {
	levels, set := levelsOf(ns, &p.options), p.in(ns)
	d := podfence.AdmitRequested(seen, levels.Enforce, set)
	filled := p.fills("created", creation(ns, seen), levels.Enforce, &d)
	stored, err := apiserver.Create(filled)
	if err != nil {
		p.count["refused by validation"]++
		return nil, ""
	}
	p.count["valid"]++
	p.count["valid at "+string(levels.Enforce.Level)]++
	want := evaluate.Evaluate(stored, levels.Enforce, set)
	if want.Allowed() != d.Allowed() {
		p.Fatalf("the library disagrees with itself about the stored pod: %s, and %s\n%s", d.Result.Message(), want.Message(), show(stored))
	}
	p.count.decision(&d, set, seen)
	p.judges("stored", creation(ns, stored), levels, &want, func(lv api.LevelVersion) evaluate.Result { return evaluate.Evaluate(stored, lv, set) })
	return stored, want.Refusal()
}

// fills holds the mutating policy to a decision, and returns the pod as it goes on.
func (p *pipeline) fills(what string, r *request, lv api.LevelVersion, d *podfence.Decision) *corev1.Pod {
	before := *p.calls
	filled, err := p.mutate(r)
	if err != nil {
		p.Fatalf("%s at %s, the mutating policy: %v\n%s", what, lv, err, p.context(r))
	}
	want := apiserver.Admitted(d.Pod)
	if !reflect.DeepEqual(want, filled) {
		if diff := cmp.Diff(want, filled, cmpopts.EquateEmpty()); diff != "" {
			p.Fatalf("%s at %s (%s, policy %s): filled (-library +native):\n%s\n%s", what, lv, d.Reason, d.Result.PolicyName(), diff, p.context(r))
		}
	}
	if *p.calls > before && !d.Report.Changed() {
		p.count["a mutation was evaluated, and nothing filled"]++
	}
	return filled
}

// judges holds the validating policies to what Evaluate says at each level.
func (p *pipeline) judges(what string, r *request, levels api.Policy, want *evaluate.Result, at func(api.LevelVersion) evaluate.Result) {
	got := p.validate(r)
	if said := want.Refusal(); got.refusal != said {
		if !isReplaced(said, got.refusal) {
			p.Fatalf("%s at %s, policy %s (-library +native):\n- %q\n+ %q\n%s", what, levels.Enforce, want.PolicyName(), said, got.refusal, p.context(r))
		}
		p.count["texts that are too long"]++
	} else if !want.Allowed() && got.code != 403 {
		p.Fatalf("%s: code %d", what, got.code)
	}
	p.annotates(what, r, want, got)
	if p.warns {
		p.warnsOf(what, r, at(levels.Warn), got)
		p.audits(what, r, at(levels.Audit), got)
	}
}

// warnsOf holds the warnings to the result at the level that warns.
func (p *pipeline) warnsOf(what string, r *request, want evaluate.Result, got answer) {
	var said string
	for _, text := range got.warnings {
		var ours bool
		if _, said, ours = strings.Cut(text, "with binding 'podfence-warn': "); !ours {
			p.Fatalf("%s: warning %q", what, text)
		}
	}
	if len(got.warnings) > 1 || said != want.Warning() && !isReplaced(want.Warning(), said) {
		p.Fatalf("%s, warnings at %s (-library +native):\n- %q\n+ %q\n%s", what, want.Level, want.Warning(), got.warnings, p.context(r))
	}
	if said != "" {
		p.count["warnings"]++
	}
}

// audits holds what goes into the audit log to the result at that level.
func (p *pipeline) audits(what string, r *request, want evaluate.Result, got answer) {
	var said string
	failures := got.failures()
	for _, f := range failures {
		said = f.Message
	}
	if len(failures) > 1 || said != want.Warning() && !isReplaced(want.Warning(), said) {
		p.Fatalf("%s, audit log at %s (-library +native):\n- %q\n+ %+v\n%s", what, want.Level, want.Warning(), failures, p.context(r))
	}
	if said != "" {
		p.count["entries of the audit log"]++
	}
}

// isReplaced reports whether the server takes another text in the place of one that it
// finds too long, or on two lines.
func isReplaced(text, by string) bool {
	return by != "" && text != "" && (len(text) > celconfig.MaxEvaluatedMessageExpressionSizeBytes || strings.Contains(text, "\n"))
}

// annotates holds the annotations for the audit log to the result.
func (p *pipeline) annotates(what string, r *request, want *evaluate.Result, got answer) {
	annotations := got.annotations("podfence-enforce")
	if annotations["policy"] != want.PolicyName() {
		p.Fatalf("%s: annotation policy %q, want %q\n%s", what, annotations["policy"], want.PolicyName(), p.context(r))
	}
	if excused := excusedText(want); annotations["excused"] != excused {
		p.Fatalf("%s: annotation excused (-library +native):\n- %q\n+ %q\n%s", what, excused, annotations["excused"], p.context(r))
	}
	if len(want.Excused) > 0 {
		p.count["something excused"]++
	}
}

// excusedText is the annotation that the webhook writes.
func excusedText(r *evaluate.Result) string {
	var list []string
	for i := range r.Excused {
		if i == 50 {
			list = append(list, fmt.Sprintf("and %d more", len(r.Excused)-i))
			break
		}
		v := &r.Excused[i]
		list = append(list, fmt.Sprintf("%s=%s by %s", v.Location, v.ValueString(), v.ExcusedBy))
	}
	return strings.Join(list, "; ")
}

// debugged is an update that adds ephemeral containers to a stored pod, beside some
// that may run already.
func (p *pipeline) debugged(t *rapid.T, ns *corev1.Namespace, old *corev1.Pod) {
	if running := rapid.IntRange(0, 2).Draw(t, "running ephemeral containers"); running > 0 {
		next := old.DeepCopy()
		next.Spec.EphemeralContainers = validpod.EphemeralContainers(t, old, 10, running)
		var err error
		if old, err = apiserver.UpdateEphemeralContainers(old, next); err != nil {
			return
		}
	}
	p.debugs(ns, old, validpod.UpdateOf(t, old))
}

// debugs is such an update.
func (p *pipeline) debugs(ns *corev1.Namespace, old, updated *corev1.Pod) (refusal string) {
	levels, set := levelsOf(ns, &p.options), p.in(ns)
	updated = apiserver.Admitted(updated)
	d := podfence.AdmitEphemeralContainers(old, updated, levels.Enforce, set)
	r := debugging(ns, old, updated)
	filled := p.fills("debugged", r, levels.Enforce, &d)
	stored, err := apiserver.UpdateEphemeralContainers(old, filled)
	if err != nil {
		p.count["updates refused by validation"]++
		return "refused by validation: " + err.Error()
	}
	p.count["ephemeral updates"]++
	if d.Report.Changed() {
		p.count["ephemeral updates filled"]++
	}
	want := evaluate.EphemeralContainers(old, stored, levels.Enforce, set)
	if want.Allowed() != d.Allowed() {
		p.Fatalf("the library disagrees with itself about an update: %s, and %s\n%s", d.Result.Message(), want.Message(), show(stored))
	}
	if want.Allowed() {
		p.count["ephemeral updates allowed"]++
	}
	if len(d.Considered) > 1 {
		p.count["ephemeral updates governed by several"]++
	}
	p.judges("debugged", debugging(ns, old, stored), levels, &want, func(lv api.LevelVersion) evaluate.Result {
		return evaluate.EphemeralContainers(old, stored, lv, set)
	})
	return want.Refusal()
}

// updated is an update of a stored pod: of its labels, which nobody judges, or of an
// image, by which the pod is judged again, whole, as it is. Nothing is filled in.
func (p *pipeline) updated(t *rapid.T, ns *corev1.Namespace, old *corev1.Pod) {
	next := old.DeepCopy()
	next.Labels = map[string]string{"app": "web", "changed": "yes"}
	image := rapid.Bool().Draw(t, "another image")
	if image {
		next.Spec.Containers[0].Image = "docker.io/istio/proxyv2:other"
	}
	r := creation(ns, next)
	r.old, r.operation = old, admission.Update
	unchanged, err := p.mutate(r)
	if err != nil || !reflect.DeepEqual(unchanged, apiserver.Admitted(next)) {
		p.Fatalf("an update is filled in: %v\n%s", err, cmp.Diff(next, unchanged))
	}
	stored, err := apiserver.UpdatePod(old, next)
	if err != nil {
		p.Fatalf("an update is refused: %v", err)
	}
	r.object = stored
	levels := levelsOf(ns, &p.options)
	if !image {
		p.count["updates of labels"]++
		if got := p.validate(r); got.refusal != "" || len(got.audit)+len(got.warnings) > 0 {
			p.Fatalf("an update of labels: %+v\n%s", got, p.context(r))
		}
		return
	}
	p.count["updates of an image"]++
	want := evaluate.Evaluate(stored, levels.Enforce, p.in(ns))
	p.judges("updated", r, levels, &want, func(lv api.LevelVersion) evaluate.Result { return evaluate.Evaluate(stored, lv, p.in(ns)) })
}

// context is all that a difference needs to be tried again.
func (p *pipeline) context(r *request) string {
	old := ""
	if r.old != nil {
		old = "\nold " + show(r.old)
	}
	return fmt.Sprintf("%s %s, labels of the namespace %v, options %+v\n%s%s\npolicies %s",
		r.operation, r.subresource, r.namespace.Labels, p.options, show(r.object), old, show(p.policies))
}

// decision counts what a decision is about.
func (c tally) decision(d *podfence.Decision, set policy.Set, pod *corev1.Pod) {
	if d.Allowed() {
		c["allowed"]++
	}
	if d.Report.Changed() {
		c["filled"]++
		if d.Allowed() {
			c["filled and allowed"]++
		}
	}
	if len(d.Considered) > 1 {
		c["governed by several"]++
		if d.Allowed() {
			c["governed by several and allowed"]++
		}
	}
	c["reason "+string(d.Reason)]++
	p := d.Result.Policy
	if p == nil {
		return
	}
	if len(p.Containers) > 0 {
		c["governed by one with entries for containers"]++
	}
	if p.Expired {
		c["governed by one that has expired"]++
	}
	if p.NamespaceSelector != nil {
		c["governed by one that selects namespaces"]++
	}
	if len(p.Namespaces) > 0 {
		c["governed by one with several namespaces"]++
	}
	if p.Allow.RequiresUserNamespace() {
		c["governed by one that requires a user namespace"]++
	}
}
