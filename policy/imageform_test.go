package policy

import (
	"slices"
	"strings"
	"testing"
)

// TestImageForms: comparing text by the forms of an entry says of every reference what
// the entry itself says.
func TestImageForms(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	entries := []string{
		"nginx", "nginx:1.25", "nginx:*", "nginx:1*", "nginx@*", "nginx@sha256:aa*", "nginx@" + digest, "nginx:1@" + digest,
		"docker.io/istio/*", "docker.io/istio*", "docker.io/*", "docker.io/library/*", "docker.io/lib*", "docker.io/library/ng*", "index.docker.io/istio/proxyv2:*",
		"registry:5000/a/b:*", "registry:5000/a/b", "localhost/a", "[::1]:5000/a:*",
	}
	references := []string{
		"nginx", "library/nginx", "docker.io/nginx:latest", "docker.io/library/nginx:1.25", "nginx:1", "nginx@" + digest, "nginx:1.25@" + digest,
		"nginx@sha512:" + strings.Repeat("b", 128), "istio/proxyv2", "docker.io/istio/proxyv2:1.24", "docker.io/istio2/proxy", "docker.io/library/nginx2",
		"registry:5000/a/b", "registry:5000/a/b@" + digest, "registry:5000/a", "localhost/a", "[::1]:5000/a:1",
	}
	if forms := ImageForms("NGINX"); forms != nil {
		t.Errorf("an entry that is refused has the forms %v", forms)
	}
	matching := 0
	for _, entry := range entries {
		pattern, ok := parseImagePattern(entry)
		if !ok {
			t.Fatalf("%s is no entry", entry)
		}
		for _, reference := range references {
			ref, ok := parseImage(reference)
			if !ok {
				t.Fatalf("%s is no reference", reference)
			}
			own := ref.name() + ":" + ref.tag
			if ref.digest != "" {
				own = ref.name() + "@" + ref.digest
			}
			got := slices.ContainsFunc(ImageForms(entry), func(form string) bool {
				begin, open := strings.CutSuffix(form, "*")
				return own == form || open && strings.HasPrefix(own, begin)
			})
			if want := pattern.matches(&ref); got != want {
				t.Errorf("%s of %s: %v by its forms %v, want %v", entry, reference, got, ImageForms(entry), want)
			} else if want {
				matching++
			}
		}
	}
	if matching < 50 {
		t.Errorf("only %d pairs match", matching)
	}
}
