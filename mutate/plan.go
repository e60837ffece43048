package mutate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// planner decides what is filled in, field by field, and writes it into the
// report. It changes nothing: apply does, from the report alone, so that the
// pod, the patch and the report cannot differ.
type planner struct {
	meta   *metav1.ObjectMeta
	pod    *corev1.PodSpec
	policy *policy.Policy
	report Report

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

// all plans for the pod and all its containers.
func (p *planner) all() {
	p.podGroups()
	for at, c := range podwalk.Containers(p.pod) {
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
	p.escalation(at, c, sc)
	p.drop(at, c, sc)
	p.privileged(at, c, sc)
	p.readOnlyRoot(at, c, sc)
	p.group(at, c)
	p.nonRootAndUser(at, c)
	p.seccomp(at, c)
}

// fill notes that a container's field is filled, unless the whole pod is kept
// from it. lacks is the parent of the field that is missing, if the security
// context is there.
func (p *planner) fill(at spec.Container, c *corev1.Container, f fieldID, lacks missing, value int64) {
	if reason := p.forbids(); reason != "" {
		p.leave(at, fields[f].path, reason)
		return
	}
	p.add(at, c, f, lacks, value)
}

// add notes that a container's field is filled, whatever the pod. Without a
// security context that is what is missing.
func (p *planner) add(at spec.Container, c *corev1.Container, f fieldID, lacks missing, value int64) {
	if c.SecurityContext == nil {
		lacks = context
	}
	p.note(fill{at.Name, int32(at.Index), at.Kind, f, lacks, value})
}

// forbids is why nothing but runAsNonRoot may be set on the pod, "" if it may.
func (p *planner) forbids() Reason {
	switch {
	case p.mirror:
		return Mirror
	case p.windows:
		return Windows
	default:
		return ""
	}
}

func (p *planner) note(f fill) {
	if p.report.fills == nil {
		// Most pods that need anything need most of it, in every container.
		n := len(p.pod.InitContainers) + len(p.pod.Containers) + len(p.pod.EphemeralContainers)
		p.report.fills = make([]fill, 0, 2+6*n)
	}
	p.report.fills = append(p.report.fills, f)
}

func (p *planner) leave(at spec.Container, f spec.Field, why Reason) {
	p.report.Unset = append(p.report.Unset, Unset{spec.At(at, f), why})
}

func (p *planner) escalation(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	const f = spec.FieldAllowPrivilegeEscalation
	switch {
	case sc.AllowPrivilegeEscalation != nil:
	case p.policy.Allow.AllowPrivilegeEscalation:
		p.leave(at, f, PolicyLeaves)
	case spec.IsPrivileged(c):
		p.leave(at, f, PrivilegedContainer)
	case spec.AddsSysAdmin(c):
		p.leave(at, f, AddsSysAdmin)
	default:
		p.fill(at, c, escalation, nothing, 0)
	}
}

func (p *planner) drop(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	const f = spec.FieldCapabilitiesDrop
	switch {
	case sc.Capabilities != nil && len(sc.Capabilities.Drop) > 0:
	case !p.policy.Mutations.DropsAllCapabilities():
		p.leave(at, f, PolicyLeaves)
	case spec.IsPrivileged(c) && p.policy.Allow.Privileged:
		p.leave(at, f, PrivilegedContainer)
	case sc.Capabilities == nil:
		p.fill(at, c, capabilitiesDrop, parent, 0)
	default:
		p.fill(at, c, capabilitiesDrop, nothing, 0)
	}
}

func (p *planner) privileged(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if sc.Privileged == nil {
		p.fill(at, c, privileged, nothing, 0)
	}
}

func (p *planner) readOnlyRoot(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if p.policy.Allow.ReadOnlyRootFilesystem && sc.ReadOnlyRootFilesystem == nil {
		p.fill(at, c, readOnlyRoot, nothing, 1)
	}
}

// group fills the container: on the pod it would reach the sandbox without a user.
func (p *planner) group(at spec.Container, c *corev1.Container) {
	if spec.EffectiveRunAsGroup(p.pod, c) != nil {
		return
	}
	if id, ok := p.policy.GroupFill(); ok {
		p.fill(at, c, runAsGroup, nothing, id)
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
		filled = p.userFill(at, nonRoot != nil && *nonRoot)
	}
	root := uid != nil && *uid == 0 || filled != nil && *filled == 0
	p.nonRoot(at, c, nonRoot, root)
	if filled != nil {
		p.fill(at, c, runAsUser, nothing, *filled)
	}
}

// userFill is the UID to fill, nil for none.
func (p *planner) userFill(at spec.Container, nonRoot bool) *int64 {
	if _, given := p.policy.UserFill(false); !given {
		return nil
	}
	if reason := p.forbids(); reason != "" {
		p.leave(at, spec.FieldRunAsUser, reason)
		return nil
	}
	id, ok := p.policy.UserFill(nonRoot)
	if !ok {
		p.leave(at, spec.FieldRunAsUser, NonRoot)
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
	case p.policy.Allow.RunAsUser.Rule == policy.RunAsAny:
		p.leave(at, f, PolicyLeaves)
	case root:
		p.leave(at, f, RootUser)
	case p.userNamespace:
		p.leave(at, f, UserNamespace)
	case p.mirror:
		p.leave(at, f, Mirror)
	default:
		p.add(at, c, runAsNonRoot, nothing, 1)
	}
}

func (p *planner) seccomp(at spec.Container, c *corev1.Container) {
	const f = spec.FieldSeccompType
	if effective := spec.EffectiveSeccompProfile(p.pod, c); effective != nil {
		if own := c.SecurityContext; !spec.SeccompTypeAllowed(effective.Type) && (own == nil || own.SeccompProfile == nil) {
			p.leave(at, f, Inherited)
		}
		return
	}
	annotation, annotated := spec.SeccompAnnotation(p.meta.Annotations, c.Name)
	switch {
	case !p.policy.Mutations.SetsSeccompProfile():
		p.leave(at, f, PolicyLeaves)
	case annotated && !spec.SeccompAnnotationIsDefault(annotation):
		p.leave(at, f, Annotation)
	default:
		p.fill(at, c, seccompType, parent, 0)
	}
}

// podGroups fills the groups that only a pod has.
func (p *planner) podGroups() {
	sc := p.pod.SecurityContext
	if sc == nil || sc.FSGroup == nil {
		if id, ok := p.policy.FSGroupFill(); ok {
			p.fillPod(podFSGroup, id)
		} else {
			p.leave(spec.Container{}, spec.FieldPodFSGroup, PolicyLeaves)
		}
	}
	if sc == nil || len(sc.SupplementalGroups) == 0 {
		if groups := p.policy.SupplementalGroupsFill(); len(groups) > 0 {
			p.report.groups = groups
			p.fillPod(podSupplementalGroups, 0)
		} else {
			p.leave(spec.Container{}, spec.FieldSupplementalGroups, PolicyLeaves)
		}
	}
}

func (p *planner) fillPod(f fieldID, value int64) {
	if reason := p.forbids(); reason != "" {
		p.leave(spec.Container{}, fields[f].path, reason)
		return
	}
	lacks := nothing
	if p.pod.SecurityContext == nil {
		lacks = context
	}
	p.note(fill{field: f, lacks: lacks, value: value})
}
