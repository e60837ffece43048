package levels

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

var (
	latest     = api.LatestVersion()
	privileged = api.LevelVersion{Level: api.LevelPrivileged, Version: latest}
	baseline   = api.LevelVersion{Level: api.LevelBaseline, Version: latest}
	restricted = api.LevelVersion{Level: api.LevelRestricted, Version: latest}
	// cluster are the defaults of a cluster without a configuration.
	cluster = api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}
)

func newBook(prefix string) *Book {
	return NewBook(Config{Prefix: prefix, Defaults: cluster, Missing: restricted})
}

// add shows a book every document of a text, and returns what it says of them.
func add(t *testing.T, b *Book, file, text string) (said []*manifest.Error) {
	t.Helper()
	for c, err := range manifest.Read(strings.NewReader(text), file) {
		if err != nil || c.Err != nil {
			t.Fatal(err, c.Err)
		}
		for i := range c.Objects {
			for _, err := range b.Add(file, &c.Objects[i]) {
				said = append(said, err.(*manifest.Error))
			}
		}
	}
	return said
}

// namespaceJSON is a Namespace document with labels.
func namespaceJSON(t *testing.T, name string, labels map[string]string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": labels},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLabelsMeanWhatUpstreamMakesOfThem: every combination of labels, right and
// wrong, gives the levels that Pod Security Admission gives, and an error for each
// label that it refuses; under another prefix too.
func TestLabelsMeanWhatUpstreamMakesOfThem(t *testing.T) {
	levels := []string{"", "privileged", "baseline", "restricted", "Baseline"}
	versions := []string{"", "v1.30", "1.30"}
	tried := 0
	for _, prefix := range []string{UpstreamPrefix, "podfence.dev"} {
		var input strings.Builder
		var sets []map[string]string // the labels as upstream has them
		for n := range 5 * 5 * 5 * 3 * 3 * 3 {
			labels, upstream := map[string]string{"kubernetes.io/metadata.name": "a"}, map[string]string{}
			rest := n
			for _, l := range upstreamLabels {
				values := levels
				if strings.HasSuffix(l.key, "-version") {
					values = versions
				}
				value := values[rest%len(values)]
				rest /= len(values)
				if value != "" {
					labels[prefix+"/"+l.name()] = value
					upstream[l.key] = value
				}
			}
			input.WriteString(namespaceJSON(t, fmt.Sprintf("n%d", n), labels) + "\n")
			sets = append(sets, upstream)
		}
		b, said := newBook(prefix), map[string][]string{}
		for _, err := range add(t, b, "ns.json", input.String()) {
			said[err.Object] = append(said[err.Object], err.Problem)
		}
		for n, set := range sets {
			want, wrong := api.PolicyToEvaluate(set, cluster)
			name := fmt.Sprintf("n%d", n)
			got, problems := b.Of(name), said["Namespace "+name]
			if got.Policy != want || got.Source != Document || len(problems) != len(wrong) {
				t.Errorf("%v: %v with %q, want %v with %v", set, got, problems, want, wrong)
				continue
			}
			for i, err := range wrong {
				if !strings.HasSuffix(problems[i], err.ErrorBody()) {
					t.Errorf("%v: %q, want %v", set, problems[i], err)
				}
			}
			tried++
		}
	}
	if tried != 6750 {
		t.Errorf("%d combinations, want 6750", tried)
	}
}

// TestDocuments: what the documents of one input say together.
func TestDocuments(t *testing.T) {
	enforce := func(level string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    %s: %s\n", api.EnforceLevelLabel, level)
	}
	for _, tt := range []struct {
		name, text string
		want       api.LevelVersion
		source     Source
		labelled   bool
		said       []string
	}{
		{"no document", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", restricted, Missing, false, nil},
		{"no labels: the cluster's default", "{apiVersion: v1, kind: Namespace, metadata: {name: a}}", privileged, Document, false, nil},
		{"a label", enforce("baseline"), baseline, Document, true, nil},
		{"the same twice", enforce("baseline") + "---\n" + enforce("baseline"), baseline, Document, true, nil},
		{"weaker behind stricter", enforce("restricted") + "---\n" + enforce("baseline"), restricted, Document, true, []string{
			"n.yaml:8: could not decide Namespace a: it has other levels than the document of the same name at n.yaml:1; leave one of them out; " +
				"the stricter levels of both hold here: enforce restricted:latest, audit privileged:latest, warn restricted:latest",
		}},
		{"stricter behind weaker", enforce("privileged") + "---\n" + enforce("baseline"), baseline, Document, true, []string{
			"n.yaml:8: could not decide Namespace a: it has other levels than the document of the same name at n.yaml:1; leave one of them out; " +
				"the stricter levels of both hold here: enforce baseline:latest, audit privileged:latest, warn baseline:latest",
		}},
		{"newer behind older", enforce("baseline\n    pod-security.kubernetes.io/enforce-version: v1.20") + "---\n" + enforce("baseline"), baseline, Document, true, []string{
			"n.yaml:9: could not decide Namespace a: it has other levels than the document of the same name at n.yaml:1; leave one of them out; " +
				"the stricter levels of both hold here: enforce baseline:latest, audit privileged:latest, warn baseline:latest",
		}},
		{"another group's kind of that name", "{apiVersion: servicebus.azure.com/v1, kind: Namespace, metadata: {name: a}}", restricted, Missing, false, nil},
		{"no apiVersion: an API server would refuse it", "kind: Namespace\nmetadata: {name: a}", privileged, Document, false, []string{
			"n.yaml:1: could not decide Namespace a: it has no apiVersion; write apiVersion: v1",
		}},
		{"a name that is yet to be made up", "{apiVersion: v1, kind: Namespace, metadata: {generateName: a}}", restricted, Missing, false, nil},
		{"in a list without kinds", "{apiVersion: v1, kind: NamespaceList, items: [{metadata: {name: a}}]}", privileged, Document, false, nil},
		{"under review", "{apiVersion: admission.k8s.io/v1, kind: AdmissionReview, request: {object: {apiVersion: v1, kind: Namespace, metadata: {name: a}}}}", privileged, Document, false, nil},
		{"a label that is no text: what it means is not known", enforce("true"), restricted, Document, true, []string{
			"n.yaml:6: could not decide Namespace a: metadata.labels." + api.EnforceLevelLabel + " is read as true or false, not as a string; put it in quotes",
		}},
		{"a label that is no level", enforce("strict"), restricted, Document, true, []string{
			"n.yaml:6: could not decide Namespace a: label " + api.EnforceLevelLabel + `: Invalid value: "strict": must be one of privileged, baseline, restricted; ` +
				"an API server refuses the Namespace, and enforce is taken for restricted:latest here",
		}},
		{"a misspelt label is told", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    pod-security.kubernetes.io/enforced: restricted", privileged, Document, false, []string{
			"n.yaml:6: warning: Namespace a: no level is read from the label pod-security.kubernetes.io/enforced; if a level is meant, write " + api.EnforceLevelLabel,
		}},
		{"another label of the prefix is none of ours", "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {pod-security.kubernetes.io/team: x}}}", privileged, Document, false, nil},
		{"a version that is yet to come", enforce("baseline\n    pod-security.kubernetes.io/enforce-version: v1.400"), api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, 400)}, Document, true, []string{
			"n.yaml:7: warning: Namespace a: label pod-security.kubernetes.io/enforce-version: v1.400 is newer than v1.37, the newest that this podfence knows; it is judged as v1.37",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook(UpstreamPrefix)
			var said []string
			for _, err := range add(t, b, "n.yaml", tt.text) {
				said = append(said, err.Error())
			}
			got := b.Of("a")
			if got.Enforce != tt.want || got.Source != tt.source || got.Labelled != tt.labelled {
				t.Errorf("%+v, want enforce %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.said, said); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFixed: where one level is named, documents say nothing.
func TestFixed(t *testing.T) {
	b := NewFixed(baseline)
	said := add(t, b, "n.json", namespaceJSON(t, "a", map[string]string{api.EnforceLevelLabel: "no level"}))
	if got := b.Of("a"); got.Enforce != baseline || got.Source != Fixed || said != nil || b.Reads() {
		t.Errorf("%+v, with %q", got, said)
	}
}
