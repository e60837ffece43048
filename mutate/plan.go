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

// fill notes a change of a container's field, unless the whole pod is kept from
// it. parent is the field's own parent, where that may be missing too.
func (p *planner) fill(at spec.Container, c *corev1.Container, f, parent spec.Field, value any, control string) {
	if reason := p.forbids(); reason != "" {
		p.leave(at, f, reason)
		return
	}
	if c.SecurityContext == nil {
		parent = spec.FieldSecurityContext
	}
	p.change(Change{spec.At(at, f), value, control, parent})
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

func (p *planner) change(c Change) {
	if p.report.Changes == nil {
		// Most pods that need anything need most of it, in every container.
		n := len(p.pod.InitContainers) + len(p.pod.Containers) + len(p.pod.EphemeralContainers)
		p.report.Changes = make([]Change, 0, 2+6*n)
	}
	p.report.Changes = append(p.report.Changes, c)
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
		p.fill(at, c, f, "", false, titleEscalation)
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
		p.fill(at, c, f, spec.FieldCapabilities, []string{spec.CapabilityAll}, titleCapabilities)
	default:
		p.fill(at, c, f, "", []string{spec.CapabilityAll}, titleCapabilities)
	}
}

func (p *planner) privileged(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if sc.Privileged == nil {
		p.fill(at, c, spec.FieldPrivileged, "", false, titlePrivileged)
	}
}

func (p *planner) readOnlyRoot(at spec.Container, c *corev1.Container, sc *corev1.SecurityContext) {
	if p.policy.Allow.ReadOnlyRootFilesystem && sc.ReadOnlyRootFilesystem == nil {
		p.fill(at, c, spec.FieldReadOnlyRootFilesystem, "", true, "allow.readOnlyRootFilesystem")
	}
}

// group fills the container: on the pod it would reach the sandbox without a user.
func (p *planner) group(at spec.Container, c *corev1.Container) {
	if spec.EffectiveRunAsGroup(p.pod, c) != nil {
		return
	}
	if id, ok := p.policy.GroupFill(); ok {
		p.fill(at, c, spec.FieldRunAsGroup, "", id, "mutations.runAsGroup")
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
		p.fill(at, c, spec.FieldRunAsUser, "", *filled, titleNonRootUser)
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
	case c.SecurityContext == nil:
		p.change(Change{spec.At(at, f), true, titleNonRoot, spec.FieldSecurityContext})
	default:
		p.change(Change{spec.At(at, f), true, titleNonRoot, ""})
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
		p.fill(at, c, f, spec.FieldSeccompProfile, string(corev1.SeccompProfileTypeRuntimeDefault), titleSeccomp)
	}
}

// podGroups fills the groups that only a pod has.
func (p *planner) podGroups() {
	sc := p.pod.SecurityContext
	if sc == nil || sc.FSGroup == nil {
		if id, ok := p.policy.FSGroupFill(); ok {
			p.fillPod(spec.FieldPodFSGroup, id, "mutations.fsGroup")
		} else {
			p.leave(spec.Container{}, spec.FieldPodFSGroup, PolicyLeaves)
		}
	}
	if sc == nil || len(sc.SupplementalGroups) == 0 {
		if groups := p.policy.SupplementalGroupsFill(); len(groups) > 0 {
			p.fillPod(spec.FieldSupplementalGroups, groups, "mutations.supplementalGroups")
		} else {
			p.leave(spec.Container{}, spec.FieldSupplementalGroups, PolicyLeaves)
		}
	}
}

func (p *planner) fillPod(f spec.Field, value any, control string) {
	if reason := p.forbids(); reason != "" {
		p.leave(spec.Container{}, f, reason)
		return
	}
	created := spec.Field("")
	if p.pod.SecurityContext == nil {
		created = spec.FieldPodSecurityContext
	}
	p.change(Change{spec.At(spec.Container{}, f), value, control, created})
}

// The titles of the controls that changes serve.
var (
	titleEscalation   = spec.CheckAllowPrivilegeEscalation.Control().Title
	titleCapabilities = spec.CheckCapabilitiesRestricted.Control().Title
	titlePrivileged   = spec.CheckPrivileged.Control().Title
	titleNonRoot      = spec.CheckRunAsNonRoot.Control().Title
	titleNonRootUser  = spec.CheckRunAsUser.Control().Title
	titleSeccomp      = spec.CheckSeccompProfileRestricted.Control().Title
)
