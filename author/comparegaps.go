package author

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// A policy allows a pod if it lets be each thing that the pod says, one by one: a
// capability, a port, a user. So one policy allows no more than another if it lets
// be no thing more, and the questions below ask for each. What a list or a range
// lets be is asked about at its own values and at the ends of the other policy's:
// where two sets of prefixes or ranges part, they part there.

// gap is one thing that one policy lets be and the other does not.
type gap struct {
	// at is the path of what lets it be; or, where the other policy's rule refuses it,
	// that of the rule. atOther is the path of the same in the other policy; empty where
	// there is no such place.
	at, atOther    string
	subject, value string
	// pods say it, each as plainly as it can be said; the plainest comes first.
	pods []podEdit
	// cells are the containers of which it is said; nil for all: see comparecontainers.go.
	cells []policy.ContainerEntry
}

// question is what one policy lets be that another does not, at a level.
type question struct {
	lv          api.LevelVersion
	by, against *policy.Policy
	found       []gap
}

// comparedThings are all that policies have a say in, in the order of the format.
var comparedThings = [...]func(*question){
	(*question).escalation, (*question).privileged, (*question).capabilities, (*question).drop, (*question).sysctls,
	(*question).hostNamespaces, (*question).hostPorts, (*question).hostPaths,
	(*question).users, (*question).groups, (*question).volumeTypes,
	(*question).profiles, (*question).others, (*question).probeHosts, (*question).readOnlyRoot, (*question).userNamespace,
	(*question).containers,
}

// all asks for all of them.
func (q *question) all() {
	for _, ask := range comparedThings {
		ask(q)
	}
}

// expiry asks whether one policy lets something be on days on which the other one has
// expired, and not on those before.
func (q *question) expiry() {
	until, expires := q.against.ExpiresAt()
	longer, also := q.by.ExpiresAt()
	if !expires || q.against.Expired || q.by.Expired || also && !longer.After(until) {
		return
	}
	then := question{lv: q.lv, by: q.by, against: q.against.AsExpired()}
	then.all()
	if slices.ContainsFunc(then.found, func(g gap) bool { return !q.knows(&g) }) {
		q.found = append(q.found, gap{at: expiresKey, atOther: expiresKey, subject: "what the policy grants, after", value: q.against.Expires})
	}
}

const expiresKey = "expires"

// knows reports whether a gap is found already.
func (q *question) knows(g *gap) bool {
	return slices.ContainsFunc(q.found, func(known gap) bool { return known.subject == g.subject && known.value == g.value })
}

func (q *question) add(key policy.Key, subject, value string, pods ...podEdit) {
	q.found = append(q.found, gap{at: key.String(), atOther: key.String(), subject: subject, value: value, pods: pods})
}

// inForce are the checks of a set that are in force at the level and version, for
// pods of some sort.
func (q *question) inForce(checks spec.CheckSet) (in spec.CheckSet) {
	for sort := range 4 {
		in |= spec.For(q.lv, sort&1 != 0, sort&2 != 0).Checks & checks
	}
	return in
}

// fault asks about a field that breaks checks: of those in force, does one policy
// excuse it, and the other not?
func (q *question) fault(checks spec.CheckSet, f policy.Fault) (key policy.Key, opens bool) {
	for f.Check = range q.inForce(checks).All() {
		entry, excused := q.by.Excuses(&f)
		if _, also := q.against.Excuses(&f); excused && !also {
			return entry.Key, true
		}
	}
	return 0, false
}

// ask adds a gap if a fault opens one.
func (q *question) ask(checks spec.CheckSet, f policy.Fault, subject, value string, pods ...podEdit) {
	if key, opens := q.fault(checks, f); opens {
		q.add(key, subject, value, pods...)
	}
}

func (q *question) escalation() {
	q.ask(spec.Checks(spec.CheckAllowPrivilegeEscalation), policy.Fault{Field: spec.FieldAllowPrivilegeEscalation, Value: true},
		"a container that sets allowPrivilegeEscalation: true", "",
		onContext(func(sc *corev1.SecurityContext) { sc.AllowPrivilegeEscalation = pointTo(true) }))
}

func (q *question) privileged() {
	q.ask(spec.Checks(spec.CheckPrivileged), policy.Fault{Field: spec.FieldPrivileged, Value: true},
		"a privileged container", "",
		onContext(func(sc *corev1.SecurityContext) { sc.Privileged = pointTo(true) }))
}

func capabilityChecks() spec.CheckSet {
	return spec.Checks(spec.CheckCapabilitiesBaseline, spec.CheckCapabilitiesRestricted)
}

func (q *question) capabilities() {
	names := q.by.Allow.AllowedCapabilities
	if slices.Contains(names, everyValue) {
		name := freshCapability(q.against.Allow.AllowedCapabilities)
		q.ask(capabilityChecks(), policy.Fault{Field: spec.FieldCapabilitiesAdd, Value: name},
			"a container that adds any capability, as in", name, adding(name))
		return
	}
	for i, name := range names {
		if slices.ContainsFunc(names[:i], func(before string) bool { return spec.SameCapability(before, name) }) {
			continue
		}
		plain := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		subject, pods := "a container that adds the capability", []podEdit{adding(plain), adding(name)}
		if q.levelAddsCapability(plain) {
			subject, pods = "a container that adds, in a spelling that the level does not know, the capability", []podEdit{adding("CAP_" + plain)}
		}
		q.ask(capabilityChecks(), policy.Fault{Field: spec.FieldCapabilitiesAdd, Value: name}, subject, plain, pods...)
	}
}

// levelAddsCapability reports whether the level itself lets the name be added.
func (q *question) levelAddsCapability(name string) bool {
	for id := range q.inForce(capabilityChecks()).All() {
		if hotpath.CapabilityAddable(id, name) {
			return true
		}
	}
	return false
}

// freshCapability is one that a list does not name; "*" is no name.
func freshCapability(list []string) string {
	named := func(name string) bool {
		return slices.ContainsFunc(list, func(entry string) bool { return spec.SameCapability(entry, name) })
	}
	names := append([]string{"SYS_ADMIN"}, spec.Capabilities()...)
	for i := 0; ; i++ {
		if i == len(names) {
			names = append(names, "CAPABILITY_"+strconv.Itoa(i))
		}
		// What a level lets be added shows nothing: it comes in by the level.
		if !named(names[i]) && !hotpath.CapabilityAddable(spec.CheckCapabilitiesBaseline, names[i]) {
			return names[i]
		}
	}
}

func (q *question) drop() {
	q.ask(spec.Checks(spec.CheckCapabilitiesRestricted), policy.Fault{Field: spec.FieldCapabilitiesDrop},
		"a container that does not drop all capabilities", "",
		onContext(func(sc *corev1.SecurityContext) {
			sc.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"NET_RAW"}}
		}))
}

func (q *question) sysctls() {
	safe := spec.For(q.lv, false, false).Sysctls
	entries := q.by.Allow.AllowedUnsafeSysctls
	for i, entry := range entries {
		prefix, isPrefix := strings.CutSuffix(entry, everyValue)
		name, subject, value := entry, "a pod that sets the sysctl", entry
		if isPrefix {
			name = freshSysctl(prefix, q.against.Allow.AllowedUnsafeSysctls, safe)
			subject, value = "a pod that sets any sysctl of "+entry+", as in", name
		}
		if slices.Contains(safe, name) || coveredBefore(entries, i) {
			continue
		}
		q.ask(spec.Checks(spec.CheckSysctls), policy.Fault{Field: spec.FieldSysctl, Value: name}, subject, value, settingSysctl(name))
	}
}

// coveredBefore reports whether another entry covers all that an entry does, of two
// that cover the same the first.
func coveredBefore(entries []string, at int) bool {
	for i, other := range entries {
		prefix, isPrefix := strings.CutSuffix(other, everyValue)
		covers := other == entries[at] || isPrefix && strings.HasPrefix(entries[at], prefix)
		if i != at && covers && (other != entries[at] || i < at) {
			return true
		}
	}
	return false
}

// knownSysctls are some that are not safe: they read better than made-up names.
var knownSysctls = [...]string{
	"kernel.msgmax", "kernel.shmmax", "kernel.sem", "net.core.somaxconn", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
	"fs.mqueue.msg_max", "vm.max_map_count",
}

// freshSysctl is a name with a prefix that no entry covers, but for one that covers
// every name with that prefix. Where entries cover each valid name, it is none.
func freshSysctl(prefix string, against, safe []string) string {
	taken := func(name string) bool {
		return slices.Contains(safe, name) || slices.ContainsFunc(against, func(entry string) bool {
			other, isPrefix := strings.CutSuffix(entry, everyValue)
			return entry == name || isPrefix && strings.HasPrefix(name, other)
		})
	}
	for _, name := range knownSysctls {
		if strings.HasPrefix(name, prefix) && !taken(name) {
			return name
		}
	}
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		for _, rest := range [...]string{"", "x", "x9"} {
			if name := prefix + string(c) + rest; !taken(name) {
				return name
			}
		}
	}
	return prefix + "Z"
}

func (q *question) hostNamespaces() {
	for _, row := range [...]struct {
		field   spec.Field
		subject string
		pod     podEdit
	}{
		{spec.FieldHostNetwork, "a pod in the host's network (hostNetwork)", onSpec(func(s *corev1.PodSpec) { s.HostNetwork = true })},
		{spec.FieldHostPID, "a pod in the host's PID namespace (hostPID)", onSpec(func(s *corev1.PodSpec) { s.HostPID = true })},
		{spec.FieldHostIPC, "a pod in the host's IPC namespace (hostIPC)", onSpec(func(s *corev1.PodSpec) { s.HostIPC = true })},
	} {
		q.ask(spec.Checks(spec.CheckHostNamespaces), policy.Fault{Field: row.field, Value: true}, row.subject, "", row.pod)
	}
}

// maxHostPort is the highest port that there is.
const maxHostPort = 65535

func (q *question) hostPorts() {
	for _, open := range minus(hostPortsOf(q.by), hostPortsOf(q.against)) {
		key, opens := q.fault(spec.Checks(spec.CheckHostPorts), policy.Fault{Field: spec.FieldHostPort, Value: int32(open.Min)})
		if opens {
			q.add(key, "a container with the host port", rangeText(open), listeningOn(int32(open.Min)))
		}
	}
}

func hostPortsOf(p *policy.Policy) (ranges []policy.IDRange) {
	if p.Allow.HostNetworkPorts {
		return []policy.IDRange{{Min: 1, Max: maxHostPort}}
	}
	for _, r := range p.Allow.AllowedHostPorts {
		ranges = append(ranges, policy.IDRange{Min: int64(r.Min), Max: int64(r.Max)})
	}
	return ranges
}

// hostPaths asks for each entry at its own prefix, as writable as it lets the path
// be. What another entry covers there it covers everywhere below.
func (q *question) hostPaths() {
	for _, entry := range q.by.Allow.AllowedHostPaths {
		how := spec.MountedWritable | spec.SubmountsWritable
		switch {
		case entry.RecursiveReadOnly:
			how = 0
		case entry.ReadOnly:
			how = spec.SubmountsWritable
		}
		if policy.CoversWindows(entry.PathPrefix, entry.PathPrefix) {
			how |= spec.OnWindows
		}
		if types := q.typesOpened(&entry, how); len(types) > 0 {
			q.hostPath(&entry, how, types)
		}
	}
}

// typesOpened are the types of hostPath that an entry lets be mounted and the other
// policy does not.
func (q *question) typesOpened(entry *policy.HostPath, how spec.Facts) (types []string) {
	for _, t := range spec.HostPathTypes() {
		if entry.Types != nil && !slices.Contains(entry.Types, t.Name) {
			continue
		}
		if facts := how | typeFact(t.Name); !q.against.Allow.HostPath(entry.PathPrefix, facts) {
			types = append(types, t.Name)
		}
	}
	return types
}

func (q *question) hostPath(entry *policy.HostPath, how spec.Facts, types []string) {
	subject := "a hostPath volume that is mounted "
	switch {
	case how.Has(spec.MountedWritable):
		subject += "writable"
	case how.Has(spec.SubmountsWritable):
		subject += "read-only"
	default:
		subject += "read-only with all below it"
	}
	if len(types) < len(spec.HostPathTypes()) {
		subject += ", of type " + strings.Join(types, " or ")
	}
	q.add(policy.KeyAllowedHostPaths, subject+", at or below", entry.PathPrefix, mountingHostPath(entry.PathPrefix, how, types[0]))
}

// typeFact is the type of a hostPath, by the name that a policy lists it by, as a fact.
func typeFact(name string) spec.Facts {
	return spec.TypeOf(&corev1.HostPathVolumeSource{Type: hostPathType(name)})
}

func (q *question) volumeTypes() {
	for i := range spec.VolumeTypes() {
		t := &spec.VolumeTypes()[i]
		if t.Name != spec.HostPath && q.letsMount(q.by, t) && !q.letsMount(q.against, t) {
			q.add(policy.KeyVolumes, "a volume of type", t.Name, withVolume(t))
		}
	}
}

// letsMount reports whether a policy lets a volume of a type be that is no hostPath:
// the level's own check and the policy's rule taken together.
func (q *question) letsMount(p *policy.Policy, t *spec.VolumeType) bool {
	free := t.Restricted || q.lv.Level == api.LevelBaseline
	switch {
	case p.Expired: // its list still demands, and excuses nothing
		return free && (p.Allow.Volumes == nil || p.Allow.Volume(t.Name))
	case p.Allow.Volumes != nil, p.Selects() && q.lv.Level == api.LevelRestricted:
		return p.Allow.Volume(t.Name)
	default:
		return free
	}
}

// profiles are the lists of one word.
func (q *question) profiles() {
	seccomp := spec.Checks(spec.CheckSeccompProfileBaseline, spec.CheckSeccompProfileRestricted)
	q.ask(seccomp, policy.Fault{Field: spec.FieldSeccompType, Value: "Unconfined"},
		"a container with the seccomp profile", "Unconfined",
		onContext(func(sc *corev1.SecurityContext) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}),
		annotated(spec.SeccompPodAnnotation, "unconfined"), annotated(spec.SeccompContainerAnnotation+"app", "unconfined"))
	// Where one policy fills in a profile, the other's excuse is needed only by a pod
	// in which none is filled in.
	q.ask(spec.Checks(spec.CheckSeccompProfileRestricted), policy.Fault{Field: spec.FieldSeccompType},
		"a container that is left without a seccomp profile", "",
		annotated(spec.SeccompPodAnnotation, "unconfined"))
	q.ask(spec.Checks(spec.CheckAppArmorProfile), policy.Fault{Field: spec.FieldAppArmorType, Value: "Unconfined"},
		"a container with the AppArmor profile", "Unconfined",
		onContext(func(sc *corev1.SecurityContext) {
			sc.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		}))
	procMount := spec.Checks(spec.CheckProcMount, spec.CheckProcMountRestricted)
	if q.frees(q.against, procMount) {
		return // Windows pods alone would need the grant, and have no /proc
	}
	q.ask(procMount, policy.Fault{Field: spec.FieldProcMount, Value: "Unmasked"},
		"a container with the /proc mount", "Unmasked",
		onContext(func(sc *corev1.SecurityContext) { sc.ProcMount = pointTo(corev1.UnmaskedProcMount) }))
}

func (q *question) others() {
	q.ask(spec.Checks(spec.CheckSELinuxOptions), policy.Fault{Field: spec.FieldSELinuxUser, Value: "system_u"},
		"a container with an SELinux type, user or role of its own", "",
		onContext(func(sc *corev1.SecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{User: "system_u"} }))
	hostProcess := onContext(func(sc *corev1.SecurityContext) {
		sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: pointTo(true)}
	})
	// API validation wants hostNetwork of such pods, which takes a grant of its own.
	q.ask(spec.Checks(spec.CheckWindowsHostProcess), policy.Fault{Field: spec.FieldHostProcess, Value: true},
		"a Windows host process container", "",
		both(hostProcess, onSpec(func(s *corev1.PodSpec) { s.HostNetwork = true })), hostProcess)
}

func (q *question) probeHosts() {
	hosts := q.by.Allow.AllowedProbeHosts
	for i, host := range hosts {
		if slices.Contains(hosts[:i], host) {
			continue
		}
		q.ask(spec.Checks(spec.CheckHostProbesAndHostLifecycle), policy.Fault{Field: spec.FieldReadinessTCPHost, Value: host},
			"a probe or lifecycle hook of the host", host, probing(host))
	}
}

func (q *question) readOnlyRoot() {
	if q.against.Allow.ReadOnlyRootFilesystem && !q.by.Allow.ReadOnlyRootFilesystem {
		q.add(policy.KeyReadOnlyRootFilesystem, "a container with a writable root filesystem", "",
			onContext(func(sc *corev1.SecurityContext) { sc.ReadOnlyRootFilesystem = pointTo(false) }))
	}
}

// userNamespace asks about pods without a user namespace, and about those that get one:
// in theirs the standard leaves some things free.
func (q *question) userNamespace() {
	by, against := q.by.Allow.RequiresUserNamespace(), q.against.Allow.RequiresUserNamespace()
	if against && !by {
		q.add(policy.KeyUserNamespace, "a pod without a user namespace of its own (hostUsers: true)", "",
			onSpec(func(s *corev1.PodSpec) { s.HostUsers = pointTo(true) }))
	}
	if by == against || against {
		return
	}
	freed := q.freed()
	if freed&rootChecks() != 0 && q.against.Allow.RunAsUser.Rule != policy.RunAsAny {
		maybeRoot := onContext(func(sc *corev1.SecurityContext) { sc.RunAsNonRoot = pointTo(false) })
		// What the pod says for nobody, since each container says the same itself, is
		// excused by no rule under which root is let be.
		idly := onPodContext(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = pointTo(false) })
		q.add(policy.KeyUserNamespace, "a container that may run as root, in the user namespace that is filled in", "",
			runningAs(0), maybeRoot, both(maybeRoot, runningAs(otherThanRoot(q.by.Allow.RunAsUser.Ranges))), both(idly, maybeRoot))
	}
	unmasked := policy.Fault{Field: spec.FieldProcMount, Value: "Unmasked"}
	for unmasked.Check = range (freed & spec.Checks(spec.CheckProcMount, spec.CheckProcMountRestricted)).All() {
		if _, excused := q.against.Excuses(&unmasked); !excused {
			q.add(policy.KeyUserNamespace, "a container with the /proc mount Unmasked, in the user namespace that is filled in", "",
				onContext(func(sc *corev1.SecurityContext) { sc.ProcMount = pointTo(corev1.UnmaskedProcMount) }))
		}
	}
}

// freed are the checks that pods with a user namespace need not pass.
func (q *question) freed() spec.CheckSet {
	return spec.For(q.lv, false, false).Checks &^ spec.For(q.lv, false, true).Checks
}

// frees reports whether the pods that a policy lets be need not pass those of some
// checks that are in force, for they have a user namespace. Windows pods have none, and
// no policy demands it of them.
func (q *question) frees(p *policy.Policy, checks spec.CheckSet) bool {
	return p.Allow.RequiresUserNamespace() && q.inForce(checks)&^q.freed() == 0
}

// everyValue is the entry of a list that stands for everything, and the end of a
// prefix.
const everyValue = "*"
