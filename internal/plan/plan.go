package plan

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Plan is what is filled in, and what is not. The zero Plan is that of a pod
// that needs nothing.
type Plan struct {
	// Fills are in the order of the visit: the pod, then its containers.
	Fills []Fill
	// Groups are the supplemental groups that are filled in.
	Groups []int64
	// Unset are the fields that are left unset.
	Unset []Unset
}

// Fill is one field that is filled in.
type Fill struct {
	// The container, by name, index and kind; the zero kind is the pod.
	Name  string
	Index int32
	Kind  spec.ContainerKind
	Field FieldID
	// Lacks are the parents of the field that the pod lacks.
	Lacks Missing
	// Value is the ID, or 1 for true.
	Value int64
}

// Container is the container that is filled.
func (f *Fill) Container() spec.Container {
	return spec.Container{Kind: f.Kind, Index: f.Index, Name: f.Name}
}

// Missing says which of a field's parents the pod lacks, so that a patch must
// create them: the field is then a part of the value that one operation adds.
type Missing uint8

// What is missing.
const (
	Nothing Missing = iota
	Parent          // the object that holds the field
	Context         // the security context, and all below it

	MissingEnd
)

// Unset is one field that is left unset, and why.
type Unset struct {
	At    spec.Container
	Field spec.Field
	Why   Why
}

// Pod plans for a pod and all its containers; a nil policy is the default one.
func Pod(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) Plan {
	planner := newPlanner(meta, pod, p)
	planner.all()
	return planner.plan
}

// Complete reports whether the plan for a pod would fill nothing in.
func Complete(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) bool {
	planner := newPlanner(meta, pod, p)
	planner.asked = true
	planner.all()
	return !planner.fills
}

// EphemeralContainers plans for those ephemeral containers of updated that old,
// the running pod, does not have. They live with old's spec and annotations.
func EphemeralContainers(old, updated *corev1.Pod, p *policy.Policy) Plan {
	planner := newPlanner(&old.ObjectMeta, &old.Spec, p)
	planner.added(old, updated)
	return planner.plan
}

// EphemeralContainersComplete reports whether that plan would fill nothing in.
func EphemeralContainersComplete(old, updated *corev1.Pod, p *policy.Policy) bool {
	planner := newPlanner(&old.ObjectMeta, &old.Spec, p)
	planner.asked = true
	planner.added(old, updated)
	return !planner.fills
}

// Running returns the names of a pod's ephemeral containers, which an update can
// no longer change.
func Running(pod *corev1.Pod) map[string]bool {
	running := make(map[string]bool, len(pod.Spec.EphemeralContainers))
	for i := range pod.Spec.EphemeralContainers {
		running[pod.Spec.EphemeralContainers[i].Name] = true
	}
	return running
}

// planner decides field by field.
type planner struct {
	meta   *metav1.ObjectMeta
	pod    *corev1.PodSpec
	policy *policy.Policy
	plan   Plan

	// view is what the policy says about the container that is planned for.
	view policy.View

	// asked: only whether something is filled in is wanted, which fills answers.
	asked, fills bool

	windows, mirror, userNamespace bool
}

var defaultPolicy = policy.Default()

func newPlanner(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) planner {
	if p == nil {
		p = defaultPolicy
	}
	return planner{
		meta:          meta,
		pod:           pod,
		policy:        p,
		windows:       spec.IsWindows(pod),
		mirror:        spec.IsMirror(meta),
		userNamespace: spec.InUserNamespace(pod),
	}
}

// added plans for the ephemeral containers of an update that are new.
func (p *planner) added(old, updated *corev1.Pod) {
	running := Running(old)
	for at, c := range podwalk.EphemeralContainers(&updated.Spec) {
		if !running[c.Name] {
			p.container(at, c)
		}
	}
}

// all plans for the pod and all its containers.
func (p *planner) all() {
	p.hostUsers()
	p.podGroups()
	for at, c := range podwalk.Containers(p.pod) {
		if p.asked && p.fills {
			return
		}
		p.container(at, c)
	}
}

// noSecurityContext stands for the security context of a container without one.
// Nothing writes to it.
var noSecurityContext corev1.SecurityContext

func (p *planner) container(at spec.Container, c *corev1.Container) {
	sc := c.SecurityContext
	if sc == nil {
		sc = &noSecurityContext
	}
	p.view = p.policy.For(at.Kind, c)
	p.escalation(at, c, sc)
	p.drop(at, c, sc)
	p.privileged(at, c, sc)
	p.readOnlyRoot(at, c, sc)
	p.group(at, c)
	p.nonRootAndUser(at, c)
	p.seccomp(at, c)
}

// fill notes that a container's field is filled in, unless the whole pod is kept
// from it. lacks is the parent of the field that is missing, if the security
// context is there.
func (p *planner) fill(at spec.Container, c *corev1.Container, f FieldID, lacks Missing, value int64) {
	if reason := p.forbids(); reason != free {
		p.leave(at, fields[f].Path, reason)
		return
	}
	p.add(at, c, f, lacks, value)
}

// add notes that a container's field is filled, whatever the pod. Without a
// security context that is what is missing.
func (p *planner) add(at spec.Container, c *corev1.Container, f FieldID, lacks Missing, value int64) {
	if c.SecurityContext == nil {
		lacks = Context
	}
	p.note(Fill{at.Name, at.Index, at.Kind, f, lacks, value})
}

// forbids is why nothing but runAsNonRoot may be set on the pod, free if it may.
func (p *planner) forbids() Why {
	switch {
	case p.mirror:
		return Mirror
	case p.windows:
		return Windows
	default:
		return free
	}
}

func (p *planner) note(f Fill) {
	if p.fills = true; p.asked {
		return
	}
	if p.plan.Fills == nil {
		// Most pods that need anything need most of it, in every container.
		n := len(p.pod.InitContainers) + len(p.pod.Containers) + len(p.pod.EphemeralContainers)
		p.plan.Fills = make([]Fill, 0, 3+6*n)
	}
	p.plan.Fills = append(p.plan.Fills, f)
}

func (p *planner) leave(at spec.Container, f spec.Field, why Why) {
	if p.asked {
		return
	}
	p.plan.Unset = append(p.plan.Unset, Unset{at, f, why})
}

func (p *planner) escalation(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	const f = spec.FieldAllowPrivilegeEscalation
	switch {
	case sc.AllowPrivilegeEscalation != nil:
	case p.view.AllowsPrivilegeEscalation():
		p.leave(at, f, PolicyLeaves)
	case spec.IsPrivileged(c):
		p.leave(at, f, PrivilegedContainer)
	case spec.AddsSysAdmin(c):
		p.leave(at, f, AddsSysAdmin)
	default:
		p.fill(at, c, Escalation, Nothing, 0)
	}
}

func (p *planner) drop(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	const f = spec.FieldCapabilitiesDrop
	switch {
	case sc.Capabilities != nil && len(sc.Capabilities.Drop) > 0:
	case !p.view.DropsAllCapabilities():
		p.leave(at, f, PolicyLeaves)
	case spec.IsPrivileged(c) && p.view.AllowsPrivileged():
		p.leave(at, f, PrivilegedContainer)
	case sc.Capabilities == nil:
		p.fill(at, c, CapabilitiesDrop, Parent, 0)
	default:
		p.fill(at, c, CapabilitiesDrop, Nothing, 0)
	}
}

func (p *planner) privileged(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if sc.Privileged == nil {
		p.fill(at, c, Privileged, Nothing, 0)
	}
}

func (p *planner) readOnlyRoot(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if p.policy.Allow.ReadOnlyRootFilesystem && sc.ReadOnlyRootFilesystem == nil {
		p.fill(at, c, ReadOnlyRoot, Nothing, 1)
	}
}

// group fills the container: on the pod it would reach the sandbox without a user.
func (p *planner) group(at spec.Container, c *corev1.Container) {
	if spec.EffectiveRunAsGroup(p.pod, c) != nil {
		return
	}
	if id, ok := p.view.GroupFill(); ok {
		p.fill(at, c, RunAsGroup, Nothing, id)
	} else {
		p.leave(at, spec.FieldRunAsGroup, PolicyLeaves)
	}
}

// nonRootAndUser decides both together: the kubelet refuses a container that
// must not run as root and has UID 0.
func (p *planner) nonRootAndUser(at spec.Container, c *corev1.Container) {
	nonRoot := spec.EffectiveRunAsNonRoot(p.pod, c)
	uid := spec.EffectiveRunAsUser(p.pod, c)
	var filled *int64
	if uid == nil {
		filled = p.userFill(at, nonRoot)
	}
	root := uid != nil && *uid == 0 || filled != nil && *filled == 0
	p.nonRoot(at, c, nonRoot, root)
	if filled != nil {
		p.fill(at, c, RunAsUser, Nothing, *filled)
	}
}

// notKept is the effective runAsNonRoot of a container that nothing keeps from root.
var notKept = false

// userFill is the UID to fill, nil for none, beside an effective runAsNonRoot.
func (p *planner) userFill(at spec.Container, nonRoot *bool) *int64 {
	if nonRoot == nil && p.userNamespace { // it stays unset
		nonRoot = &notKept
	}
	if !p.view.FillsUser() {
		return nil
	}
	if reason := p.forbids(); reason != free {
		p.leave(at, spec.FieldRunAsUser, reason)
		return nil
	}
	id, ok := p.view.UserFill(nonRoot)
	if !ok {
		// Else only a container that nothing keeps from root would get a user, 0.
		if p.policy.Expired || nonRoot != nil && *nonRoot {
			p.leave(at, spec.FieldRunAsUser, NonRoot)
		}
		return nil
	}
	return &id
}

// nonRoot is the one field that Windows pods carry too.
func (p *planner) nonRoot(at spec.Container, c *corev1.Container, effective *bool, root bool) {
	const f = spec.FieldRunAsNonRoot
	switch {
	case effective != nil:
		if own := c.SecurityContext; !*effective && (own == nil || own.RunAsNonRoot == nil) {
			p.leave(at, f, Inherited)
		}
	case p.view.AllowsAnyUser():
		p.leave(at, f, PolicyLeaves)
	case root:
		p.leave(at, f, RootUser)
	case spec.RunsAsAdministrator(p.pod, c):
		p.leave(at, f, Administrator)
	case p.userNamespace:
		p.leave(at, f, UserNamespace)
	case p.mirror:
		p.leave(at, f, Mirror)
	default:
		p.add(at, c, RunAsNonRoot, Nothing, 1)
	}
}

func (p *planner) seccomp(at spec.Container, c *corev1.Container) {
	const f = spec.FieldSeccompType
	if effective := spec.EffectiveSeccompProfile(p.pod, c); effective != nil {
		if own := c.SecurityContext; !hotpath.SeccompTypeAllowed(effective.Type) && (own == nil || own.SeccompProfile == nil) {
			p.leave(at, f, Inherited)
		}
		return
	}
	annotation, annotated := spec.SeccompAnnotation(p.meta.Annotations, c.Name)
	switch {
	case !p.view.SetsSeccompProfile():
		p.leave(at, f, PolicyLeaves)
	case annotated && !hotpath.SeccompAnnotationIsDefault(annotation):
		p.leave(at, f, Annotation)
	default:
		p.fill(at, c, SeccompType, Parent, 0)
	}
}

// hostUsers gives the pod a user namespace of its own. What its containers need is
// filled in all the same: versions of the standard before v1.35 demand it.
func (p *planner) hostUsers() {
	if !p.policy.Allow.RequiresUserNamespace() || p.pod.HostUsers != nil {
		return
	}
	why := p.forbids()
	if why == free {
		switch spec.ForbidsUserNamespace(p.pod) {
		case "":
			p.note(Fill{Field: HostUsers})
			return
		case spec.VolumeDevices:
			why = VolumeDevices
		default:
			why = HostNamespaces
		}
	}
	p.leave(spec.Container{}, spec.FieldHostUsers, why)
}

// fsGroup fills the group of the volumes, and when the kubelet hands them over to it.
func (p *planner) fsGroup(sc *corev1.PodSecurityContext) {
	id, filled := p.policy.FSGroupFill()
	set := sc != nil && sc.FSGroup != nil
	switch {
	case set:
	case filled:
		p.fillPod(PodFSGroup, id)
	default:
		p.leave(spec.Container{}, spec.FieldPodFSGroup, PolicyLeaves)
	}
	switch {
	case p.policy.Mutations.FSGroupChangePolicy == "" || sc != nil && sc.FSGroupChangePolicy != nil:
	case set || filled || p.forbids() != free:
		p.fillPod(PodFSGroupChangePolicy, 0)
	default:
		p.leave(spec.Container{}, spec.FieldPodFSGroupChangePolicy, NoFSGroup)
	}
}

// podGroups fills the groups that only a pod has.
func (p *planner) podGroups() {
	sc := p.pod.SecurityContext
	p.fsGroup(sc)
	if sc == nil || len(sc.SupplementalGroups) == 0 {
		switch {
		case !p.policy.FillsSupplementalGroups():
			p.leave(spec.Container{}, spec.FieldSupplementalGroups, PolicyLeaves)
		case p.forbids() == free && !p.asked:
			p.plan.Groups = p.policy.SupplementalGroupsFill()
			fallthrough
		default:
			p.fillPod(PodSupplementalGroups, 0)
		}
	}
	if p.policy.Allow.SupplementalGroups.IsStrict() && (sc == nil || sc.SupplementalGroupsPolicy == nil) {
		p.fillPod(PodSupplementalGroupsPolicy, 0)
	}
}

func (p *planner) fillPod(f FieldID, value int64) {
	if reason := p.forbids(); reason != free {
		p.leave(spec.Container{}, fields[f].Path, reason)
		return
	}
	lacks := Nothing
	if p.pod.SecurityContext == nil {
		lacks = Context
	}
	p.note(Fill{Field: f, Lacks: lacks, Value: value})
}
