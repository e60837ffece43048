package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	web    = "podSelectorLabels: {app: web}\n"
	welkin = "constraints:\n  net:\n    rm:\n      podSelectorLabels: {app: web}\n"
)

// refusal is what Parse refuses, why it must, and the whole error.
type refusal struct{ name, why, in, want string }

// refused is what Parse refuses, why it must, and the whole error. Nearly all
// rows have one error: what follows from it is not reported as well.
var refused = []refusal{
	{
		"no labels", "a policy without labels would select nothing or everything",
		"allow:\n  privileged: true\n",
		"p.yaml:1: podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	},
	{
		"empty labels", "the document says must be provided",
		"podSelectorLabels: {}\nallow:\n  privileged: true\n",
		"p.yaml:1: podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	},
	{
		"bare labels", "no value is not an empty selector",
		"podSelectorLabels:\nallow: {}\n",
		"p.yaml:1: podSelectorLabels: has no value; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	},
	{
		"labels as a list", "a likely slip",
		"podSelectorLabels: [app]\n",
		"p.yaml:1: podSelectorLabels: a list stands where labels belong; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	},
	{
		"boolean label value", "YAML reads true as a boolean",
		"podSelectorLabels:\n  app: true\n",
		`p.yaml:2: podSelectorLabels[app]: true is read as a boolean, not as text; write "true"`,
	},
	{
		"number label value", "YAML reads 1 as a number",
		"podSelectorLabels:\n  version: 1\n",
		`p.yaml:2: podSelectorLabels[version]: 1 is read as a number, not as text; write "1"`,
	},
	{
		"fraction label value", "1.10 would become 1.1",
		"podSelectorLabels:\n  version: 1.10\n",
		`p.yaml:2: podSelectorLabels[version]: 1.10 is read as a number, not as text; write "1.10"`,
	},
	{
		"date label value", "YAML reads a date",
		"podSelectorLabels:\n  build: 2026-01-02\n",
		`p.yaml:2: podSelectorLabels[build]: 2026-01-02 is read as a date, not as text; write "2026-01-02"`,
	},
	{
		"old boolean label value", "Helm reads yes as true",
		"podSelectorLabels:\n  app: yes\n",
		`p.yaml:2: podSelectorLabels[app]: yes is a boolean to some readers of YAML; write "yes"`,
	},
	{
		"old boolean label key", "Helm reads on as true",
		"podSelectorLabels:\n  on: web\n",
		`p.yaml:2: podSelectorLabels[on]: on is a boolean to some readers of YAML; write "on"`,
	},
	{
		"number label key", "YAML reads 1 as a number",
		"podSelectorLabels:\n  1: web\n",
		`p.yaml:2: podSelectorLabels[1]: 1 is read as a number, not as text; write "1"`,
	},
	{
		"bare label value", "no value is not the empty value",
		"podSelectorLabels:\n  app:\n",
		"p.yaml:2: podSelectorLabels[app]: has no value; write a value, or remove the key",
	},
	{
		"label value that is a block", "labels are text",
		"podSelectorLabels:\n  app: {name: web}\n",
		"p.yaml:2: podSelectorLabels[app]: a block of keys stands where text belongs; write text",
	},
	{
		"bad label key", "Kubernetes would refuse the label",
		"podSelectorLabels:\n  a b: web\n",
		`p.yaml:2: podSelectorLabels[a b]: "a b" is no label key; write [prefix/]name of letters, digits, -, _ and ., with a name of at most 63`,
	},
	{
		"bad label value", "Kubernetes would refuse the label",
		"podSelectorLabels:\n  app: web/1\n",
		`p.yaml:2: podSelectorLabels[app]: "web/1" is no label value; write letters, digits, -, _ and ., at most 63, a letter or digit first and last`,
	},
	{
		"label given twice", "which one counts differs between readers",
		"podSelectorLabels:\n  app: web\n  app: db\n",
		"p.yaml:3: podSelectorLabels[app]: the key stands in line 2 already; keep one of them",
	},
	{
		"unknown operator", "only four operators exist",
		"podSelectorExpressions:\n- {key: app, operator: Equals, values: [web]}\n",
		`p.yaml:2: podSelectorExpressions[0].operator: "Equals" is no operator; write DoesNotExist, Exists, In or NotIn`,
	},
	{
		"operator in another case", "operators are exact",
		"podSelectorExpressions:\n- {key: app, operator: notin, values: [web]}\n",
		`p.yaml:2: podSelectorExpressions[0].operator: "notin" is no operator; did you mean NotIn?`,
	},
	{
		"In without values", "nothing would match",
		"podSelectorExpressions:\n- {key: app, operator: In}\n",
		"p.yaml:2: podSelectorExpressions[0].values: In needs values; write the values that it compares with",
	},
	{
		"Exists with values", "the values would be ignored",
		"podSelectorExpressions:\n- {key: app, operator: Exists, values: [web]}\n",
		"p.yaml:2: podSelectorExpressions[0].values: Exists takes no values; remove them, or write In or NotIn",
	},
	{
		"expression with unknown key", "strict",
		"podSelectorExpressions:\n- {key: app, operator: In, value: [web]}\n",
		"p.yaml:2: podSelectorExpressions[0].value: unknown key; did you mean values?",
	},
	{
		"expression without key and operator", "both are required",
		"podSelectorExpressions:\n- {values: [web]}\n",
		"p.yaml:2: podSelectorExpressions[0].key: is missing; write key beside the other keys of this block\np.yaml:2: podSelectorExpressions[0].operator: is missing; write operator beside the other keys of this block",
	},
	{
		"expression with bad key", "Kubernetes would refuse the label",
		"podSelectorExpressions:\n- {key: a b, operator: Exists}\n",
		`p.yaml:2: podSelectorExpressions[0].key: "a b" is no label key; write [prefix/]name of letters, digits, -, _ and ., with a name of at most 63`,
	},
	{
		"expression with bad value", "Kubernetes would refuse the label",
		"podSelectorExpressions:\n- {key: app, operator: In, values: [ok, a b]}\n",
		`p.yaml:2: podSelectorExpressions[0].values[1]: "a b" is no label value; write letters, digits, -, _ and ., at most 63, a letter or digit first and last`,
	},
	{
		"expression as a word", "a likely slip",
		"podSelectorExpressions: app\n",
		"p.yaml:1: podSelectorExpressions: app stands where a list belongs; begin each entry with a -",
	},
	{
		"namespace with a dot", "no namespace can be called so",
		"namespace: a.b\npodSelectorLabels: {app: web}\n",
		`p.yaml:1: namespace: "a.b" is no DNS-1123 label; write one namespace: lower-case letters, digits and -, at most 63 of them`,
	},
	{
		"empty namespace", "a template's empty value would mean every namespace",
		"namespace: \"\"\npodSelectorLabels: {app: web}\n",
		"p.yaml:1: namespace: is empty; write a value, or remove the key if it has a default",
	},
	{
		"bare namespace", "no value is not every namespace",
		"namespace:\npodSelectorLabels: {app: web}\n",
		"p.yaml:1: namespace: has no value; write a value, or remove the key",
	},
	{
		"name in upper case", "no DNS-1123 subdomain",
		"name: Web\npodSelectorLabels: {app: web}\n",
		`p.yaml:1: name: "Web" is no DNS-1123 subdomain; write lower-case letters, digits, - and ., at most 253 of them`,
	},
	{
		"name that is a number", "YAML reads 12 as a number",
		"name: 12\npodSelectorLabels: {app: web}\n",
		`p.yaml:1: name: 12 is read as a number, not as text; write "12"`,
	},
	{
		"misspelt key at the top", "did you mean",
		"alow:\n  privileged: true\npodSelectorLabels: {app: web}\n",
		"p.yaml:1: alow: unknown key; did you mean allow?",
	},
	{
		"misspelt selector", "one error, not a second for the missing selector",
		"podSelectorLabel: {app: web}\n",
		"p.yaml:1: podSelectorLabel: unknown key; did you mean podSelectorLabels?",
	},
	{
		"misspelt key under allow", "did you mean",
		web + "allow:\n  privileges: true\n",
		"p.yaml:3: allow.privileges: unknown key; did you mean privileged?",
	},
	{
		"key in another case", "keys are exact",
		web + "allow:\n  RunAsUser: RunAsAny\n",
		"p.yaml:3: allow.RunAsUser: unknown key; did you mean runAsUser?",
	},
	{
		"transposed letters", "did you mean",
		web + "allow:\n  hostNamepsace: true\n",
		"p.yaml:3: allow.hostNamepsace: unknown key; did you mean hostNamespace?",
	},
	{
		"unknown key", "nothing is near it",
		web + "allow:\n  xyzzy: true\n",
		"p.yaml:3: allow.xyzzy: unknown key; remove it",
	},
	{
		"unknown key of a small block", "a small block's keys are listed",
		web + "allow:\n  runAsGroup: {rule: RunAsAny, xyzzy: 1}\n",
		"p.yaml:3: allow.runAsGroup.xyzzy: unknown key; remove it, or write rule or ranges",
	},
	{
		"allow's key at the top", "it is right, its place is not",
		web + "allowPrivilegeEscalation: true\n",
		"p.yaml:2: allowPrivilegeEscalation: unknown key; it belongs under allow",
	},
	{
		"mutations' key under allow", "it is right, its place is not",
		web + "allow:\n  dropAllCapabilities: false\n",
		"p.yaml:3: allow.dropAllCapabilities: unknown key; it belongs under mutations",
	},
	{
		"key of two blocks at the top", "the rule or the value to fill",
		web + "runAsUser: 400\n",
		"p.yaml:2: runAsUser: unknown key; it belongs under allow or under mutations",
	},
	{
		"misspelt key in the wrong place", "both are said",
		web + "allowPriviledgeEscalation: true\n",
		"p.yaml:2: allowPriviledgeEscalation: unknown key; did you mean allowPrivilegeEscalation? It belongs under allow",
	},
	{
		"key of another format", "PSP and Kubernetes say it otherwise",
		"kind: PodSecurityPolicy\npodSelectorLabels: {app: web}\n",
		"p.yaml:1: kind: unknown key; a policy is no Kubernetes object: remove it",
	},
	{
		"mutation instead of mutations", "Welkin's name is for Welkin files",
		web + "mutation:\n  runAsGroup: 5\n",
		"p.yaml:2: mutation: unknown key; did you mean mutations?",
	},
	{
		"key given twice", "which one counts differs between readers",
		web + "allow:\n  privileged: true\n  hostPID: true\n  privileged: false\n",
		"p.yaml:5: allow.privileged: the key stands in line 3 already; keep one of them",
	},
	{
		"block given twice", "which one counts differs between readers",
		web + "allow: {privileged: true}\nallow: {}\n",
		"p.yaml:3: allow: the key stands in line 2 already; keep one of them",
	},
	{
		"merge key", "strict readers differ",
		"podSelectorLabels: &l {app: web}\nallow:\n  <<: *l\n",
		"p.yaml:3: allow.<<: merge keys are not read; write the keys out",
	},
	{
		"tagged key", "tags change what a key is",
		web + "!!str allow: {}\n",
		"p.yaml:2: allow: has the tag !!str; write the key without a tag",
	},
	{
		"key that is a list", "no such key",
		web + "? [a]\n: b\n",
		"p.yaml:2: a list: a list stands where text belongs; write text",
	},
	{
		"yes for a boolean", "YAML 1.1 and 1.2 differ",
		web + "allow:\n  privileged: yes\n",
		"p.yaml:3: allow.privileged: yes is no boolean; write true or false",
	},
	{
		"on for a boolean", "YAML 1.1 and 1.2 differ",
		web + "allow:\n  privileged: on\n",
		"p.yaml:3: allow.privileged: on is no boolean; write true or false",
	},
	{
		"quoted boolean", "text is no boolean",
		web + "allow:\n  privileged: \"true\"\n",
		`p.yaml:3: allow.privileged: "true" is no boolean; write true or false`,
	},
	{
		"number for a boolean", "1 is no boolean",
		web + "allow:\n  privileged: 1\n",
		"p.yaml:3: allow.privileged: 1 is no boolean; write true or false",
	},
	{
		"bare boolean", "no value is not false",
		web + "allow:\n  privileged:\n",
		"p.yaml:3: allow.privileged: has no value; write true or false, or remove the key",
	},
	{
		"null boolean", "no value is not false",
		web + "allow:\n  privileged: null\n",
		"p.yaml:3: allow.privileged: has no value; write true or false, or remove the key",
	},
	{
		"tilde boolean", "no value is not false",
		web + "mutations:\n  dropAllCapabilities: ~\n",
		"p.yaml:3: mutations.dropAllCapabilities: has no value; write true or false, or remove the key",
	},
	{
		"list for a boolean", "wrong type",
		web + "allow:\n  privileged: [true]\n",
		"p.yaml:3: allow.privileged: a list is no boolean; write true or false",
	},
	{
		"octal number", "400 to some, 256 to others",
		web + "mutations:\n  runAsUser: 0400\n",
		"p.yaml:3: mutations.runAsUser: 0400 is no plain decimal number; write 400, or 256 if octal is meant",
	},
	{
		"leading zero without octal digits", "a leading zero is no decimal",
		web + "mutations:\n  runAsUser: 089\n",
		"p.yaml:3: mutations.runAsUser: 089 is no plain decimal number; write 89",
	},
	{
		"several zeros", "a leading zero is no decimal",
		web + "mutations:\n  runAsGroup: 00\n",
		"p.yaml:3: mutations.runAsGroup: 00 is no plain decimal number; write 0",
	},
	{
		"new octal number", "plain decimal only",
		web + "mutations:\n  runAsUser: 0o620\n",
		"p.yaml:3: mutations.runAsUser: 0o620 is no plain decimal number; write 400",
	},
	{
		"exponent", "plain decimal only",
		web + "mutations:\n  runAsUser: 4e2\n",
		"p.yaml:3: mutations.runAsUser: 4e2 is no plain decimal number; write 400",
	},
	{
		"fraction of nothing", "plain decimal only",
		web + "mutations:\n  runAsUser: 400.0\n",
		"p.yaml:3: mutations.runAsUser: 400.0 is no plain decimal number; write 400",
	},
	{
		"real fraction", "no ID",
		web + "mutations:\n  runAsUser: 400.5\n",
		"p.yaml:3: mutations.runAsUser: 400.5 is no plain decimal number; write a whole number, as in 400",
	},
	{
		"hexadecimal", "plain decimal only",
		web + "mutations:\n  runAsUser: 0x190\n",
		"p.yaml:3: mutations.runAsUser: 0x190 is no plain decimal number; write 400",
	},
	{
		"underscore", "plain decimal only",
		web + "mutations:\n  runAsUser: 1_000\n",
		"p.yaml:3: mutations.runAsUser: 1_000 is no plain decimal number; write 1000",
	},
	{
		"plus sign", "plain decimal only",
		web + "mutations:\n  runAsUser: +400\n",
		"p.yaml:3: mutations.runAsUser: +400 is no plain decimal number; write 400",
	},
	{
		"quoted number", "text is no number",
		web + "mutations:\n  runAsUser: \"400\"\n",
		`p.yaml:3: mutations.runAsUser: "400" is text, not a number; write 400 without quotes`,
	},
	{
		"quoted number out of range", "without quotes it would be the next error",
		web + "allow:\n  allowedHostPorts: [{min: \"9999999999\", max: 1}]\n",
		`p.yaml:3: allow.allowedHostPorts[0].min: "9999999999" is text, not a number; write a port from 1 to 65535`,
	},
	{
		"float out of range", "in plain decimals it would be the next error",
		web + "allow:\n  allowedHostPorts: [{min: 1e10, max: 0xfffffffff}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].min: 1e10 is no plain decimal number; write a port from 1 to 65535\n" +
			"p.yaml:3: allow.allowedHostPorts[0].max: 0xfffffffff is no plain decimal number; write a port from 1 to 65535",
	},
	{
		"port beyond 32 bits", "it is a whole number, and too large",
		web + "allow:\n  allowedHostPorts: [{min: 1, max: 3000000000}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].max: 3000000000 is out of range; write a port from 1 to 65535",
	},
	{
		"quoted text for a number", "text is no number",
		web + "mutations:\n  runAsUser: \"root\"\n",
		`p.yaml:3: mutations.runAsUser: "root" is no plain decimal number; write a whole number, as in 400`,
	},
	{
		"word for a number", "a user's name is no ID",
		web + "mutations:\n  runAsUser: root\n",
		"p.yaml:3: mutations.runAsUser: root is no plain decimal number; write a whole number, as in 400",
	},
	{
		"bare number", "no value is not the default",
		web + "mutations:\n  runAsGroup:\n",
		"p.yaml:3: mutations.runAsGroup: has no value; write a value, or remove the key",
	},
	{
		"block for a number", "wrong type",
		web + "mutations:\n  runAsGroup: {min: 1}\n",
		"p.yaml:3: mutations.runAsGroup: a block of keys stands where a number belongs; write a whole number, as in 400, or none",
	},
	{
		"infinite number", "no ID",
		web + "mutations:\n  runAsGroup: .inf\n",
		"p.yaml:3: mutations.runAsGroup: .inf is no plain decimal number; write a whole number, as in 400, or none",
	},
	{
		"huge exponent", "no ID, and not computed",
		web + "mutations:\n  runAsGroup: 1e999999999\n",
		"p.yaml:3: mutations.runAsGroup: 1e999999999 is no plain decimal number; write a whole number, as in 400, or none",
	},
	{
		"bare allow", "what is meant to be under it may stand beside it",
		web + "allow:\n",
		"p.yaml:2: allow: has no value; indent what belongs under it, or remove the key",
	},
	{
		"bare mutations", "what is meant to be under it may stand beside it",
		web + "mutations:\n",
		"p.yaml:2: mutations: has no value; indent what belongs under it, or remove the key",
	},
	{
		"allow as a word", "wrong type",
		web + "allow: everything\n",
		"p.yaml:2: allow: everything stands where a block of keys belongs; write allowPrivilegeEscalation, privileged or allowedCapabilities under it, indented",
	},
	{
		"word for a list", "a likely slip",
		web + "allow:\n  allowedCapabilities: NET_ADMIN\n",
		"p.yaml:3: allow.allowedCapabilities: NET_ADMIN stands where a list belongs; write [NET_ADMIN]",
	},
	{
		"star for a list", "a likely slip",
		web + "allow:\n  volumes: \"*\"\n",
		`p.yaml:3: allow.volumes: "*" stands where a list belongs; write ["*"]`,
	},
	{
		"block for a list", "a likely slip",
		web + "allow:\n  allowedHostPaths:\n    pathPrefix: /foo\n",
		"p.yaml:3: allow.allowedHostPaths: a block of keys stands where a list belongs; begin each entry with a -",
	},
	{
		"bare volumes", "no value is neither none nor the default",
		web + "allow:\n  volumes:\n",
		"p.yaml:3: allow.volumes: has no value; write [] for none, or remove the key for the default",
	},
	{
		"bare list entry", "no value is no entry",
		web + "allow:\n  volumes:\n  -\n  - secret\n",
		"p.yaml:4: allow.volumes[0]: has no value; write a value, or remove the key",
	},
	{
		"number in a list of words", "YAML reads 1 as a number",
		web + "allow:\n  allowedCapabilities: [1]\n",
		`p.yaml:3: allow.allowedCapabilities[0]: 1 is read as a number, not as text; write "1"`,
	},
	{
		"binary tag", "tags change what a value is",
		web + "allow:\n  allowedCapabilities: [!!binary Tk9ORQ==]\n",
		"p.yaml:3: allow.allowedCapabilities[0]: has the tag !!binary; write the value without a tag, and in quotes if it is text",
	},
	{
		"custom tag", "tags change what a value is",
		web + "allow:\n  privileged: !mine true\n",
		"p.yaml:3: allow.privileged: has the tag !mine; write the value without a tag, and in quotes if it is text",
	},
	{
		"tagged block", "tags change what a value is",
		web + "allow: !!map {privileged: true}\n",
		"p.yaml:2: allow: has the tag !!map; write the value without a tag, and in quotes if it is text",
	},
	{
		"tagged policy", "tags change what a value is",
		"!policy\npodSelectorLabels: {app: web}\n",
		"p.yaml:1: has the tag !policy; write the value without a tag, and in quotes if it is text",
	},
	{
		"bare runAsUser", "a rule may have been meant",
		web + "allow:\n  runAsUser:\n  privileged: true\n",
		"p.yaml:3: allow.runAsUser: has no value; write a rule, or remove the key for the default, MustRunAsNonRoot",
	},
	{
		"bare fsGroup", "a rule may have been meant",
		web + "allow:\n  fsGroup:\n",
		"p.yaml:3: allow.fsGroup: has no value; write a rule under it, or remove the key for the default, RunAsAny",
	},
	{
		"empty rule word", "a template's empty value would mean the default",
		web + "allow:\n  runAsUser: \"\"\n",
		"p.yaml:3: allow.runAsUser: is empty; write a value, or remove the key if it has a default",
	},
	{
		"empty rule", "a template's empty value would mean the default",
		web + "allow:\n  fsGroup: {rule: \"\"}\n",
		"p.yaml:3: allow.fsGroup.rule: is empty; write a value, or remove the key if it has a default",
	},
	{
		"user rule without its ranges", "MustRunAs is about ranges",
		web + "allow:\n  runAsUser: {rule: MustRunAs}\n",
		"p.yaml:3: allow.runAsUser: MustRunAs needs ranges; write {rule: MustRunAs, ranges: [{min: <lowest ID>, max: <highest ID>}]}",
	},
	{
		"user rule as a word without ranges", "MustRunAs is about ranges",
		web + "allow:\n  runAsUser: MustRunAs\n",
		"p.yaml:3: allow.runAsUser: MustRunAs needs ranges; write {rule: MustRunAs, ranges: [{min: <lowest ID>, max: <highest ID>}]}",
	},
	{
		"group rule without its ranges", "MustRunAs is about ranges",
		web + "allow:\n  runAsGroup:\n    rule: MustRunAs\n",
		"p.yaml:3: allow.runAsGroup: MustRunAs needs ranges; write {rule: MustRunAs, ranges: [{min: <lowest ID>, max: <highest ID>}]}",
	},
	{
		"group rule with empty ranges", "MayRunAs is about ranges",
		web + "allow:\n  supplementalGroups: {rule: MayRunAs, ranges: []}\n",
		"p.yaml:3: allow.supplementalGroups: MayRunAs needs ranges; write {rule: MayRunAs, ranges: [{min: <lowest ID>, max: <highest ID>}]}",
	},
	{
		"ranges under MustRunAsNonRoot", "it takes none",
		web + "allow:\n  runAsUser: {rule: MustRunAsNonRoot, ranges: [{min: 1, max: 2}]}\n",
		"p.yaml:3: allow.runAsUser.ranges: MustRunAsNonRoot takes no ranges; remove them, or write MustRunAs",
	},
	{
		"ranges under RunAsAny", "it takes none",
		web + "allow:\n  fsGroup: {rule: RunAsAny, ranges: [{min: 1, max: 2}]}\n",
		"p.yaml:3: allow.fsGroup.ranges: RunAsAny takes no ranges; remove them, or write MustRunAs or MayRunAs",
	},
	{
		"user ranges without a rule", "the default takes none",
		web + "allow:\n  runAsUser: {ranges: [{min: 1, max: 2}]}\n",
		"p.yaml:3: allow.runAsUser: the ranges have no rule; write rule: MustRunAs beside the ranges",
	},
	{
		"group ranges without a rule", "the default takes none",
		web + "allow:\n  fsGroup: {ranges: [{min: 1, max: 2}]}\n",
		"p.yaml:3: allow.fsGroup: the ranges have no rule; write rule: MustRunAs beside the ranges",
	},
	{
		"MayRunAs for users", "groups only",
		web + "allow:\n  runAsUser: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}\n",
		`p.yaml:3: allow.runAsUser.rule: "MayRunAs" is no rule here; write MustRunAsNonRoot, MustRunAs or RunAsAny`,
	},
	{
		"MustRunAsNonRoot for groups", "users only",
		web + "allow:\n  fsGroup: {rule: MustRunAsNonRoot}\n",
		`p.yaml:3: allow.fsGroup.rule: "MustRunAsNonRoot" is no rule here; write MustRunAs, MayRunAs or RunAsAny`,
	},
	{
		"rule in another case", "rules are exact",
		web + "allow:\n  runAsUser: runasany\n",
		`p.yaml:3: allow.runAsUser.rule: "runasany" is no rule here; did you mean RunAsAny?`,
	},
	{
		"misspelt rule", "did you mean",
		web + "allow:\n  runAsGroup: {rule: MustRunsAs, ranges: [{min: 1, max: 2}]}\n",
		`p.yaml:3: allow.runAsGroup.rule: "MustRunsAs" is no rule here; did you mean MustRunAs?`,
	},
	{
		"unknown rule", "nothing is near it",
		web + "allow:\n  runAsUser: {rule: Root}\n",
		`p.yaml:3: allow.runAsUser.rule: "Root" is no rule here; write MustRunAsNonRoot, MustRunAs or RunAsAny`,
	},
	{
		"group rule as a word", "the word alone is for users",
		web + "allow:\n  runAsGroup: RunAsAny\n",
		"p.yaml:3: allow.runAsGroup: RunAsAny stands where a block of keys belongs; write {rule: RunAsAny}",
	},
	{
		"min above max", "the range is empty",
		web + "allow:\n  fsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 4}]}\n",
		"p.yaml:3: allow.fsGroup.ranges[0]: min 5 is above max 4; write the lower one as min",
	},
	{
		"min missing", "0 would be meant by nobody",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{max: 4}]}\n",
		"p.yaml:3: allow.runAsUser.ranges[0].min: is missing; write min beside the other keys of this block",
	},
	{
		"max missing", "no bound would be meant by nobody",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{min: 4}]}\n",
		"p.yaml:3: allow.runAsUser.ranges[0].max: is missing; write max beside the other keys of this block",
	},
	{
		"negative ID", "IDs begin at 0",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{min: -1, max: 4}]}\n",
		"p.yaml:3: allow.runAsUser.ranges[0].min: -1 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"ID above 31 bits", "Kubernetes keeps IDs in 31 bits",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2147483648}]}\n",
		"p.yaml:3: allow.runAsUser.ranges[0].max: 2147483648 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"ID above 64 bits", "no reader may wrap it",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 99999999999999999999}]}\n",
		"p.yaml:3: allow.runAsUser.ranges[0].max: 99999999999999999999 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"range as a number", "a likely slip",
		web + "allow:\n  fsGroup: {rule: MustRunAs, ranges: [400]}\n",
		"p.yaml:3: allow.fsGroup.ranges[0]: 400 stands where a block of keys belongs; write {min: 400, max: 400}",
	},
	{
		"range as a block", "a likely slip",
		web + "allow:\n  fsGroup:\n    rule: MustRunAs\n    ranges: {min: 1, max: 2}\n",
		"p.yaml:5: allow.fsGroup.ranges: a block of keys stands where a list belongs; begin each entry with a -",
	},
	{
		"user rule as a list", "wrong type",
		web + "allow:\n  runAsUser: [RunAsAny]\n",
		"p.yaml:3: allow.runAsUser: a list stands where a block of keys belongs; write rule or ranges under it, indented",
	},
	{
		"rule and ranges outdented", "as the document publishes it",
		web + "allow:\n  runAsUser:\n  rule: MustRunAs\n  ranges:\n    - max: 400\n      min: 400\n",
		"p.yaml:3: allow.runAsUser: rule and ranges stand beside runAsUser, not under it; indent them:\n  runAsUser:\n    rule: MustRunAs\n    ranges:\n      - max: 400\n        min: 400",
	},
	{
		"outdented rule alone", "the same slip",
		web + "allow:\n  fsGroup:\n  rule: RunAsAny\n",
		"p.yaml:3: allow.fsGroup: rule stands beside fsGroup, not under it; indent it:\n  fsGroup:\n    rule: RunAsAny",
	},
	{
		"outdented ranges alone", "the same slip",
		web + "allow:\n  runAsGroup:\n  ranges:\n    - max: 400\n      min: 400\n",
		"p.yaml:3: allow.runAsGroup: ranges stand beside runAsGroup, not under it; indent them:\n  runAsGroup:\n    ranges:\n      - max: 400\n        min: 400",
	},
	{
		"two rules outdented", "each is shown, with no error for the repeated keys",
		web + "allow:\n  runAsUser:\n  rule: RunAsAny\n  fsGroup:\n  rule: MustRunAs\n  ranges: [{min: 1, max: 2}]\n",
		"p.yaml:3: allow.runAsUser: rule stands beside runAsUser, not under it; indent it:\n  runAsUser:\n    rule: RunAsAny\np.yaml:5: allow.fsGroup: rule and ranges stand beside fsGroup, not under it; indent them:\n  fsGroup:\n    rule: MustRunAs\n    ranges: [{min: 1, max: 2}]",
	},
	{
		"outdented rule and a value to fill", "the value is not judged by a rule that was not read",
		web + "allow:\n  runAsUser:\n  rule: RunAsAny\nmutations:\n  runAsUser: 0\n",
		"p.yaml:3: allow.runAsUser: rule stands beside runAsUser, not under it; indent it:\n  runAsUser:\n    rule: RunAsAny",
	},
	{
		"rule before its key", "not recognised, so only said to be in the wrong place",
		web + "allow:\n  rule: RunAsAny\n  privileged: true\n",
		"p.yaml:3: allow.rule: unknown key; it belongs under allow.runAsUser, under allow.runAsGroup, under allow.fsGroup or under allow.supplementalGroups",
	},
	{
		"outdented in JSON", "JSON is YAML",
		"{\"podSelectorLabels\": {\"app\": \"web\"},\n \"allow\": {\"runAsUser\": null, \"rule\": \"RunAsAny\"}}\n",
		"p.yaml:2: allow.runAsUser: rule stands beside runAsUser, not under it; indent it:\n    \"runAsUser\": {\"rule\": \"RunAsAny\"}",
	},
	{
		"all of a rule outdented", "supplementalGroups has a key more than the others",
		web + "allow:\n  supplementalGroups:\n  policy: Strict\n  rule: MayRunAs\n  ranges: [{min: 4, max: 4}]\n",
		"p.yaml:3: allow.supplementalGroups: policy, rule and ranges stand beside supplementalGroups, not under it; indent them:\n  supplementalGroups:\n    policy: Strict\n    rule: MayRunAs\n    ranges: [{min: 4, max: 4}]",
	}, {
		"policy of groups Merge", "it is what no policy means, and demands nothing",
		web + "allow:\n  supplementalGroups: {policy: Merge}\n",
		"p.yaml:3: allow.supplementalGroups.policy: Merge demands nothing: pods have the groups of their image too, whatever the rule says; remove it, or write Strict, with which they have those of the manifest alone",
	}, {
		"policy of groups in another case", "the API compares exactly",
		web + "allow:\n  supplementalGroups:\n    policy: strict\n",
		"p.yaml:4: allow.supplementalGroups.policy: \"strict\" is nothing that can be demanded; write Strict, or remove the key",
	}, {
		"policy of groups empty", "a template may leave it so",
		web + "allow:\n  supplementalGroups: {policy: ''}\n",
		"p.yaml:3: allow.supplementalGroups.policy: is empty; write a value, or remove the key if it has a default",
	}, {
		"policy under another rule", "a pod has no such field for other groups",
		web + "allow:\n  fsGroup: {rule: RunAsAny, policy: Strict}\n",
		"p.yaml:3: allow.fsGroup.policy: unknown key; it belongs under allow.supplementalGroups",
	}, {
		"supplementalGroups without a value", "it has a default",
		web + "allow:\n  supplementalGroups:\n",
		"p.yaml:3: allow.supplementalGroups: has no value; write a rule under it, or remove the key for the default, RunAsAny",
	}, {
		"supplementalGroups as a word", "that is how runAsUser may be written",
		web + "allow:\n  supplementalGroups: RunAsAny\n",
		"p.yaml:3: allow.supplementalGroups: RunAsAny stands where a block of keys belongs; write {rule: RunAsAny}",
	}, {
		"rules outdented in supplementalGroups with a comment", "comments do not disturb",
		web + "allow:\n  supplementalGroups:\n  # only this group\n  rule: MustRunAs # strict\n  ranges:\n    - max: 400\n      min: 400\n",
		"p.yaml:3: allow.supplementalGroups: rule and ranges stand beside supplementalGroups, not under it; indent them:\n  supplementalGroups:\n    rule: MustRunAs\n    ranges:\n      - max: 400\n        min: 400",
	},
	{
		"relative path", "a path begins at the root",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: foo\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "foo" is no absolute path; write the whole path, beginning with /`,
	},
	{
		"path with dots", "the node would resolve it",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /a/../b\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "/a/../b" is no clean path; write "/b"`,
	},
	{
		"path with a dot", "not clean",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /a/./b\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "/a/./b" is no clean path; write "/a/b"`,
	},
	{
		"path with empty segment", "not clean",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /a//b\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "/a//b" is no clean path; write "/a/b"`,
	},
	{
		"path of two slashes", "not clean",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: //\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "//" is no clean path; write "/"`,
	},
	{
		"empty path", "no path",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: \"\"\n",
		"p.yaml:4: allow.allowedHostPaths[0].pathPrefix: is empty; write a value, or remove the key if it has a default",
	},
	{
		"path with control character", "not readable by people",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: \"/a\\tb\"\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "/a\tb" has an unprintable character; write a path of printable characters`,
	},
	{
		"Windows path with slashes", "each prefix has one form",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: C:/foo/\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "C:/foo/" is no clean path of Windows; write C:\foo`,
	},
	{
		"Windows path without a drive", "it would be one of drive C, and looks like none",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: \\var\\lib\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "\\var\\lib" has a backslash, which divides the segments of a Windows path; write C:\var\lib for nodes of Windows, and slashes for others`,
	},
	{
		"drive without a path", "it is the directory in which the drive happens to be",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: 'C:'\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "C:" is no clean path of Windows; write the whole path, as in C:\var\lib, of names that Windows takes as they are: none ends in a dot or a space`,
	},
	{
		"Windows path that is left", "Windows would resolve it",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: C:\\var\\..\\lib\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "C:\\var\\..\\lib" is no clean path of Windows; write the whole path, as in C:\var\lib, of names that Windows takes as they are: none ends in a dot or a space`,
	},
	{
		"Windows path in double quotes", "YAML reads an escape there",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: \"C:\\var\"\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "C:\var" has an unprintable character; write a path of printable characters, one with backslashes in single quotes, as in 'C:\var'`,
	},
	{
		"path with a backslash", "it divides segments where the node is one of Windows",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /foo\\..\\bar\n",
		`p.yaml:4: allow.allowedHostPaths[0].pathPrefix: "/foo\\..\\bar" has a backslash, which divides the segments of a Windows path; write slashes, or for nodes of Windows the whole path with its drive letter`,
	},
	{
		"recursiveReadOnly without readOnly", "a mount that may be written to is not read-only below",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /foo\n    recursiveReadOnly: true\n",
		"p.yaml:5: allow.allowedHostPaths[0].recursiveReadOnly: only read-only mounts can be recursively so; write readOnly: true beside it",
	},
	{
		"recursiveReadOnly as a word", "the pod has words there, and the policy a demand",
		web + "allow:\n  allowedHostPaths: [{pathPrefix: /foo, readOnly: true, recursiveReadOnly: Enabled}]\n",
		"p.yaml:3: allow.allowedHostPaths[0].recursiveReadOnly: Enabled is no boolean; write true or false",
	},
	{
		"no types", "an empty list is no unset one",
		web + "allow:\n  allowedHostPaths: [{pathPrefix: /foo, types: []}]\n",
		"p.yaml:3: allow.allowedHostPaths[0].types: admits no type, and so no volume; list those that it admits, or remove the key for every type",
	},
	{
		"a type misspelt", "the nearest is offered",
		web + "allow:\n  allowedHostPaths: [{pathPrefix: /foo, types: [Directory, directory]}]\n",
		`p.yaml:3: allow.allowedHostPaths[0].types[1]: "directory" is no type of a hostPath; did you mean Directory?`,
	},
	{
		"an empty type", "the API's word for no type has a name here",
		web + "allow:\n  allowedHostPaths: [{pathPrefix: /foo, types: ['']}]\n",
		"p.yaml:3: allow.allowedHostPaths[0].types[0]: is empty; write Unset for a volume that names no type",
	},
	{
		"path instead of pathPrefix", "PSP and people say path",
		web + "allow:\n  allowedHostPaths:\n  - path: /foo\n    readOnly: true\n",
		"p.yaml:4: allow.allowedHostPaths[0].path: unknown key; did you mean pathPrefix?",
	},
	{
		"path prefix missing", "required",
		web + "allow:\n  allowedHostPaths:\n  - readOnly: true\n",
		"p.yaml:4: allow.allowedHostPaths[0].pathPrefix: is missing; write pathPrefix beside the other keys of this block",
	},
	{
		"path as a word", "a likely slip",
		web + "allow:\n  allowedHostPaths:\n  - /foo\n",
		"p.yaml:4: allow.allowedHostPaths[0]: /foo stands where a block of keys belongs; write {pathPrefix: /foo}",
	},
	{
		"readOnly as text", "wrong type",
		web + "allow:\n  allowedHostPaths:\n  - pathPrefix: /foo\n    readOnly: 'no'\n",
		`p.yaml:5: allow.allowedHostPaths[0].readOnly: "no" is no boolean; write true or false`,
	},
	{
		"volume in lower case", "names are exact",
		web + "allow:\n  volumes: [configmap]\n",
		`p.yaml:3: allow.volumes[0]: "configmap" is no volume type; did you mean configMap?`,
	},
	{
		"kubectl's short name of a volume", "did you mean",
		web + "allow:\n  volumes: [pvc]\n",
		`p.yaml:3: allow.volumes[0]: "pvc" is no volume type; did you mean persistentVolumeClaim?`,
	},
	{
		"unknown volume", "nothing is near it",
		web + "allow:\n  volumes: [floppy]\n",
		`p.yaml:3: allow.volumes[0]: "floppy" is no volume type; write the name of a volume's field, as in configMap, or "*" for all`,
	},
	{
		"empty volume", "no name",
		web + "allow:\n  volumes: [\"\"]\n",
		`p.yaml:3: allow.volumes[0]: "" is no volume type; write the name of a volume's field, as in configMap, or "*" for all`,
	},
	{
		"empty capability", "no name",
		web + "allow:\n  allowedCapabilities: [\"\"]\n",
		`p.yaml:3: allow.allowedCapabilities[0]: "" is no capability; write a name, as in NET_ADMIN, or "*" for all`,
	},
	{
		"capability with a space", "no name",
		web + "allow:\n  allowedCapabilities: [NET ADMIN]\n",
		`p.yaml:3: allow.allowedCapabilities[0]: "NET ADMIN" is no capability; write a name, as in NET_ADMIN, or "*" for all`,
	},
	{
		"capability of a prefix only", "no name",
		web + "allow:\n  allowedCapabilities: [CAP_]\n",
		`p.yaml:3: allow.allowedCapabilities[0]: "CAP_" is no capability; write a name, as in NET_ADMIN, or "*" for all`,
	},
	{
		"capability with a star inside", "no patterns",
		web + "allow:\n  allowedCapabilities: [\"NET_*\"]\n",
		`p.yaml:3: allow.allowedCapabilities[0]: "NET_*" is no capability; write a name, as in NET_ADMIN, or "*" for all`,
	},
	{
		"star without quotes", "YAML reads an alias",
		web + "allow:\n  allowedCapabilities: [*]\n",
		`p.yaml:3: this is no YAML: did not find expected alphabetic or numeric character; write "*" in quotes`,
	},
	{
		"empty sysctl", "no name",
		web + "allow:\n  allowedUnsafeSysctls: [\"\"]\n",
		`p.yaml:3: allow.allowedUnsafeSysctls[0]: "" is no sysctl; write a name, as in net.core.somaxconn, or a prefix, as in net.core.*`,
	},
	{
		"star inside a sysctl", "only at the end",
		web + "allow:\n  allowedUnsafeSysctls: [\"net.*.forwarding\"]\n",
		`p.yaml:3: allow.allowedUnsafeSysctls[0]: "net.*.forwarding" has * before its end; write a name, or a prefix with * at its end only`,
	},
	{
		"bad sysctl", "no name",
		web + "allow:\n  allowedUnsafeSysctls: [net..core, Net.core]\n",
		"p.yaml:3: allow.allowedUnsafeSysctls[0]: \"net..core\" is no sysctl; write a name, as in net.core.somaxconn, or a prefix, as in net.core.*\np.yaml:3: allow.allowedUnsafeSysctls[1]: \"Net.core\" is no sysctl; write a name, as in net.core.somaxconn, or a prefix, as in net.core.*",
	},
	{
		"sysctl with slashes", "PSA compares names with dots",
		web + "allow:\n  allowedUnsafeSysctls: [net/ipv4/conf/eno2.100/rp_filter]\n",
		`p.yaml:3: allow.allowedUnsafeSysctls[0]: "net/ipv4/conf/eno2.100/rp_filter" is written with slashes; write "net.ipv4.conf.eno2/100.rp_filter"`,
	},
	{
		"sysctl prefix with slashes", "PSA compares names with dots",
		web + "allow:\n  allowedUnsafeSysctls: [\"net/ipv4/*\"]\n",
		`p.yaml:3: allow.allowedUnsafeSysctls[0]: "net/ipv4/*" is written with slashes; write "net.ipv4.*"`,
	},
	{
		"seccomp profile that needs no grant", "it grants nothing",
		web + "allow:\n  seccompProfiles: [RuntimeDefault, Localhost]\n",
		"p.yaml:3: allow.seccompProfiles[0]: RuntimeDefault is allowed at every level, so granting it grants nothing; remove it\np.yaml:3: allow.seccompProfiles[1]: Localhost is allowed at every level, so granting it grants nothing; remove it",
	},
	{
		"unknown seccomp profile", "only one value can be granted",
		web + "allow:\n  seccompProfiles: [unconfined]\n",
		`p.yaml:3: allow.seccompProfiles[0]: "unconfined" can not be granted; write Unconfined, the only value that needs a grant`,
	},
	{
		"AppArmor profile that needs no grant", "it grants nothing",
		web + "allow:\n  appArmorProfiles: [Localhost]\n",
		"p.yaml:3: allow.appArmorProfiles[0]: Localhost is allowed at every level, so granting it grants nothing; remove it",
	},
	{
		"unknown AppArmor profile", "only one value can be granted",
		web + "allow:\n  appArmorProfiles: [runtime/default]\n",
		`p.yaml:3: allow.appArmorProfiles[0]: "runtime/default" can not be granted; write Unconfined, the only value that needs a grant`,
	},
	{
		"proc mount that needs no grant", "it grants nothing",
		web + "allow:\n  procMounts: [Default]\n",
		"p.yaml:3: allow.procMounts[0]: Default is allowed at every level, so granting it grants nothing; remove it",
	},
	{
		"unknown proc mount", "only one value can be granted",
		web + "allow:\n  procMounts: [Masked]\n",
		`p.yaml:3: allow.procMounts[0]: "Masked" can not be granted; write Unmasked, the only value that needs a grant`,
	},
	{
		"empty probe host", "no host",
		web + "allow:\n  allowedProbeHosts: [\"\"]\n",
		`p.yaml:3: allow.allowedProbeHosts[0]: "" is no host; write a host name or an IP address, as in 127.0.0.1`,
	},
	{
		"probe host with space", "no host",
		web + "allow:\n  allowedProbeHosts: [a b]\n",
		`p.yaml:3: allow.allowedProbeHosts[0]: "a b" is no host; write a host name or an IP address, as in 127.0.0.1`,
	},
	{
		"port 0", "ports begin at 1",
		web + "allow:\n  allowedHostPorts: [{min: 0, max: 5}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].min: 0 is out of range; write a port from 1 to 65535",
	},
	{
		"port above 16 bits", "ports end at 65535",
		web + "allow:\n  allowedHostPorts: [{min: 1, max: 65536}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].max: 65536 is out of range; write a port from 1 to 65535",
	},
	{
		"port above 32 bits", "no reader may wrap it",
		web + "allow:\n  allowedHostPorts: [{min: 1, max: 4294967297}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].max: 4294967297 is out of range; write a port from 1 to 65535",
	},
	{
		"ports the wrong way round", "the range is empty",
		web + "allow:\n  allowedHostPorts: [{min: 9, max: 8}]\n",
		"p.yaml:3: allow.allowedHostPorts[0]: min 9 is above max 8; write the lower one as min",
	},
	{
		"port as a number", "a likely slip",
		web + "allow:\n  allowedHostPorts: [80]\n",
		"p.yaml:3: allow.allowedHostPorts[0]: 80 stands where a block of keys belongs; write {min: 80, max: 80}",
	},
	{
		"max port missing", "required",
		web + "allow:\n  allowedHostPorts: [{min: 80}]\n",
		"p.yaml:3: allow.allowedHostPorts[0].max: is missing; write max beside the other keys of this block",
	},
	{
		"fill a negative ID", "IDs begin at 0",
		web + "mutations:\n  runAsUser: -1\n",
		"p.yaml:3: mutations.runAsUser: -1 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"fill an ID above 31 bits", "Kubernetes keeps IDs in 31 bits",
		web + "mutations:\n  fsGroup: 2147483648\n",
		"p.yaml:3: mutations.fsGroup: 2147483648 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"fill a bad supplemental group", "IDs begin at 0",
		web + "mutations:\n  supplementalGroups: [1, -1]\n",
		"p.yaml:3: mutations.supplementalGroups[1]: -1 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"fill a negative group", "-1 is none in Go, and no number that a file may have for it",
		web + "mutations:\n  runAsGroup: -1\n  fsGroup: -2\n",
		"p.yaml:3: mutations.runAsGroup: -1 is out of range; write an ID from 0 to 2147483647\n" +
			"p.yaml:4: mutations.fsGroup: -2 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"no group in another case", "a word has one spelling",
		web + "mutations:\n  runAsGroup: None\n  fsGroup: \"non\"\n",
		"p.yaml:3: mutations.runAsGroup: None is no group; did you mean none?\n" +
			"p.yaml:4: mutations.fsGroup: \"non\" is no group; did you mean none?",
	},
	{
		"another word for a group", "it may have been meant as a name",
		web + "mutations:\n  fsGroup: wheel\n",
		"p.yaml:3: mutations.fsGroup: wheel is no plain decimal number; write a whole number, as in 400, or none",
	},
	{
		"a quoted group", "text is no number",
		web + "mutations:\n  fsGroup: \"400\"\n",
		"p.yaml:3: mutations.fsGroup: \"400\" is text, not a number; write 400 without quotes",
	},
	{
		"no user", "to fill none is the default there",
		web + "mutations:\n  runAsUser: none\n",
		"p.yaml:3: mutations.runAsUser: none is no plain decimal number; write a whole number, as in 400",
	},
	{
		"no group under MustRunAs", "a pod whose author set nothing would be refused",
		web + "allow:\n  fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}\nmutations:\n  fsGroup: none\n",
		"p.yaml:5: mutations.fsGroup: none fills no group, and allow.fsGroup demands one; write a group that it admits, or remove the key",
	},
	{
		"no group to run as under MustRunAs", "as for fsGroup",
		web + "allow:\n  runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}\nmutations:\n  runAsGroup: none\n",
		"p.yaml:5: mutations.runAsGroup: none fills no group, and allow.runAsGroup demands one; write a group that it admits, or remove the key",
	},
	{
		"change policy Always", "it is what an unset field means",
		web + "mutations:\n  fsGroupChangePolicy: Always\n",
		"p.yaml:3: mutations.fsGroupChangePolicy: Always is what an unset field means, so there is nothing to fill in; remove the key",
	},
	{
		"change policy in another case", "the API compares exactly",
		web + "mutations:\n  fsGroupChangePolicy: onRootMismatch\n",
		"p.yaml:3: mutations.fsGroupChangePolicy: \"onRootMismatch\" can not be filled in; did you mean OnRootMismatch?",
	},
	{
		"change policy empty", "a template may leave it so",
		web + "mutations:\n  fsGroupChangePolicy: \"\"\n",
		"p.yaml:3: mutations.fsGroupChangePolicy: is empty; write a value, or remove the key if it has a default",
	},
	{
		"user namespace true", "the rule is a word",
		web + "allow:\n  userNamespace: true\n",
		"p.yaml:3: allow.userNamespace: true is read as a boolean, not as text; write Required",
	},
	{
		"user namespace misspelt", "a rule that is not understood must not be passed over",
		web + "allow:\n  userNamespace: require\n",
		"p.yaml:3: allow.userNamespace: \"require\" is nothing that can be demanded; did you mean Required?",
	},
	{
		"user namespace by another word", "there is one",
		web + "allow:\n  userNamespace: MustRunAs\n",
		"p.yaml:3: allow.userNamespace: \"MustRunAs\" is nothing that can be demanded; write Required",
	},
	{
		"fill root by default rule", "MustRunAsNonRoot refuses it",
		web + "mutations:\n  runAsUser: 0\n",
		"p.yaml:3: mutations.runAsUser: 0 is refused by allow.runAsUser, MustRunAsNonRoot; write another ID than 0, or runAsUser: RunAsAny under allow",
	},
	{
		"fill root under MustRunAsNonRoot", "the rule refuses it",
		web + "allow:\n  runAsUser: MustRunAsNonRoot\nmutations:\n  runAsUser: 0\n",
		"p.yaml:5: mutations.runAsUser: 0 is refused by allow.runAsUser, MustRunAsNonRoot; write another ID than 0, or runAsUser: RunAsAny under allow",
	},
	{
		"fill a user out of range", "the rule refuses it",
		web + "allow:\n  runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 6}, {min: 8, max: 9}]}\nmutations:\n  runAsUser: 7\n",
		"p.yaml:5: mutations.runAsUser: 7 is refused by allow.runAsUser, MustRunAs; write an ID from 5 to 6 or 8 to 9",
	},
	{
		"fill a group out of range", "the rule refuses it",
		web + "allow:\n  runAsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}\nmutations:\n  runAsGroup: 7\n",
		"p.yaml:5: mutations.runAsGroup: 7 is refused by allow.runAsGroup, MustRunAs; write an ID from 5 to 6",
	},
	{
		"fill a volume group out of MayRunAs range", "the rule refuses it",
		web + "allow:\n  fsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 6}]}\nmutations:\n  fsGroup: 1\n",
		"p.yaml:5: mutations.fsGroup: 1 is refused by allow.fsGroup, MayRunAs; write an ID from 5 to 6",
	},
	{
		"fill a supplemental group out of range", "the rule refuses one of them",
		web + "allow:\n  supplementalGroups: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}\nmutations:\n  supplementalGroups: [5, 7]\n",
		"p.yaml:5: mutations.supplementalGroups[1]: 7 is refused by allow.supplementalGroups, MustRunAs; write an ID from 5 to 6",
	},
	{
		"fill no group where one is demanded", "the filled pod would be denied",
		web + "allow:\n  supplementalGroups: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}\nmutations:\n  supplementalGroups: []\n",
		"p.yaml:5: mutations.supplementalGroups: fills no group, and allow.supplementalGroups demands one; write groups that it admits, or remove the key",
	},
	{
		"bare supplementalGroups to fill", "no value is neither none nor the default",
		web + "mutations:\n  supplementalGroups:\n",
		"p.yaml:3: mutations.supplementalGroups: has no value; write [] for none, or remove the key for the default",
	},
	{
		"nothing", "a file without a policy says nothing",
		"",
		"p.yaml: the file holds no policy; write at least podSelectorLabels, and what its pods are allowed under allow",
	},
	{
		"only comments", "a file without a policy says nothing",
		"# later\n---\n---\n",
		"p.yaml: the file holds no policy; write at least podSelectorLabels, and what its pods are allowed under allow",
	},
	{
		"list of policies", "documents are separated by ---",
		"- podSelectorLabels: {app: web}\n",
		"p.yaml:1: a list stands where a policy belongs; write the policy's keys; several policies are separated by ---",
	},
	{
		"word", "no policy",
		"privileged\n",
		"p.yaml:1: privileged stands where a policy belongs; write the policy's keys; several policies are separated by ---",
	},
	{
		"second policy without a name", "several policies need names",
		"name: a\npodSelectorLabels: {app: web}\n---\npodSelectorLabels: {app: web}\n",
		"p.yaml:4: name: missing, though the file holds several policies; write a name for each, as in name: route-manager",
	},
	{
		"same name twice", "answers could not tell them apart",
		"name: a\npodSelectorLabels: {app: web}\n---\nname: a\npodSelectorLabels: {app: web}\n",
		`p.yaml:4: name: a policy named "a" for every namespace stands in line 1 already; give one of them another name`,
	},
	{
		"same name twice in a namespace", "answers could not tell them apart",
		"name: a\nnamespace: x\npodSelectorLabels: {app: web}\n---\nname: a\nnamespace: x\npodSelectorLabels: {app: web}\n---\nname: a\nnamespace: z\npodSelectorLabels: {app: web}\n",
		`p.yaml:5: name: a policy named "a" in namespace "x" stands in line 1 already; give one of them another name`,
	},
	{
		"tab", "YAML forbids it",
		web + "allow:\n\tprivileged: true\n",
		"p.yaml:3: this is no YAML: found character that cannot start any token; indent with spaces, and write text with special characters in quotes",
	},
	{
		"unclosed bracket", "no YAML",
		web + "allow: {\n",
		"p.yaml:2: this is no YAML: did not find expected node content",
	},
	{
		"unequal indentation", "no YAML",
		web + "allow:\n  privileged: true\n   hostPID: true\n",
		"p.yaml:4: this is no YAML: mapping values are not allowed in this context; indent the keys of one block alike",
	},
	{
		"colon in a plain value", "no YAML",
		web + "allow:\n  privileged: a: b\n",
		"p.yaml:3: this is no YAML: mapping values are not allowed in this context; indent the keys of one block alike",
	},
	{
		"error before a syntax error", "the documents before it are still read",
		"name: A\npodSelectorLabels: {app: web}\n---\n[\n",
		"p.yaml:1: name: \"A\" is no DNS-1123 subdomain; write lower-case letters, digits, - and ., at most 253 of them\np.yaml:4: this is no YAML: did not find expected node content",
	},
	{
		"latin-1", "not UTF-8",
		web + "name: caf\xe9\n",
		"p.yaml:2: the file is not UTF-8; save it as UTF-8",
	},
	{
		"NUL", "no text",
		web + "name: a\u0000b\n",
		"p.yaml:2: the file holds the control character U+0000; remove it",
	},
	{
		"unknown alias", "no YAML",
		web + "allow:\n  volumes: *all\n",
		"p.yaml:3: this is no YAML: unknown anchor 'all' referenced; write the values out; text that begins with * is written in quotes",
	},
	{
		"alias within its anchor", "no end",
		web + "allow: &a\n  volumes: *a\n",
		"p.yaml:3: the alias *a contains itself; write the values out",
	},
	{
		"more brackets than the library takes", "too deep for any reader",
		web + "allow: " + strings.Repeat("[", 100_000) + "\n",
		"p.yaml:2: this is no YAML: exceeded max depth of 10000",
	},
	{
		"brackets closed", "too deep for a policy",
		web + "allow: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n",
		"p.yaml:2: nests too deep; a policy nests less than ten levels",
	},
	{
		"alias bomb", "small files that stand for large ones",
		"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
		"p.yaml:5: the aliases of this document stand for too much; write the values out",
	},
	{
		"aliased errors", "each path is named, at the line of the value",
		web + "allow:\n  fsGroup: &r {rule: MustRunAs, ranges: [{min: 3, max: 2}]}\n  runAsGroup: *r\n",
		"p.yaml:3: allow.runAsGroup.ranges[0]: min 3 is above max 2; write the lower one as min\np.yaml:3: allow.fsGroup.ranges[0]: min 3 is above max 2; write the lower one as min",
	},
	{
		"many brackets", "too deep for any reader",
		web + "allow: " + strings.Repeat("[", 5000) + "\n",
		"p.yaml:2: this is no YAML: did not find expected node content",
	},
	{
		"Welkin with name and namespace", "they are the keys",
		welkin + "      name: x\n      namespace: y\n",
		"p.yaml:5: constraints.net.rm.name: in a Welkin values file the policy's name is the key that it stands under; remove it\np.yaml:6: constraints.net.rm.namespace: in a Welkin values file the policy's namespace is the key that it stands under; remove it",
	},
	{
		"Welkin with chart mutations", "they configure the chart",
		welkin + "mutations:\n  enabled: true\n",
		"p.yaml:5: mutations: stands at the top level of a Welkin values file, which is no policy; there it configures the chart for every pod; remove it here, or write it under constraints.<namespace>.<name>",
	},
	{
		"Welkin with another chart key", "it configures the chart",
		"image: x\nconstraints:\n  net:\n    rm:\n      podSelectorLabels: {app: web}\n",
		"p.yaml:1: image: stands at the top level of a Welkin values file, which is no policy; it configures the chart; remove it here",
	},
	{
		"Welkin with policy keys beside constraints", "they belong to a policy",
		welkin + "allow: {}\n",
		"p.yaml:5: allow: stands at the top level of a Welkin values file, which is no policy; write it under constraints.<namespace>.<name>",
	},
	{
		"Welkin with name and metadata beside constraints", "under constraints they would be the next error",
		welkin + "name: x\nnamespace: y\nmetadata: {name: x}\n",
		"p.yaml:5: name: stands at the top level of a Welkin values file, which is no policy; " + fixOutside + "\n" +
			"p.yaml:6: namespace: stands at the top level of a Welkin values file, which is no policy; " + fixOutside + "\n" +
			"p.yaml:7: metadata: stands at the top level of a Welkin values file, which is no policy; " + fixOutside,
	},
	{
		"Welkin with stray key", "strict",
		welkin + "      enabled: true\n",
		"p.yaml:5: constraints.net.rm.enabled: unknown key; remove it",
	},
	{
		"Welkin with mutation and mutations", "one block under two names",
		welkin + "      mutation: {runAsGroup: 5}\n      mutations: {fsGroup: 5}\n",
		"p.yaml:6: constraints.net.rm.mutations: mutation and mutations are one block under two names; keep mutations, with the keys of both",
	},
	{
		"Welkin with error under mutation", "the path is as the file writes it",
		welkin + "      mutation: {runAsGroup: -5}\n",
		"p.yaml:5: constraints.net.rm.mutation.runAsGroup: -5 is out of range; write an ID from 0 to 2147483647",
	},
	{
		"Welkin with mutation twice", "which one counts differs between readers",
		welkin + "      mutation: {runAsGroup: 5}\n      mutation: {runAsGroup: 5}\n",
		"p.yaml:6: constraints.net.rm.mutation: the key stands in line 5 already; keep one of them",
	},
	{
		"Welkin with bad namespace", "said once for all its policies",
		"constraints:\n  Net:\n    a:\n      podSelectorLabels: {app: web}\n    b:\n      podSelectorLabels: {app: web}\n",
		`p.yaml:2: constraints.Net: "Net" is no DNS-1123 label; write one namespace: lower-case letters, digits and -, at most 63 of them`,
	},
	{
		"Welkin with bad name", "the name is the key",
		"constraints:\n  net:\n    Rm:\n      podSelectorLabels: {app: web}\n",
		`p.yaml:3: constraints.net.Rm: "Rm" is no DNS-1123 subdomain; write lower-case letters, digits, - and ., at most 253 of them`,
	},
	{
		"Welkin with number for a namespace", "YAML reads 12 as a number",
		"constraints:\n  12:\n    a:\n      podSelectorLabels: {app: web}\n",
		`p.yaml:2: constraints.12: 12 is read as a number, not as text; write "12"`,
	},
	{
		"Welkin with bare policy", "no value is no policy",
		"constraints:\n  net:\n    rm:\n",
		"p.yaml:3: constraints.net.rm: has no value; write podSelectorLabels and the policy's other keys under it, or remove the key",
	},
	{
		"Welkin with bare namespace", "no value is no policy",
		"constraints:\n  net:\n",
		"p.yaml:2: constraints.net: has no value; write policies under their names, or {} for none",
	},
	{
		"Welkin with bare constraints", "no value is no policy",
		"constraints:\n",
		"p.yaml:1: constraints: has no value; write policies under their namespaces: constraints.<namespace>.<name>, or {} for none",
	},
	{
		"Welkin without policies", "a file without a policy says nothing",
		"constraints: {}\n",
		"p.yaml: the file holds no policy; write at least podSelectorLabels, and what its pods are allowed under allow",
	},
	{
		"Welkin with list", "namespaces and names are keys",
		"constraints:\n- a\n",
		"p.yaml:1: constraints: a list stands where a block of keys belongs; write policies under their namespaces: constraints.<namespace>.<name>",
	},
	{
		"Welkin with policy list", "names are keys",
		"constraints:\n  net:\n  - a\n",
		"p.yaml:2: constraints.net: a list stands where a block of keys belongs; write policies under their names",
	},
	{
		"Welkin with policy as a word", "no policy",
		"constraints:\n  net:\n    rm: yes\n",
		"p.yaml:3: constraints.net.rm: yes stands where a policy belongs; write the policy's keys; several policies are separated by ---",
	},
	{
		"Welkin with policy without labels", "the document says must be provided",
		"constraints:\n  net:\n    rm:\n      allow: {privileged: true}\n",
		"p.yaml:3: constraints.net.rm.podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	},
	{
		"Welkin with name given twice", "which one counts differs between readers",
		welkin + "    rm:\n      podSelectorLabels: {app: web}\n",
		"p.yaml:5: constraints.net.rm: the key stands in line 3 already; keep one of them",
	},
	{
		"Welkin and a document of the same name", "answers could not tell them apart",
		welkin + "---\nname: rm\nnamespace: net\npodSelectorLabels: {app: web}\n",
		`p.yaml:6: name: a policy named "rm" in namespace "net" stands in line 3 already; give one of them another name`,
	},
	{
		"Welkin with rule outdented", "the lines fit into the file as they are",
		welkin + "      allow:\n        runAsUser:\n        rule: RunAsAny\n",
		"p.yaml:6: constraints.net.rm.allow.runAsUser: rule stands beside runAsUser, not under it; indent it:\n        runAsUser:\n          rule: RunAsAny",
	},
	{
		"Welkin with metadata", "name and namespace in it, or at the top level, would be the next error",
		welkin + "      metadata: {name: x, namespace: y}\n",
		"p.yaml:5: constraints.net.rm.metadata: unknown key; " + fixOutside,
	},
	{
		"Welkin with a namespace at another place", "at the top level it would be the next error",
		welkin + "      allow: {namespace: x, nmae: y}\n",
		"p.yaml:5: constraints.net.rm.allow.namespace: unknown key; " + fixOutside + "\n" +
			"p.yaml:5: constraints.net.rm.allow.nmae: unknown key; " + fixOutside,
	},
	{
		"Welkin with a misspelt name", "spelt well it would be the next error",
		welkin + "      nmae: y\n",
		"p.yaml:5: constraints.net.rm.nmae: unknown key; " + fixOutside,
	},
	{
		"Welkin with tagged namespace", "tags change what a value is",
		"constraints:\n  net: !x {}\n",
		"p.yaml:2: constraints.net: has the tag !x; write the value without a tag",
	},
}

func TestParseRefuses(t *testing.T) { areRefused(t, refused, 253) }

// areRefused holds Parse to a table of so many rows.
func areRefused(t *testing.T, rows []refusal, count int) {
	t.Helper()
	if len(rows) != count {
		t.Errorf("the table has %d rows; if that is meant, say so here", len(rows))
	}
	names := map[string]bool{}
	for _, row := range rows {
		if names[row.name] || row.why == "" {
			t.Errorf("%s: not a unique name with a reason", row.name)
		}
		names[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			policies, err := Parse([]byte(row.in), "p.yaml")
			if err == nil {
				t.Fatalf("accepted, though %s", row.why)
			}
			if policies != nil {
				t.Error("policies beside an error")
			}
			if diff := cmp.Diff(row.want, err.Error()); diff != "" {
				t.Errorf("because %s (-want +got):\n%s", row.why, diff)
			}
			inspect(t, err)
		})
	}
}

// inspect holds what is true of every error of Parse.
func inspect(t *testing.T, err error) {
	t.Helper()
	var all Errors
	var one Error
	if !errors.As(err, &all) || !errors.As(err, &one) || len(all) == 0 {
		t.Fatalf("%T is not Errors of Error", err)
	}
	if !slices.IsSortedFunc(all, func(a, b Error) int { return a.Line - b.Line }) && all[len(all)-1].Line != 0 {
		t.Error("not in order of line")
	}
	for _, e := range all {
		if e.Problem == "" {
			t.Errorf("%+v names no problem", e)
		}
	}
}
