package policy

import (
	"strings"
	"testing"
)

var (
	sum   = "sha256:" + strings.Repeat("a", 64)
	other = "sha256:" + strings.Repeat("b", 64)
)

// TestReferences: what a reference is to container runtimes, "" for text that is none.
// The same rows and generated ones are asked of github.com/distribution/reference in
// internal/validation.
func TestReferences(t *testing.T) {
	for text, want := range map[string]string{
		"nginx":                               "docker.io/library/nginx:latest",
		"nginx:1.27":                          "docker.io/library/nginx:1.27",
		"library/nginx":                       "docker.io/library/nginx:latest",
		"docker.io/nginx":                     "docker.io/library/nginx:latest",
		"docker.io/library/nginx":             "docker.io/library/nginx:latest",
		"index.docker.io/nginx":               "docker.io/library/nginx:latest",
		"library/a/b":                         "docker.io/library/a/b:latest",
		"istio/proxyv2:1.24":                  "docker.io/istio/proxyv2:1.24",
		"registry.example.com/a":              "registry.example.com/a:latest",
		"registry/a":                          "docker.io/registry/a:latest",
		"registry:5000/a":                     "registry:5000/a:latest",
		"localhost/a":                         "localhost/a:latest",
		"Registry/a":                          "Registry/a:latest",
		"[2001:db8::1]:5000/a":                "[2001:db8::1]:5000/a:latest",
		"a@" + sum:                            "docker.io/library/a@" + sum,
		"a:1@" + sum:                          "docker.io/library/a:1@" + sum,
		"a__b/c.d-e--f":                       "docker.io/a__b/c.d-e--f:latest",
		"a:" + strings.Repeat("x", 128):       "docker.io/library/a:" + strings.Repeat("x", 128),
		"":                                    "",
		":1":                                  "",
		"a:":                                  "",
		"a/":                                  "",
		"/a":                                  "",
		"a//b":                                "",
		"A":                                   "",
		"a_":                                  "",
		"a___b":                               "",
		"a..b":                                "",
		"a b":                                 "",
		"a@md5:" + strings.Repeat("a", 32):    "",
		"a@sha256:" + strings.Repeat("A", 64): "",
		"a@" + sum + "@" + sum:                "",
		"a@":                                  "",
		"a:-1":                                "",
		"a:" + strings.Repeat("x", 129):       "",
		strings.Repeat("f", 64):               "", // it would be taken for an ID
		"registry:x/a":                        "",
		"-a.example.com/b":                    "",
		"https://docker.io/a":                 "",
	} {
		got := ""
		if ref, ok := parseImage(text); ok {
			got = ref.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// TestImagePatterns: which images an entry matches, and which that look like them it
// does not.
func TestImagePatterns(t *testing.T) {
	rows := []struct {
		pattern  string
		yes, not []string
	}{
		{"nginx", []string{"nginx", "nginx:latest", "docker.io/library/nginx"}, []string{"nginx:1", "nginx@" + sum, "nginx:latest@" + sum, "evil/nginx", "docker.io.example.com/library/nginx"}},
		{"istio/proxyv2:1.24", []string{"docker.io/istio/proxyv2:1.24"}, []string{"istio/proxyv2:1.2", "istio/proxyv2:1.24.1", "istio/proxyv2:1.24@" + sum, "registry.example.com/istio/proxyv2:1.24"}},
		{"docker.io/istio/proxyv2:*", []string{"istio/proxyv2", "istio/proxyv2:9", "istio/proxyv2@" + sum, "istio/proxyv2:9@" + sum}, []string{"istio/proxyv2-evil:9", "istio/proxyv2/evil", "istio/proxyv"}},
		{"istio/proxyv2:1.24*", []string{"istio/proxyv2:1.24", "istio/proxyv2:1.24-distroless"}, []string{"istio/proxyv2:1.2", "istio/proxyv2:1.24@" + sum, "istio/proxyv2@" + sum}},
		{"a@" + sum, []string{"a@" + sum, "a:1@" + sum, "library/a:2@" + sum}, []string{"a", "a@" + other, "b@" + sum}},
		{"a:1@" + sum, []string{"a@" + sum, "a:1@" + sum, "a:2@" + sum}, []string{"a:1"}},
		{"a@*", []string{"a@" + sum, "a:1@" + other}, []string{"a", "a:1", "b@" + sum}},
		{"a@sha256:aa*", []string{"a@" + sum}, []string{"a@" + other, "a:aa"}},
		{"docker.io/istio/*", []string{"istio/a", "istio/a/b:1", "docker.io/istio/a@" + sum}, []string{"istio", "istio-evil/a", "registry.example.com/istio/a"}},
		{"docker.io/istio*", []string{"istio/a", "istio-evil/a"}, []string{"istio", "library/istio"}}, // in the folder library/
		{"docker.io/*", []string{"nginx", "istio/a"}, []string{"registry.example.com/a", "docker.io.example.com/a", "docker.io:5000/a"}},
		{"docker.io/library/*", []string{"nginx", "library/nginx", "library/a/b"}, []string{"istio/a"}},
		{"docker.io/library/ng*", []string{"nginx", "nginx:1"}, []string{"apache"}},
		{"docker.io/lib*", []string{"nginx", "libfoo/a"}, []string{"istio/a"}},
		{"registry.example.com:5000/*", []string{"registry.example.com:5000/a"}, []string{"registry.example.com/a", "registry.example.com:50000/a", "registry.example.com:5000.evil/a"}},
		{"index.docker.io/istio/a", []string{"istio/a", "docker.io/istio/a:latest"}, []string{"istio/b"}},
	}
	asked := 0
	for _, row := range rows {
		p, ok := parseImagePattern(row.pattern)
		if !ok {
			t.Errorf("%s is no pattern", row.pattern)
			continue
		}
		ask := func(image string, want bool) {
			asked++
			ref, ok := parseImage(image)
			if got := ok && p.matches(&ref); got != want {
				t.Errorf("%s matches %s: %v", row.pattern, image, got)
			}
		}
		for _, image := range row.yes {
			ask(image, true)
		}
		for _, image := range row.not {
			ask(image, false)
		}
		if text, ok := parseImagePattern(p.text()); !ok || text.text() != p.text() {
			t.Errorf("%s in full is %s, which reads as %s", row.pattern, p.text(), text.text())
		}
	}
	if asked != 75 {
		t.Errorf("%d images were asked about, want 75", asked)
	}
}

// TestNoPatterns: what would leave open more than a name's end.
func TestNoPatterns(t *testing.T) {
	for _, text := range []string{"*", "a*", "docker*", "docker.io*", "[*", "/*", ":*", "a:-*", "a@x*", "a@sha256:" + strings.Repeat("a", 65) + "*", "a:1@*", "docker.io/A*", "docker.io/a_/*", "a b/*"} {
		if p, ok := parseImagePattern(text); ok {
			t.Errorf("%s is read as %s", text, p.text())
		}
	}
}
