package usage

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bin has the tools and podfence.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "podfence-usage-")
		if err == nil {
			defer os.RemoveAll(dir)
			bin, err = dir, install(dir)
		}
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
		return m.Run()
	}())
}

// scratchOf is a copy of the repository for a test.
func scratchOf(t *testing.T) *scratch {
	t.Helper()
	s, err := newScratch(t.TempDir(), bin)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := filepath.Abs(filepath.Join("testdata", "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PODFENCE_CLUSTER="+cluster)
	return s
}

// must runs a command that has to end with a status.
func (s *scratch) must(t *testing.T, status int, command string, env ...string) result {
	t.Helper()
	r, err := s.shell(command, env...)
	if err != nil {
		t.Fatal(err)
	}
	if r.status != status {
		t.Fatalf("%s\nwant status %d; %s", command, status, r)
	}
	return r
}

// rule says what is done with the commands that it matches. The first rule that
// matches a command holds for it; a command that none matches is run, and must
// succeed.
type rule struct {
	// page and text are matched as a whole; an empty page is any.
	page, text string
	// notRun says why a command is not run here; empty, it is.
	notRun string
	// status is what it must end with, if not with 0.
	status int
	// judges: status 1 will do as well, for it judges files of the reader.
	judges bool
	// with is what a command that is only named is run with.
	with string
	// needs is a program without which it is skipped.
	needs string
}

const (
	byRun     = ".ci/run runs it"
	byLong    = "a run of hours, for the table of docs/proof.md; internal/docs holds the names of its tests"
	cluster   = "it needs a cluster; internal/e2e installs the manifests in the order of the page and tries what it says"
	published = "it needs the release; tools/install tries it with a proxy of modules that has this commit"
	byName    = "a name with what it takes, and no command to type"
)

var rules = []rule{
	{text: `podfence (evaluate|admit) .*\bmanifests/.*`, judges: true},
	{text: `go install`, notRun: byName},
	{text: `go run`, notRun: byName},
	{text: `go run -C examples/podfence \.`, with: "version"},
	{text: `podfence (admit|mutate)( -o \S+| -i)?`, with: "manifests/nginx-deployment.yaml"},
	{text: `podfence evaluate( -o \S+)?`, with: "manifests/nginx-deployment.yaml", status: 1},
	{text: `podfence mutate -`, with: "<manifests/nginx-deployment.yaml"},
	{text: `podfence lint( --expires-within 30d)?`, with: "policies/"},
	{text: `podfence test`, with: "examples/policies"},
	{text: `podfence review`, with: "policies/"},
	{text: `podfence survey`, with: "manifests/"},
	{text: `podfence suggest`, with: "manifests/"},
	{text: `podfence usage`, with: "manifests/ --policies policies/"},
	{text: `podfence compare`, with: "policies/ policies/"},
	{text: `podfence compare OLD NEW`, notRun: byName},
	{text: `podfence compare .* --fail-on wider`, status: 1},
	{text: `podfence export( --policies examples/policies --static)? --verify( FOLDER)?`, notRun: byName},
	{text: `podfence function`, with: "<examples/kustomize/resourcelist.yaml"},
	{text: `podfence <command> .*`, notRun: byName},
	{text: `helm (install|upgrade|template)`, notRun: byName},
	{text: `kubectl (apply( -f DIRECTORY)?|debug)`, notRun: byName},
	{text: `kustomize build`, notRun: byName},
	{page: "docs/survey.md", text: `podfence survey -f cluster\.json .*`, notRun: "its input is what an earlier command of the page wrote of the reader's cluster; scripts of examples/podfence try each form"},
	{text: `(go -C internal/speed|cd internal/speed && go) run \./\w+ .*`, notRun: "a run of many minutes, by hand"},
	{text: `tools/mutants PACKAGE`, notRun: byName},
	{text: `go install github\.com/podfence/.*`, notRun: published},
	{text: `go get .*`, notRun: "it changes the reader's own module; tools/embed does so for every row of docs/versions.md"},
	{page: "docs/versions.md", text: `go mod tidy`, notRun: "the same"},

	{page: "README.md", text: `go run -C examples/podfence \. admit -f \.\./manifests`, status: 1},

	{page: "docs/proof.md", text: `.*`, notRun: byLong},
	{text: `(UPDATE_GOLDEN=1 )?go (test|generate|build) .*`, notRun: byRun},
	{text: `cd internal/(e2e|usage) && .*`, notRun: byRun},
	{text: `go -C tools run \./vulncheck .*`, notRun: byRun},
	{text: `go run \./kube .*`, notRun: "a server that does not end; internal/e2e starts it"},
	{text: `\.ci/.*`, notRun: "a run of many minutes, by hand"},

	{page: "docs/release.md", text: `git (tag|push) .*`, notRun: "it publishes a release"},
	{text: `docker .*`, notRun: "it needs a registry; internal/e2e builds the image's program by the Dockerfile's command"},
	{text: `install .*`, notRun: "it writes to /etc of a node of the control plane; internal/e2e starts an API server with these files"},
	{page: "examples/webhook/README.md", text: `kubectl .*--dry-run=server.*`, notRun: cluster},
	{page: "examples/webhook/README.md", text: `kubectl (-n \S+ )?(rollout|label|create|run|logs) .*`, notRun: cluster},
	{page: "examples/webhook/README.md", text: `kubectl delete (namespace|mutatingwebhookconfigurations).*`, notRun: cluster},
	{text: `openssl .*`, needs: "openssl"},
	{text: `pre-commit .*`, needs: "pre-commit"},
}

// matches reports whether a rule is about a command.
func (r *rule) matches(c *command) bool {
	return (r.page == "" || r.page == c.page) && regexp.MustCompile("^(?:"+r.text+")$").MatchString(c.text)
}

// noCommands are pages with blocks that are no commands, have no language, and are
// not printed by a command of their page.
var noCommands = map[string]string{
	"docs/crd.md":      "a part of an object, and a program of yq, of which there are several of that name",
	"docs/testing.md":  "what a failing test and a golden file say, which internal/docs holds to what is printed",
	"CONTRIBUTING.md":  "the tree of the repository",
	"docs/policies.md": "a part of a policy, and the form of an error",
}

// page is a page with its commands.
type page struct {
	name            string
	commands, other []command
}

func pages(t *testing.T) (all []page) {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		p := page{name: name}
		p.commands, p.other = commandsOf(name, string(text))
		all = append(all, p)
	}
	return all
}

// TestDocumentedCommands runs every command of the documentation, page by page and
// in its order, or has a reason why it does not.
func TestDocumentedCommands(t *testing.T) {
	used, ran, notRun := make([]bool, len(rules)), 0, 0
	all := pages(t)
	for _, p := range all {
		for _, c := range p.commands {
			i := slices.IndexFunc(rules, func(r rule) bool { return r.matches(&c) })
			if i >= 0 {
				used[i] = true
			}
			if i >= 0 && rules[i].notRun != "" {
				notRun++
			} else {
				ran++
			}
		}
	}
	for i, r := range rules {
		if !used[i] {
			t.Errorf("no command of any page is %q %s: remove the rule", r.text, r.page)
		}
	}
	t.Logf("%d commands on %d pages: %d are run, and of %d a rule says why not", ran+notRun, len(all), ran, notRun)
	if ran < 40 || len(all) < 16 {
		t.Errorf("%d commands are run of %d pages, want 40 of 16 at least", ran, len(all))
	}
	for _, p := range all {
		t.Run(strings.ReplaceAll(p.name, "/", "_"), func(t *testing.T) { p.run(t) })
	}
}

// run runs the commands of a page.
func (p *page) run(t *testing.T) {
	if len(p.commands) == 0 && len(p.other) == 0 {
		return
	}
	s := scratchOf(t)
	s.must(t, 0, "git init --quiet .")
	printed := ""
	for _, c := range p.commands {
		var how rule
		if i := slices.IndexFunc(rules, func(r rule) bool { return r.matches(&c) }); i >= 0 {
			how = rules[i]
		}
		if how.notRun != "" {
			continue
		}
		if _, err := exec.LookPath(how.needs); how.needs != "" && err != nil {
			t.Logf("%s:%d: not run, for there is no %s here: %s", c.page, c.line, how.needs, c.text)
			continue
		}
		r, err := s.shell(strings.TrimSpace(c.text+" "+how.with), "PATH="+s.pathFor(&c))
		if err != nil {
			t.Fatal(err)
		}
		if r.status != how.status && !(how.judges && r.status == 1) {
			t.Errorf("%s:%d: %s\nwant status %d; %s", c.page, c.line, c.text, how.status, r)
		}
		printed += r.stdout
	}
	p.checkOther(t, printed)
}

// pathFor is the PATH of a command: below a heading about Helm 3, helm is that.
func (s *scratch) pathFor(c *command) string {
	helm := "helm4"
	if c.heading == "Helm 3" {
		helm = "helm3"
	}
	return strings.Join([]string{filepath.Join(s.dir, ".home", helm), strings.TrimPrefix(s.env[0], "PATH=")}, string(os.PathListSeparator))
}

// checkOther demands that what stands in blocks and is no command was printed by
// one of the page.
func (p *page) checkOther(t *testing.T, printed string) {
	if _, known := noCommands[p.name]; known {
		if len(p.other) == 0 {
			t.Errorf("%s has no such blocks any more", p.name)
		}
		return
	}
	for _, o := range p.other {
		if !strings.Contains(printed, o.text+"\n") {
			t.Errorf("%s:%d: neither a command that is known (package usage lists the programs) nor what one of the page prints: %s", o.page, o.line, o.text)
		}
	}
}

// TestCommandsOf: what is found on a page, and what is not.
func TestCommandsOf(t *testing.T) {
	const text = "# A\n\nSay `podfence lint a.yaml`, or `kubectl -n a\nlogs b`, not `podfence` or `lint x`.\n\n" +
		"    cd a && \\\n      go test .\n    spec/ is a directory\n\n## B\n\n1. item\n    goes on\n\n   and on\n\n       git tag x\n\n" +
		"Text:\n\n```sh\n$ podfence version\n```\n\n```yaml\npodfence: a\n```\n\n```\nA=b go run .\nprinted\n```\n"
	commands, other := commandsOf("a.md", text)
	var got []string
	for _, c := range commands {
		got = append(got, c.heading+": "+c.text)
	}
	want := []string{
		"A: podfence lint a.yaml", "A: kubectl -n a logs b", "A: cd a && go test .", "B: git tag x", "B: podfence version", "B: A=b go run .",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(other) != 2 || other[0].text != "spec/ is a directory" || other[1].text != "printed" {
		t.Errorf("other: %+v", other)
	}
}
