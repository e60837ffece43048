package author

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/podfence/podfence/policy"
)

// unjudged takes from a policy all that [Compare] knows: what it compares, and what
// decides nothing about a pod that the policy governs. What is left is of a newer
// format, and nobody here knows what it lets be. TestEveryKeyIsCompared names each
// field that is neither taken here nor left on purpose.
func unjudged(p *policy.Policy) *policy.Policy {
	rest := nameless(p)
	a, m := &rest.Allow, &rest.Mutations
	a.AllowPrivilegeEscalation, a.Privileged, a.AllowedCapabilities, a.AllowedUnsafeSysctls = false, false, nil, nil
	a.HostNetworkPorts, a.HostNamespace, a.AllowedHostPaths = false, false, nil
	a.RunAsUser, a.RunAsGroup, a.FSGroup = policy.UserRule{}, policy.GroupRule{}, policy.GroupRule{}
	a.SupplementalGroups, a.Volumes = policy.SupplementalGroupsRule{}, nil
	a.SeccompProfiles, a.AppArmorProfiles, a.ProcMounts = nil, nil, nil
	a.SELinuxOptions, a.WindowsHostProcess, a.AllowedProbeHosts = false, false, nil
	a.AllowedHostPorts, a.HostNetwork, a.HostPID, a.HostIPC = nil, false, false, false
	a.ReadOnlyRootFilesystem, a.UserNamespace = false, ""
	m.DropAllCapabilities, m.SetDefaultSeccompProfile = nil, nil
	m.RunAsUser, m.RunAsGroup, m.FSGroup, m.SupplementalGroups = nil, nil, nil, nil
	m.FSGroupChangePolicy = ""
	rest.Expires, rest.Expired, rest.Containers = "", false, nil
	return rest
}

// saySame reports whether two policies say the same of a pod, word for word, whatever
// keys they say it in. Whether they select pods at all is part of it: without, what
// volumes are unset means another thing.
func saySame(a, b *policy.Policy) bool {
	return a.Selects() == b.Selects() && reflect.DeepEqual(nameless(a), nameless(b))
}

// nameless is a policy without what tells it apart, what it says to people and which
// pods it selects.
func nameless(p *policy.Policy) *policy.Policy {
	rest := *p
	rest.Source = policy.Source{}
	rest.Name, rest.Reason, rest.Owner = "", "", ""
	rest.Namespace, rest.Namespaces, rest.NamespaceSelector = "", nil, nil
	rest.PodSelectorLabels, rest.PodSelectorExpressions, rest.Default = nil, nil, false
	return &rest
}

// notCompared are the keys that keep two policies from being compared: those that
// one of them has and that are not known here. What two policies have alike may
// still make what they do not have alike mean something else.
func notCompared(a, b *policy.Policy) (keys []string) {
	if !sameRulings(a, b) {
		keys = append(keys, "containers")
	}
	a, b = unjudged(a), unjudged(b)
	if none := (policy.Policy{}); reflect.DeepEqual(*a, none) && reflect.DeepEqual(*b, none) {
		return keys
	}
	for _, block := range []struct {
		prefix string
		a, b   any
	}{{"", *a, *b}, {"allow.", a.Allow, b.Allow}, {"mutations.", a.Mutations, b.Mutations}} {
		keys = append(keys, keysSet(block.prefix, reflect.ValueOf(block.a), reflect.ValueOf(block.b))...)
	}
	return keys
}

// keysSet are the keys of a block that one of two policies gives, blocks within it
// excepted.
func keysSet(prefix string, a, b reflect.Value) (keys []string) {
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if block := prefix + name; block == "allow" || block == "mutations" || name == "-" {
			continue
		}
		if !a.Field(i).IsZero() || !b.Field(i).IsZero() {
			keys = append(keys, prefix+name)
		}
	}
	return keys
}

// written is what a policy says, as JSON has it.
func written(p *policy.Policy) (said any) {
	if text, err := json.Marshal(p); err == nil { // a policy holds nothing that JSON does not
		_ = json.Unmarshal(text, &said)
	}
	return said
}

// valueAt is what stands at a path of what a policy says, as in allow.hostPID or
// containers[1].allow.privileged; nil for nothing.
func valueAt(said any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		name, index, isEntry := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		block, _ := said.(map[string]any)
		if said = block[name]; !isEntry {
			continue
		}
		list, _ := said.([]any)
		if i, err := strconv.Atoi(index); err == nil && i < len(list) {
			said = list[i]
		} else {
			said = nil
		}
	}
	return said
}
