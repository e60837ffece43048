package native

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
)

const (
	// longestExpression is how many characters an expression has at most, with some
	// room to what an API server accepts (100,000).
	longestExpression = 89_000
)

// data are the policies of a set, as variables: what each namespace has, found as
// policy.Set finds it, by one label that each policy demands.
type data struct {
	// shards hold the policies, each a map whose keys are those of index.
	shards []Variable
	// defaults are the policies of pods that no policy selects, by namespace; "" is
	// every one.
	defaults string
	// everywhere: some policy is for every namespace. named: some is for one.
	everywhere, named bool
	// labelled: some policy demands a label. unlabelled: some demands none.
	labelled, unlabelled bool
	// some says that there are policies that select pods at all.
	some bool
	// policies are all of them.
	policies []*policy.Policy
}

// newData writes the policies.
func newData(policies []*policy.Policy) (*data, error) {
	d := &data{policies: policies}
	byKey := map[string][]string{}
	defaults := map[string]string{}
	digits := len(fmt.Sprint(len(policies)))
	for i, p := range policies {
		text := policyText(encode(p, fmt.Sprintf("%0*d", digits, i)))
		if n := len(text); n > longestExpression-1000 {
			return nil, tooLong(p, n)
		}
		for _, namespace := range namespacesOf(p) {
			if p.Default {
				defaults[namespace] = text
				continue
			}
			d.some = true
			d.everywhere, d.named = d.everywhere || namespace == "", d.named || namespace != ""
			label, labelled := pivot(p)
			d.labelled, d.unlabelled = d.labelled || labelled, d.unlabelled || !labelled
			key := namespace + "/" + label
			byKey[key] = append(byKey[key], text)
		}
	}
	d.defaults = mapText(defaults)
	d.shard(byKey)
	return d, nil
}

// pivot is the label by which a policy is found: the last one in order of keys.
func pivot(p *policy.Policy) (label string, ok bool) {
	keys := slices.Sorted(maps.Keys(p.PodSelectorLabels))
	if len(keys) == 0 {
		return "", false
	}
	key := keys[len(keys)-1]
	return key + "=" + p.PodSelectorLabels[key], true
}

// namespacesOf are the namespaces that a policy names; "" where it names none.
func namespacesOf(p *policy.Policy) []string {
	switch {
	case p.Namespace != "":
		return []string{p.Namespace}
	case len(p.Namespaces) > 0:
		return p.Namespaces
	default:
		return []string{""}
	}
}

// shard divides the policies into variables that are short enough. The policies of
// one key may be in several.
func (d *data) shard(byKey map[string][]string) {
	var entries []string
	length := 0
	flush := func() {
		if len(entries) > 0 {
			name := fmt.Sprintf("policies%d", len(d.shards))
			d.shards = append(d.shards, Variable{name, "{" + strings.Join(entries, ", ") + "}"})
		}
		entries, length = nil, 0
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		for rest := byKey[key]; len(rest) > 0; {
			n, size := 0, len(quote(key))+6
			for n < len(rest) && (length+size+len(rest[n])+2 <= longestExpression || n == 0 && length == 0) {
				size += len(rest[n]) + 2
				n++
			}
			if n > 0 {
				entries = append(entries, quote(key)+": ["+strings.Join(rest[:n], ", ")+"]")
				length += size
				rest = rest[n:]
			}
			if len(rest) > 0 {
				flush()
			}
		}
	}
	flush()
}

func mapText(m map[string]string) string {
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, quote(key)+": "+m[key])
	}
	if len(entries) == 0 {
		return ""
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// variables are the policies, and those of them that govern the pod.
func (d *data) variables() []Variable {
	list := append([]Variable{
		{"noPolicy", noPolicy},
		{"defaultVolumes", defaultVolumesText},
	}, d.shards...)
	governing := "[variables.noPolicy]"
	if d.defaults != "" {
		list = append(list, Variable{"defaults", d.defaults})
		governing = "[variables.defaults[?request.namespace].orValue(variables.defaults[?''].orValue(variables.noPolicy))]"
	}
	if !d.some {
		list = append(list, Variable{"selecting", "[variables.noPolicy].filter(p, false)"})
	} else {
		list = append(list,
			Variable{"labels", labelPairs("variables.metadata.?labels.orValue({})")},
			Variable{"keys", d.keys()},
			Variable{"candidates", d.candidates()})
		filter := selects("", "variables.labels")
		if slices.ContainsFunc(d.policies, func(p *policy.Policy) bool { return p.NamespaceSelector != nil }) {
			list = append(list, Variable{"namespaceLabels", labelPairs("namespaceObject.metadata.?labels.orValue({})") +
				".filter(l, !l.startsWith('" + corev1.LabelMetadataName + "=')) + ['" + corev1.LabelMetadataName + "=' + request.namespace]"})
			filter += " && " + selects(ofNamespace, "variables.namespaceLabels")
		}
		list = append(list, Variable{"selecting", let("s", "variables.candidates.filter(p, p.filter(e, e.at[0] == '00').all(e, "+filter+"))",
			"s.size() < 2 ? s : s.sortBy(p, p[0]."+orderKey+"[0])")})
	}
	// A pod with a user namespace of its own is for the policies that require one.
	list = append(list, Variable{"governing", "variables.selecting.size() == 0 ? " + governing + " : " +
		"variables.userNamespace && variables.selecting.exists(p, " + has("p[0]", policy.KeyUserNamespace) + ") ? variables.selecting.filter(p, " + has("p[0]", policy.KeyUserNamespace) + ") : variables.selecting"})
	return list
}

// labelPairs lists labels as key=value.
func labelPairs(labels string) string { return labels + ".transformList(k, v, k + '=' + v)" }

// keys are those under which policies that may select the pod are found.
func (d *data) keys() string {
	var lists []string
	add := func(there bool, list string) {
		if there {
			lists = append(lists, list)
		}
	}
	add(d.labelled && d.everywhere, "variables.labels.map(l, '/' + l)")
	add(d.labelled && d.named, "variables.labels.map(l, request.namespace + '/' + l)")
	add(d.unlabelled && d.everywhere, "['/']")
	add(d.unlabelled && d.named, "[request.namespace + '/']")
	return sum(lists...)
}

func (d *data) candidates() string {
	var lists []string
	for _, shard := range d.shards {
		lists = append(lists, "variables."+shard.Name+"[?k].orValue([])")
	}
	return "variables.keys.map(k, " + sum(lists...) + ").flatten()"
}

// tooLong is the error of a policy that no expression has room for. It names what
// takes most of it.
func tooLong(p *policy.Policy, length int) error {
	longest, most := "", 0
	for _, e := range encode(p, "") {
		for key, list := range e {
			if n := len(words(list)); n > most {
				longest, most = strings.TrimPrefix(e[atKey][0][2:]+key, "00"), n
			}
		}
	}
	longest, _ = strings.CutSuffix(longest, ".ranges")
	at := p.Source.At(longest)
	return cmp.Or[error](&Error{Policy: p.Name, File: at.File, Line: at.Line, Key: longest,
		Problem: fmt.Sprintf("the policy is %d characters long in CEL, of which an expression may have %d", length, longestExpression-1000),
		Fix:     "write fewer or wider entries, or several policies"})
}
