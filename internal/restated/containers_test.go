package restated

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestImages: the references and patterns that are drawn match here as they do in
// package policy.
func TestImages(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	images := []string{
		"docker.io/istio/proxyv2:1.24", "istio/proxyv2:1.24", "nginx", "docker.io/library/nginx:latest",
		"registry.example.com:5000/team/app:v1", "nginx" + digest, "istio/proxyv2:1.24" + digest, "Not/An:Image", "", "registry.example.com/app:v1",
	}
	patterns := []string{"docker.io/istio/proxyv2:*", "nginx", "registry.example.com:5000/*", "istio/proxyv2:1.24", "docker.io/library/nginx@*", "docker.io/*"}
	matched := 0
	for _, pattern := range patterns {
		for _, image := range images {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image}}}}
			entry := policy.ContainerEntry{Images: []string{pattern}, Allow: policy.ContainerAllow{Privileged: true}}
			p := &policy.Policy{Containers: []policy.ContainerEntry{entry}}
			got := p.For(spec.RegularContainer, &pod.Spec.Containers[0]).AllowsPrivileged()
			if want := imageMatches(pattern, image); got != want {
				t.Errorf("%s matches %s: %v, want %v", pattern, image, got, want)
			}
			if got {
				matched++
			}
		}
	}
	if matched != 15 {
		t.Errorf("%d matches, want 15", matched)
	}
}
