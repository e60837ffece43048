package policy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestGranted: every grant of a policy is listed with its entry, those of entries for
// single containers behind the policy's own.
func TestGranted(t *testing.T) {
	p, err := policy.Parse([]byte(`
name: a
podSelectorLabels: {app: a}
allow:
  privileged: true
  allowedCapabilities: [NET_ADMIN, CHOWN]
  allowedHostPaths: [{pathPrefix: /a, readOnly: true}]
  runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}
  volumes: [csi]
  allowedHostPorts: [{min: 1, max: 2}]
  readOnlyRootFilesystem: true
mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: true}
containers:
  - kinds: [init]
    allow: {runAsUser: RunAsAny, procMounts: [Unmasked]}
`), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, granted := range p[0].Granted() {
		got = append(got, granted.At.String()+" = "+granted.Grant.String())
	}
	want := []string{
		"allow.privileged = allow.privileged: true",
		"allow.allowedCapabilities[0] = allow.allowedCapabilities: [NET_ADMIN]",
		"allow.allowedCapabilities[1] = allow.allowedCapabilities: [CHOWN]",
		"allow.allowedHostPaths[0] = allow.allowedHostPaths: [{pathPrefix: /a, readOnly: true}]",
		"allow.runAsUser = allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}",
		"allow.volumes[0] = allow.volumes: [csi]",
		"allow.allowedHostPorts[0] = allow.allowedHostPorts: [{min: 1, max: 2}]",
		"mutations.dropAllCapabilities = mutations.dropAllCapabilities: false",
		"containers[0].allow.runAsUser = allow.runAsUser: RunAsAny",
		"containers[0].allow.procMounts[0] = allow.procMounts: [Unmasked]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWithout: a policy without one of its grants has the others, in order, and is
// otherwise the same; without all it has none.
func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := podgen.Policy().Draw(t, "policy")
		before := p.DeepCopy()
		texts := func(p *policy.Policy) (list []string) {
			for _, granted := range p.Granted() {
				list = append(list, granted.Grant.String())
			}
			return list
		}
		all := p.Granted()
		less := &p
		for i := len(all) - 1; i >= 0; i-- {
			want := slices.Delete(texts(&p), i, i+1)
			if diff := cmp.Diff(want, texts(p.Without(all[i].At))); len(want) > 0 && diff != "" {
				t.Fatalf("without %s (-want +got):\n%s", all[i].At, diff)
			}
			less = less.Without(all[i].At)
		}
		if left := less.Granted(); len(left) > 0 {
			t.Fatalf("left: %v", left)
		}
		if diff := cmp.Diff(before, &p); diff != "" {
			t.Fatalf("the policy was changed:\n%s", diff)
		}
	})
}

// TestRepositoryPattern: the pattern holds every image of the repository, with its
// registry written.
func TestRepositoryPattern(t *testing.T) {
	for _, test := range []struct{ image, want string }{
		{"nginx", "docker.io/library/nginx:*"},
		{"istio/proxyv2:1.24", "docker.io/istio/proxyv2:*"},
		{"r.example.com:5000/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "r.example.com:5000/a/b:*"},
		{"", ""},
		{"UPPER", ""},
	} {
		got, ok := policy.RepositoryPattern(test.image)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%q: %q, %t, want %q", test.image, got, ok, test.want)
		}
		if !ok {
			continue
		}
		p := policy.Policy{PodSelectorLabels: map[string]string{"a": "a"}, Containers: []policy.ContainerEntry{
			{Images: []string{got}, Allow: policy.ContainerAllow{Privileged: true}},
		}}
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		if !p.For(spec.RegularContainer, &corev1.Container{Image: test.image}).AllowsPrivileged() {
			t.Errorf("%q does not hold %q", got, test.image)
		}
	}
	for name, want := range map[string]bool{"istio-init": true, "debugger-*": false, "": false, "A": false} {
		if got := policy.IsContainerName(name); got != want {
			t.Errorf("%q is the name of a container: %t", name, got)
		}
	}
}

// TestOfContainers: what an entry for single containers takes from a policy is what
// stands under the keys that it has.
func TestOfContainers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := podgen.Policy().Draw(t, "policy")
		p.Containers = nil
		var e policy.ContainerEntry
		e.Take(&p)
		part := e.Part()
		var want, got []string
		for _, granted := range p.Granted() {
			if granted.At.Key.OfContainers() {
				want = append(want, granted.Grant.String())
			}
		}
		for _, granted := range part.Granted() {
			got = append(got, granted.Grant.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
