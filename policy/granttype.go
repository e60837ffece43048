package policy

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// Fault is what a grant is asked about: one field of a pod that breaks a check.
type Fault struct {
	// Check is the check that the field breaks.
	Check spec.CheckID
	// Field is the field.
	Field spec.Field
	// Value is the offending value as package evaluate gives it; nil where the
	// field is unset.
	Value any
	// Facts are what the rest of the pod has to say about the field.
	Facts spec.Facts
	// Sources are the sources of the volume that the field belongs to.
	Sources spec.VolumeSet
}

// GrantType is a row of the table of grants: which faults one key of a policy
// excuses. A key may have several rows, for different checks.
type GrantType struct {
	// Key is the key under which a policy grants it.
	Key Key
	// Checks are those that it speaks to.
	Checks spec.CheckSet
	// Fields are those of the checks' fields that it speaks of. Empty: all.
	Fields []spec.Field
	// Condition says what under the key excuses a fault.
	Condition Condition
	// Needs are facts without which it excuses nothing.
	Needs spec.Facts
	// Unset: it speaks of fields that are unset, and of no other.
	Unset bool
	// Wide: another row excuses the same fault and opens less, or what it excuses
	// follows from a grant that the pod needs in any case.
	Wide bool
}

// Condition is how what stands under a key of a policy decides about a fault.
type Condition uint8

// The conditions.
const (
	// Given: the value under the key is true.
	Given Condition = iota + 1
	// TurnedOff: the value under the key is false, where true is the default.
	TurnedOff
	// NotInherited is TurnedOff for a container that inherits no value either.
	NotInherited
	// Listed: the list holds the value. Of a legacy annotation that is the value
	// of the field that came after it.
	Listed
	// ListedInherited: the list holds Unconfined, which the container inherits.
	ListedInherited
	// ListedCapability: the list holds the capability, or "*". Case and a CAP_
	// prefix do not matter.
	ListedCapability
	// ListedSysAdmin: the list holds SYS_ADMIN, or "*".
	ListedSysAdmin
	// ListedSysctl: the list holds the name, or a prefix of it that ends in "*".
	ListedSysctl
	// ListedSources: the list holds every source of the volume, or "*", and there
	// is one that is known.
	ListedSources
	// InPortRange: a range holds the port.
	InPortRange
	// PathCovered: a path prefix covers the path. Where the entry is read-only, so
	// is every mount of the volume, and recursively where the entry says so; and the
	// entry admits the volume's type.
	PathCovered
	// SourcesCovered is PathCovered, and the volume types list every other source.
	SourcesCovered
	// AnyUser: the rule over users is RunAsAny.
	AnyUser
	// RootInRange: the rule over users is MustRunAs, and a range holds 0.
	RootInRange
)

// grantTypes is the table. Of two rows that excuse a fault the first is named.
var grantTypes = [...]GrantType{
	{
		Key: KeyAppArmorProfiles, Condition: Listed,
		Checks: spec.Checks(spec.CheckAppArmorProfile),
	},
	{
		Key: KeyAllowedCapabilities, Condition: ListedCapability,
		Checks: spec.Checks(spec.CheckCapabilitiesBaseline, spec.CheckCapabilitiesRestricted),
		Fields: []spec.Field{spec.FieldCapabilitiesAdd},
	},
	{
		Key: KeyDropAllCapabilities, Condition: TurnedOff,
		Checks: spec.Checks(spec.CheckCapabilitiesRestricted),
		Fields: []spec.Field{spec.FieldCapabilitiesDrop},
	},
	{ // A privileged container has every capability, whatever it drops.
		Key: KeyPrivileged, Condition: Given, Needs: spec.Privileged, Wide: true,
		Checks: spec.Checks(spec.CheckCapabilitiesRestricted),
		Fields: []spec.Field{spec.FieldCapabilitiesDrop},
	},
	{
		Key: KeyHostNetwork, Condition: Given,
		Checks: spec.Checks(spec.CheckHostNamespaces),
		Fields: []spec.Field{spec.FieldHostNetwork},
	},
	{
		Key: KeyHostNetworkPorts, Condition: Given, Wide: true,
		Checks: spec.Checks(spec.CheckHostNamespaces),
		Fields: []spec.Field{spec.FieldHostNetwork},
	},
	{
		Key: KeyHostPID, Condition: Given,
		Checks: spec.Checks(spec.CheckHostNamespaces),
		Fields: []spec.Field{spec.FieldHostPID},
	},
	{
		Key: KeyHostIPC, Condition: Given,
		Checks: spec.Checks(spec.CheckHostNamespaces),
		Fields: []spec.Field{spec.FieldHostIPC},
	},
	{
		Key: KeyHostNamespace, Condition: Given, Wide: true,
		Checks: spec.Checks(spec.CheckHostNamespaces),
		Fields: []spec.Field{spec.FieldHostPID, spec.FieldHostIPC},
	},
	{
		Key: KeyAllowedHostPaths, Condition: PathCovered,
		Checks: spec.Checks(spec.CheckHostPathVolumes),
	},
	{
		Key: KeyHostNetworkPorts, Condition: Given, Wide: true,
		Checks: spec.Checks(spec.CheckHostPorts),
	},
	{
		Key: KeyAllowedHostPorts, Condition: InPortRange,
		Checks: spec.Checks(spec.CheckHostPorts),
	},
	{
		Key: KeyAllowedProbeHosts, Condition: Listed,
		Checks: spec.Checks(spec.CheckHostProbesAndHostLifecycle),
	},
	{
		Key: KeyPrivileged, Condition: Given,
		Checks: spec.Checks(spec.CheckPrivileged),
	},
	{
		Key: KeyProcMounts, Condition: Listed,
		Checks: spec.Checks(spec.CheckProcMount, spec.CheckProcMountRestricted),
	},
	{
		Key: KeySELinuxOptions, Condition: Given,
		Checks: spec.Checks(spec.CheckSELinuxOptions),
	},
	{
		Key: KeySeccompProfiles, Condition: Listed,
		Checks: spec.Checks(spec.CheckSeccompProfileBaseline, spec.CheckSeccompProfileRestricted),
	},
	{
		Key: KeySeccompProfiles, Condition: ListedInherited, Needs: spec.InheritsUnconfined, Unset: true,
		Checks: spec.Checks(spec.CheckSeccompProfileRestricted),
	},
	{ // An unset profile is not a value: only a policy that fills none in excuses it.
		Key: KeySetDefaultSeccompProfile, Condition: NotInherited, Unset: true,
		Checks: spec.Checks(spec.CheckSeccompProfileRestricted),
	},
	{
		Key: KeyAllowedUnsafeSysctls, Condition: ListedSysctl,
		Checks: spec.Checks(spec.CheckSysctls),
	},
	{
		Key: KeyWindowsHostProcess, Condition: Given,
		Checks: spec.Checks(spec.CheckWindowsHostProcess),
	},
	{
		Key: KeyAllowPrivilegeEscalation, Condition: Given,
		Checks: spec.Checks(spec.CheckAllowPrivilegeEscalation),
	},
	{ // API validation refuses escalation=false beside both of these.
		Key: KeyPrivileged, Condition: Given, Needs: spec.Privileged, Wide: true,
		Checks: spec.Checks(spec.CheckAllowPrivilegeEscalation),
	},
	{
		Key: KeyAllowedCapabilities, Condition: ListedSysAdmin, Needs: spec.SysAdmin, Wide: true,
		Checks: spec.Checks(spec.CheckAllowPrivilegeEscalation),
	},
	{
		Key: KeyVolumes, Condition: ListedSources,
		Checks: spec.Checks(spec.CheckRestrictedVolumes),
	},
	{ // A second source must not slip in behind the path.
		Key: KeyAllowedHostPaths, Condition: SourcesCovered,
		Checks: spec.Checks(spec.CheckRestrictedVolumes),
		Fields: []spec.Field{spec.FieldVolumeHostPath},
	},
	{ // MustRunAs reaches only containers that do run as user ID 0.
		Key: KeyRunAsUser, Condition: RootInRange, Needs: spec.RootUser,
		Checks: spec.Checks(spec.CheckRunAsNonRoot, spec.CheckRunAsUser),
	},
	{
		Key: KeyRunAsUser, Condition: AnyUser,
		Checks: spec.Checks(spec.CheckRunAsNonRoot, spec.CheckRunAsUser),
	},
}

// GrantTypes returns the table of grants: every way in which a policy excuses
// what breaks a check. The result is shared and must not be changed.
func GrantTypes() []GrantType { return grantTypes[:] }

// grantTypesOf finds the rows that speak to a check.
var grantTypesOf = func() (of [32][]*GrantType) {
	for i := range grantTypes {
		for id := range grantTypes[i].Checks.All() {
			of[id] = append(of[id], &grantTypes[i])
		}
	}
	return of
}()

// GrantTypesOf returns the rows that speak to a control's checks, each key and
// wording once, in the order in which they are asked.
func GrantTypesOf(c *spec.Control) (rows []*GrantType) {
	for i := range c.Checks {
		for _, row := range grantTypesOf[c.Checks[i].ID] {
			same := func(have *GrantType) bool { return have.String() == row.String() }
			if !slices.ContainsFunc(rows, same) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// String says what must stand under the key, in the shortest form.
func (g *GrantType) String() string {
	switch g.Condition {
	case TurnedOff, NotInherited:
		return g.Key.String() + ": false"
	case ListedSysAdmin:
		return g.Key.String() + " with " + sysAdmin
	default:
		return g.Key.String()
	}
}

const (
	sysAdmin   = "SYS_ADMIN"
	unconfined = "Unconfined"
)

// Excuses reports whether one of the policy's grants excuses a fault, and by
// which entry.
func (p *Policy) Excuses(f *Fault) (by Entry, ok bool) {
	for _, row := range grantTypesOf[f.Check] {
		if !row.speaksOf(f) {
			continue
		}
		if index, ok := row.covers(p, f); ok {
			return Entry{Key: row.Key, Index: int32(index)}, true
		}
	}
	return Entry{}, false
}

// speaksOf reports whether the row says anything about a fault.
func (g *GrantType) speaksOf(f *Fault) bool {
	return f.Facts.Has(g.Needs) && (!g.Unset || f.Value == nil) &&
		(len(g.Fields) == 0 || slices.Contains(g.Fields, f.Field))
}

// covers reports whether a policy excuses a fault of which the row speaks, and
// by which entry of a list: -1 where the key holds none.
func (g *GrantType) covers(p *Policy, f *Fault) (index int, ok bool) {
	a := &p.Allow
	switch g.Condition {
	case Given:
		return -1, p.given(g.Key)
	case TurnedOff:
		return -1, !p.given(g.Key)
	case NotInherited:
		return -1, !f.Facts.Has(spec.InheritsProfile) && !p.given(g.Key)
	case Listed:
		value, set := f.Value.(string)
		return found(slices.Index(a.words(g.Key), meaning(f.Field, value)), set)
	case ListedInherited:
		return found(slices.Index(a.words(g.Key), unconfined), true)
	case ListedCapability:
		return found(a.capability(f.text()), true)
	case ListedSysAdmin:
		return found(a.capability(sysAdmin), true)
	case ListedSysctl:
		return found(a.sysctl(f.text()), true)
	case ListedSources:
		return a.sources(f.Sources)
	case InPortRange:
		port, set := f.Value.(int32)
		return found(a.hostPort(port), set)
	case PathCovered:
		return found(a.hostPath(f.text(), f.Facts), true)
	case SourcesCovered:
		index := a.hostPath(f.text(), f.Facts)
		return index, index >= 0 && a.others(f.Sources)
	case AnyUser:
		return -1, a.RunAsUser.Rule == RunAsAny
	case RootInRange:
		return -1, a.RunAsUser.Rule == MustRunAs && InRanges(a.RunAsUser.Ranges, 0)
	default:
		return -1, false
	}
}

// found turns the index of an entry, negative for none, into an answer.
func found(index int, asked bool) (int, bool) { return index, asked && index >= 0 }

// text is the value where it is text.
func (f *Fault) text() string {
	text, _ := f.Value.(string)
	return text
}

// meaning is the value of a field as a policy names it: of a legacy annotation,
// the type of profile that came after it, and nothing that a policy lists where
// there is none.
func meaning(f spec.Field, value string) string {
	switch {
	case f != spec.FieldAnnotation:
		return value
	case value == corev1.SeccompProfileNameUnconfined: // AppArmor's word is the same
		return unconfined
	default:
		return ""
	}
}

// given reports whether a key that holds a boolean is true.
func (p *Policy) given(k Key) bool {
	switch k {
	case KeyDropAllCapabilities:
		return p.Mutations.DropsAllCapabilities()
	case KeySetDefaultSeccompProfile:
		return p.Mutations.SetsSeccompProfile()
	default:
		b := p.Allow.flag(k)
		return b != nil && *b
	}
}

// setBool writes the value of a key that holds a boolean.
func (p *Policy) setBool(k Key, value bool) {
	switch k {
	case KeyDropAllCapabilities:
		p.Mutations.DropAllCapabilities = &value
	case KeySetDefaultSeccompProfile:
		p.Mutations.SetDefaultSeccompProfile = &value
	default:
		if b := p.Allow.flag(k); b != nil {
			*b = value
		}
	}
}

// flag is the field of a key that holds a boolean, nil for any other key.
func (a *Allow) flag(k Key) *bool {
	switch k {
	case KeyAllowPrivilegeEscalation:
		return &a.AllowPrivilegeEscalation
	case KeyPrivileged:
		return &a.Privileged
	case KeyHostNetworkPorts:
		return &a.HostNetworkPorts
	case KeyHostNamespace:
		return &a.HostNamespace
	case KeySELinuxOptions:
		return &a.SELinuxOptions
	case KeyWindowsHostProcess:
		return &a.WindowsHostProcess
	case KeyHostNetwork:
		return &a.HostNetwork
	case KeyHostPID:
		return &a.HostPID
	case KeyHostIPC:
		return &a.HostIPC
	case KeyReadOnlyRootFilesystem:
		return &a.ReadOnlyRootFilesystem
	default:
		return nil
	}
}

// wordList is the field of a key that holds a list of words, nil for any other.
func (a *Allow) wordList(k Key) *[]string {
	switch k {
	case KeyAllowedCapabilities:
		return &a.AllowedCapabilities
	case KeyAllowedUnsafeSysctls:
		return &a.AllowedUnsafeSysctls
	case KeyVolumes:
		return &a.Volumes
	case KeySeccompProfiles:
		return &a.SeccompProfiles
	case KeyAppArmorProfiles:
		return &a.AppArmorProfiles
	case KeyProcMounts:
		return &a.ProcMounts
	case KeyAllowedProbeHosts:
		return &a.AllowedProbeHosts
	default:
		return nil
	}
}

// words are the entries under a key that holds a list of words.
func (a *Allow) words(k Key) []string {
	if list := a.wordList(k); list != nil {
		return *list
	}
	return nil
}

// The functions below find the entry that covers a value, -1 for none.

func (a *Allow) capability(name string) int {
	return slices.IndexFunc(a.AllowedCapabilities, func(allowed string) bool {
		return allowed == anyValue || spec.SameCapability(allowed, name)
	})
}

func (a *Allow) sysctl(name string) int {
	return slices.IndexFunc(a.AllowedUnsafeSysctls, func(allowed string) bool {
		prefix, ok := strings.CutSuffix(allowed, anyValue)
		return ok && strings.HasPrefix(name, prefix) || allowed == name
	})
}

func (a *Allow) hostPort(port int32) int {
	return slices.IndexFunc(a.AllowedHostPorts, func(r PortRange) bool { return r.Min <= port && port <= r.Max })
}

// hostPath: of several entries that cover the path, any one that admits it will do.
func (a *Allow) hostPath(path string, facts spec.Facts) int {
	for i := range a.AllowedHostPaths {
		if a.AllowedHostPaths[i].admits(path, facts) {
			return i
		}
	}
	return -1
}

// sources reports whether the policy lists every source of a volume that is no
// hostPath, and which entry lists the first: -1 for one of the default types. No
// list excuses a volume without a known source.
func (a *Allow) sources(set spec.VolumeSet) (index int, ok bool) {
	if set == 0 {
		return -1, false
	}
	index = -1
	for t := range set.Types() {
		at := a.volume(t.Name)
		if t.Field == spec.FieldVolumeHostPath || at < 0 {
			return -1, false
		}
		if index < 0 {
			index = at
		}
	}
	if a.Volumes == nil {
		index = -1
	}
	return index, true
}

// others reports whether every source beside a hostPath is listed.
func (a *Allow) others(set spec.VolumeSet) bool {
	for t := range set.Types() {
		if t.Field != spec.FieldVolumeHostPath && a.volume(t.Name) < 0 {
			return false
		}
	}
	return true
}

// volume finds a volume type in the list, or in the default one. A source that this
// build does not know may open what it will, so that "*" does not stand for it.
func (a *Allow) volume(name string) int {
	if name == spec.UnknownVolumeType {
		return -1
	}
	list := a.Volumes
	if list == nil {
		list = defaultVolumes[:]
	}
	return slices.IndexFunc(list, func(allowed string) bool { return allowed == anyValue || allowed == name })
}
