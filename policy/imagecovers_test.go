package policy

import (
	"strings"
	"testing"
)

// TestCoversImage: of each two entries, one covers the other just where it matches every
// image that the other one does, of images on both sides of where entries end.
func TestCoversImage(t *testing.T) {
	entries := []string{
		"docker.io/*", "docker.io/l*", "docker.io/library/*", "docker.io/library/n*", "docker.io/library/nginx/*", "docker.io/is*", "docker.io/istio/*", "docker.io/istio/proxyv2*",
		"registry.example.com/*", "registry.example.com/a*",
		"nginx", "nginx:latest", "nginx:1", "nginx:*", "nginx:1*", "nginx:1.2*", "library/nginx:1.27", "nginx@*", "nginx@sha256:a*", "nginx@sha256:aa*", "nginx@" + sum, "nginx:1@" + sum, "nginx@" + other,
		"istio/proxyv2", "istio/proxyv2:*", "istio/proxyv2:1.*", "istio/proxyv2@*", "registry.example.com/a:*", "registry.example.com/a", "registry.example.com/b:1",
	}
	var images []image
	for _, name := range []string{
		"nginx", "nginx2", "library/nginx/x", "library/a", "l", "lib/a", "other", "istio/proxyv2", "istio/proxyv2x", "istio/a", "is", "isx/y",
		"registry.example.com/a", "registry.example.com/ab", "registry.example.com/b", "registry.example.com/library/nginx", "quay.io/istio/proxyv2",
	} {
		for _, rest := range []string{"", ":1", ":1.2", ":1.27", ":1x", ":2", ":latest", "@" + sum, ":1@" + sum, "@" + other, "@sha256:ab" + strings.Repeat("c", 62), "@sha256:aab" + strings.Repeat("c", 61)} {
			ref, ok := parseImage(name + rest)
			if !ok {
				t.Fatalf("%s%s is no image", name, rest)
			}
			images = append(images, ref)
		}
	}
	covered := 0
	for _, entry := range entries {
		for _, other := range entries {
			p, ok := parseImagePattern(entry)
			o, okOther := parseImagePattern(other)
			if !ok || !okOther {
				t.Fatalf("%s or %s is no entry", entry, other)
			}
			want := true
			for i := range images {
				want = want && (p.matches(&images[i]) || !o.matches(&images[i]))
			}
			if got := CoversImage(entry, other); got != want {
				t.Errorf("%s covers %s: %t, want %t", entry, other, got, want)
			}
			if want {
				covered++
			}
		}
	}
	if len(entries) != 30 || len(images) != 204 || covered < 30+60 {
		t.Errorf("%d entries, %d images, %d pairs of which one covers the other", len(entries), len(images), covered)
	}
	for _, row := range []struct {
		why, entry, other string
		want              bool
	}{
		{"no entry covers nothing else", "*", "nginx", false},
		{"nor is it covered", "docker.io/*", "*", false},
		{"but what it is", "*", "*", true},
	} {
		if got := CoversImage(row.entry, row.other); got != row.want {
			t.Errorf("%s: %t", row.why, got)
		}
	}
}
