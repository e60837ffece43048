package laws

import (
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/policy"
)

// knowing is what is known of the namespaces that policies and pods are drawn for.
type knowing func(namespace string) (labels map[string]string, known bool)

func nothing(string) (map[string]string, bool) { return nil, false }

// listing is a policy without its namespaceSelector, and with the namespaces that it
// selects in its place; nil where it selects none.
func (known knowing) listing(p *policy.Policy) *policy.Policy {
	if p.NamespaceSelector == nil {
		return p
	}
	listed := p.DeepCopy()
	listed.Namespace, listed.Namespaces, listed.NamespaceSelector = "", nil, nil
	for _, name := range podgen.Namespaces() {
		if selects, decided := known.selects(p, name); selects && decided {
			listed.Namespaces = append(listed.Namespaces, name)
		}
	}
	if listed.Namespaces == nil {
		return nil
	}
	return listed
}

func (known knowing) selects(p *policy.Policy, namespace string) (selects, decided bool) {
	n := restated.Namespace{Name: namespace}
	n.Labels, n.Known = known(namespace)
	return restated.SelectsNamespace(p, n)
}

// drawNamed draws policies that have names of their own, so that any of them may be
// changed and left out. Many select every pod by its labels, of the namespaces that
// were drawn.
func drawNamed(t *rapid.T) []policy.Policy {
	policies := rapid.SliceOfN(podgen.Policy(), 1, 3).Draw(t, "policies")
	for i := range policies {
		p := &policies[i]
		p.Name += "." + strconv.Itoa(i)
		if rapid.Bool().Draw(t, "selects every pod") {
			namespace, namespaces, selector := p.Namespace, p.Namespaces, p.NamespaceSelector
			selectEvery(p)
			p.Namespace, p.Namespaces, p.NamespaceSelector = namespace, namespaces, selector
		}
	}
	return policies
}

func setOf(t *rapid.T, policies []policy.Policy) policy.Set {
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSelectedNamespacesAreListed: a policy that selects namespaces by their labels
// speaks as one that lists them, word for word, whatever of the labels is known. So
// where nothing is known, it speaks as if it were not there, but for what it asks of
// names. The notices are of those that hang on what is not known.
func TestSelectedNamespacesAreListed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, policies := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawNamed(t)
		for name, known := range map[string]knowing{"labels known": podgen.LabelsOf, "nothing known": nothing} {
			var listed []policy.Policy
			var open []string
			for i := range policies {
				p := &policies[i]
				if l := known.listing(p); l != nil {
					listed = append(listed, *l)
				}
				if _, decided := known.selects(p, pod.Namespace); !decided && selectsLabels(t, p, pod) {
					open = append(open, p.Name)
				}
			}
			slices.Sort(open)
			set := setOf(t, policies).WithNamespaces(known)
			want, got := podfence.Admit(pod, lv, setOf(t, listed)), podfence.Admit(pod, lv, set)
			agree(t, name+", Admit", want.Result, got.Result, open)
			got.Result.Notices = nil
			same(t, name+", Admit", jsonText(t, want), jsonText(t, got))
			agree(t, name+", Evaluate", evaluate.Evaluate(pod, lv, setOf(t, listed)), evaluate.Evaluate(pod, lv, set), open)

			bare := setOf(t, policies)
			if name == "nothing known" { // as a set is that nobody told of namespaces
				same(t, "a set as it is", jsonText(t, podfence.Admit(pod, lv, set)), jsonText(t, podfence.Admit(pod, lv, bare)))
			}
		}
	})
}

// selectsLabels reports whether a policy selects the pod by its labels.
func selectsLabels(t *rapid.T, p *policy.Policy, pod *corev1.Pod) bool {
	anywhere := p.DeepCopy()
	anywhere.Namespace, anywhere.Namespaces, anywhere.NamespaceSelector = "", nil, nil
	return len(setOf(t, []policy.Policy{*anywhere}).Governing("", pod.Labels)) == 1
}

// agree holds two results against each other, and the notices of the second against
// the names of those policies that are open.
func agree(t *rapid.T, what string, want, got evaluate.Result, open []string) {
	var noticed []string
	for _, n := range got.Notices {
		if n.Reason == policy.NoticeNamespaceUnknown {
			noticed = append(noticed, n.Policy.Name)
		}
	}
	if got.Level.Level == "privileged" {
		open = nil // nothing is looked at
	}
	if !slices.Equal(noticed, open) {
		t.Errorf("%s: notices of %q, want them of %q", what, noticed, open)
	}
	got.Notices = nil
	same(t, what, jsonText(t, want), jsonText(t, got))
}

// TestNamespaceLawsAreNotIdle: the draws of the law above have policies that select the
// pod's namespace, that do not, and of which it is open, in numbers.
func TestNamespaceLawsAreNotIdle(t *testing.T) {
	count := map[string]int{}
	policies, pods := podgen.Policy(), podgen.Pod()
	for seed := range 2000 {
		p, pod := policies.Example(seed), pods.Example(seed)
		if p.NamespaceSelector == nil {
			continue
		}
		switch selects, decided := knowing(podgen.LabelsOf).selects(&p, pod.Namespace); {
		case !decided:
			count["open"]++
		case selects:
			count["selects"]++
		default:
			count["does not"]++
		}
	}
	for _, kind := range []string{"open", "selects", "does not"} {
		if count[kind] < 50 {
			t.Errorf("%d of 2000 are %s", count[kind], kind)
		}
	}
	t.Log(count)
}
