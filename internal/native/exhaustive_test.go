package native_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/exhaustive"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// every is which of the cases are tried: a prime, so that what is left out is spread
// over all values, versions and policies.
var every = flag.Int("native.every", 1999, "one of so many cases of the exhaustive domains is tried")

// exhaustiveCases is the number of cases of all domains, each pod without a policy
// among them.
const exhaustiveCases = 5_372_460

// TestControls: for the domains of package exhaustive, control by control, the
// expressions judge the pod as the library does, word for word, and fill in what it
// fills in.
func TestControls(t *testing.T) {
	total := 0
	for _, g := range exhaustive.Groups() {
		d := &domain{Group: g}
		total += d.cases()
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			d.run(t)
		})
	}
	if t.Logf("%d cases", total); total != exhaustiveCases {
		t.Errorf("%d cases, want %d", total, exhaustiveCases)
	}
}

// domain is a group, each of whose policies is for a namespace of its own; one more
// namespace has none.
type domain struct {
	exhaustive.Group
	set policy.Set
	*server
}

// cases is the number of pods under a policy, or none, at a level and version.
func (d *domain) cases() int { return d.Pods() * (len(d.Policies) + 1) * len(d.Levels()) }

// namespaceAt is the namespace of a policy by its index.
func namespaceAt(i int) string { return fmt.Sprint("n", i) }

func (d *domain) run(t *testing.T) {
	policies := make([]policy.Policy, len(d.Policies))
	for i := range d.Policies {
		d.Policies[i].DeepCopyInto(&policies[i])
		policies[i].Namespace = namespaceAt(i)
	}
	var err error
	if d.set, err = policy.NewSet(policies...); err != nil {
		t.Fatal(err)
	}
	d.server = newTestServer(t, d.set, native.Options{})
	at, tried, lvs := 0, 0, d.Levels()
	for pod := range d.All() {
		var seen *corev1.Pod
		for i := range len(policies) + 1 {
			var asked *asked
			for _, lv := range lvs {
				if at++; at%*every != 0 {
					continue
				}
				tried++
				if seen == nil {
					pod.Name, pod.Labels = "pod", map[string]string{"app": "web"}
					seen = apiserver.Admitted(pod)
				}
				if asked == nil {
					seen.Namespace = namespaceAt(i)
					asked = d.ask(t, creation(nil, seen))
				}
				d.judges(t, asked, lv)
				d.fills(t, asked, lv)
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d of %d cases", tried, at)
	if at != d.cases() || tried != at / *every {
		t.Errorf("%d of %d cases, want %d of %d", tried, at, d.cases() / *every, d.cases())
	}
}

// asked is a request that is made ready to be asked about again and again.
type asked struct {
	*request
	versioned *admission.VersionedAttributes
}

func (d *domain) ask(t *testing.T, r *request) *asked {
	pod := r.object.(*corev1.Pod)
	r.namespace = restrictedNamespace(pod.Namespace)
	versioned, err := admission.NewVersionedAttributes(d.attributes(r), r.kind, interfaces)
	if err != nil {
		t.Fatal(err)
	}
	return &asked{r, versioned}
}

// judges holds the policy that enforces to Evaluate.
func (d *domain) judges(t *testing.T, r *asked, lv api.LevelVersion) {
	pod := r.object.(*corev1.Pod)
	r.namespace.Labels["podfence.dev/enforce"], r.namespace.Labels["podfence.dev/enforce-version"] = string(lv.Level), lv.Version.String()
	want := evaluate.Evaluate(pod, lv, d.set)
	if refusal := d.refusal(r); refusal != want.Refusal() {
		t.Errorf("%s (-library +native):\n- %q\n+ %q\n%s\n%s", lv, want.Refusal(), refusal, show(pod), show(d.set.Governing(pod.Namespace, pod.Labels)))
	}
}

// fills holds the mutating policy to Admit, at the level that the namespace has.
func (d *domain) fills(t *testing.T, r *asked, lv api.LevelVersion) {
	pod := r.object.(*corev1.Pod)
	decision := podfence.AdmitRequested(pod, lv, d.set)
	filled, err := d.filled(r)
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", lv, err, show(pod), show(d.set.Governing(pod.Namespace, pod.Labels)))
	} else if diff := cmp.Diff(decision.Pod.Spec, filled.Spec, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: filled (-library +native):\n%s\n%s\n%s", lv, diff, show(pod), show(d.set.Governing(pod.Namespace, pod.Labels)))
	}
}

// refusal is what the policy that enforces says against the request.
func (s *server) refusal(r *asked) string {
	hook := s.validatingPolicies[0]
	result := hook.Evaluator.Validate(context.Background(), r.resource, r.versioned, nil, r.namespace, celconfig.RuntimeCELCostBudget, nil)
	for _, decision := range result.Decisions {
		if decision.Action == validating.ActionDeny {
			return decision.Message
		}
	}
	return ""
}

// filled is the request's pod after the mutating policy, the same where its match
// conditions leave the pod out.
func (s *server) filled(r *asked) (*corev1.Pod, error) {
	hook := s.mutatingPolicies[0]
	ctx := hook.Evaluator.CompositedCompiler.CreateContext(context.Background())
	if hook.Evaluator.Matcher != nil {
		if matched := hook.Evaluator.Matcher.Match(ctx, r.versioned, nil, nil); matched.Error != nil || !matched.Matches {
			return r.object.(*corev1.Pod), matched.Error
		}
	}
	out, err := hook.Evaluator.Mutators[0].Patch(ctx, patch.Request{
		MatchedResource: r.resource, VersionedAttributes: r.versioned, ObjectInterfaces: interfaces, Namespace: r.namespace,
	}, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return nil, err
	}
	return out.(*corev1.Pod), nil
}
