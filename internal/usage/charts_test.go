package usage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rendered is the part of Helm's output that a template of the chart made.
func rendered(t *testing.T, output, template string) string {
	t.Helper()
	for part := range strings.SplitSeq(output, "---\n") {
		if strings.HasPrefix(part, "# Source: shop/templates/"+template+"\n") {
			return part
		}
	}
	t.Fatalf("nothing was rendered of %s:\n%s", template, output)
	return ""
}

// filled reports whether a manifest has what podfence fills in.
func filled(manifest string) bool {
	return strings.Contains(manifest, "type: RuntimeDefault") && strings.Contains(manifest, "fsGroup: 1")
}

const (
	helm3Renders = "helm3 template shop examples/helm/chart -n shop --post-renderer podfence --post-renderer-args mutate"
	helm4Renders = "helm4 template shop examples/helm/chart -n shop --post-renderer podfence"
	hostNetwork  = " --set hostNetwork=true"
	// refused is what podfence says of the chart's Deployment with the host's network.
	refused = "host namespaces (hostNetwork=true)"
)

// webPolicy grants the chart's Deployment the host's network, in one namespace.
const webPolicy = `name: web
namespace: shop
podSelectorLabels:
  app.kubernetes.io/name: web
allow:
  hostNetwork: true
mutations:
  fsGroup: 2000
`

func (s *scratch) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func (s *scratch) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// allowedAsItIs asks podfence about an output that is to need nothing more.
func (s *scratch) allowedAsItIs(t *testing.T, output string) {
	t.Helper()
	s.write(t, "output.yaml", output)
	s.must(t, 0, "podfence evaluate --require-workloads output.yaml")
}

// TestHelm3 holds what docs/charts.md says of Helm 3.
func TestHelm3(t *testing.T) {
	s := scratchOf(t)
	out := s.must(t, 0, helm3Renders+" --post-renderer-args --allow-denied --post-renderer-args -").stdout
	web := rendered(t, out, "web.yaml")
	if !filled(web) {
		t.Errorf("the Deployment is not filled in:\n%s", web)
	}
	s.allowedAsItIs(t, web)
	if hook := rendered(t, out, "migrate.yaml"); filled(hook) {
		t.Errorf("Helm 3 hands hooks to post-renderers now; the page says that it does not:\n%s", hook)
	}

	// A denial ends the installation with podfence's words, or leaves the last word
	// to the cluster.
	r := s.must(t, 1, helm3Renders+" --post-renderer-args -"+hostNetwork)
	if !strings.Contains(r.stderr, refused) || r.stdout != "" {
		t.Errorf("a denied chart: %s", r)
	}
	r = s.must(t, 0, helm3Renders+" --post-renderer-args --allow-denied --post-renderer-args -"+hostNetwork)
	if !filled(rendered(t, r.stdout, "web.yaml")) || strings.Contains(r.stderr, refused) {
		t.Errorf("a denied chart with --allow-denied: %s", r)
	}

	// Policies are chosen by the namespace that -n names.
	s.write(t, "web-policy.yaml", webPolicy)
	named := helm3Renders + hostNetwork + " --post-renderer-args=--policies=web-policy.yaml --post-renderer-args=-n --post-renderer-args="
	if out := s.must(t, 0, named+"shop --post-renderer-args -").stdout; !strings.Contains(out, "fsGroup: 2000") {
		t.Errorf("the policy does not govern:\n%s", out)
	}
	s.must(t, 1, named+"other --post-renderer-args -")
}

// TestHelm4 holds what docs/charts.md says of Helm 4.
func TestHelm4(t *testing.T) {
	s := scratchOf(t)
	s.must(t, 0, "helm4 plugin install examples/helm/podfence")
	out := s.must(t, 0, helm4Renders).stdout
	for _, template := range []string{"web.yaml", "migrate.yaml"} {
		if part := rendered(t, out, template); !filled(part) {
			t.Errorf("%s is not filled in:\n%s", template, part)
		}
	}
	s.allowedAsItIs(t, out)

	// What is denied is rendered, and nothing is said of it.
	r := s.must(t, 0, helm4Renders+hostNetwork)
	if !filled(rendered(t, r.stdout, "web.yaml")) || strings.Contains(r.stderr, refused) {
		t.Errorf("a denied chart: %s", r)
	}
	// The page has the reason for --allow-denied: of a plugin that fails Helm shows no word.
	s.must(t, 0, "sed 's/, --allow-denied//' <examples/helm/podfence/plugin.yaml >plugin.yaml && mkdir strict && sed 's/^name: podfence/name: strict/' plugin.yaml >strict/plugin.yaml")
	s.must(t, 0, "helm4 plugin install strict")
	r = s.must(t, 1, strings.Replace(helm4Renders, "--post-renderer podfence", "--post-renderer strict", 1)+hostNetwork)
	if strings.Contains(r.stderr, refused) {
		t.Errorf("Helm 4 shows what a plugin says now; the page says that it does not: %s", r)
	}

	// Nor does it name the namespace to a plugin.
	s.write(t, "web-policy.yaml", webPolicy)
	with := helm4Renders + " --post-renderer-args=--policies=web-policy.yaml"
	if out := s.must(t, 0, with).stdout; strings.Contains(out, "fsGroup: 2000") {
		t.Errorf("a policy governs in a namespace that Helm did not name:\n%s", out)
	}
	if out := s.must(t, 0, with+" --post-renderer-args=--namespace=shop").stdout; !strings.Contains(out, "fsGroup: 2000") {
		t.Errorf("the policy does not govern:\n%s", out)
	}
}

const kustomizeBuilds = "kustomize build --enable-alpha-plugins --enable-exec examples/kustomize"

// arguments gives the function of examples/kustomize other arguments.
func (s *scratch) arguments(t *testing.T, args string) {
	t.Helper()
	s.must(t, 0, "sed -i 's/^        args: .*/        args: ["+args+"]/' examples/kustomize/podfence.yaml")
}

// TestKustomize holds what docs/charts.md says of Kustomize.
func TestKustomize(t *testing.T) {
	s := scratchOf(t)
	out := s.must(t, 0, kustomizeBuilds).stdout
	if strings.Count(out, "type: RuntimeDefault") != 2 || strings.Contains(out, "results:") {
		t.Errorf("both workloads are to be filled in, and nothing else is to be there:\n%s", out)
	}
	s.must(t, 0, kustomizeBuilds+" | podfence evaluate --policies examples/kustomize/policies -")

	// Without its policy a workload is denied, and nothing is built.
	s.arguments(t, "function")
	if r := s.must(t, 1, kustomizeBuilds); r.stdout != "" || !strings.Contains(r.stderr, refused) {
		t.Errorf("a denied workload: %s", r)
	}
	s.arguments(t, "function, --allow-denied")
	if r := s.must(t, 0, kustomizeBuilds); strings.Count(r.stdout, "type: RuntimeDefault") != 2 || !strings.Contains(r.stderr, refused) {
		t.Errorf("a denied workload with --allow-denied: %s", r)
	}

	// The command that knows no ResourceList by name works too.
	s.arguments(t, `mutate, --policies, policies, "-"`)
	if got := s.must(t, 0, kustomizeBuilds).stdout; got != out {
		t.Errorf("mutate builds\n%s, and function\n%s", got, out)
	}

	// Judged and not changed.
	s.arguments(t, "function, --evaluate, --allow-denied")
	judged := s.must(t, 0, kustomizeBuilds)
	plain := s.must(t, 0, "sed -i /podfence/d examples/kustomize/kustomization.yaml && sed -i '/transformers/d' examples/kustomize/kustomization.yaml && kustomize build examples/kustomize")
	if judged.stdout != plain.stdout || !strings.Contains(judged.stderr, refused) {
		t.Errorf("judged: %s\nwithout podfence:\n%s", judged, plain.stdout)
	}
	s.must(t, 0, `printf 'validators: [podfence.yaml]\n' >>examples/kustomize/kustomization.yaml`)
	if r := s.must(t, 1, kustomizeBuilds); !strings.Contains(r.stderr, "validator shouldn't modify the resource map") {
		t.Errorf("Kustomize takes exec functions for validators now; the page says that it does not: %s", r)
	}
}

// TestResultsAreRead: what reads the results of a function is content with ours.
func TestResultsAreRead(t *testing.T) {
	s := scratchOf(t)
	s.arguments(t, "function, --evaluate")
	// The policies beside it are no objects of Kubernetes to Kustomize.
	s.must(t, 0, "mkdir results site && cp examples/kustomize/{podfence,web,route-manager}.yaml site")
	s.must(t, 1, "kustomize fn run site --enable-exec --results-dir results --dry-run")
	results := s.read(t, filepath.Join("results", "results-0.yaml"))
	for _, want := range []string{"severity: error", "kind: DaemonSet", "path: route-manager.yaml", "currentValue: true", "check: hostNamespaces"} {
		if !strings.Contains(results, want) {
			t.Errorf("the results lack %q:\n%s", want, results)
		}
	}
}
