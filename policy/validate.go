package policy

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/spec"
)

// MaxID is the highest user or group ID that a policy may name, as in
// Kubernetes, which keeps IDs in 31 bits.
const MaxID = 1<<31 - 1

const (
	maxPort = 1<<16 - 1
	// maxSysctl is the length that API validation allows a sysctl's name.
	maxSysctl = 253

	fixID   = "write an ID from 0 to 2147483647"
	fixPort = "write a port from 1 to 65535"

	fixName           = "write lower-case letters, digits, - and ., at most 253 of them"
	fixNamespace      = "write one namespace: lower-case letters, digits and -, at most 63 of them"
	fixCapabilityName = `write a name, as in NET_ADMIN, or "*" for all`
	fixSysctl         = "write a name, as in net.core.somaxconn, or a prefix, as in net.core.*"
	fixHost           = "write a host name or an IP address, as in 127.0.0.1"
)

// Validate reports everything about a policy that Parse would refuse. The
// error is Errors, without file and line. A policy built in Go or read from a
// custom resource must pass it before it is used; it changes nothing. Of a list
// with more than 1000 wrong entries, the rest goes unmentioned.
//
// Name may be empty. Path prefixes must be clean, and only "/" ends in a slash.
func (p *Policy) Validate() error {
	var errs Errors
	for _, f := range p.findings() {
		errs = append(errs, Error{Policy: p.Name, Field: f.field, Problem: f.problem, Fix: f.fix})
	}
	return errs.orNil()
}

// finding is one thing that is wrong with a field. about names a second field
// that the problem is about, if there is one.
type finding struct {
	field string
	complaint
	about string
}

// checker collects findings.
type checker []finding

func (c *checker) add(field, fix, format string, args ...any) {
	*c = append(*c, finding{field: field, complaint: complain(fix, format, args...)})
}

func (p *Policy) findings() []finding {
	var c checker
	c.identity(p)
	c.namespaces(p)
	c.selector(p)
	c.lists(&p.Allow)
	c.hostPaths(p.Allow.AllowedHostPaths)
	c.hostPorts(p.Allow.AllowedHostPorts)
	for _, r := range p.Allow.rules() {
		c.rule(r)
	}
	c.groupsPolicy(p.Allow.SupplementalGroups.Policy)
	c.userNamespace(p.Allow.UserNamespace)
	c.mutations(&p.Mutations, &p.Allow)
	c.containers(p)
	return c
}

func (c *checker) identity(p *Policy) {
	if p.Name != "" && len(validation.IsDNS1123Subdomain(p.Name)) > 0 {
		c.add("name", fixName, "%s is no DNS-1123 subdomain", quote(p.Name))
	}
}

const (
	fixLabels     = "write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}"
	fixLabelKey   = "write [prefix/]name of letters, digits, -, _ and ., with a name of at most 63"
	fixLabelValue = "write letters, digits, -, _ and ., at most 63, a letter or digit first and last"
)

func (c *checker) selector(p *Policy) {
	if len(p.PodSelectorLabels) == 0 && len(p.PodSelectorExpressions) == 0 {
		wrong := complaint{"no labels are given, and a policy must not select every pod", fixLabels}
		*c = append(*c, finding{field: "podSelectorLabels", complaint: wrong, about: "podSelectorExpressions"})
	}
	c.labels("podSelectorLabels", p.PodSelectorLabels)
	c.expressions("podSelectorExpressions", p.PodSelectorExpressions)
}

func (c *checker) labels(field string, m map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		c.labelKey(labelPath(field, key), key)
		c.labelValue(labelPath(field, key), m[key])
	}
}

func (c *checker) expressions(field string, list []metav1.LabelSelectorRequirement) {
	for i := range list {
		c.expression(entryPath(field, i), &list[i])
	}
}

func (c *checker) labelKey(field, key string) {
	if len(validation.IsQualifiedName(key)) > 0 {
		c.add(field, fixLabelKey, "%s is no label key", quote(key))
	}
}

func (c *checker) labelValue(field, value string) {
	if len(validation.IsValidLabelValue(value)) > 0 {
		c.add(field, fixLabelValue, "%s is no label value", quote(value))
	}
}

// takesValues says of every operator of an expression whether it takes values.
var takesValues = map[metav1.LabelSelectorOperator]bool{
	metav1.LabelSelectorOpIn: true, metav1.LabelSelectorOpNotIn: true,
	metav1.LabelSelectorOpExists: false, metav1.LabelSelectorOpDoesNotExist: false,
}

func (c *checker) expression(field string, e *metav1.LabelSelectorRequirement) {
	c.labelKey(keyPath(field, "key"), e.Key)
	compares, known := takesValues[e.Operator]
	switch {
	case !known:
		c.add(keyPath(field, "operator"), oneOf(e.Operator, slices.Sorted(maps.Keys(takesValues))), "%s is no operator", quote(string(e.Operator)))
	case compares && len(e.Values) == 0:
		c.add(keyPath(field, "values"), "write the values that it compares with", "%s needs values", e.Operator)
	case !compares && len(e.Values) > 0:
		c.add(keyPath(field, "values"), "remove them, or write In or NotIn", "%s takes no values", e.Operator)
	}
	for i, v := range e.Values {
		c.labelValue(entryPath(keyPath(field, "values"), i), v)
	}
}

// oneOf says to write the nearest of the known words, or any of them.
func oneOf[S ~string](word S, known []S) string {
	if near := nearest.Of(string(word), known); near != "" {
		return "did you mean " + string(near) + "?"
	}
	return "write " + orList(known)
}

// wordChecks say of each list of words what an entry may be, nothing being wrong
// with it.
var wordChecks = [...]struct {
	key   Key
	check func(entry string) complaint
}{
	{KeyAllowedCapabilities, capability},
	{KeyAllowedUnsafeSysctls, sysctl},
	{KeyVolumes, volume},
	{KeySeccompProfiles, only(unconfined, "RuntimeDefault", "Localhost")},
	{KeyAppArmorProfiles, only(unconfined, "RuntimeDefault", "Localhost")},
	{KeyProcMounts, only("Unmasked", "Default")},
	{KeyAllowedProbeHosts, probeHost},
}

// lists checks the entries of every list of words, up to the error with which
// there are more than Parse lists.
func (c *checker) lists(a *Allow) {
	for _, l := range wordChecks {
		for i, entry := range a.words(l.key) {
			if len(*c) > maxErrors {
				return
			}
			if wrong := l.check(entry); wrong != (complaint{}) {
				*c = append(*c, finding{field: entryPath(l.key.String(), i), complaint: wrong})
			}
		}
	}
}

// mayList reports whether a policy may list a word under a key.
func mayList(k Key, word string) bool {
	for _, l := range wordChecks {
		if l.key == k {
			return l.check(word) == complaint{}
		}
	}
	return false
}

var capabilityName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func capability(entry string) complaint {
	if entry == anyValue || capabilityName.MatchString(entry) && !strings.EqualFold(entry, "CAP_") {
		return complaint{}
	}
	return complain(fixCapabilityName, "%s is no capability", quote(entry))
}

// A sysctl's name is what API validation takes it to be: segments of lower-case
// letters, digits, - and _. A prefix may end anywhere in a segment.
var (
	sysctlName   = regexp.MustCompile(`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`)
	sysctlPrefix = regexp.MustCompile(`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9][-_a-z0-9]*)?$`)
)

// sysctl checks a name or a prefix with its "*". A name whose first separator
// is a slash is the other way to write it (sysctl.d(5)); it swaps both. PSA
// compares names as they are written, so one way is enough here.
func sysctl(entry string) complaint {
	prefix, isPrefix := strings.CutSuffix(entry, anyValue)
	separator := strings.IndexAny(entry, "./")
	switch {
	case strings.Contains(prefix, anyValue):
		return complain("write a name, or a prefix with * at its end only", "%s has * before its end", quote(entry))
	case len(entry) > maxSysctl,
		isPrefix && !sysctlPrefix.MatchString(prefix),
		!isPrefix && !sysctlName.MatchString(entry):
		return complain(fixSysctl, "%s is no sysctl", quote(entry))
	case separator >= 0 && entry[separator] == '/':
		return complain("write "+quote(swapSeparators(entry)), "%s is written with slashes", quote(entry))
	}
	return complaint{}
}

func swapSeparators(name string) string { return strings.NewReplacer("/", ".", ".", "/").Replace(name) }

// shortVolumes are the names that kubectl knows volume types by.
var shortVolumes = map[string]string{"pvc": "persistentVolumeClaim", "cm": "configMap"}

func volume(entry string) complaint {
	var known []string
	for _, t := range spec.VolumeTypes() {
		known = append(known, t.Name)
	}
	if entry == anyValue || slices.Contains(known, entry) {
		return complaint{}
	}
	near := shortVolumes[strings.ToLower(entry)]
	if near == "" {
		near = nearest.Of(entry, known)
	}
	if near != "" {
		return complain("did you mean "+near+"?", "%s is no volume type", quote(entry))
	}
	return complain(`write the name of a volume's field, as in configMap, or "*" for all`, "%s is no volume type", quote(entry))
}

// only checks entries of lists that have one possible entry: harmless values
// need no grant, and one that grants nothing is a misunderstanding.
func only(grant string, harmless ...string) func(entry string) complaint {
	return func(entry string) complaint {
		switch {
		case entry == grant:
			return complaint{}
		case slices.Contains(harmless, entry):
			return complain("remove it", "%s is allowed at every level, so granting it grants nothing", entry)
		}
		return complain("write "+grant+", the only value that needs a grant", "%s can not be granted", quote(entry))
	}
}

func probeHost(entry string) complaint {
	if entry == "" || strings.ContainsFunc(entry, isUnprintable) || strings.ContainsFunc(entry, unicode.IsSpace) {
		return complain(fixHost, "%s is no host", quote(entry))
	}
	return complaint{}
}

// isUnprintable reports whether a character does not show as what it is: other
// spaces than the ASCII one are among them, and what is no UTF-8.
func isUnprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

func (c *checker) hostPaths(paths []HostPath) {
	for i := range paths {
		h, field := &paths[i], entryPath(KeyAllowedHostPaths.String(), i)
		if wrong := hostPath(h.PathPrefix); wrong != (complaint{}) {
			*c = append(*c, finding{field: field + ".pathPrefix", complaint: wrong})
		}
		if h.RecursiveReadOnly && !h.ReadOnly {
			wrong := complain("write readOnly: true beside it", "only read-only mounts can be recursively so")
			*c = append(*c, finding{field: field + ".recursiveReadOnly", complaint: wrong, about: field + ".readOnly"})
		}
		c.hostPathTypes(field+".types", h.Types)
	}
}

// hostPathTypes checks the types of hostPath that an entry admits.
func (c *checker) hostPathTypes(field string, types []string) {
	if types != nil && len(types) == 0 {
		c.add(field, "list those that it admits, or remove the key for every type", "admits no type, and so no volume")
	}
	known := make([]string, 0, len(spec.HostPathTypes()))
	for _, t := range spec.HostPathTypes() {
		known = append(known, t.Name)
	}
	for i, entry := range types {
		switch {
		case len(*c) > maxErrors:
			return
		case entry == "":
			c.add(entryPath(field, i), "write Unset for a volume that names no type", "is empty")
		case !slices.Contains(known, entry):
			c.add(entryPath(field, i), oneOf(entry, known), "%s is no type of a hostPath", quote(entry))
		}
	}
}

func hostPath(prefix string) complaint {
	switch {
	case strings.ContainsFunc(prefix, isUnprintable):
		return complain(printablePath(prefix), "%s has an unprintable character", quote(prefix))
	case isWindowsPath(prefix):
		return windowsPath(prefix)
	case strings.Contains(prefix, `\`):
		return complain(fixBackslash(prefix), "%s has a backslash, which divides the segments of a Windows path", quote(prefix))
	case !path.IsAbs(prefix):
		return complain("write the whole path, beginning with /", "%s is no absolute path", quote(prefix))
	case path.Clean(prefix) != prefix:
		return complain("write "+quote(path.Clean(prefix)), "%s is no clean path", quote(prefix))
	}
	return complaint{}
}

// printablePath says how to write a path whose characters are not printable: in
// double quotes YAML takes a backslash and what follows for one of them.
func printablePath(prefix string) string {
	if isWindowsPath(prefix) {
		return "write a path of printable characters, one with backslashes in single quotes, as in 'C:\var'"
	}
	return "write a path of printable characters"
}

func fixBackslash(prefix string) string {
	if clean := cleanWindows(prefix); clean != "" {
		return "write " + clean + " for nodes of Windows, and slashes for others"
	}
	return "write slashes, or for nodes of Windows the whole path with its drive letter"
}

// windowsPath checks a prefix with a drive letter.
func windowsPath(prefix string) complaint {
	switch clean := cleanWindows(prefix); clean {
	case prefix:
		return complaint{}
	case "":
		return complain(`write the whole path, as in C:\var\lib, of names that Windows takes as they are: none ends in a dot or a space`,
			"%s is no clean path of Windows", quote(prefix))
	default:
		return complain("write "+clean, "%s is no clean path of Windows", quote(prefix))
	}
}

func (c *checker) hostPorts(ports []PortRange) {
	for i, p := range ports {
		c.bounds(entryPath("allow.allowedHostPorts", i), int64(p.Min), int64(p.Max), func(port int64) bool { return port >= 1 && port <= maxPort }, fixPort)
	}
}

func isID(id int64) bool { return id >= 0 && id <= MaxID }

// bounds checks the two ends of a range.
func (c *checker) bounds(field string, low, high int64, inside func(int64) bool, fix string) {
	if !inside(low) {
		c.add(field+".min", fix, "%d is out of range", low)
	}
	if !inside(high) {
		c.add(field+".max", fix, "%d is out of range", high)
	}
	if inside(low) && inside(high) && low > high {
		c.add(field, "write the lower one as min", "min %d is above max %d", low, high)
	}
}

// ruleField is one of the four rules of the allow block, with the rules that
// are known there and the one that an empty rule stands for.
type ruleField struct {
	field    string
	rule     Rule
	ranges   []IDRange
	known    []Rule
	standard Rule
}

var (
	userRules  = []Rule{MustRunAsNonRoot, MustRunAs, RunAsAny}
	groupRules = []Rule{MustRunAs, MayRunAs, RunAsAny}
)

func (a *Allow) rules() []ruleField {
	group := func(field string, g *GroupRule) ruleField {
		return ruleField{"allow." + field, g.Rule, g.Ranges, groupRules, RunAsAny}
	}
	return []ruleField{
		{"allow.runAsUser", a.RunAsUser.Rule, a.RunAsUser.Ranges, userRules, MustRunAsNonRoot},
		group("runAsGroup", &a.RunAsGroup),
		group("fsGroup", &a.FSGroup),
		group("supplementalGroups", &a.SupplementalGroups.GroupRule),
	}
}

// takesRanges reports whether a rule is about ranges.
func (r Rule) takesRanges() bool { return r == MustRunAs || r == MayRunAs }

func (c *checker) rule(r ruleField) {
	switch {
	case r.rule == "" && len(r.ranges) > 0:
		c.add(r.field, "write rule: MustRunAs beside the ranges", "the ranges have no rule")
	case r.rule == "":
	case !slices.Contains(r.known, r.rule):
		c.add(r.field+".rule", oneOf(r.rule, r.known), "%s is no rule here", quote(string(r.rule)))
	case r.rule.takesRanges() && len(r.ranges) == 0:
		c.add(r.field, fmt.Sprintf("write {rule: %s, ranges: [{min: <lowest ID>, max: <highest ID>}]}", r.rule), "%s needs ranges", r.rule)
	case !r.rule.takesRanges() && len(r.ranges) > 0:
		c.add(r.field+".ranges", "remove them, or write "+orList(ranged(r.known)), "%s takes no ranges", r.rule)
	}
	for i, g := range r.ranges {
		c.bounds(entryPath(r.field+".ranges", i), g.Min, g.Max, isID, fixID)
	}
}

// groupsPolicy checks which groups the rule wants beside those of the manifest.
func (c *checker) groupsPolicy(groups corev1.SupplementalGroupsPolicy) {
	const field = "allow.supplementalGroups.policy"
	switch groups {
	case "", corev1.SupplementalGroupsPolicyStrict:
	case corev1.SupplementalGroupsPolicyMerge:
		c.add(field, "remove it, or write Strict, with which they have those of the manifest alone",
			"Merge demands nothing: pods have the groups of their image too, whatever the rule says")
	default:
		c.add(field, "write Strict, or remove the key", "%s is nothing that can be demanded", quote(string(groups)))
	}
}

// userNamespace checks the rule over user namespaces.
func (c *checker) userNamespace(rule UserNamespaceRule) {
	if rule != "" && rule != UserNamespaceRequired {
		c.add("allow.userNamespace", oneOf(rule, []UserNamespaceRule{UserNamespaceRequired}), "%s is nothing that can be demanded", quote(string(rule)))
	}
}

func ranged(rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return !r.takesRanges() })
}

// refuses reports whether a rule would refuse a value, and if so, what the
// rule admits.
func (r ruleField) refuses(id int64) (admits string, refused bool) {
	switch {
	case r.rule == MustRunAsNonRoot || r.rule == "" && r.standard == MustRunAsNonRoot:
		return "write another ID than 0, or runAsUser: RunAsAny under allow", id == 0
	case !r.rule.takesRanges():
		return "", false
	}
	var ranges []string
	for _, g := range r.ranges {
		if g.Min <= id && id <= g.Max {
			return "", false
		}
		ranges = append(ranges, fmt.Sprintf("%d to %d", g.Min, g.Max))
	}
	return "write an ID from " + orList(ranges[:min(len(ranges), maxListed)]), len(ranges) > 0
}

func (r ruleField) name() Rule {
	if r.rule == "" {
		return r.standard
	}
	return r.rule
}

// mutations checks the values to fill: on their own, and against the rules.
func (c *checker) mutations(m *Mutations, a *Allow) {
	rules := a.rules()
	if m.RunAsUser != nil {
		c.fills("mutations.runAsUser", []int64{*m.RunAsUser}, rules[0])
	}
	c.group("mutations.runAsGroup", m.RunAsGroup, rules[1])
	c.group("mutations.fsGroup", m.FSGroup, rules[2])
	c.changePolicy(m.FSGroupChangePolicy)
	for i, id := range m.SupplementalGroups {
		c.fills(entryPath("mutations.supplementalGroups", i), []int64{id}, rules[3])
	}
	if m.SupplementalGroups != nil && len(m.SupplementalGroups) == 0 && rules[3].rule == MustRunAs {
		c.clash("mutations.supplementalGroups", rules[3], "write groups that it admits, or remove the key", "fills no group, and allow.supplementalGroups demands one")
	}
}

// group checks a group to fill. None is no answer to a rule that demands one.
func (c *checker) group(field string, g *GroupFill, r ruleField) {
	switch {
	case g == nil:
	case *g != NoGroup:
		c.fills(field, []int64{int64(*g)}, r)
	case r.rule == MustRunAs:
		c.clash(field, r, "write a group that it admits, or remove the key", "none fills no group, and "+r.field+" demands one")
	}
}

// changePolicy checks what is filled in as fsGroupChangePolicy.
func (c *checker) changePolicy(change corev1.PodFSGroupChangePolicy) {
	const field = "mutations.fsGroupChangePolicy"
	switch change {
	case "", corev1.FSGroupChangeOnRootMismatch:
	case corev1.FSGroupChangeAlways:
		c.add(field, "remove the key", "Always is what an unset field means, so there is nothing to fill in")
	default:
		c.add(field, oneOf(change, []corev1.PodFSGroupChangePolicy{corev1.FSGroupChangeOnRootMismatch}), "%s can not be filled in", quote(string(change)))
	}
}

func (c *checker) fills(field string, ids []int64, r ruleField) {
	for _, id := range ids {
		if !isID(id) {
			c.add(field, fixID, "%d is out of range", id)
		} else if fix, refused := r.refuses(id); refused {
			c.clash(field, r, fix, fmt.Sprintf("%d is refused by %s, %s", id, r.field, r.name()))
		}
	}
}

func (c *checker) clash(field string, r ruleField, fix, problem string) {
	*c = append(*c, finding{field: field, complaint: complaint{problem, fix}, about: r.field})
}
