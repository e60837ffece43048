package crd

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podfence/podfence/policy"
)

// object is a PodPolicy with a rule over users, as the API server sends it.
func object(name, runAsUser string) string {
	return `{"apiVersion":"example.com/v1","kind":"PodPolicy","metadata":{"name":"` + name + `","namespace":"networking"},` +
		`"spec":{"podSelectorLabels":{"app":"` + name + `"},"allow":{"runAsUser":` + runAsUser + `}}}`
}

func list(objects ...string) []byte {
	return []byte(`{"apiVersion":"example.com/v1","kind":"PodPolicyList","items":[` + strings.Join(objects, ",") + `]}`)
}

const (
	ranged   = `{"rule":"MustRunAs","ranges":[{"min":400,"max":400}]}`
	ordered  = `{"rule":"MustRunAs","ranges":[{"min":401,"max":400}]}`
	number   = `400`
	misspelt = `{"rule":"RunAsAny","rnages":[]}`
)

// TestSet: the policies of a namespace govern there, and a wrong one is named and
// harms no other.
func TestSet(t *testing.T) {
	var l PodPolicyList
	if err := json.Unmarshal(list(object("routes", ranged), object("any", `"RunAsAny"`), object("wrong", ordered)), &l); err != nil {
		t.Fatal(err)
	}
	set, wrong := Set(&l.Items[0], &l.Items[1], &l.Items[2])
	if set.Len() != 2 || len(wrong) != 1 {
		t.Fatalf("%d policies, want 2, and %v wrong, want one", set.Len(), wrong)
	}
	if err := wrong["networking/wrong"]; err == nil || !strings.Contains(err.Error(), "min 401 is above max 400") {
		t.Errorf("networking/wrong: %v", err)
	}
	labels := map[string]string{"app": "routes"}
	if got := set.Governing("networking", labels); len(got) != 1 || got[0].Name != "routes" {
		t.Errorf("%v governs, want the policy routes", got)
	}
	if got := set.Governing("shop", labels); len(got) != 0 {
		t.Errorf("%v governs in another namespace", got)
	}
}

// TestANamespaceOfTheSpecIsNone: whoever may write objects in one namespace makes no
// policy for another one.
func TestANamespaceOfTheSpecIsNone(t *testing.T) {
	p := PodPolicy{Spec: policy.Policy{Name: "x", Namespace: "kube-system", PodSelectorLabels: map[string]string{"app": "routes"}}}
	p.Name, p.Namespace = "routes", "networking"
	set, wrong := Set(&p)
	if len(wrong) != 0 || len(set.Governing("kube-system", p.Spec.PodSelectorLabels)) != 0 || len(set.Governing("networking", p.Spec.PodSelectorLabels)) != 1 {
		t.Errorf("%v wrong; the policy governs where its spec says", wrong)
	}
}

// TestWhatTheSchemaIsFor: an object that no schema kept out breaks the list with Go
// types, and of a raw list itself alone.
func TestWhatTheSchemaIsFor(t *testing.T) {
	for _, row := range []struct{ name, why, rule, says string }{
		{"number", "it is neither a word nor a block", number, "400 is read as a number"},
		{"misspelt", "unknown keys are errors", misspelt, "did you mean ranges?"},
	} {
		data := list(object("routes", ranged), object("wrong", row.rule))
		var typed PodPolicyList
		if err := json.Unmarshal(data, &typed); err == nil {
			t.Errorf("%s: the typed list is read, though %s", row.name, row.why)
		}
		var raw struct{ Items []RawPodPolicy }
		if err := json.Unmarshal(data, &raw); err != nil {
			t.Fatal(err)
		}
		if p, err := raw.Items[0].Policy(); err != nil || p.Name != "routes" || p.Spec.Allow.RunAsUser.Rule != policy.MustRunAs {
			t.Errorf("%s: the other object is %v, %v", row.name, p, err)
		}
		if _, err := raw.Items[1].Policy(); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %q", row.name, err, row.says)
		}
	}
	for name, spec := range map[string]string{
		"nothing": ``, "values": `{"constraints":{"n":{"p":{"podSelectorLabels":{"app":"web"}}}}}`,
	} {
		r := RawPodPolicy{Spec: runtime.RawExtension{Raw: []byte(spec)}}
		if _, err := r.Policy(); err == nil {
			t.Errorf("%s is a policy", name)
		}
	}
}

// TestScheme: a client finds the types by their kinds.
func TestScheme(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"PodPolicy", "PodPolicyList"} {
		if o, err := scheme.New(GroupVersion.WithKind(kind)); err != nil {
			t.Errorf("%s: %v, %v", kind, o, err)
		}
	}
}
