package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// TestPreCommit lets pre-commit build the command as .pre-commit-hooks.yaml says, and
// run its hooks in a repository of somebody.
func TestPreCommit(t *testing.T) {
	if _, err := exec.LookPath("pre-commit"); err != nil {
		t.Skip("there is no pre-commit here (apt-get install pre-commit)")
	}
	dir := t.TempDir()
	clone := filepath.Join(dir, "clone")
	run(t, 0, filepath.Join("..", ".."), nil, "git", "clone", "--quiet", ".", clone)
	version := requiredVersion(t, clone)
	proxy := filepath.Join(dir, "proxy")
	release(t, proxy, module.Version{Path: library, Version: version}, clone, "")
	release(t, proxy, module.Version{Path: command, Version: version}, clone, "examples/podfence")
	env := append(installEnv(t, dir, proxy), "PRE_COMMIT_HOME="+filepath.Join(dir, "pre-commit"))

	user := userRepository(t, dir, clone)
	out := run(t, 0, user, env, "pre-commit", "run", "--all-files", "--verbose")
	for _, says := range []string{"1 policy in 1 file: ok", "2 workloads: 2 allowed"} {
		if !strings.Contains(out, says) {
			t.Errorf("want %q in\n%s", says, out)
		}
	}
	// Without its policy a pod fails the hook, with podfence's words.
	replace(t, filepath.Join(user, "policies", "route-manager.yaml"), "NET_ADMIN", "NET_RAW")
	out = run(t, 1, user, env, "pre-commit", "run", "--all-files")
	if !strings.Contains(out, "1 allowed, 1 denied") {
		t.Errorf("a denied pod:\n%s", out)
	}
	// The hook that fills in writes what is allowed then, and leaves the other alone.
	byHand := []string{"run", "--hook-stage", "manual", "--verbose"}
	out = run(t, 1, user, env, "pre-commit", append(byHand, "podfence-mutate", "--files", "manifests/nginx-deployment.yaml", "manifests/route-manager-pod.yaml")...)
	if !strings.Contains(out, "files were modified by this hook") || !strings.Contains(out, "rewrote 1 of 2 files") {
		t.Errorf("the hook that fills in:\n%s", out)
	}
	out = run(t, 0, user, env, "pre-commit", append(byHand, "podfence-evaluate", "--files", "manifests/nginx-deployment.yaml")...)
	if !strings.Contains(out, "1 workload: 1 allowed") {
		t.Errorf("what was filled in is not allowed as it is:\n%s", out)
	}
}

// userRepository is a repository with manifests, a policy and the example's
// configuration, whose hooks come from the clone; and the other hooks, to be run by
// hand. One environment is built for all of them.
func userRepository(t *testing.T, dir, clone string) string {
	t.Helper()
	user := filepath.Join(dir, "user")
	for to, from := range map[string]string{
		"manifests/nginx-deployment.yaml":  "examples/manifests/nginx-deployment.yaml",
		"manifests/route-manager-pod.yaml": "examples/manifests/route-manager-pod.yaml",
		"policies/route-manager.yaml":      "examples/policies/route-manager.yaml",
		".pre-commit-config.yaml":          "examples/ci/pre-commit-config.yaml",
	} {
		data, err := os.ReadFile(filepath.Join(clone, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(user, to)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(user, to), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(user, ".pre-commit-config.yaml")
	replace(t, config, "https://github.com/podfence/podfence", clone)
	replace(t, config, "rev: "+requiredVersion(t, clone), "rev: "+strings.TrimSpace(run(t, 0, clone, nil, "git", "rev-parse", "HEAD")))
	const hooks = "      - id: podfence-mutate\n        stages: [manual]\n      - id: podfence-evaluate\n        stages: [manual]\n"
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, append(text, hooks...), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, 0, user, nil, "git", "init", "--quiet")
	run(t, 0, user, nil, "git", "add", ".")
	return user
}

// replace replaces a text in a file, which must have it.
func replace(t *testing.T, file, from, to string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s lacks %q", file, from)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), from, to)), 0o666); err != nil {
		t.Fatal(err)
	}
}
