package usage

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// release is the version that is to come, as the command's go.mod names it.
func release(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "examples", "podfence", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\tgithub\.com/podfence/podfence (v\S+)$`).FindSubmatch(data)
	if m == nil {
		t.Fatal("examples/podfence/go.mod does not require the library")
	}
	return string(m[1])
}

// runner is a scratch as a CI's runner has it: without podfence, which a job has to
// install. The go there has the release.
func runner(t *testing.T) *scratch {
	t.Helper()
	s := scratchOf(t)
	realGo, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	ciBin, err := filepath.Abs(filepath.Join("testdata", "ci-bin"))
	if err != nil {
		t.Fatal(err)
	}
	gopath := filepath.Join(s.dir, ".home", "gopath")
	s.env = append(s.env, "GOPATH="+gopath, "REAL_GO="+realGo,
		"PODFENCE_RELEASE="+release(t), "PODFENCE_BUILT="+filepath.Join(bin, "podfence"),
		"PATH="+strings.Join([]string{ciBin, filepath.Join(gopath, "bin"), os.Getenv("PATH")}, string(os.PathListSeparator)))
	s.must(t, 127, "podfence version")
	return s
}

// TestReleaseIsNamedAlike: every file that names the release of podfence names the
// one to come.
func TestReleaseIsNamedAlike(t *testing.T) {
	named := map[string]int{
		".pre-commit-hooks.yaml": 4, "examples/ci/pre-commit-config.yaml": 1, "examples/ci/action/action.yml": 2,
		"examples/ci/github-workflow.yml": 1, "examples/ci/gitlab-ci.yml": 1, "examples/helm/podfence/plugin.yaml": 1,
	}
	version := regexp.MustCompile(`(?m)(?:podfence@|action@|rev: |default: |VERSION: |^version: )(v?\d+\.\d+\.\d+)`)
	want := release(t)
	for file, times := range named {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		found := version.FindAllStringSubmatch(string(data), -1)
		if len(found) != times {
			t.Errorf("%s names %d releases, want %d", file, len(found), times)
		}
		for _, m := range found {
			if "v"+strings.TrimPrefix(m[1], "v") != want {
				t.Errorf("%s names the release %s, want %s", file, m[1], want)
			}
		}
	}
}

// TestAction runs the steps of the GitHub action, with what the workflow gives it.
func TestAction(t *testing.T) {
	var a action
	if err := readYAML("examples/ci/action/action.yml", &a); err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := readYAML("examples/ci/github-workflow.yml", &w); err != nil {
		t.Fatal(err)
	}
	with := w.Jobs["podfence"].Steps[1].With
	for name := range with {
		if _, ok := a.Inputs[name]; !ok {
			t.Errorf("the workflow gives the input %s, which the action does not have", name)
		}
	}
	for _, row := range []struct {
		why    string
		change map[string]string
		status int
		says   string
	}{
		{"as the workflow has it", nil, 0, "2 workloads: 2 allowed"},
		{"a pod without its policy fails the job", map[string]string{"policies": ""}, 1, "1 allowed, 1 denied"},
		{"judged as they are", map[string]string{"command": "evaluate", "arguments": ""}, 1, "2 denied"},
		{"another level", map[string]string{"policies": "", "level": "privileged"}, 0, "2 allowed"},
		{"another version", map[string]string{"policies": "", "level": "baseline", "standards-version": "v1.20"}, 1, "1 denied"},
		{"an annotation for what is denied", map[string]string{"policies": ""}, 1, "::error file=manifests/route-manager-pod.yaml,"},
		{"another form", map[string]string{"output": "text"}, 0, "default policy: no policy selects the pod"},
		{"several files", map[string]string{"manifests": "manifests/nginx-deployment.yaml\nmanifests/route-manager-pod.yaml"}, 0, "2 workloads"},
		{"an unknown level could not be decided", map[string]string{"level": "strict"}, 2, ""},
		{"no name is a command", map[string]string{"manifests": "manifests/ $(touch$IFS'broken') ; touch broken"}, 2, ""},
		{"no name is a pattern", map[string]string{"manifests": "manifests/*"}, 2, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			given := maps.Clone(with)
			maps.Copy(given, row.change)
			a.try(t, runner(t), given, row.status, row.says)
		})
	}
}

// try runs the steps with inputs. The last one ends with the status.
func (a *action) try(t *testing.T, s *scratch, with map[string]string, status int, says string) {
	t.Helper()
	ran := 0
	for i := range a.Runs.Steps {
		step := &a.Runs.Steps[i]
		if step.Run == "" {
			continue // actions/setup-go: Go is here
		}
		if ran++; step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("the step %q is to be run by bash, and to have its inputs from the environment:\n%s", step.Name, step.Run)
		}
		want, last := 0, i == len(a.Runs.Steps)-1
		if last {
			want = status
		}
		// GitHub runs "shell: bash" so.
		s.write(t, "step.sh", step.Run)
		r := s.must(t, want, "bash --noprofile --norc -eo pipefail step.sh", a.environment(step, with)...)
		if last && !strings.Contains(r.stdout, says) {
			t.Errorf("want %q; %s", says, r)
		}
	}
	if ran != 2 {
		t.Errorf("%d steps ran, want 2", ran)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "broken")); err == nil {
		t.Error("an input was run as a command")
	}
}

// TestActionlint: the workflow, and the action that it uses, are right to a checker
// of GitHub's syntax. The action is named as one of this repository, whose inputs
// the checker then knows.
func TestActionlint(t *testing.T) {
	s := scratchOf(t)
	s.must(t, 0, "git init --quiet . && mkdir -p .github/workflows")
	const take = "sed 's#podfence/podfence/\\(examples/ci/action\\)@v[0-9.]*#./\\1#' examples/ci/github-workflow.yml"
	s.must(t, 0, take+" >.github/workflows/podfence.yml && grep -q ./examples/ci/action .github/workflows/podfence.yml")
	s.must(t, 0, "actionlint -shellcheck= -pyflakes=")
	s.must(t, 0, "sed -i 's/policies:/polices:/' .github/workflows/podfence.yml")
	if r := s.must(t, 1, "actionlint -shellcheck= -pyflakes="); !strings.Contains(r.stdout, `input "polices" is not defined`) {
		t.Errorf("a misspelt input is not found: %s", r)
	}
}

// TestGitLabJob runs the lines of the job's script, as GitLab does: one after
// another, until one fails.
func TestGitLabJob(t *testing.T) {
	var jobs map[string]gitlabJob
	if err := readYAML("examples/ci/gitlab-ci.yml", &jobs); err != nil {
		t.Fatal(err)
	}
	job := jobs["podfence"]
	if len(jobs) != 1 || len(job.Script) != 3 || !strings.HasPrefix(job.Image, "golang:") {
		t.Fatalf("%+v", jobs)
	}
	script := "set -eo pipefail\n" + strings.Join(job.Script, "\n")
	var env []string
	for name, value := range job.Variables {
		env = append(env, name+"="+value)
	}
	s := runner(t)
	s.must(t, 0, "( "+script+"\n)", env...)
	if report := s.read(t, "podfence.xml"); strings.Count(report, "<testcase") != 2 || strings.Contains(report, "<failure") {
		t.Errorf("two workloads that are allowed are reported as\n%s", report)
	}
	s.must(t, 0, "sed -i s/400/401/g policies/route-manager.yaml")
	s.must(t, 1, "( "+script+"\n)", env...)
	if report := s.read(t, "podfence.xml"); strings.Count(report, "<failure") != 1 {
		t.Errorf("a workload that is denied is reported as\n%s", report)
	}
	s.must(t, 0, "sed -i s/allow:/alow:/ policies/route-manager.yaml")
	if r := s.must(t, 1, "( "+script+"\n)", env...); !strings.Contains(r.stdout, "did you mean allow?") {
		t.Errorf("a policy with an error: %s", r)
	}
}

// gitlabSchema is the package of npm that has GitLab's own JSON schema of its jobs.
// Nothing of it is run.
const (
	gitlabSchema       = "gitlab-ci-local@4.61.0"
	gitlabSchemaSHA512 = "GJd/pr/mK5WjLQkFq9CY3w9XRqQpMW0cGUWCCQNynkSa7s3L8tY2zKtTDtaAZDArMWg34TLkw7L1w4bARzJCNw=="
)

// TestGitLabSchema: the job is one to GitLab's schema.
func TestGitLabSchema(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("there is no npm here to fetch the schema by")
	}
	s := &scratch{dir: t.TempDir()}
	s.cwd = s.dir
	if err := os.Mkdir(filepath.Join(s.dir, ".home"), 0o777); err != nil {
		t.Fatal(err)
	}
	s.must(t, 0, "npm pack --silent --ignore-scripts "+gitlabSchema+" && tar -xzf *.tgz package/src/schema/schema.js")
	archives, _ := filepath.Glob(filepath.Join(s.dir, "*.tgz"))
	archive, err := os.ReadFile(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != gitlabSchemaSHA512 {
		t.Fatal("the package is not the one that it was")
	}
	script, err := os.ReadFile(filepath.Join(s.dir, "package", "src", "schema", "schema.js"))
	if err != nil {
		t.Fatal(err)
	}
	// A constant whose value is JSON but for commas behind last members, which YAML
	// knows too.
	_, value, _ := bytes.Cut(script, []byte("="))
	var document any
	if err := yaml.Unmarshal(value[:bytes.LastIndexByte(value, '}')+1], &document); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("gitlab-ci.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("gitlab-ci.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := readYAML("examples/ci/gitlab-ci.yml", &file); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(file); err != nil {
		t.Error(err)
	}
	job := file["podfence"].(map[string]any)
	job["scripts"] = job["script"]
	if err := schema.Validate(file); err == nil {
		t.Error("the schema accepts a job with a key that no job has")
	}
}

// TestPreCommitFiles: pre-commit takes both of its files for right, and the hooks
// that the example uses are there. tools/install runs them.
func TestPreCommitFiles(t *testing.T) {
	var hooks []struct{ ID, Entry string }
	if err := readYAML(".pre-commit-hooks.yaml", &hooks); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Repos []struct{ Hooks []struct{ ID string } }
	}
	if err := readYAML("examples/ci/pre-commit-config.yaml", &config); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range hooks {
		ids = append(ids, h.ID)
	}
	for _, h := range config.Repos[0].Hooks {
		if !slices.Contains(ids, h.ID) {
			t.Errorf("the example uses the hook %s, which is not there: %v", h.ID, ids)
		}
	}
	if _, err := exec.LookPath("pre-commit"); err != nil {
		t.Skip("there is no pre-commit here to check its files")
	}
	s := scratchOf(t)
	s.must(t, 0, "pre-commit validate-manifest .pre-commit-hooks.yaml")
	s.must(t, 0, "pre-commit validate-config examples/ci/pre-commit-config.yaml")
}

// TestExampleYAML: every YAML file of the examples for charts and CI is YAML.
func TestExampleYAML(t *testing.T) {
	read := 0
	for _, pattern := range []string{"examples/ci/*.yml", "examples/ci/*.yaml", "examples/ci/action/*.yml", "examples/helm/*/*.yaml", "examples/kustomize/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var document any
			if err := yaml.UnmarshalStrict(data, &document); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			read++
		}
	}
	if read != 12 {
		t.Errorf("%d files, want 12", read)
	}
}
