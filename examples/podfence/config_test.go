package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/examples/podfence/internal/settings"
)

const (
	schemaFile   = "../../docs/podfence-config.schema.json"
	documentPage = "../../docs/configuration.md"
)

// output runs a command line that must succeed, and returns what it prints.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	if status := run(args, strings.NewReader(""), &out, &stderr); status != statusAllowed {
		t.Fatalf("podfence %s: status %d\n%s", strings.Join(args, " "), status, &stderr)
	}
	return out.String()
}

// TestSchemaIsCurrent: the published schema is the one that the command prints.
func TestSchemaIsCurrent(t *testing.T) {
	want := output(t, "config", "--schema", "--no-config")
	got, err := os.ReadFile(schemaFile)
	if err != nil || string(got) != want {
		t.Errorf("%s is not current (%v): go run -C examples/podfence . config --schema --no-config > docs/podfence-config.schema.json", schemaFile, err)
	}
}

// noSettings are the flags of commands that judge or export which no file may have, each with
// the reason.
var noSettings = map[string]string{
	"filename":       "what is judged is asked anew each time",
	"output":         "it is for who reads the answer",
	"config":         "it names the file",
	"no-config":      "it wants none",
	"evaluate":       "it says what function does",
	"allow-denied":   "it takes a denial back, which is for one pipeline to do",
	"only-allowed":   "it is about one rewriting",
	"in-place":       "it writes",
	"write-baseline": "it writes",
	"denied-only":    "it is for who reads the answer",
	"summary":        "the same",
	"at":             "it asks about another day than today",
	"enforce":        "it is for a cluster without labels, of which a project need not know",
	"audit":          "the same",
	"warn":           "the same",
	"name":           "it is about one of several installations",
	"mutate":         "it leaves something out, which is for the command line to say",
	"static":         "it is about one of several forms",
	"only":           "the same",
	"verify":         "what is compared is asked anew each time",
	"help":           "it is no setting",
	"tight":          "it is about one suggestion",
	"whole-pod":      "the same",
	"per-workload":   "the same",
	"explain":        "it is for who reads the answer",
}

// TestEveryFlagIsASetting: whoever adds a flag decides whether a file may have it.
func TestEveryFlagIsASetting(t *testing.T) {
	a := &app{}
	named := map[string]bool{}
	for _, cmd := range a.root().Commands() {
		if cmd.Flags().Lookup("filename") == nil && cmd.Name() != "export" || cmd.Name() == "config" {
			continue
		}
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			named[f.Name] = true
			setting := slices.ContainsFunc(settingsTable, func(s settings.Setting) bool { return s.Flag == f.Name })
			if _, not := noSettings[f.Name]; setting == not {
				t.Errorf("--%s of %s: a row of settingsTable: %t, a reason for none: %t", f.Name, cmd.Name(), setting, not)
			}
		})
	}
	for i := range settingsTable {
		if !named[settingsTable[i].Flag] {
			t.Errorf("the setting %s has no flag --%s in any command", settingsTable[i].Key, settingsTable[i].Flag)
		}
	}
	for name := range noSettings {
		if !named[name] {
			t.Errorf("there is no flag --%s any more", name)
		}
	}
}

// settingSamples are two values for each setting, as YAML.
var settingSamples = map[string][2]string{
	"level":                 {"baseline", "labels"},
	"version":               {"v1.30", "latest"},
	"policies":              {"[a.yaml, b]", "[]"},
	"exclude":               {"[a, '*.json']", "[]"},
	"recursive":             {"true", "false"},
	"workloads":             {"['Rollout.argoproj.io=spec.template', 'App=spec.*.pod']", "[]"},
	"namespace":             {"prod", "p-1"},
	"requireWorkloads":      {"true", "false"},
	"strict":                {"true", "false"},
	"skipPatches":           {"true", "false"},
	"maxDocumentSize":       {"1Mi", "'100'"},
	"baseline":              {"known.yaml", "../known.yaml"},
	"failOn":                {"may-not-start", "never"},
	"levelLabelPrefix":      {"podfence.dev", "a.b/"},
	"defaultLevel":          {"baseline", "restricted:v1.30"},
	"defaultAuditLevel":     {"baseline:latest", "privileged"},
	"defaultWarnLevel":      {"restricted", "baseline:v1.0"},
	"levelWithoutNamespace": {"privileged", "baseline"},
	"kubernetesVersion":     {"v1.36", "v1.37"},
	"exemptNamespaces":      {"[kube-system, a]", "[]"},
	"exemptUsers":           {"['system:serviceaccount:a:b']", "[]"},
	"exemptRuntimeClasses":  {"[kata]", "[]"},
}

// TestSettingsActAsFlags: a value in the file is what the flag makes of it, and the
// schema has nothing against it.
func TestSettingsActAsFlags(t *testing.T) {
	schema := compiledSchema(t)
	t.Chdir(t.TempDir())
	if len(settingSamples) != len(settingsTable) {
		t.Fatalf("samples for %d settings of %d", len(settingSamples), len(settingsTable))
	}
	for i := range settingsTable {
		s := &settingsTable[i]
		for _, sample := range settingSamples[s.Key] {
			text := s.Key + ": " + sample + "\n"
			if err := os.WriteFile(settings.Name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var value any
			if err := yaml.Unmarshal([]byte(text), &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s: the schema refuses it: %v", text, err)
			}
			args := []string{"config", "-o", "json"}
			if s.Key != "level" {
				args = append(args, "--level", "labels") // some flags may stand beside no other
			}
			byFile := inForce(t, s.Key, args...)
			byFlag := inForce(t, s.Key, slices.Concat(args, []string{"--no-config"}, asFlags(s.Flag, value.(map[string]any)[s.Key]))...)
			if diff := cmp.Diff(byFlag, byFile); diff != "" {
				t.Errorf("%s (-by the flag +by the file):\n%s", text, diff)
			}
		}
	}
}

// asFlags is a value of the file on a command line.
func asFlags(flag string, value any) (args []string) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, v := range list {
		args = append(args, fmt.Sprintf("--%s=%v", flag, v))
	}
	return args
}

// inForce is the value of a setting that a command line prints.
func inForce(t *testing.T, key string, args ...string) any {
	t.Helper()
	var r configRecord
	if err := json.Unmarshal([]byte(output(t, args...)), &r); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	t.Fatalf("%s is not printed", key)
	return nil
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	path, err := filepath.Abs(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jsonschema.NewCompiler().Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDocumentedFile: the page of the configuration shows a file with every key, which
// is right, and which an editor holds to the schema.
func TestDocumentedFile(t *testing.T) {
	page, err := os.ReadFile(documentPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, found := strings.Cut(rest, "```")
	if first, _, _ := strings.Cut(text, "\n"); !found || first != "# yaml-language-server: $schema="+schemaAddress {
		t.Errorf("the file begins with %q", first)
	}
	if _, err := settings.Parse([]byte(text), settings.Name, settingsTable); err != nil {
		t.Error(err)
	}
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	if err := compiledSchema(t).Validate(value); err != nil {
		t.Error(err)
	}
	for i := range settingsTable {
		if _, shown := value[settingsTable[i].Key]; !shown {
			t.Errorf("%s is not shown", settingsTable[i].Key)
		}
	}
}

// TestDocumentedOutput: what the page shows of runs was printed by them, in the script
// that is named like the page.
func TestDocumentedOutput(t *testing.T) {
	page, err := os.ReadFile(documentPage)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/docs_configuration.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i, part := range strings.Split(string(page), "```") {
		block, ok := strings.CutPrefix(part, "text\n$ podfence ")
		if !ok || i%2 == 0 {
			continue
		}
		command, printed, _ := strings.Cut(block, "\n")
		if !strings.Contains(string(script), " "+command+"\n") || !strings.Contains(string(script), "\n"+printed) {
			t.Errorf("the script does not run podfence %s, or prints something else", command)
		}
		shown++
	}
	if shown != 3 {
		t.Errorf("%d runs are shown, want 3", shown)
	}
}
