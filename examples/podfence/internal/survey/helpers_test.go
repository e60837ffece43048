package survey

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/policy"
)

// objects reads manifests, as the command does.
func objects(t testing.TB, text string) (list []Object) {
	t.Helper()
	for c, err := range manifest.Read(strings.NewReader(text), manifest.Stdin) {
		if err == nil {
			err = c.Err
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Objects {
			list = append(list, object(t, &c.Objects[i]))
		}
	}
	return list
}

func object(t testing.TB, o *manifest.Object) Object {
	t.Helper()
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	o.Own()
	object := Object{
		Owner: Owner{o.Namespace, schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).Group, o.Kind, o.Name}, Typed: o.Typed,
	}
	var err error
	if o.Typed != nil {
		object.Held = make([]podfence.Workload, 1)
		object.Held[0], err = podfence.WorkloadOf(o.Typed)
	} else {
		object.Held, err = podfence.WorkloadsOf(o.Tree())
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// surveyed is the report about objects.
func surveyed(policies policy.Set, list ...Object) *Report {
	c := NewCollector(api.LatestVersion(), policies)
	for _, o := range list {
		c.Add(o)
	}
	return c.Report()
}

// agents is a set of one policy: pods with the label app=agent may use the network of the host.
func agents(t testing.TB) policy.Set {
	t.Helper()
	policies, err := policy.Parse([]byte("name: agents\npodSelectorLabels: {app: agent}\nallow: {hostNetworkPorts: true}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
