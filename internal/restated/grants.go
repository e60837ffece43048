package restated

import (
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Grants reports whether the policy excuses the violation of a check at a place,
// value being what stands there: by what it says itself, or for each container that
// the place speaks for by that or an entry that matches the container.
func (c Case) Grants(check spec.CheckID, at spec.Location, value any) bool {
	reached := c.Reached(at)
	if c.grantsThese(check, at, value, reached) {
		return true
	}
	for _, one := range reached {
		granted := func(part *policy.Policy) bool {
			return Case{Pod: c.Pod, Policy: part}.grantsThese(check, at, value, []spec.Container{one})
		}
		if !slices.ContainsFunc(c.parts(one), granted) {
			return false
		}
	}
	return len(reached) > 0
}

// grantsThese is the table of grants, for a place that speaks for some containers.
func (c Case) grantsThese(check spec.CheckID, at spec.Location, value any, reached []spec.Container) bool {
	pod, own := contexts(c.Pod, at.Container)
	allow := &c.Policy.Allow
	isPrivileged := allow.Privileged && is(own.Privileged, true)
	switch check {
	case spec.CheckPrivileged:
		return allow.Privileged
	case spec.CheckAllowPrivilegeEscalation:
		return allow.AllowPrivilegeEscalation || isPrivileged || addsSysAdmin(own) && c.grantsCapability("SYS_ADMIN")
	case spec.CheckCapabilitiesBaseline, spec.CheckCapabilitiesRestricted:
		if Path(at.Field) == "securityContext.capabilities.drop" {
			return is(c.Policy.Mutations.DropAllCapabilities, false) || isPrivileged
		}
		return c.grantsCapability(string(own.Capabilities.Add[at.Index]))
	case spec.CheckRunAsNonRoot:
		return allow.RunAsUser.Rule == "RunAsAny" || c.grantsRoot() && len(reached) > 0 && !slices.ContainsFunc(reached, func(at spec.Container) bool { return !c.RunsAsRoot(at) })
	case spec.CheckRunAsUser:
		return allow.RunAsUser.Rule == "RunAsAny" || c.grantsRoot()
	case spec.CheckSeccompProfileBaseline, spec.CheckSeccompProfileRestricted:
		profile := effective(own.SeccompProfile, pod.SeccompProfile)
		unconfined := slices.Contains(allow.SeccompProfiles, "Unconfined")
		switch {
		case at.Key != "":
			return c.Pod.Annotations[at.Key] == "unconfined" && unconfined
		case profile == nil:
			return is(c.Policy.Mutations.SetDefaultSeccompProfile, false)
		default:
			return profile.Type == "Unconfined" && unconfined
		}
	default:
		return c.grantsNode(check, at, value, pod, own)
	}
}

// grantsNode is the table of grants for the controls that no fill serves.
func (c Case) grantsNode(
	check spec.CheckID, at spec.Location, value any, pod corev1.PodSecurityContext, own corev1.SecurityContext,
) bool {
	allow := &c.Policy.Allow
	switch check {
	case spec.CheckHostNamespaces:
		switch Path(at.Field) {
		case "spec.hostNetwork":
			return allow.HostNetworkPorts || allow.HostNetwork
		case "spec.hostPID":
			return allow.HostNamespace || allow.HostPID
		default:
			return allow.HostNamespace || allow.HostIPC
		}
	case spec.CheckHostPorts:
		port := container(c.Pod, at.Container).Ports[at.Index].HostPort
		inRange := func(r policy.PortRange) bool { return r.Min <= port && port <= r.Max }
		return allow.HostNetworkPorts || slices.ContainsFunc(allow.AllowedHostPorts, inRange)
	case spec.CheckHostPathVolumes:
		return c.grantsHostPath(&c.Pod.Spec.Volumes[at.Index])
	case spec.CheckRestrictedVolumes:
		return c.grantsVolume(&c.Pod.Spec.Volumes[at.Index])
	case spec.CheckSysctls:
		return grantsSysctl(allow.AllowedUnsafeSysctls, pod.Sysctls[at.Index].Name)
	case spec.CheckProcMount, spec.CheckProcMountRestricted:
		return slices.Contains(allow.ProcMounts, string(*own.ProcMount))
	case spec.CheckAppArmorProfile:
		// The violation is of what stands there, so that nothing is inherited.
		unconfined := false
		switch {
		case at.Key != "":
			unconfined = c.Pod.Annotations[at.Key] == "unconfined"
		case at.Container.Kind != 0:
			unconfined = own.AppArmorProfile.Type == "Unconfined"
		default:
			unconfined = pod.AppArmorProfile.Type == "Unconfined"
		}
		return unconfined && slices.Contains(allow.AppArmorProfiles, "Unconfined")
	case spec.CheckSELinuxOptions:
		return allow.SELinuxOptions
	case spec.CheckWindowsHostProcess:
		return allow.WindowsHostProcess
	case spec.CheckHostProbesAndHostLifecycle:
		return slices.Contains(allow.AllowedProbeHosts, value.(string))
	default:
		panic("no grant is known for " + check.String() + ": say in internal/restated/grants.go, from the design, what excuses it")
	}
}

// grantsCapability reports whether an entry names it; neither case nor a CAP_
// prefix matters, on either side.
func (c Case) grantsCapability(name string) bool {
	return slices.ContainsFunc(c.Policy.Allow.AllowedCapabilities, func(allowed string) bool {
		return allowed == "*" || plainCapability(allowed) == plainCapability(name)
	})
}

// grantsRoot reports whether UID 0 is in range.
func (c Case) grantsRoot() bool {
	rule := &c.Policy.Allow.RunAsUser
	return rule.Rule == "MustRunAs" && inRanges(rule.Ranges, 0)
}

// grantsSysctl reports whether an entry covers the name: it is a name, or ends in "*" and is a prefix.
func grantsSysctl(entries []string, name string) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		prefix, isPrefix := strings.CutSuffix(entry, "*")
		return entry == name || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// pathSegments splits a path; ok is false for one that is not absolute, has a
// backslash, or
// would be another one without its empty, "." and ".." segments. One trailing
// slash is forgiven.
func pathSegments(path string) (segments []string, ok bool) {
	rest, absolute := strings.CutPrefix(path, "/")
	if rest = strings.TrimSuffix(rest, "/"); !absolute || path == "//" || strings.Contains(path, `\`) {
		return nil, false
	}
	if rest == "" {
		return nil, true
	}
	segments = strings.Split(rest, "/")
	return segments, !slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
}

// grantsHostPath reports whether an entry covers the path: one whose segments begin the path's suffices; it may ask
// that no container, of any kind, can write to the volume, nor below it, and for some
// types. A pod that names Windows is asked by prefixes with a drive, others by others.
func (c Case) grantsHostPath(v *corev1.Volume) bool {
	split := pathSegments
	if isWindows(c.Pod) {
		split = windowsSegments
	}
	path, clean := split(v.HostPath.Path)
	deep := func(m corev1.VolumeMount) bool { return m.ReadOnly && is(m.RecursiveReadOnly, "Enabled") }
	return clean && slices.ContainsFunc(c.Policy.Allow.AllowedHostPaths, func(entry policy.HostPath) bool {
		prefix, clean := split(entry.PathPrefix)
		covers := clean && len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
		if isWindows(c.Pod) && !strings.Contains(entry.PathPrefix, ":") {
			covers = false // a prefix of Linux
		}
		return covers && admitsType(entry.Types, v.HostPath.Type) &&
			!(entry.ReadOnly && c.mountsOtherwise(v.Name, func(m corev1.VolumeMount) bool { return m.ReadOnly })) &&
			!(entry.RecursiveReadOnly && c.mountsOtherwise(v.Name, deep))
	})
}

// windowsSegments splits a path of Windows, its drive first and all in lower case;
// ok is false for one with a segment that Windows would take for another.
func windowsSegments(path string) (segments []string, ok bool) {
	path = strings.ReplaceAll(strings.ToLower(path), "/", `\`)
	if strings.HasPrefix(path, `\`) {
		path = "c:" + path
	}
	drive, rest, found := strings.Cut(path, `:\`)
	if !found || len(drive) != 1 || strings.Contains(rest, ":") {
		return nil, false
	}
	if segments = []string{drive}; rest == "" {
		return segments, true
	}
	segments = append(segments, strings.Split(strings.TrimSuffix(rest, `\`), `\`)...)
	return segments, !slices.ContainsFunc(segments, func(s string) bool { return s == "" || strings.Trim(s[len(s)-1:], ". ") == "" })
}

// admitsType reports whether an entry with some types admits the type of a volume;
// without any it admits all.
func admitsType(types []string, t *corev1.HostPathType) bool {
	name := "Unset"
	if t != nil && *t != "" {
		name = string(*t)
	}
	return types == nil || slices.Contains(types, name)
}

// mountsOtherwise reports whether a container mounts the volume and not as wanted.
func (c Case) mountsOtherwise(volume string, wanted func(corev1.VolumeMount) bool) bool {
	mounts := func(m corev1.VolumeMount) bool { return m.Name == volume && !wanted(m) }
	devices := func(d corev1.VolumeDevice) bool { return d.Name == volume }
	return slices.ContainsFunc(containers(c.Pod), func(at spec.Container) bool {
		c := container(c.Pod, at)
		return slices.ContainsFunc(c.VolumeMounts, mounts) || slices.ContainsFunc(c.VolumeDevices, devices)
	})
}

// sourcesOf are the names of what a volume comes from, as JSON has them.
func sourcesOf(v *corev1.Volume) (names []string) {
	source := reflect.ValueOf(v.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			name, _, _ := strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// defaultVolumes are the types of a policy that lists none.
var defaultVolumes = []string{"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}

// grantsVolume reports whether each source is granted, and never one that nobody knows.
func (c Case) grantsVolume(v *corev1.Volume) bool {
	listed := c.Policy.Allow.Volumes
	if listed == nil {
		listed = defaultVolumes
	}
	sources, every := sourcesOf(v), slices.Contains(listed, "*")
	for _, name := range sources {
		granted := every || slices.Contains(listed, name)
		if name == "hostPath" {
			granted = c.grantsHostPath(v)
		}
		if !granted {
			return false
		}
	}
	return len(sources) > 0
}
