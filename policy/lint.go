package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence/spec"
)

// Warning is something about policies that is right and hardly meant so. An
// [Error], in contrast, keeps a policy from being used.
type Warning struct {
	// Reason says what kind of warning it is.
	Reason WarningReason `json:"reason"`
	// Policy is the policy that it is about. Of several that overlap, it is the
	// one that overlaps all others, or the one that is tried last.
	Policy Reference `json:"policy"`
	// Field is the path of the field that it is about: "allow.volumes[1]".
	// Empty: the policy as a whole.
	Field string `json:"field,omitempty"`
	// Position is where the field stands, or what is nearest above it.
	Position
	// Value is the entry of a list that it is about, for WarnEverything,
	// WarnWideHostPath, WarnUnknownCapability, WarnNoSuchHost, WarnNoRegistry,
	// WarnLatestImage and WarnWideImage; the day, for WarnExpires and WarnExpired.
	Value string `json:"value,omitempty"`
	// Meant is what was probably meant: the capability for WarnUnknownCapability, the
	// whole reference for WarnNoRegistry, and one of every tag for WarnLatestImage.
	Meant string `json:"meant,omitempty"`
	// Paths are what the entry covers of the node's own, for WarnWideHostPath.
	Paths []string `json:"paths,omitempty"`
	// Keys are the grants that open the node, for WarnEveryNamespace, or that no pod
	// can use, for WarnUnusableGrant.
	Keys []Key `json:"keys,omitempty"`
	// Fields are the paths that it is about, without indices, for WarnNotInWelkin.
	Fields []string `json:"fields,omitempty"`
	// Volumes are the volume types that a policy refuses and restricted allows,
	// for WarnNarrowsVolumes.
	Volumes []string `json:"volumes,omitempty"`
	// Parts are the policies that overlap, for WarnOverlap, each part in the
	// order in which they are tried. Of several parts, any policy of one can
	// select a pod together with any policy of another; what overlaps within a
	// part is a warning of its own. Of a single part, every policy can select a
	// pod together with some other one of it.
	Parts [][]Reference `json:"parts,omitempty"`
}

// WarningReason is a kind of warning.
type WarningReason string

const (
	// WarnNoEffect: the policy can never differ from the default policy, plain
	// restricted, in what it excuses, demands or fills in. Its Field is default for
	// one that is a default policy itself.
	WarnNoEffect WarningReason = "NoEffect"
	// WarnNarrowsVolumes: the policy differs from the default policy only in
	// volume types that it refuses and restricted allows.
	WarnNarrowsVolumes WarningReason = "NarrowsVolumes"
	// WarnHostPathVolume: volumes lists hostPath, which only allowedHostPaths
	// allow, and there are none.
	WarnHostPathVolume WarningReason = "HostPathVolume"
	// WarnRefusesTokens: volumes does not list projected, so that the policy
	// refuses every pod to which ServiceAccount admission adds its token.
	WarnRefusesTokens WarningReason = "RefusesTokens"
	// WarnEverything: an entry of a list stands for all that the list may hold.
	WarnEverything WarningReason = "Everything"
	// WarnWideHostPath: a host path covers places of the node from which its pods
	// rule the node: it is writable, or they hold a socket, which a read-only mount
	// lets be used.
	WarnWideHostPath WarningReason = "WideHostPath"
	// WarnEveryNamespace: the policy opens the node and names no namespace, so that
	// whoever may create a pod anywhere may label it as one of the policy's. One with
	// a namespaceSelector that only leaves out namespaces names none either; Field is
	// the selector then.
	WarnEveryNamespace WarningReason = "EveryNamespace"
	// WarnUnknownCapability: Linux has no such capability, and so no container
	// runtime lets it be added.
	WarnUnknownCapability WarningReason = "UnknownCapability"
	// WarnNoSuchHost: an entry of allowedProbeHosts is a pattern, a network, a URL
	// or has a port. Hosts are compared as they are written, so that it allows none.
	WarnNoSuchHost WarningReason = "NoSuchHost"
	// WarnMergedGroups: supplementalGroups has ranges, which hold for the groups of
	// the manifest alone while the rule does not demand Strict.
	WarnMergedGroups WarningReason = "MergedGroups"
	// WarnNamesAlone: an entry for single containers gives names and no images, and
	// names are chosen by whoever writes the pod.
	WarnNamesAlone WarningReason = "NamesAlone"
	// WarnNoRegistry: an image names no registry, and so is one of docker.io.
	WarnNoRegistry WarningReason = "NoRegistry"
	// WarnLatestImage: an image has the tag latest, or none, which is the same: what
	// that is changes without a word.
	WarnLatestImage WarningReason = "LatestImage"
	// WarnWideImage: the "*" of an image does not stand behind a slash, a colon or an
	// "@", so that it also matches registries' folders and repositories of other names.
	WarnWideImage WarningReason = "WideImage"
	// WarnGrantsNothing: an entry for single containers allows nothing and fills
	// nothing in.
	WarnGrantsNothing WarningReason = "GrantsNothing"
	// WarnUnusableGrant: the policy grants a namespace or the network of the host, and
	// demands a user namespace, beside which the API refuses them.
	WarnUnusableGrant WarningReason = "UnusableGrant"
	// WarnNotInWelkin: the policy stands in a Welkin values file and has keys that
	// Welkin's chart does not know: it passes them over.
	WarnNotInWelkin WarningReason = "NotInWelkin"
	// WarnSelectsNothing: no labels meet the selector of the policy, or no namespace
	// meets the one that Field names.
	WarnSelectsNothing WarningReason = "SelectsNothing"
	// WarnOverlap: several policies can select one pod. They are tried in order
	// of name, and their grants never add up.
	WarnOverlap WarningReason = "Overlap"
	// WarnExpires: the policy expires within the time that [Expiring] was asked about.
	WarnExpires WarningReason = "Expires"
	// WarnExpired: the policy has expired, and grants nothing any more.
	WarnExpired WarningReason = "Expired"
)

// Reference names a policy and says where it stands.
type Reference struct {
	Namespace string `json:"namespace,omitempty"`
	// Namespaces are those of a policy that lists them.
	Namespaces []string `json:"namespaces,omitempty"`
	Name       string   `json:"name,omitempty"`
	Position
}

// Reference names the policy and says where it stands. It shares no memory with it.
func (p *Policy) Reference() Reference {
	return Reference{p.Namespace, slices.Clone(p.Namespaces), p.Name, p.Source.Position}
}

// named are the namespaces that the policy names.
func (r *Reference) named() []string {
	if r.Namespace != "" {
		return []string{r.Namespace}
	}
	return r.Namespaces
}

// compare orders references as the policies are.
func (r *Reference) compare(other *Reference) int {
	return compareNames(&Policy{Name: r.Name, Namespace: r.Namespace, Namespaces: r.Namespaces},
		&Policy{Name: other.Name, Namespace: other.Namespace, Namespaces: other.Namespaces})
}

// String renders "namespace/name (file:line)", or what is known of it.
func (r Reference) String() string {
	if at := r.Position.String(); at != "" {
		return r.Title() + " (" + at + ")"
	}
	return r.Title()
}

// Title is the policy's name with the namespaces that it names, the first of many:
// "networking/route-manager", "{networking,storage}/route-manager".
func (r Reference) Title() string { return titleOfAll(r.named(), r.Name) }

// titleOf names a policy with its namespace: "networking/route-manager".
func titleOf(namespace, name string) string {
	if name == "" {
		name = `""`
	}
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// Lint warns of valid policies that are hardly meant so: one warning for each
// thing that is odd about a policy, and one for each group of policies that
// overlap, so that every two policies that [Overlap] are in one group. They are
// in order of file and line.
//
// Where selectors ask for labels with values, its time grows with the number of
// policies and not with that of their pairs.
func Lint(policies ...Policy) []Warning {
	var all []Warning
	list := make([]*Policy, len(policies))
	for i := range policies {
		list[i] = &policies[i]
		all = append(all, list[i].warnings()...)
	}
	groups, _ := groupsOf(list, maxHubs)
	for _, g := range groups {
		all = append(all, g.warning())
	}
	slices.SortStableFunc(all, compareWarnings)
	return all
}

// compareWarnings orders warnings by the file and the line of their policies.
func compareWarnings(a, b Warning) int {
	return cmp.Or(cmp.Compare(a.Policy.File, b.Policy.File), cmp.Compare(a.Policy.Line, b.Policy.Line))
}

func (p *Policy) warnings() (all []Warning) {
	warn := func(w Warning) {
		w.Policy, w.Position = p.Reference(), p.Source.At(w.Field)
		all = append(all, w)
	}
	switch effect := p.effect(); {
	case effect == noEffect && p.Default:
		warn(Warning{Reason: WarnNoEffect, Field: "default"})
	case effect == noEffect:
		warn(Warning{Reason: WarnNoEffect})
	case effect == narrowsVolumes && !p.Default: // of which that may be the point
		warn(Warning{Reason: WarnNarrowsVolumes, Field: KeyVolumes.String(), Volumes: p.Allow.narrowed()})
	}
	if i := slices.Index(p.Allow.Volumes, spec.HostPath); i >= 0 && len(p.Allow.AllowedHostPaths) == 0 {
		warn(Warning{Reason: WarnHostPathVolume, Field: entryPath(KeyVolumes.String(), i)})
	}
	if p.Allow.Volumes != nil && !p.Allow.Volume(spec.VolumeTypeOf(spec.FieldVolumeProjected)) {
		warn(Warning{Reason: WarnRefusesTokens, Field: KeyVolumes.String()})
	}
	if groups := &p.Allow.SupplementalGroups; groups.Rule.takesRanges() && !groups.IsStrict() {
		warn(Warning{Reason: WarnMergedGroups, Field: KeySupplementalGroups.String()})
	}
	if keys := p.Allow.unusable(); len(keys) > 0 {
		warn(Warning{Reason: WarnUnusableGrant, Field: KeyUserNamespace.String(), Keys: keys})
	}
	if fields := p.Source.notInWelkin(); len(fields) > 0 {
		warn(Warning{Reason: WarnNotInWelkin, Fields: fields})
	}
	p.wide(warn)
	p.unknownCapabilities(warn)
	p.matchless(warn)
	p.entries(warn)
	switch asks := demandsOf(p); {
	case p.Default:
	case asks.inNone:
		warn(Warning{Reason: WarnSelectsNothing, Field: "namespaceSelector"})
	case !asks.possible:
		warn(Warning{Reason: WarnSelectsNothing})
	}
	return all
}

// unusable are the grants that no pod can use in the user namespace that the policy
// demands. Those that allow something else too are not among them, as the host ports
// of hostNetworkPorts.
func (a *Allow) unusable() (keys []Key) {
	if !a.RequiresUserNamespace() {
		return nil
	}
	for _, k := range [...]Key{KeyHostNamespace, KeyHostNetwork, KeyHostPID, KeyHostIPC} {
		if *a.flag(k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// warning is about the hub of the group, if it has one, and else about its
// policy that is tried last.
func (g group) warning() Warning {
	w := Warning{Reason: WarnOverlap}
	var last *member
	for _, part := range g {
		var references []Reference
		for _, m := range part {
			references = append(references, m.policy.Reference())
			if last == nil || m.order > last.order {
				last = m
			}
		}
		w.Parts = append(w.Parts, references)
	}
	if hub, _, ok := w.hub(); ok {
		w.Policy, w.Position = hub, hub.Position
		return w
	}
	w.Policy = last.policy.Reference()
	w.Position = w.Policy.Position
	return w
}

// hub is the one policy that overlaps each of several others, which do not
// overlap each other as far as this warning says.
func (w *Warning) hub() (hub Reference, others []Reference, ok bool) {
	if len(w.Parts) != 2 {
		return Reference{}, nil, false
	}
	switch a, b := w.Parts[0], w.Parts[1]; {
	case len(a) == 1 && len(b) > 1:
		return a[0], b, true
	case len(b) == 1 && len(a) > 1:
		return b[0], a, true
	}
	return Reference{}, nil, false
}

// String renders "file:line: warning: policy name ..." in one printable line, which says
// what is odd and what to write instead. Of a large group it names some.
func (w Warning) String() string {
	text := "warning: " + w.Message()
	if at := w.Policy.Position.String(); at != "" {
		return at + ": " + text
	}
	return text
}

// Message is String without the position: "policy name ...".
func (w Warning) Message() string {
	return "policy " + spec.Printable(w.Policy.Title()+" "+w.what())
}

func (w *Warning) what() string {
	switch w.Reason {
	case WarnNoEffect:
		if w.Field == "default" {
			return "is a default policy that can never differ from plain restricted: it demands nothing and fills in nothing else; " +
				"give it a rule under allow or a value under mutations, or remove it"
		}
		return "can never differ from the default policy: it grants nothing, demands nothing and fills in nothing else; " +
			"give it a grant under allow, or remove it"
	case WarnNarrowsVolumes:
		return "grants nothing; it only narrows volumes: by allow.volumes, or its default, it refuses " + strings.Join(w.Volumes, ", ") +
			", which restricted allows; give it a grant under allow, or remove it"
	case WarnHostPathVolume:
		return "lists hostPath in allow.volumes, which allows none; write the paths under allow.allowedHostPaths"
	case WarnRefusesTokens:
		return "does not list projected in allow.volumes, and so refuses nearly every pod: ServiceAccount admission adds a projected volume " +
			"with a token to each one, unless the pod or its ServiceAccount sets automountServiceAccountToken: false; list projected, " +
			"or see to it that all its pods set that"
	case WarnMergedGroups:
		return "rules over supplementalGroups with ranges, which do not hold for the groups that the image's /etc/group adds to those of the manifest; " +
			"write policy: Strict in the rule if the nodes are v1.33 or later"
	case WarnUnusableGrant:
		return "demands a user namespace of every pod, and grants " + listed(keyNames(w.Keys), ", ", "") + ", which no pod can use in one: " +
			"the API refuses hostUsers: false beside it; remove the grant, or allow.userNamespace"
	case WarnNotInWelkin:
		return "has keys that Welkin's chart does not know, and which hold for podfence alone: " + listed(w.Fields, ", ", "") +
			"; where the chart reads the file too, write what it has, or keep the policy in a file of its own"
	case WarnEverything:
		return "lists " + quote(w.Value) + " in " + w.Field + ", " + everythingText(w.Field)
	case WarnWideHostPath:
		return "grants " + quote(w.Value) + " in " + w.Field + ", and with it what rules the node: " + listed(w.Paths, ", ", "") + "; " + fixWidePath(w.Paths)
	case WarnEveryNamespace:
		where, fix := "every namespace", "write namespace"
		if w.Field != "" {
			where, fix = "every namespace that its "+w.Field+" does not leave out", "write namespaces, or a label that they must have"
		}
		return "opens the node in " + where + ", by " + listed(keyNames(w.Keys), ", ", "") + ": whoever may create a pod in any of them " +
			"can write the labels that it selects; " + fix
	case WarnUnknownCapability:
		return "lists " + quote(w.Value) + " in " + w.Field + ", which is no capability of Linux; " + fixCapability(w.Meant)
	case WarnNoSuchHost:
		return "lists " + quote(w.Value) + " in " + w.Field + ", which allows no host: they are compared as they are written; " +
			"write each host or IP address by itself, without a port"
	case WarnNamesAlone:
		return "tells containers by names alone in " + w.Field + ": whoever writes the pod writes these; write images beside them"
	case WarnNoRegistry:
		return "lists " + quote(w.Value) + " in " + w.Field + " without a registry, which is " + quote(w.Meant) + "; write it so"
	case WarnLatestImage:
		return "lists " + quote(w.Value) + " in " + w.Field + ", which is the tag latest: what that is changes without a word; write a tag or a digest, or " +
			quote(w.Meant) + " for every image of the repository"
	case WarnWideImage:
		return "lists " + quote(w.Value) + " in " + w.Field + ", which also matches others whose names only begin so; " +
			"put the * behind a slash, a colon or an @"
	case WarnGrantsNothing:
		return "allows nothing and fills nothing in by " + w.Field + "; give the entry a grant under allow, or remove it"
	case WarnSelectsNothing:
		if w.Field != "" {
			return "selects no pod: no namespace meets its " + w.Field + ", or is one of those that it names as well"
		}
		return "selects no pod: no labels meet its podSelectorLabels and podSelectorExpressions together"
	case WarnOverlap:
		return w.overlaps()
	case WarnExpires:
		return "expires on " + w.Value + ", after which it grants nothing; see whether its pods need it still, and write a later day or remove it"
	case WarnExpired:
		return "expired on " + w.Value + " and grants nothing any more; write a later day, or remove it"
	}
	return string(w.Reason)
}

// triedInOrder ends what is said of overlaps.
const triedInOrder = "in order of name, and their grants never add up"

func (w *Warning) overlaps() string {
	if len(w.Parts) == 2 && len(w.Parts[0]) == 1 && len(w.Parts[1]) == 1 {
		first := w.Parts[0][0]
		return fmt.Sprintf("and policy %s can select one pod%s: %s is tried first, %s", first, w.where(), first.Title(), triedInOrder)
	}
	which := ""
	if _, others, ok := w.hub(); ok {
		which = fmt.Sprintf("can select one pod with each of %d policies%s: %s", len(others), w.where(), some(others))
	} else if w.anyTwo() {
		var others []Reference
		for _, part := range w.Parts[:len(w.Parts)-1] {
			others = append(others, part...)
		}
		which = fmt.Sprintf("and %d others can, any two of them, select one pod%s: %s", len(others), w.where(), some(others))
	} else if len(w.Parts) == 1 {
		which = fmt.Sprintf("is one of %d policies each of which can select one pod with another of them%s: %s", w.size(), w.where(), some(w.Parts[0]))
	} else {
		var parts []string
		for _, part := range w.Parts {
			parts = append(parts, some(part))
		}
		which = fmt.Sprintf("is one of %d policies in %d parts, of which any two from different parts can select one pod%s: %s",
			w.size(), len(w.Parts), w.where(), listed(parts, "; ", " parts"))
	}
	return which + "; they are tried " + triedInOrder
}

// anyTwo reports whether every part is one policy.
func (w *Warning) anyTwo() bool {
	return !slices.ContainsFunc(w.Parts, func(part []Reference) bool { return len(part) != 1 })
}

func (w *Warning) size() (n int) {
	for _, part := range w.Parts {
		n += len(part)
	}
	return n
}

// where says in which namespace the policies meet, if it is one: two of them in what
// both name, and more of them if they name no other.
func (w *Warning) where() string {
	var all [][]string
	for _, part := range w.Parts {
		for i := range part {
			if names := part[i].named(); len(names) > 0 {
				all = append(all, names)
			}
		}
	}
	if w.size() == 2 && len(all) == 2 {
		second := all[1]
		both := slices.DeleteFunc(slices.Clone(all[0]), func(name string) bool { return !slices.Contains(second, name) })
		all = [][]string{both}
	}
	names := slices.Concat(all...)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 1 {
		return ""
	}
	return " in namespace " + names[0]
}

// some names the first of many policies.
func some(policies []Reference) string {
	var names []string
	for _, p := range policies[:min(len(policies), maxListed)] {
		names = append(names, p.String())
	}
	if more := len(policies) - len(names); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names, ", ")
}

// listed joins the first of many words.
func listed(words []string, separator, noun string) string {
	if more := len(words) - maxListed; more > 0 {
		return fmt.Sprintf("%s%sand %d more%s", strings.Join(words[:maxListed], separator), separator, more, noun)
	}
	return strings.Join(words, separator)
}
