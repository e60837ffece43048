package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// isWelkin reports whether a document is a values file of Welkin's chart for
// Gatekeeper constraints: it has constraints at its top level.
func isWelkin(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value == "constraints" {
			return true
		}
	}
	return false
}

// welkin reads constraints.<namespace>.<name>.
func (f *parser) welkin(root *yaml.Node) {
	r := &reader{parser: f, at: func(path string) string { return path }}
	r.line("", root.Line)
	for _, p := range r.pairs(root, "", keyPath) {
		r.line(p.key, p.line)
		if p.key != "constraints" {
			r.found(shorten(p.key), "stands at the top level of a Welkin values file, which is no policy", fixChartKey(p.key))
			continue
		}
		for _, namespace := range r.mapping(p, "constraints", "policies under their namespaces: constraints.<namespace>.<name>") {
			f.welkinNamespace(r, namespace)
		}
	}
}

// fixChartKey says what a key beside constraints does, and what to do with it.
func fixChartKey(key string) string {
	switch {
	case key == "mutations" || key == "mutation":
		return "there it configures the chart for every pod; remove it here, or write it under constraints.<namespace>.<name>"
	case slices.Contains(welkinOutside, key):
		return fixOutside
	case slices.Contains(policyKeys, key):
		return "write it under constraints.<namespace>.<name>"
	}
	return "it configures the chart; remove it here"
}

var policyKeys = []string{"podSelectorLabels", "podSelectorExpressions", "allow"}

// welkinOutside are the keys of a policy, and of a Kubernetes object that holds
// them, that a policy of a Welkin file does not have: to write one of them would
// be the next error.
var welkinOutside = []string{"name", "namespace", "namespaces", "namespaceSelector", "metadata"}

const fixOutside = "remove it: in a Welkin values file a policy's name and namespace are the keys that it stands under"

func (f *parser) welkinNamespace(r *reader, namespace pair) {
	path := keyPath("constraints", namespace.key)
	r.line(path, namespace.line)
	for _, name := range r.mapping(namespace, path, "policies under their names") {
		f.welkinPolicy(namespace, name)
	}
}

// mapping returns the pairs of a block that holds what is wanted.
func (r *reader) mapping(p pair, path, wanted string) []pair {
	switch {
	case isTagged(p.value):
		r.found(path, "has the tag "+shorten(p.value.Tag), "write the value without a tag")
	case isNull(p.value):
		r.found(path, "has no value", "write "+wanted+", or {} for none")
	case p.value.Kind != yaml.MappingNode:
		r.found(path, written(p.value)+" stands where a block of keys belongs", "write "+wanted)
	default:
		return r.pairs(p.value, path, keyPath)
	}
	return nil
}

func (f *parser) welkinPolicy(namespace, name pair) {
	w := welkinPaths{namespace: namespace.key, name: name.key, mutations: "mutations"}
	r := &reader{parser: f, at: w.at, welkin: true}
	r.line("", name.line)
	r.line("name", name.line)
	r.line("namespace", namespace.line)
	if isNull(name.value) {
		r.found("", "has no value", "write podSelectorLabels and the policy's other keys under it, or remove the key")
		return
	}
	n := *name.value
	if n.Kind == yaml.MappingNode {
		n.Content = r.welkinKeys(&w, n.Content)
	}
	f.policy(&n, r, Policy{Name: name.key, Namespace: namespace.key})
}

// welkinPaths renders the paths of a policy in a Welkin file.
type welkinPaths struct{ namespace, name, mutations string }

func (w *welkinPaths) at(path string) string {
	own := "constraints." + w.namespace + "." + w.name
	switch rest, under := strings.CutPrefix(path, "mutations"); {
	case path == "" || path == "name":
		return own
	case path == "namespace":
		return "constraints." + w.namespace
	case under && (rest == "" || rest[0] == '.'):
		return own + "." + w.mutations + rest
	}
	return own + "." + path
}

// welkinKeys checks and translates the keys in which a policy of a Welkin file
// differs: name and namespace stand outside, of which there is one, and mutations may
// be mutation.
func (r *reader) welkinKeys(w *welkinPaths, content []*yaml.Node) (rest []*yaml.Node) {
	seen := ""
	for i := 0; i+1 < len(content); i += 2 {
		k := content[i]
		switch {
		case k.Value == "name" || k.Value == "namespace":
			r.parser.add(Error{
				Line: k.Line, Policy: w.name, Field: w.at("") + "." + k.Value,
				Problem: "in a Welkin values file the policy's " + k.Value + " is the key that it stands under", Fix: "remove it",
			})
			continue
		case k.Value == "namespaces" || k.Value == "namespaceSelector":
			r.parser.add(Error{
				Line: k.Line, Policy: w.name, Field: w.at("") + "." + k.Value,
				Problem: "in a Welkin values file a policy is for the one namespace that it stands under",
				Fix:     "remove it and write the policy under each of its namespaces, or keep the policy in a file of its own",
			})
			continue
		case k.Value == "mutation" && seen == "" || k.Value == "mutations" && seen == "":
			seen, w.mutations = k.Value, k.Value
			k = translated(k)
		case k.Value != seen && (k.Value == "mutation" || k.Value == "mutations"):
			r.parser.add(Error{
				Line: k.Line, Policy: w.name, Field: w.at("") + "." + k.Value,
				Problem: "mutation and mutations are one block under two names", Fix: "keep mutations, with the keys of both",
			})
			continue
		case k.Value == "mutation":
			k = translated(k)
		}
		rest = append(rest, k, content[i+1])
	}
	return rest
}

func translated(key *yaml.Node) *yaml.Node {
	k := *key
	k.Value = "mutations"
	return &k
}

// chartKeys are the keys of a policy that Welkin's chart reads, as its values and
// templates have them: what the document lists, podSelectorExpressions and
// readOnlyRootFilesystem. Where a policy stands is its name and namespace there.
var chartKeys = func() map[string]bool {
	keys := map[string]bool{}
	add := func(block string, names ...string) {
		for _, name := range names {
			keys[keyPath(block, name)] = true
		}
	}
	add("", "name", "namespace", "podSelectorLabels", "podSelectorExpressions", "allow", "mutations")
	add("podSelectorExpressions", "key", "operator", "values")
	add("allow", "allowPrivilegeEscalation", "privileged", "allowedCapabilities", "allowedUnsafeSysctls", "hostNetworkPorts",
		"hostNamespace", "allowedHostPaths", "runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "volumes", "readOnlyRootFilesystem")
	add("allow.allowedHostPaths", "pathPrefix", "readOnly")
	for _, rule := range []string{"allow.runAsUser", "allow.runAsGroup", "allow.fsGroup", "allow.supplementalGroups"} {
		add(rule, "rule", "ranges")
		add(rule+".ranges", "min", "max")
	}
	add("mutations", "dropAllCapabilities", "setDefaultSeccompProfile", "runAsUser", "runAsGroup", "fsGroup")
	return keys
}()

// notInWelkin are the paths of a policy in a Welkin values file that the chart
// does not know, without indices, in order.
func (s *Source) notInWelkin() (fields []string) {
	if !s.Welkin {
		return nil
	}
	for path := range s.Lines {
		switch path = withoutIndices(path); {
		case strings.HasPrefix(path, containersKey+"."): // its keys need not be told one by one
		case !chartKeys[path]:
			fields = append(fields, path)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// withoutIndices is a path without what stands in brackets.
func withoutIndices(path string) string {
	for {
		before, rest, found := strings.Cut(path, "[")
		if !found {
			return path
		}
		_, after, _ := strings.Cut(rest, "]")
		path = before + after
	}
}
