package native

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/want"
	"github.com/podfence/podfence/policy"
)

// part is a policy, or one of its entries for single containers, as the literal has
// it: lists of words. CEL makes one constant of a literal of one type, which costs
// nothing at run time. An empty list would be of an open type, and checking those is
// quadratic in their number: no list is empty.
type part map[string][]string

// Keys of a part beside those of the policy's format.
const (
	atKey      = "at"      // two digits that order the parts, then the path that begins the part's entries
	nameKey    = "name"    // of the policy
	expiredKey = "expired" // the policy has expired
	selectsKey = "selects" // the policy has a selector
	orderKey   = "order"   // the place of the policy among all, in digits
)

// yes is the list of a key that is there or not.
var yes = []string{"true"}

func (p part) set(key string, list ...string) {
	if len(list) > 0 {
		p[key] = list
	}
}

func (p part) flag(key string, on bool) {
	if on {
		p[key] = yes
	}
}

// text writes the part.
func (p part) text() string {
	var members []string
	for _, key := range slices.Sorted(maps.Keys(p)) {
		members = append(members, quote(key)+": "+words(p[key]))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// encoders write what stands under each key of the format. A key without a row here
// could not be rendered, which a test refuses.
var encoders = map[policy.Key]func(part, policy.Key, *policy.Policy){
	policy.KeyAllowPrivilegeEscalation: flags(func(a *policy.Allow) bool { return a.AllowPrivilegeEscalation }),
	policy.KeyPrivileged:               flags(func(a *policy.Allow) bool { return a.Privileged }),
	policy.KeyAllowedCapabilities: lists(func(a *policy.Allow) (names []string) {
		for _, name := range a.AllowedCapabilities {
			names = append(names, strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
		}
		return names
	}),
	policy.KeyAllowedUnsafeSysctls: lists(func(a *policy.Allow) []string { return a.AllowedUnsafeSysctls }),
	policy.KeyHostNetworkPorts:     flags(func(a *policy.Allow) bool { return a.HostNetworkPorts }),
	policy.KeyHostNamespace:        flags(func(a *policy.Allow) bool { return a.HostNamespace }),
	policy.KeyAllowedHostPaths: func(e part, k policy.Key, p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			e[k.String()] = append(e[k.String()], hostPathWord(&p.Allow.AllowedHostPaths[i]))
		}
		if len(p.Allow.AllowedHostPaths) > 0 {
			e.set(wantKey(k), want.HostPath(p))
		}
	},
	policy.KeyRunAsUser: func(e part, k policy.Key, p *policy.Policy) {
		e.rule(k, p.Allow.RunAsUser.Rule, p.Allow.RunAsUser.Ranges)
	},
	policy.KeyRunAsGroup: groups(func(a *policy.Allow) *policy.GroupRule { return &a.RunAsGroup }),
	policy.KeyFSGroup:    groups(func(a *policy.Allow) *policy.GroupRule { return &a.FSGroup }),
	policy.KeySupplementalGroups: func(e part, k policy.Key, p *policy.Policy) {
		groups(func(a *policy.Allow) *policy.GroupRule { return &a.SupplementalGroups.GroupRule })(e, k, p)
		e.flag(strictKey, p.Allow.SupplementalGroups.IsStrict())
	},
	policy.KeyVolumes: func(e part, k policy.Key, p *policy.Policy) {
		if p.Allow.Volumes == nil {
			return
		}
		if e.set(k.String(), p.Allow.Volumes...); len(p.Allow.Volumes) == 0 {
			e.set(k.String(), "") // no volume is of this type
		}
		e.set(wantKey(k), want.Volumes(p))
	},
	policy.KeySeccompProfiles:        lists(func(a *policy.Allow) []string { return a.SeccompProfiles }),
	policy.KeyAppArmorProfiles:       lists(func(a *policy.Allow) []string { return a.AppArmorProfiles }),
	policy.KeyProcMounts:             lists(func(a *policy.Allow) []string { return a.ProcMounts }),
	policy.KeySELinuxOptions:         flags(func(a *policy.Allow) bool { return a.SELinuxOptions }),
	policy.KeyWindowsHostProcess:     flags(func(a *policy.Allow) bool { return a.WindowsHostProcess }),
	policy.KeyAllowedProbeHosts:      lists(func(a *policy.Allow) []string { return a.AllowedProbeHosts }),
	policy.KeyAllowedHostPorts:       func(e part, k policy.Key, p *policy.Policy) { e.set(k.String(), ports(p.Allow.AllowedHostPorts)...) },
	policy.KeyHostNetwork:            flags(func(a *policy.Allow) bool { return a.HostNetwork }),
	policy.KeyHostPID:                flags(func(a *policy.Allow) bool { return a.HostPID }),
	policy.KeyHostIPC:                flags(func(a *policy.Allow) bool { return a.HostIPC }),
	policy.KeyReadOnlyRootFilesystem: flags(func(a *policy.Allow) bool { return a.ReadOnlyRootFilesystem }),
	policy.KeyUserNamespace:          flags((*policy.Allow).RequiresUserNamespace),
	policy.KeyDropAllCapabilities: func(e part, k policy.Key, p *policy.Policy) {
		e.flag(k.String(), !p.Mutations.DropsAllCapabilities())
	},
	policy.KeySetDefaultSeccompProfile: func(e part, k policy.Key, p *policy.Policy) {
		e.flag(k.String(), !p.Mutations.SetsSeccompProfile())
	},
	policy.KeyFillRunAsUser: func(e part, k policy.Key, p *policy.Policy) {
		if id := p.Mutations.RunAsUser; id != nil {
			e.set(k.String(), number(*id))
		}
		e.id(userFill)(p.UserFill(false))
		e.id(userFillNonRoot)(p.UserFill(true))
	},
	policy.KeyFillRunAsGroup: func(e part, k policy.Key, p *policy.Policy) { e.id(k.String())(p.GroupFill()) },
	policy.KeyFillFSGroup:    func(e part, k policy.Key, p *policy.Policy) { e.id(k.String())(p.FSGroupFill()) },
	policy.KeyFillFSGroupChangePolicy: func(e part, k policy.Key, p *policy.Policy) {
		e.flag(k.String(), p.Mutations.FSGroupChangePolicy != "")
	},
	policy.KeyFillSupplementalGroups: func(e part, k policy.Key, p *policy.Policy) {
		for _, id := range p.SupplementalGroupsFill() {
			e[k.String()] = append(e[k.String()], number(id))
		}
	},
}

func flags(of func(*policy.Allow) bool) func(part, policy.Key, *policy.Policy) {
	return func(e part, k policy.Key, p *policy.Policy) { e.flag(k.String(), of(&p.Allow)) }
}

func lists(of func(*policy.Allow) []string) func(part, policy.Key, *policy.Policy) {
	return func(e part, k policy.Key, p *policy.Policy) { e.set(k.String(), of(&p.Allow)...) }
}

func groups(of func(*policy.Allow) *policy.GroupRule) func(part, policy.Key, *policy.Policy) {
	return func(e part, k policy.Key, p *policy.Policy) { e.rule(k, of(&p.Allow).Rule, of(&p.Allow).Ranges) }
}

// rule writes a rule that is given, its ranges, and what it wants in words.
func (p part) rule(k policy.Key, rule policy.Rule, ranges []policy.IDRange) {
	if rule == "" {
		return
	}
	p.set(k.String(), string(rule))
	if rule != policy.MustRunAs && rule != policy.MayRunAs {
		return
	}
	for _, r := range ranges {
		p[rangesOf(k)] = append(p[rangesOf(k)], fmt.Sprintf("%d-%d", r.Min, r.Max))
	}
	p.set(wantKey(k), want.IDs(ranges, rule == policy.MustRunAs))
}

// id writes an ID that is filled in, if there is one.
func (p part) id(key string) func(id int64, ok bool) {
	return func(id int64, ok bool) {
		if ok {
			p.set(key, number(id))
		}
	}
}

func number(id int64) string { return strconv.FormatInt(id, 10) }

func ports(ranges []policy.PortRange) (list []string) {
	for _, r := range ranges {
		list = append(list, fmt.Sprintf("%d-%d", r.Min, r.Max))
	}
	return list
}

// encode is a policy as the literal has it: itself, then its entries for containers.
// order is its place among all.
func encode(p *policy.Policy, order string) []part {
	e := part{}
	for k, write := range encoders {
		write(e, k, p)
	}
	e.set(atKey, "00")
	e.set(orderKey, order)
	if p.Name != "" {
		e.set(nameKey, p.Name)
	}
	e.flag(expiredKey, p.Expired)
	e.flag(selectsKey, p.Selects())
	for key, said := range map[string]string{reasonKey: p.Reason, ownerKey: p.Owner, expiresKey: p.Expires} {
		if said != "" {
			e.set(key, said)
		}
	}
	selectors(e, p)
	parts := []part{e}
	for i := range p.Containers {
		parts = append(parts, encodeEntry(&p.Containers[i], i))
	}
	return parts
}

// encodeEntry is an entry for single containers.
func encodeEntry(c *policy.ContainerEntry, i int) part {
	e, own := part{}, entryAsPolicy(c)
	for _, k := range containerKeys {
		encoders[k](e, k, own)
	}
	e.set(atKey, fmt.Sprintf("%02dcontainers[%d].", i+1, i))
	e.flag(turnedOn(policy.KeyDropAllCapabilities), c.Mutations.DropAllCapabilities != nil && *c.Mutations.DropAllCapabilities)
	e.flag(turnedOn(policy.KeySetDefaultSeccompProfile), c.Mutations.SetDefaultSeccompProfile != nil && *c.Mutations.SetDefaultSeccompProfile)
	if id := c.Mutations.RunAsUser; id != nil {
		e.set(policy.KeyFillRunAsUser.String(), number(*id))
	}
	if id := c.Mutations.RunAsGroup; id != nil {
		e.set(policy.KeyFillRunAsGroup.String(), number(int64(*id)))
	}
	if c.Allow.RunAsUser.Rule == policy.MustRunAs {
		e.id(userFill)(own.UserFill(false))
		e.id(userFillNonRoot)(own.UserFill(true))
	}
	e.set("names", c.Names...)
	for _, image := range c.Images {
		e["images"] = append(e["images"], policy.ImageForms(image)...)
	}
	for _, kind := range c.Kinds {
		e["kinds"] = append(e["kinds"], string(kind))
	}
	return e
}

// containerKeys are the keys that an entry for single containers has in common with a
// policy, but for those of IDs that are filled in.
var containerKeys = []policy.Key{
	policy.KeyAllowPrivilegeEscalation, policy.KeyPrivileged, policy.KeyAllowedCapabilities, policy.KeyRunAsUser, policy.KeyRunAsGroup,
	policy.KeySeccompProfiles, policy.KeyAppArmorProfiles, policy.KeyProcMounts, policy.KeySELinuxOptions, policy.KeyWindowsHostProcess,
	policy.KeyAllowedProbeHosts, policy.KeyAllowedHostPorts, policy.KeyDropAllCapabilities, policy.KeySetDefaultSeccompProfile,
}

// entryAsPolicy is a policy that says of all containers what an entry says of its own,
// the IDs that it names aside.
func entryAsPolicy(c *policy.ContainerEntry) *policy.Policy {
	a := &c.Allow
	return &policy.Policy{
		Allow: policy.Allow{
			AllowPrivilegeEscalation: a.AllowPrivilegeEscalation, Privileged: a.Privileged, AllowedCapabilities: a.AllowedCapabilities,
			RunAsUser: a.RunAsUser, RunAsGroup: a.RunAsGroup, SeccompProfiles: a.SeccompProfiles, AppArmorProfiles: a.AppArmorProfiles,
			ProcMounts: a.ProcMounts, SELinuxOptions: a.SELinuxOptions, WindowsHostProcess: a.WindowsHostProcess,
			AllowedProbeHosts: a.AllowedProbeHosts, AllowedHostPorts: a.AllowedHostPorts,
		},
		Mutations: policy.Mutations{DropAllCapabilities: c.Mutations.DropAllCapabilities, SetDefaultSeccompProfile: c.Mutations.SetDefaultSeccompProfile},
	}
}

// Keys of a part for what the policy asks of labels, of the pod and of its namespace.
const (
	hasLabels   = "labels" // key=value, all must be there
	inLabels    = "in"     // one of several key=value must be there, divided by bars
	notInLabels = "notIn"  // none of them may be there
	existing    = "exists" // key=, which some label must begin with
	absent      = "absent" // key=, which no label may begin with

	ofNamespace = "namespace." // begins the keys for the labels of the namespace
)

func selectors(e part, p *policy.Policy) {
	selector(e, "", &metav1.LabelSelector{MatchLabels: p.PodSelectorLabels, MatchExpressions: p.PodSelectorExpressions})
	if p.NamespaceSelector != nil {
		selector(e, ofNamespace, p.NamespaceSelector)
	}
}

func selector(e part, of string, s *metav1.LabelSelector) {
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		e[of+hasLabels] = append(e[of+hasLabels], key+"="+s.MatchLabels[key])
	}
	for _, r := range s.MatchExpressions {
		var pairs []string
		for _, value := range r.Values {
			pairs = append(pairs, r.Key+"="+value)
		}
		switch r.Operator {
		case metav1.LabelSelectorOpIn:
			e[of+inLabels] = append(e[of+inLabels], strings.Join(pairs, "|"))
		case metav1.LabelSelectorOpNotIn:
			e[of+notInLabels] = append(e[of+notInLabels], strings.Join(pairs, "|"))
		case metav1.LabelSelectorOpExists:
			e[of+existing] = append(e[of+existing], r.Key+"=")
		case metav1.LabelSelectorOpDoesNotExist:
			e[of+absent] = append(e[of+absent], r.Key+"=")
		}
	}
}

// selects holds of a part e whose labels are all met by some labels, a list of
// key=value.
func selects(of, labels string) string {
	each := func(key, condition string) string {
		return "e[?" + word(of+key) + "].orValue([]).all(l, " + condition + ")"
	}
	return strings.Join([]string{
		each(hasLabels, "l in "+labels),
		each(inLabels, "l.split('|').exists(a, a in "+labels+")"),
		each(notInLabels, "!l.split('|').exists(a, a in "+labels+")"),
		each(existing, labels+".exists(a, a.startsWith(l))"),
		each(absent, "!"+labels+".exists(a, a.startsWith(l))"),
	}, " && ")
}

// policyText writes the parts of a policy.
func policyText(parts []part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.text()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// noPolicy is what governs pods that no policy governs: plain restricted.
var noPolicy = policyText(encode(policy.Default(), "0"))

var defaultVolumesText = words(policy.DefaultVolumes())
