package podgen_test

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// wantOddities are cases that no list of the library names: they are what
// authors write, and what has misled evaluators before.
func (c *tally) wantOddities() {
	c.want(500, "init container", "that ends", "sidecar")
	c.want(200, "os", "none", "linux", "windows", `""`, `"Windows"`)
	c.want(200, "hostUsers", "unset", "true", "false")
	c.want(50, "hostUsers=false on windows", "drawn")
	c.want(200, "container names", "all differ", "empty")
	c.want(40, "container names", "twice in a list", "twice in a pod")
	c.want(100, "capabilities added", "as in the standard", "CAP_", "lower case", "mixed case", "empty string", "ALL", "all", "twice")
	c.want(100, "capabilities dropped", "ALL", "all", "CAP_ALL", "empty string", "ALL beside others", "twice")
	for _, shape := range []string{"clean", "/", "trailing slash", "..", ".", "//", "relative", "empty"} {
		c.want(10, "hostPath "+shape, "mounted writable", "mounted read-only", "not mounted")
		c.want(0, "hostPath "+shape, "mounted as a device")
	}
	c.want(10, "allowedHostPaths", "covers, to be written to", "covers, read-only", "covers, but is mounted writable",
		"a look-alike", "left by ..", "does not cover", "covers on Windows", "does not cover on Windows",
		"its types admit", "its types do not admit")
	c.want(1, "allowedHostPaths", "mounted recursively read-only, as it demands", "not so") // few, and tried exhaustively
	for _, kind := range []string{"seccomp of the pod", "seccomp of a container", "seccomp of none", "AppArmor of a container", "AppArmor of none"} {
		c.want(20, "annotation "+kind, "runtime/default", "unconfined", "localhost/", "empty", "other")
		if strings.HasPrefix(kind, "seccomp") {
			c.want(20, "annotation "+kind, "docker/default")
		}
	}
	c.want(200, "annotation of a mirror pod", "drawn")
}

func (c *tally) oddities(pod *corev1.Pod) {
	seen := map[[2]string]bool{}
	see := func(subject, becomes string) { seen[[2]string{subject, becomes}] = true }
	switch os := pod.Spec.OS; {
	case os == nil:
		see("os", "none")
	case os.Name == corev1.Linux || os.Name == corev1.Windows:
		see("os", string(os.Name))
	default:
		see("os", `"`+string(os.Name)+`"`)
	}
	switch users := pod.Spec.HostUsers; {
	case users == nil:
		see("hostUsers", "unset")
	case *users:
		see("hostUsers", "true")
	default:
		see("hostUsers", "false")
		if spec.IsWindows(&pod.Spec) {
			see("hostUsers=false on windows", "drawn")
		}
	}
	names, inList := map[string]bool{}, map[spec.Container]bool{}
	twice := false
	for at, container := range podwalk.Containers(&pod.Spec) {
		if at.Kind == spec.InitContainer {
			see("init container", map[bool]string{true: "that ends", false: "sidecar"}[container.RestartPolicy == nil])
		}
		if at.Name == "" {
			see("container names", "empty")
		}
		if names[at.Name] {
			twice = true
			see("container names", "twice in a pod")
		}
		key := spec.Container{Kind: at.Kind, Name: at.Name}
		if inList[key] {
			see("container names", "twice in a list")
		}
		names[at.Name], inList[key] = true, true
		if sc := container.SecurityContext; sc != nil && sc.Capabilities != nil {
			capabilitiesOf(sc.Capabilities, see)
		}
	}
	if len(names) > 1 && !twice {
		see("container names", "all differ")
	}
	annotationsOf(pod, names, see)
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.HostPath != nil {
			see("hostPath "+pathShape(v.HostPath.Path), mounted(&pod.Spec, v.Name))
		}
	}
	for k := range seen {
		c.count(k[0], k[1])
	}
}

func capabilitiesOf(caps *corev1.Capabilities, see func(subject, becomes string)) {
	for i, add := range caps.Add {
		name := string(add)
		if slices.Contains(caps.Add[:i], add) {
			see("capabilities added", "twice")
		}
		switch {
		case name == "":
			see("capabilities added", "empty string")
		case name == "ALL" || name == "all":
			see("capabilities added", name)
		case strings.HasPrefix(name, "CAP_"):
			see("capabilities added", "CAP_")
		case name == strings.ToUpper(name):
			see("capabilities added", "as in the standard")
		case name == strings.ToLower(name):
			see("capabilities added", "lower case")
		default:
			see("capabilities added", "mixed case")
		}
	}
	for i, drop := range caps.Drop {
		if slices.Contains(caps.Drop[:i], drop) {
			see("capabilities dropped", "twice")
		}
		switch name := string(drop); name {
		case "":
			see("capabilities dropped", "empty string")
		case "ALL", "all", "CAP_ALL":
			see("capabilities dropped", name)
		}
	}
	if len(caps.Drop) > 1 && slices.Contains(caps.Drop, "ALL") {
		see("capabilities dropped", "ALL beside others")
	}
}

func annotationsOf(pod *corev1.Pod, names map[string]bool, see func(subject, becomes string)) {
	of := func(name string) string {
		if names[name] {
			return " of a container"
		}
		return " of none"
	}
	for key, value := range pod.Annotations {
		kind := ""
		if name, ok := strings.CutPrefix(key, spec.SeccompContainerAnnotation); ok {
			kind = "seccomp" + of(name)
		} else if name, ok := strings.CutPrefix(key, spec.AppArmorAnnotation); ok {
			kind = "AppArmor" + of(name)
		} else if key == spec.SeccompPodAnnotation {
			kind = "seccomp of the pod"
		} else if key == corev1.MirrorPodAnnotationKey {
			see("annotation of a mirror pod", "drawn")
		}
		switch {
		case kind == "":
		case value == "":
			see("annotation "+kind, "empty")
		case strings.HasPrefix(value, "localhost/"):
			see("annotation "+kind, "localhost/")
		default:
			see("annotation "+kind, value)
		}
	}
}

// pathShape is how a path is written.
func pathShape(path string) string {
	segments := strings.Split(path, "/")
	switch {
	case path == "" || path == "/":
		return map[string]string{"": "empty", "/": "/"}[path]
	case slices.Contains(segments, ".."):
		return ".."
	case slices.Contains(segments, "."):
		return "."
	case strings.Contains(path, "//"):
		return "//"
	case path[0] != '/':
		return "relative"
	case strings.HasSuffix(path, "/"):
		return "trailing slash"
	default:
		return "clean"
	}
}

// prefixes counts how the paths of a pod lie to those that the policy allows.
func (c *tally) prefixes(pod *corev1.Pod, p *policy.Policy) {
	seen := map[string]bool{}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.HostPath == nil {
			continue
		}
		for _, allowed := range p.Allow.AllowedHostPaths {
			writable := mounted(&pod.Spec, v.Name) == "mounted writable"
			begins := strings.HasPrefix(v.HostPath.Path, allowed.PathPrefix) && allowed.PathPrefix != "/"
			covers := policy.Covers(allowed.PathPrefix, v.HostPath.Path)
			if spec.IsWindows(&pod.Spec) {
				covers = policy.CoversWindows(allowed.PathPrefix, v.HostPath.Path)
				seen[map[bool]string{true: "covers on Windows", false: "does not cover on Windows"}[covers]] = true
			}
			if covers {
				demanded(&pod.Spec, v, &allowed, seen)
			}
			switch {
			case covers && !allowed.ReadOnly:
				seen["covers, to be written to"] = true
			case covers && writable:
				seen["covers, but is mounted writable"] = true
			case covers:
				seen["covers, read-only"] = true
			case begins && pathShape(v.HostPath.Path) == "..":
				seen["left by .."] = true
			case begins && pathShape(v.HostPath.Path) == "clean":
				seen["a look-alike"] = true
			default:
				seen["does not cover"] = true
			}
		}
	}
	for how := range seen {
		c.count("allowedHostPaths", how)
	}
}

// demanded counts what else an entry demands of a volume that it covers.
func demanded(pod *corev1.PodSpec, v *corev1.Volume, allowed *policy.HostPath, seen map[string]bool) {
	if allowed.Types != nil {
		listed := slices.Contains(allowed.Types, spec.TypeOf(v.HostPath).HostPathType())
		seen[map[bool]string{true: "its types admit", false: "its types do not admit"}[listed]] = true
	}
	if !allowed.RecursiveReadOnly || mounted(pod, v.Name) != "mounted read-only" {
		return
	}
	deep := true
	for _, container := range podwalk.Containers(pod) {
		for _, m := range container.VolumeMounts {
			enabled := m.RecursiveReadOnly != nil && *m.RecursiveReadOnly == corev1.RecursiveReadOnlyEnabled
			deep = deep && (m.Name != v.Name || enabled)
		}
	}
	seen[map[bool]string{true: "mounted recursively read-only, as it demands", false: "not so"}[deep]] = true
}

// wantRuleLevels: what a rule of the policy admits, refuses and misses, on the pod
// and on a container.
func (c *tally) wantRuleLevels() {
	for _, rule := range []string{"allow.runAsUser", "allow.runAsGroup"} {
		for _, pod := range []string{"unset", "good", "bad"} {
			for _, own := range []string{"unset", "good", "bad"} {
				c.want(10, "levels under "+rule, pod+"/"+own)
			}
		}
	}
}

func (c *tally) ruleLevels(pod *corev1.Pod, p *policy.Policy) {
	value := func(id *int64, ranges []policy.IDRange) string {
		switch {
		case id == nil:
			return "unset"
		case policy.InRanges(ranges, *id):
			return "good"
		default:
			return "bad"
		}
	}
	seen := map[[2]string]bool{}
	ofPod := pod.Spec.SecurityContext
	if ofPod == nil {
		ofPod = &corev1.PodSecurityContext{}
	}
	for _, container := range podwalk.Containers(&pod.Spec) {
		own := container.SecurityContext
		if own == nil {
			own = &corev1.SecurityContext{}
		}
		if ranges := p.Allow.RunAsUser.Ranges; len(ranges) > 0 {
			seen[[2]string{"levels under allow.runAsUser", value(ofPod.RunAsUser, ranges) + "/" + value(own.RunAsUser, ranges)}] = true
		}
		if ranges := p.Allow.RunAsGroup.Ranges; len(ranges) > 0 {
			seen[[2]string{"levels under allow.runAsGroup", value(ofPod.RunAsGroup, ranges) + "/" + value(own.RunAsGroup, ranges)}] = true
		}
	}
	for k := range seen {
		c.count(k[0], k[1])
	}
}

// groupFields are the groups that Mutate fills.
var groupFields = []spec.Field{spec.FieldRunAsGroup, spec.FieldPodFSGroup, spec.FieldSupplementalGroups}

// wantValues: every way to the value of a fill, and every cause of a reason that
// has several.
func (c *tally) wantValues() {
	for _, f := range groupFields {
		c.want(200, "value of "+f.String(), "named", "default", "first of a range")
	}
	c.want(100, "value of "+spec.FieldRunAsUser.String(), "named", "first of a range", "an entry's")
	c.want(100, "value of "+spec.FieldRunAsGroup.String(), "an entry's")
	c.want(20, "value of "+spec.FieldRunAsUser.String(), "0", "another one than 0 beside runAsNonRoot")
	c.want(50, "left for an annotation", "the container's", "the pod's")
	c.want(25, "filled beside an annotation", "the container's", "the pod's")
	c.want(50, "left for UID 0", "the container's", "the pod's", "filled in")
	c.want(20, "left for ContainerAdministrator", "the container's", "the pod's")
	c.want(50, "left as inherited", "runAsNonRoot=false", "seccomp Unconfined", "another seccomp type")
	c.want(60, "fill "+spec.FieldCapabilitiesDrop.String(), "beside an empty drop", "in a security context without capabilities")
}

// values counts where the values of a report come from.
func (c *tally) values(pod *corev1.Pod, p *policy.Policy, report *mutate.Report) {
	seen := map[[2]string]bool{}
	see := func(subject, becomes string) { seen[[2]string{subject, becomes}] = true }
	for _, change := range report.Changes() {
		sc := contextOf(pod, change.Container)
		subject := "value of " + change.Field.String()
		if fromEntry(p, &change) {
			see(subject, "an entry's")
			continue
		}
		switch change.Field {
		case spec.FieldRunAsGroup:
			see(subject, groupSource(p.Mutations.RunAsGroup != nil, &p.Allow.RunAsGroup))
		case spec.FieldPodFSGroup:
			see(subject, groupSource(p.Mutations.FSGroup != nil, &p.Allow.FSGroup))
		case spec.FieldSupplementalGroups:
			see(subject, groupSource(p.Mutations.SupplementalGroups != nil, &p.Allow.SupplementalGroups.GroupRule))
		case spec.FieldRunAsUser:
			id, named, ranges := change.Value.(int64), p.Mutations.RunAsUser, p.Allow.RunAsUser.Ranges
			switch {
			case named != nil && *named == id:
				see(subject, "named")
			case ranges[0].Min == id:
				see(subject, "first of a range")
			default:
				see(subject, "another one than 0 beside runAsNonRoot")
			}
			if id == 0 {
				see(subject, "0")
			}
		case spec.FieldCapabilitiesDrop:
			if sc != nil && sc.Capabilities == nil {
				see("fill "+change.Field.String(), "in a security context without capabilities")
			} else if sc != nil && sc.Capabilities.Drop != nil {
				see("fill "+change.Field.String(), "beside an empty drop")
			}
		case spec.FieldSeccompType:
			if whose := annotated(pod, change.Container.Name); whose != "" {
				see("filled beside an annotation", whose)
			}
		}
	}
	for _, unset := range report.Unset() {
		sc := contextOf(pod, unset.Container)
		switch {
		case unset.Reason == mutate.Annotation:
			see("left for an annotation", annotated(pod, unset.Container.Name))
		case unset.Reason == mutate.RootUser && sc != nil && sc.RunAsUser != nil:
			see("left for UID 0", "the container's")
		case unset.Reason == mutate.RootUser && pod.Spec.SecurityContext != nil && pod.Spec.SecurityContext.RunAsUser != nil:
			see("left for UID 0", "the pod's")
		case unset.Reason == mutate.RootUser:
			see("left for UID 0", "filled in")
		case unset.Reason == mutate.Administrator && sc != nil && sc.WindowsOptions != nil && sc.WindowsOptions.RunAsUserName != nil:
			see("left for ContainerAdministrator", "the container's")
		case unset.Reason == mutate.Administrator:
			see("left for ContainerAdministrator", "the pod's")
		case unset.Reason == mutate.Inherited && unset.Field == spec.FieldRunAsNonRoot:
			see("left as inherited", "runAsNonRoot=false")
		case unset.Reason == mutate.Inherited && pod.Spec.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined:
			see("left as inherited", "seccomp Unconfined")
		case unset.Reason == mutate.Inherited:
			see("left as inherited", "another seccomp type")
		}
	}
	for k := range seen {
		c.count(k[0], k[1])
	}
}

func groupSource(named bool, rule *policy.GroupRule) string {
	switch {
	case named:
		return "named"
	case rule.Admits(1):
		return "default"
	default:
		return "first of a range"
	}
}

// annotated says whose legacy annotation speaks of a container's seccomp profile,
// "" for nobody's.
func annotated(pod *corev1.Pod, container string) string {
	if _, found := pod.Annotations[spec.SeccompContainerAnnotation+container]; found {
		return "the container's"
	}
	if _, found := pod.Annotations[spec.SeccompPodAnnotation]; found {
		return "the pod's"
	}
	return ""
}

// fromEntry reports whether an ID that was filled into a container is none that the
// policy alone would fill in.
func fromEntry(p *policy.Policy, change *mutate.Change) bool {
	switch change.Field {
	case spec.FieldRunAsUser:
		usual, usually := p.UserFill(false)
		nonRoot, ok := p.UserFill(true)
		return !(usually && change.Value == usual || ok && change.Value == nonRoot)
	case spec.FieldRunAsGroup:
		id, ok := p.GroupFill()
		return !ok || change.Value != id
	default:
		return false
	}
}
