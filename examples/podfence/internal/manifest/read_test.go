package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// row is a text and what is read from it: a line an object or an error, in order.
type row struct{ name, reason, in, want string }

// pod is a pod on a line of its own, in flow style that is JSON as well.
func pod(name string) string {
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + name + `"}}`
}

const deep = 200_000

var rows = []row{
	// YAML: what a document is.
	{"one pod", "the plain case", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: ns\n", "1 v1 Pod ns/a typed"},
	{"comments first", "an object starts at its first key", "# c\n---\n# d\n\napiVersion: v1\nkind: Pod\n", "5 v1 Pod typed"},
	{"two documents", "---", pod("a") + "\n---\n" + "apiVersion: v1\nkind: Pod\n", "1 v1 Pod a typed\n3 v1 Pod typed"},
	{"separator with a comment", "--- # c", "a: 1\n--- # c\n" + pod("a") + "\n", "1 passed\n3 v1 Pod a typed"},
	{"content on the separator's line", "--- {}", "---\t" + pod("a") + "\n--- " + pod("b"), "1 v1 Pod a typed\n2 v1 Pod b typed"},
	{"directive", "%YAML belongs to the document after it", "%YAML 1.1\n---\n" + pod("a") + "\n...\n%YAML 1.1\n---\n" + pod("b"),
		"3 v1 Pod a typed\n7 v1 Pod b typed"},
	{"document end", "... ends a document, a bare one follows", "a: 1\n...\n# c\nb: 2\n... # d\n", "1 passed\n4 passed"},
	{"document end alone", "nothing is there", "...\n...\n", ""},
	{"CRLF", "Windows", "a: 1\r\n---\r\napiVersion: v1\r\nkind: Pod\r\nspec: []\r\n", "1 passed\nERR <stdin>:5: could not decide Pod: spec is a list, not a mapping; write a mapping"},
	{"byte order mark", "Windows editors write one", "\ufeff---\n" + pod("a"), "2 v1 Pod a typed"},
	{"byte order mark and JSON", "Windows editors write one", "\ufeff " + pod("a"), "1 v1 Pod a typed"},
	{"byte order mark behind a separator", "files that were put together", "a: 1\n---\n\ufeffapiVersion: v1\nkind: Pod\n", "1 passed\n3 v1 Pod typed"},
	{"byte order mark before a separator", "as above", "a: 1\n\ufeff---\napiVersion: v1\nkind: Pod\n\ufeff--- # c\n\ufeffb: 2", "1 passed\n3 v1 Pod typed\n6 passed"},
	{"byte order mark behind comments", "as above", "a: 1\n---\n# c\n\n\ufeff# d\napiVersion: v1\nkind: Pod\n", "1 passed\n6 v1 Pod typed"},
	{"byte order mark between JSON objects", "as above", "\ufeff" + pod("a") + "\n\ufeff" + pod("b") + "\ufeff\n\ufeff---\n\ufeff" + pod("c"), "1 v1 Pod a typed\n2 v1 Pod b typed\n4 v1 Pod c typed"},
	{"byte order mark after broken JSON", "the line is a separator all the same", "{\"a\":1,\nx\n\ufeff---\n" + pod("a"),
		"ERR <stdin>:2: could not decide: 'x' where JSON has a key in double quotes; correct the JSON\n4 v1 Pod a typed"},
	{"byte order mark at the end", "nothing is behind it", "a: 1\n---\n\ufeff", "1 passed"},
	{"not a separator", "---x and ---- are content", "a:\n  ---x\n", "1 passed"},
	{"separator in a block scalar", "at column 0 it ends the document even there", "a: |\n  x\n---\nb: |\n  ---\n  y\n", "1 passed\n4 passed"},
	{"empty", "no bytes", "", ""},
	{"white space", "no document", " \n\t\n", ""},
	{"empty documents", "comments are no objects", "---\n# a\n---\n---\n\n", ""},
	{"null", "a document, but no mapping", "--- null\n--- ~\n", "1 passed\n2 passed"},
	{"not Kubernetes", "no kind", "a: 1\n---\n- b\n---\nc\n---\nkind: 5\n", "1 passed\n3 passed\n5 passed\n7 passed"},
	{"no end of line", "the last line may lack it", "a: 1\n---", "1 passed"},
	{"long line", "no limit to a line", "a: " + strings.Repeat("x", 300<<10) + "\n---\n" + pod("a"), "1 passed\n3 v1 Pod a typed"},

	// YAML: what is read.
	{"YAML 1.1 words", "yes is true, as for kubectl", "apiVersion: v1\nkind: Pod\nspec: {hostPID: yes}\n", "1 v1 Pod typed hostPID"},
	{"field names have case", "the API server ignores hostpid", "apiVersion: v1\nkind: Pod\nspec: {hostpid: true}\n", "1 v1 Pod typed"},
	{"unknown fields", "tolerated", "apiVersion: v1\nkind: Pod\nspec: {nonsense: true}\n", "1 v1 Pod typed"},
	{"anchors", "aliases and merge keys are expanded", "apiVersion: v1\nkind: Pod\nx: &x {hostPID: true}\nspec:\n  <<: *x\n", "1 v1 Pod typed hostPID"},
	{"merge and override", "not a duplicate", "apiVersion: v1\nkind: Pod\nx: &x {hostPID: true}\nspec:\n  <<: *x\n  hostPID: false\n", "1 v1 Pod typed"},
	{"override, then merge", "what is later holds, as for kubectl", "apiVersion: v1\nkind: Pod\nx: &x {hostPID: true}\nspec:\n  hostPID: false\n  <<: *x\n", "1 v1 Pod typed hostPID"},
	{"YAML 1.2", "the library, and so kubectl, refuses it", "%YAML 1.2\n---\na: 1\n", "ERR <stdin>:1: could not decide: found incompatible YAML document; correct the YAML"},
	{"key y", "it is true in YAML 1.1", "y: 1\ntrue: 2\n", "ERR <stdin>:2: could not decide: key true is given twice; remove one of the two"},
	{"anchor before the mapping", "the first key counts", "--- &a\n# c\napiVersion: v1\nkind: Pod\n", "3 v1 Pod typed"},
	{"generateName", "shown with a star", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n", "1 v1 Pod x-* typed"},

	// YAML: what cannot be decided.
	{"broken document among others", "one does not hide the others", "a: 1\n---\nb: [\n---\n" + pod("a"),
		"1 passed\nERR <stdin>:3: could not decide: did not find expected node content; correct the YAML\n5 v1 Pod a typed"},
	{"tab", "the library's line is made one of the file", "a: 1\n---\nb:\n\tc: 1\n", "1 passed\nERR <stdin>:4: could not decide: a tab stands in the indentation; use spaces"},
	{"tab after an alias", "the library points to the token before it", "a: &x 1\nb: *x\nc:\n- d\n\n\t- e\n", "ERR <stdin>:6: could not decide: a tab stands in the indentation; use spaces"},
	{"tab behind a dash", "it indents what follows", "a:\n-\tb: 1\n", "ERR <stdin>:2: could not decide: a tab stands in the indentation; use spaces"},
	{"tabs that are content", "the one that breaks the text is named", "a: |\n  x\n  \ty\nb: \"z\n\tz\"\nc: [&d a, *d]\nd:\n\te: 1\n", "ERR <stdin>:8: could not decide: a tab stands in the indentation; use spaces"},
	{"no tab", "another character that begins nothing, though tabs are there", "a: @\nb: |\n  x\n  \ty\n", "ERR <stdin>:1: could not decide: found character that cannot start any token; correct the YAML"},
	{"bad indent", "a parser's line, counted from 0", "a: 1\n---\nb:\n  - c\n d: 1\n", "1 passed\nERR <stdin>:5: could not decide: did not find expected key; correct the YAML"},
	{"duplicate key", "which value holds would be a guess", "a: 1\n---\nspec:\n  hostPID: true\n  x: 1\n  hostPID: false\n",
		"1 passed\nERR <stdin>:6: could not decide: key hostPID is given twice; remove one of the two"},
	{"duplicate key in other words", "yes and true are one key in YAML 1.1", "a: {yes: 1, 'true': 2}\n", "ERR <stdin>:1: could not decide: key true is given twice; remove one of the two"},
	{"duplicate number key", "1 and \"1\" are one key in JSON", "1: 1\n\"1\": 2\n", "ERR <stdin>:2: could not decide: key 1 is given twice; remove one of the two"},
	{"duplicate quoted key", "'a' and a are one key", "'a': 1\na: 2\n", "ERR <stdin>:2: could not decide: key a is given twice; remove one of the two"},
	{"unknown alias", "the library gives no line for it", "a: 1\n---\nb: *x\n", "1 passed\nERR <stdin>:3: could not decide: unknown anchor 'x' referenced; correct the YAML"},
	{"alias to itself", "it has no end", "a: &a [*a]\n", "ERR <stdin>:1: could not decide: anchor a contains itself; remove the alias"},
	{"bad UTF-8 in YAML", "the byte's line", "a: 1\n---\nb: 1\nc: \"\xff\"\n", "1 passed\nERR <stdin>:4: could not decide: a byte is not UTF-8; save it as UTF-8"},
	{"UTF-16", "PowerShell writes it", "\xff\xfea\x00\n\x00", "ERR <stdin>:1: could not decide: the text is UTF-16; save it as UTF-8"},
	{"control character", "the library gives no line", "a: 1\nb: \"\x01\"\n", "ERR <stdin>:2: could not decide: control characters are not allowed; correct the YAML"},
	{"garbage behind a flow mapping", "the conversion to JSON stops before it", "{a: 1}\n{apiVersion: v1, kind: Pod}\n", "ERR <stdin>:2: could not decide: did not find expected <document start>; correct the YAML"},
	{"hidden document", "the library takes LS for a line break", "a: 1\u2028---\u2028kind: Pod\n",
		"ERR <stdin>:1: could not decide: a second document begins without a line of its own; write --- on its own line between documents"},
	{"exotic line breaks", "lines are counted as editors do", "a: \"x\u2028y\"\nb: 1\nb: 2\n", "ERR <stdin>:3: could not decide: key b is given twice; remove one of the two"},
	{"infinity", "JSON has none", "a: .inf\n", "ERR <stdin>:1: could not decide: .inf is a number that JSON does not have; write another number, or put it in quotes if it is text"},
	{"not a number", "its line", "a: \".nan\"\nb:\n- .NaN\n", "ERR <stdin>:3: could not decide: .NaN is a number that JSON does not have; write another number, or put it in quotes if it is text"},
	{"null for a key", "the library says it in Go", "a: 1\nnull: 2\n", "ERR <stdin>:2: could not decide: null stands where a key belongs; write the key, in quotes if it is the word"},
	{"no key at all", "it is null too", "a: 1\n? \n: 2\n", "ERR <stdin>:2: could not decide: null stands where a key belongs; write the key, in quotes if it is the word"},
	{"deep flow", "no stack overflow", "a: " + strings.Repeat("[", deep), "ERR <stdin>:1: could not decide: exceeded max depth of 10000; correct the YAML"},
	{"deep top-level list", "no stack overflow", strings.Repeat("[", deep), "ERR <stdin>:1: could not decide: exceeded max depth of 10000; correct the YAML"},
	{"deep block", "no stack overflow", strings.Repeat("- ", deep), "ERR <stdin>:1: could not decide: exceeded max depth of 10000; correct the YAML"},
	{"billion laughs", "ends in an Err, not in a full memory", laughs(), "ERR <stdin>:7: could not decide: aliases make the document excessively large; write the values out"},
	{"long string, many aliases", "the library's guard counts nodes only", "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 10000) + "]\n",
		"ERR <stdin>:2: could not decide: aliases make the document excessively large; write the values out"},

	// Kinds.
	{"every workload", "the kinds that hold a pod", everyWorkload(), "1 v1 Pod typed\n3 v1 PodTemplate typed\n5 v1 ReplicationController typed\n7 apps/v1 ReplicaSet typed\n" +
		"9 apps/v1 Deployment typed\n11 apps/v1 StatefulSet typed\n13 apps/v1 DaemonSet typed\n15 batch/v1 Job typed\n17 batch/v1 CronJob typed"},
	{"another kind", "passed and counted", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", "1 v1 Service s passed"},
	{"another group's Job", "a kind of its own", "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\n", "1 batch.volcano.sh/v1alpha1 Job passed"},
	{"extensions/v1beta1", "no longer served", "apiVersion: extensions/v1beta1\nkind: DaemonSet\n", `ERR <stdin>:1: could not decide DaemonSet: kind DaemonSet is not served in apiVersion "extensions/v1beta1"; write apiVersion: apps/v1`},
	{"apps/v2", "not known", "apiVersion: apps/v2\nkind: Deployment\n", `ERR <stdin>:1: could not decide Deployment: kind Deployment is not served in apiVersion "apps/v2"; write apiVersion: apps/v1`},
	{"batch/v1beta1", "no longer served", "apiVersion: batch/v1beta1\nkind: CronJob\n", `ERR <stdin>:1: could not decide CronJob: kind CronJob is not served in apiVersion "batch/v1beta1"; write apiVersion: batch/v1`},
	{"Pod without apiVersion", "not passed over", "kind: Pod\nmetadata: {name: a, namespace: ns}\n", "ERR <stdin>:1: could not decide Pod ns/a: kind Pod has no apiVersion; write apiVersion: v1"},
	{"Pod in v2", "not passed over", "apiVersion: v2\nkind: Pod\n", `ERR <stdin>:1: could not decide Pod: kind Pod is not served in apiVersion "v2"; write apiVersion: v1`},
	{"Deployment in v1", "core was never its group, apps is", "apiVersion: v1\nkind: Deployment\n", `ERR <stdin>:1: could not decide Deployment: kind Deployment is not served in apiVersion "v1"; write apiVersion: apps/v1`},
	{"Pod of another group", "a kind of its own", "apiVersion: example.com/v1\nkind: Pod\n", "1 example.com/v1 Pod passed"},

	{"kind pod", "the API server knows no such kind, and its author meant a pod", "apiVersion: v1\nkind: pod\nmetadata: {name: a}\n", "ERR <stdin>:1: could not decide pod a: kind pod is not known; write kind: Pod"},
	{"kind Deployments", "kubectl's argument for it", "apiVersion: apps/v1\nkind: Deployments\n", "ERR <stdin>:1: could not decide Deployments: kind Deployments is not known; write kind: Deployment"},
	{"kind podlist", "no list is opened under that name", "apiVersion: v1\nkind: podlist\nitems: []\n", "ERR <stdin>:1: could not decide podlist: kind podlist is not known; write kind: PodList"},
	{"kind list", "as above", "apiVersion: v1\nkind: list\nitems: []\n", "ERR <stdin>:1: could not decide list: kind list is not known; write kind: List"},
	{"kind pod of another group", "a kind of its own", "apiVersion: example.com/v1\nkind: pod\n", "1 example.com/v1 pod passed"},

	// What the API types cannot decode.
	{"wrong type in YAML", "the field's line", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n  - securityContext:\n      runAsUser: \"abc\"\n",
		"ERR <stdin>:8: could not decide Pod a: spec.containers[1].securityContext.runAsUser is a string, not a whole number; write a whole number"},
	{"a word that YAML takes for a boolean", "the author saw text", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: y\n",
		"ERR <stdin>:7: could not decide Pod a: spec.containers[0].image is read as true or false, not as a string; put it in quotes"},
	{"a version that YAML takes for a number", "the author saw text", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {v: 1.20}}\n",
		"ERR <stdin>:3: could not decide Pod: metadata.labels.v is read as a number, not as a string; put it in quotes"},
	{"a list for text", "quotes would not mend it", "apiVersion: v1\nkind: Pod\nmetadata: {name: [a]}\n",
		"ERR <stdin>:3: could not decide Pod: metadata.name is a list, not a string; write a string"},
	{"more than 32 bits", "it is a whole number, and too large", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - ports: [{hostPort: 3000000000}]\n",
		"ERR <stdin>:5: could not decide Pod: spec.containers[0].ports[0].hostPort is 3000000000, which is out of range; write a whole number from -2147483648 to 2147483647"},
	{"more than 64 bits", "it is a whole number, and too large", "apiVersion: v1\nkind: Pod\nspec:\n  securityContext: {runAsUser: -100000000000000000000}\n",
		"ERR <stdin>:4: could not decide Pod: spec.securityContext.runAsUser is -100000000000000000000, which is out of range; write a whole number from -9223372036854775808 to 9223372036854775807"},
	{"a part of a port", "it is no whole number", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - ports: [{hostPort: 80.5}]\n",
		"ERR <stdin>:5: could not decide Pod: spec.containers[0].ports[0].hostPort is 80.5, not a whole number; write a whole number"},
	{"null for a container", "a patch cannot add to it, and no API server takes it", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n  -\n  - name: d\n",
		"ERR <stdin>:7: could not decide Pod a: spec.containers[1] is null; write the container, or remove the entry"},
	{"null for an init container of a template", "in each list, at each root", "apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers: [{name: c}]\n          initContainers:\n          - name: i\n          - ~\n",
		"ERR <stdin>:11: could not decide CronJob: spec.jobTemplate.spec.template.spec.initContainers[1] is null; write the container, or remove the entry"},
	{"null for an ephemeral container in JSON", "its line", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\n\"containers\":[{}],\"ephemeralContainers\":[\nnull]}}",
		"ERR <stdin>:3: could not decide Pod: spec.ephemeralContainers[0] is null; write the container, or remove the entry"},
	{"null in a list of pods", "the others stand", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec: {containers: [null]}\n- apiVersion: v1\n  kind: Pod\n  spec: {containers: null}\n",
		"ERR <stdin>:6: could not decide Pod: spec.containers[0] is null; write the container, or remove the entry\n7 items.1 v1 Pod typed"},
	{"a key that is a list", "JSON has none, and the library says it in Go", "# a comment\na: b\n? [a, b]\n: c\n", "ERR <stdin>:3: could not decide: a list stands where a key belongs; write the key as text"},
	{"a key that is a mapping", "as a template in braces is, without quotes", "a:\n  b: [{{ b }}]\n", "ERR <stdin>:2: could not decide: a mapping stands where a key belongs; write the key as text; text in braces, as of a template, is written in quotes"},
	{"Helm template", "the line of its first action", "a: 1\nb:\n  {{- toYaml .Values.b | nindent 2 }}\n", "ERR <stdin>:3: could not decide: it looks like a Helm template, and is no YAML as it stands; render it first, with helm template"},
	{"Helm template of one value", "YAML reads it as a mapping", "a: 1\nb: {{ .Values.b }}\n", "ERR <stdin>:2: could not decide: it looks like a Helm template, and is no YAML as it stands; render it first, with helm template"},
	{"Helm template that begins with an action", "as most do", "{{- if .Values.a }}\na: {{ .Values.b }}\n{{- end }}\n---\n" + pod("a"),
		"ERR <stdin>:1: could not decide: it looks like a Helm template, and is no YAML as it stands; render it first, with helm template\n5 v1 Pod a typed"},
	{"Helm template within text", "by what Helm gives", "a: &a {{ include \"x\" . }}\nb: x-{{ .Release.Name }}\n", "ERR <stdin>:1: could not decide: it looks like a Helm template, and is no YAML as it stands; render it first, with helm template"},
	{"Helm template in JSON", "the action's line", "{\"a\": 1,\n\"b\": {{ .Values.b }}}", "ERR <stdin>:2: could not decide: it looks like a Helm template, and is no JSON as it stands; render it first, with helm template"},
	{"Helm value in quotes", "YAML, but no number", "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: '{{ .Values.r }}'}\n",
		"ERR <stdin>:3: could not decide Deployment: spec.replicas is a string, not a whole number; it looks like a Helm template: render it first, with helm template"},
	{"another template", "in quotes it is text, and what is broken is something else", "a: \"{{ $labels.pod }} is down\"\nb: [\n", "ERR <stdin>:2: could not decide: did not find expected node content; correct the YAML"},
	{"a tab in a template", "the tab would break it once rendered, too", "a: '{{ .Values.a }}'\nb:\n\tc: 1\n", "ERR <stdin>:3: could not decide: a tab stands in the indentation; use spaces"},
	{"JSON with a comment", "what to do about it", "{\"a\": 1,\n// c\n\"b\": 2}", "ERR <stdin>:2: could not decide: '/' where JSON has a key in double quotes; remove the comment: JSON has none"},
	{"an alias of a list as a key", "it is one too", "x: &x [1]\n? *x\n: 2\n", "ERR <stdin>:2: could not decide: a list stands where a key belongs; write the key as text"},
	{"wrong type under a merge key", "the line where it is written", "x: &x\n  hostPID: 1\napiVersion: v1\nkind: Pod\nspec:\n  <<: *x\n",
		"ERR <stdin>:2: could not decide Pod: spec.hostPID is a number, not true or false; write true or false"},
	{"mapping for a list", "containers: {}", "apiVersion: v1\nkind: Pod\nspec:\n  containers: {}\n", "ERR <stdin>:4: could not decide Pod: spec.containers is a mapping, not a list; write a list"},
	{"wrong type in JSON", "the field's line", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n\"spec\":{\n\"hostPID\":\n\"abc\"}}",
		"ERR <stdin>:4: could not decide Pod: spec.hostPID is a string, not true or false; write true or false"},
	{"bad quantity", "its decoder does not say where", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - resources:\n      limits:\n        cpu: 1\n        memory: lots\n",
		"ERR <stdin>:8: could not decide Pod: spec.containers[0].resources.limits.memory: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'; correct the field"},

	// Lists.
	{"YAML List", "each item with its path and line", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- # c\n  apiVersion: v1\n  kind: Service\n", "4 items.0 v1 Pod typed\n7 items.1 v1 Service passed"},
	{"YAML List with aliases", "an alias is where it stands", "kind: List\nx: &x {apiVersion: v1, kind: Pod}\nitems:\n- *x\n- *x\n", "4 items.0 v1 Pod typed\n5 items.1 v1 Pod typed"},
	{"typed YAML list", "items take kind and apiVersion from it", "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n", "4 items.0 apps/v1 Deployment a typed"},
	{"list in list", "both are opened", "kind: List\nitems:\n- kind: PodList\n  apiVersion: v1\n  items:\n  - metadata: {name: a}\n", "6 items.0.items.0 v1 Pod a typed"},
	{"empty list", "a wrapper is no object", "kind: List\nitems: []\n---\nkind: PodList\nitems: null\n---\nkind: List\n", ""},
	{"items that are no list", "nothing can be said", "kind: List\nitems:\n  a: 1\n", "ERR <stdin>:2: could not decide List: items is not a list; write items as a list"},
	{"lists without end", "the reading is bounded", strings.Repeat(`{"kind":"List","items":[`, 20) + strings.Repeat("]}", 20),
		"ERR <stdin>:1: could not decide List: lists stand in lists more than 16 deep; write the items into one list"},
	{"unserved list", "its items are not served either", "apiVersion: extensions/v1beta1\nkind: DeploymentList\nitems:\n- {}\n",
		`ERR <stdin>:4: could not decide Deployment: kind Deployment is not served in apiVersion "extensions/v1beta1"; write apiVersion: apps/v1`},
	{"JSON list, kind first", "item by item", `{"kind":"List","items":[` + pod("a") + ",\n " + pod("b") + "]}\n", "1 v1 Pod a typed\n2 v1 Pod b typed"},
	{"JSON list, alphabetical", "as kubectl writes it", `{"apiVersion":"v1","items":[` + "\n" + pod("a") + `],"kind":"List"}`, "2 v1 Pod a typed"},
	{"typed JSON list, alphabetical", "the items take what comes after them", `{"items":[{"metadata":{"name":"a"}},` + pod("b") + `],"kind":"PodList","apiVersion":"v1"}`, "1 v1 Pod a typed\n1 v1 Pod b typed"},
	{"typed JSON list, apiVersion last", "the items wait for it", `{"kind":"PodList","items":[` + pod("b") + `,{"metadata":{"name":"a"}}],"apiVersion":"v1"}`, "1 v1 Pod b typed\n1 v1 Pod a typed"},
	{"list in a JSON list", "it has a path, the outer item has none", `{"kind":"List","items":[{"kind":"List","items":[` + pod("a") + ",\n" + pod("b") + `]}]}`, "1 items.0 v1 Pod a typed\n2 items.1 v1 Pod b typed"},
	{"JSON list with a bad item", "it does not hide the others", `{"kind":"List","items":[{"kind":"Pod","kind":"Pod"},` + pod("a") + `]}`,
		"ERR <stdin>:1: could not decide Pod: key kind is given twice; remove one of the two\n1 v1 Pod a typed"},
	{"list with its kind twice", "what was delivered stands", `{"kind":"List","items":[` + pod("a") + `],` + "\n" + `"kind":"List"}`,
		"1 v1 Pod a typed\nERR <stdin>:2: could not decide List: key kind is given twice; remove one of the two"},
	{"list with its kind twice after its items", "nothing was delivered", `{"items":[` + pod("a") + `],"kind":"List",` + "\n" + `"kind":"List"}`,
		"ERR <stdin>:2: could not decide List: key kind is given twice; remove one of the two"},
	{"scalar items", "not Kubernetes", `{"kind":"List","items":[1,"a",null]}`, "1 passed\n1 passed\n1 passed"},
	{"JSON items that are no list", "nothing can be said", "{\"kind\":\"List\",\n\"items\":{}}", "ERR <stdin>:2: could not decide List: items is not a list; write items as a list"},
	{"ConfigMap with items", "not a list, though it has items", `{"apiVersion":"v1","items":[{"path":"x"},` + pod("a") + `],"kind":"ConfigMap"}`, "1 v1 ConfigMap passed"},
	{"Deployment with items", "an unknown field does not hide it", `{"apiVersion":"apps/v1","items":[{"path":"x"}],"kind":"Deployment"}`, "1 apps/v1 Deployment typed"},

	// Lists without a List around them, and reviews.
	{"JSON array", "as jq .items writes it, item by item", "[" + pod("a") + ",\n " + pod("b") + "]\n", "1 v1 Pod a typed\n2 v1 Pod b typed"},
	{"JSON array of one line", "as jq -c writes it", "[" + pod("a") + "]", "1 v1 Pod a typed"},
	{"JSON array after an object", "a stream of both", pod("a") + "[" + pod("b") + "]\n" + pod("c"), "1 v1 Pod a typed\n1 v1 Pod b typed\n2 v1 Pod c typed"},
	{"JSON array, then YAML", "a line --- turns to YAML", "[" + pod("a") + "]\n---\n" + pod("b"), "1 v1 Pod a typed\n3 v1 Pod b typed"},
	{"List in a JSON array", "it is opened", `[{"kind":"List","items":[` + pod("a") + `]}]`, "1 items.0 v1 Pod a typed"},
	{"truncated JSON array", "what was delivered stands", "[" + pod("a") + ",\n{", "1 v1 Pod a typed\nERR <stdin>:2: could not decide: the JSON ends too early; complete it"},
	{"JSON array with a bad item", "it does not hide the others", `[{"kind":"Pod","kind":"Pod"},` + pod("a") + `]`,
		"ERR <stdin>:1: could not decide Pod: key kind is given twice; remove one of the two\n1 v1 Pod a typed"},
	{"empty JSON array", "nothing is there to judge", "[]\n", "1 passed"},
	{"YAML array", "each item with its path and line", "- apiVersion: v1\n  kind: Pod\n- {apiVersion: v1, kind: Service}\n", "1 0 v1 Pod typed\n3 1 v1 Service passed"},
	{"YAML array of something else", "one document, not Kubernetes", "- op: add\n  path: /a\n- op: remove\n", "1 passed"},
	{"review", "the object in it is judged, in the request's namespace", "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n  namespace: ns\n  object:\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n",
		"5 request.object v1 Pod ns/a typed"},
	{"review in JSON", "the object's line", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{` + "\n" + `"object":` + pod("a") + "}}", "2 request.object v1 Pod a typed"},
	{"review with a namespace in its object", "the object's own holds", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"namespace":"x","object":{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"y"}}}}`, "1 request.object v1 Pod y/ typed"},
	{"review of a deletion", "nothing is to run", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"object":null,"oldObject":` + pod("a") + `}}`, "1 admission.k8s.io/v1 AdmissionReview passed"},
	{"answered review", "nothing is to run", "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nresponse: {allowed: true}\n", "1 admission.k8s.io/v1 AdmissionReview passed"},
	{"review of a review", "the reading is bounded", strings.Repeat(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"object":`, 20) + pod("a") + strings.Repeat("}}", 20),
		"ERR <stdin>:1: could not decide AdmissionReview: lists stand in lists more than 16 deep; write the items into one list"},
	{"array in an array", "both are opened", "[[" + pod("a") + "]]", "1 0.0 v1 Pod a typed"},
	{"arrays without end", "the reading is bounded", strings.Repeat("[", 20) + pod("a") + strings.Repeat("]", 20),
		"ERR <stdin>:1: could not decide: lists stand in lists more than 16 deep; write the items into one list"},

	// JSON streams.
	{"NDJSON", "one object after another", pod("a") + "\n" + pod("b") + pod("c") + "\n", "1 v1 Pod a typed\n2 v1 Pod b typed\n2 v1 Pod c typed"},
	{"JSON, then YAML", "a line --- turns to YAML", pod("a") + "\n---\napiVersion: v1\nkind: Pod\n", "1 v1 Pod a typed\n3 v1 Pod typed"},
	{"JSON, then a comment", "no JSON, so YAML", pod("a") + "\n# c\n" + pod("b"), "1 v1 Pod a typed\n3 v1 Pod b typed"},
	{"flow YAML", "begins with { and is not JSON", "{a: b}\n---\n" + pod("a"), "1 passed\n3 v1 Pod a typed"},
	{"flow YAML with quoted keys", "the first value tells", "{\"a\": yes}\n---\n" + pod("a"), "1 passed\n3 v1 Pod a typed"},
	{"escaped key", `\u006bind is kind`, `{"\u006bind":"Pod","apiVersion":"v1"}`, "1 v1 Pod typed"},
	{"duplicate escaped key", `\u006bind is kind`, `{"\u006bind":"Pod","kind":"Pod"}`, "ERR <stdin>:1: could not decide Pod: key kind is given twice; remove one of the two"},
	{"duplicate JSON key", "deep inside", "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"a\":1,\n\"a\":1}]}}",
		"ERR <stdin>:2: could not decide Pod a: key spec.containers[0].a is given twice; remove one of the two"},
	{"empty object", "not Kubernetes", "{}\n{ }", "1 passed\n2 passed"},
	{"truncated JSON", "what was delivered stands", `{"kind":"List","items":[` + pod("a") + ",\n{\"kind\":", "1 v1 Pod a typed\nERR <stdin>:2: could not decide List: the JSON ends too early; complete it"},
	{"truncated literal", "cut in a word", `{"kind":"List","items":[tru`, "ERR <stdin>:1: could not decide List: the JSON ends too early; complete it"},
	{"garbage behind JSON", "an Err at its line", pod("a") + "\nx\n", "1 v1 Pod a typed\nERR <stdin>:2: could not decide: text after the end of a JSON object; correct the JSON"},
	{"broken JSON, then YAML", "a line --- is never inside JSON", "{\"kind\": \"Pod\", \"a\": 1 x\ny\n---\n" + pod("a"),
		"ERR <stdin>:1: could not decide Pod: 'x' where JSON has ',' or '}'; correct the JSON\n4 v1 Pod a typed"},
	{"JSON cut by a separator", "the line --- is what breaks it", "{\"kind\": \"Pod\", \"a\": 1\n---\n" + pod("a"),
		"ERR <stdin>:2: could not decide Pod: '-' where JSON has ',' or '}'; correct the JSON\n3 v1 Pod a typed"},
	{"trailing comma", "YAML, but not JSON", "{\"a\": 1,}", "ERR <stdin>:1: could not decide: '}' where JSON has a key in double quotes; correct the JSON"},
	{"bad bracket", "no guess what it closes", `{"a": [1}`, "ERR <stdin>:1: could not decide: '}' where JSON has ',' or ']'; correct the JSON"},
	{"bad number", "not JSON", `{"b":{}, "a": 01}`, "ERR <stdin>:1: could not decide: '0' where JSON has a value; correct the JSON"},
	{"bad escape", "not JSON", `{"b":{}, "a": "\x"}`, "ERR <stdin>:1: could not decide: 'x' where JSON has an escape sequence; correct the JSON"},
	{"line break in a string", "not JSON", "{\"b\":{}, \"a\": \"x\ny\"}", "ERR <stdin>:1: could not decide: a line break or control character inside a string; correct the JSON"},
	{"bad UTF-8 in JSON", "the byte's line", "{\"a\":1,\n\"b\":\"\xff\"}" + pod("a"), "ERR <stdin>:2: could not decide: a byte is not UTF-8; save it as UTF-8\n2 v1 Pod a typed"},
	{"deep JSON", "no stack overflow", `{"a":` + strings.Repeat("[", deep), "ERR <stdin>:1: could not decide: the text is nested deeper than 10000; correct the JSON"},
	{"deep JSON objects", "no stack overflow", strings.Repeat(`{"a":`, deep), "ERR <stdin>:1: could not decide: the text is nested deeper than 10000; correct the JSON"},
}

func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	return b.String()
}

func everyWorkload() string {
	var docs []string
	for _, w := range podKinds {
		docs = append(docs, fmt.Sprintf("{apiVersion: %s, kind: %s}\n", w.apiVersion, w.kind))
	}
	return strings.Join(docs, "---\n")
}

// readAll reads a text and checks that the chunks are it.
func readAll(t testing.TB, r io.Reader, in string) []Chunk {
	t.Helper()
	var chunks []Chunk
	var raw bytes.Buffer
	line := 1
	for c, err := range Read(r, Stdin) {
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		if c.Line != line {
			t.Errorf("chunk at line %d, want %d", c.Line, line)
		}
		line += bytes.Count(c.Raw, []byte("\n"))
		if len(c.Raw) == 0 || c.Err != nil && len(c.Objects) > 0 {
			t.Errorf("chunk with no bytes, or with objects and an error: %+v", c)
		}
		raw.Write(c.Raw)
		chunks = append(chunks, c)
	}
	if raw.String() != in {
		t.Fatalf("the chunks are not the input: %d bytes of %d", raw.Len(), len(in))
	}
	return chunks
}

// render writes chunks as the want of a row.
func render(chunks []Chunk) string {
	var out []string
	for _, c := range chunks {
		if c.Err != nil {
			out = append(out, "ERR "+c.Err.Error())
		}
		for _, o := range c.Objects {
			out = append(out, renderObject(o))
		}
	}
	return strings.Join(out, "\n")
}

func renderObject(o Object) string {
	if o.Err != nil {
		return "ERR " + o.Err.Error()
	}
	words := []string{fmt.Sprint(o.Line), strings.Join(o.Path, "."), o.APIVersion, o.String(), "passed"}
	if o.Typed != nil {
		words[4] = "typed"
		if strings.Contains(fmt.Sprintf("%+v", o.Typed), "HostPID:true") {
			words[4] += " hostPID"
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestRead(t *testing.T) {
	if len(rows) != 166 {
		t.Errorf("%d rows, want 166", len(rows))
	}
	names := map[string]bool{}
	for _, r := range rows {
		if names[r.name] || r.reason == "" {
			t.Errorf("row %q: its name is not unique, or it has no reason", r.name)
		}
		names[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			if diff := cmp.Diff(r.want, render(readAll(t, strings.NewReader(r.in), r.in))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.reason, diff)
			}
		})
	}
}

// A reader may give one byte at a time: no decision may hang on how much is there.
func TestReadBytewise(t *testing.T) {
	for _, r := range rows {
		if len(r.in) > 1<<16 {
			continue
		}
		got := render(readAll(t, iotest.OneByteReader(strings.NewReader(r.in)), r.in))
		if got != r.want {
			t.Errorf("%s: got\n%s\nwant\n%s", r.name, got, r.want)
		}
	}
}

// A part of a document may read as another document: what a failing reader gave last is never decided.
func TestReadFailure(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, in := range []string{pod("a")[:40], "apiVersion: v1\nkind: Pod\n", `{"kind":"List","items":[`, "# c\n", "{}\nx"} {
		var raw bytes.Buffer
		var errs []string
		var last error
		for c, err := range Read(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), "f.yaml") {
			raw.Write(c.Raw)
			if last = err; c.Err != nil {
				errs = append(errs, c.Err.Error())
			}
		}
		if raw.String() != in || last != broken || len(errs) != 1 {
			t.Errorf("%q: read %q, last error %v, errors %q; want all of it, the reader's error, and one Err", in, raw.String(), last, errs)
		}
	}
}

// A caller that breaks off gets no more.
func TestReadStops(t *testing.T) {
	for _, r := range rows {
		if len(r.in) > 1<<16 {
			continue
		}
		total := len(readAll(t, strings.NewReader(r.in), r.in))
		for stop := 1; stop <= min(total, 20); stop++ {
			got := 0
			for range Read(strings.NewReader(r.in), Stdin) {
				if got++; got == stop {
					break
				}
			}
			if got != stop {
				t.Errorf("%s: %d chunks, want %d", r.name, got, stop)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	if len(rows) == 0 {
		f.Fatal("no seeds")
	}
	for _, r := range rows {
		if len(r.in) < 1<<12 {
			f.Add([]byte(r.in))
		}
	}
	f.Add([]byte("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: v1\n  kind: Pod\nkind: List\nmetadata: {}\n"))
	// Behind the items of a list nothing is, and the library wants nothing to be.
	f.Add([]byte("-\n\ufeff"))
	f.Add([]byte("-\n! #000"))
	f.Fuzz(func(t *testing.T, in []byte) {
		sameByItem(t, string(in))
		for _, c := range readAll(t, bytes.NewReader(in), string(in)) {
			for _, o := range c.Objects {
				// An item of a typed list may be null, and is a workload all the same.
				if o.Tree() == nil && o.Typed != nil && string(o.source.text) != "null" {
					t.Errorf("a workload is no mapping: %s", o)
				}
				for _, u := range o.Unknown() {
					if u.Line < o.Line-1 || len(u.Path) == 0 || u.Text == "" {
						t.Errorf("%+v of the object at line %d", u, o.Line)
					}
				}
			}
		}
	})
}
