package validation_test

import (
	"strings"
	"testing"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// grants reports whether a policy's entry for an image matches a container of another.
func grants(pattern, image string) bool {
	p := policy.Policy{Containers: []policy.ContainerEntry{{Images: []string{pattern}, Allow: policy.ContainerAllow{Privileged: true}}}}
	return p.For(spec.RegularContainer, &corev1.Container{Image: image}).AllowsPrivileged()
}

// runtimes is a reference as container runtimes normalise it; nil for text that they
// do not read, or not alike. A name with its registry may have 255 characters: older
// runtimes refuse longer ones, newer ones count without the registry. What should be a
// registry and has an underscore is taken for a folder by some of their code, and for a
// host by other.
func runtimes(text string) reference.Named {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil || reference.Domain(named) == "" || len(named.Name()) > reference.RepositoryNameTotalLengthMax {
		return nil
	}
	return reference.TagNameOnly(named)
}

// same reports whether two references are of one image, as runtimes pull it: by the
// digest where there is one, else by the tag.
func same(a, b reference.Named) bool {
	if a.Name() != b.Name() {
		return false
	}
	x, pinned := a.(reference.Digested)
	y, alsoPinned := b.(reference.Digested)
	if pinned || alsoPinned {
		return pinned && alsoPinned && x.Digest() == y.Digest()
	}
	return a.(reference.Tagged).Tag() == b.(reference.Tagged).Tag()
}

var (
	aSum = "@sha256:" + strings.Repeat("a", 64)
	bSum = "@sha512:" + strings.Repeat("b", 128)

	// genReference draws references that are often of one image, and text that is nearly one.
	genReference = rapid.Custom(func(t *rapid.T) string {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		text := pick("registry", "", "", "docker.io/", "index.docker.io/", "registry.example.com/", "registry:5000/", "localhost/", "[2001:db8::1]:80/", "Reg/", "reg_x.io/", "a..b/", "-a.io/", "a.io:/", "a.io:x/") +
			pick("folder", "", "", "library/", "istio/", "a/b/", "A/", "a__b/", "a___b/", "a--b/", "/") +
			pick("name", "nginx", "nginx", "proxyv2", "a.b", "a_", "-a", "", "n", strings.Repeat("f", 64), strings.Repeat("n", 250)) +
			pick("tag", "", "", ":latest", ":1.24", ":", ":-1", ":"+strings.Repeat("t", 128), ":"+strings.Repeat("t", 129), ":a/b") +
			pick("digest", "", "", "", aSum, bSum, "@sha256:ab", "@md5:"+strings.Repeat("a", 32), "@", aSum+aSum, "@sha256:"+strings.Repeat("A", 64))
		if rapid.IntRange(0, 3).Draw(t, "mangled") == 0 && text != "" {
			i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text = text[:i] + pick("byte", "/", ":", ".", "@", "_", "A", "-", " ", "\u00e9") + text[i+1:]
		}
		return text
	})
)

// TestReferencesAreTheRuntimes: two references are of one image to an entry if they are
// to container runtimes, and text that these do not read is of none.
func TestReferencesAreTheRuntimes(t *testing.T) {
	matched, refused, apart := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := genReference.Draw(t, "a"), genReference.Draw(t, "b")
		if rapid.Bool().Draw(t, "same") {
			b = a
		}
		x, y := runtimes(a), runtimes(b)
		want := x != nil && y != nil && same(x, y)
		switch {
		case want:
			matched++
		case x == nil || y == nil:
			refused++
		default:
			apart++
		}
		if got := grants(a, b); got != want {
			t.Errorf("%q matches %q: %v; to runtimes they are %v and %v", a, b, got, x, y)
		}
		p := policy.Policy{PodSelectorLabels: map[string]string{"app": "web"}, Containers: []policy.ContainerEntry{{Images: []string{a}}}}
		if valid := p.Validate() == nil; valid != (x != nil) {
			t.Errorf("%q is valid in a policy: %v; to runtimes it is %v", a, valid, x)
		}
		if x != nil && y != nil && grants(x.Name()+":*", b) != (x.Name() == y.Name()) {
			t.Errorf("%s:* matches %q: %v", x.Name(), b, x.Name() != y.Name())
		}
	})
	if matched == 0 || refused == 0 || apart == 0 {
		t.Errorf("%d of one image, %d refused, %d apart: want some of each", matched, refused, apart)
	}
}
