package spec_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

func ptr[T any](v T) *T { return &v }

// sides are the two places in which a value may be set. Each sets values "a",
// and its other fields, which must not matter.
type sides struct {
	pod       *corev1.PodSecurityContext
	container *corev1.SecurityContext
}

// TestInheritance: the container's value where it is set, else the pod's; zero
// values are values.
func TestInheritance(t *testing.T) {
	type pod = corev1.PodSecurityContext
	type own = corev1.SecurityContext
	show := func(v any) string { return fmt.Sprint(v) }
	id := func(p *int64) string {
		if p == nil {
			return "unset"
		}
		return show(*p)
	}
	user := func(p *corev1.PodSpec, c *corev1.Container) string { return id(spec.EffectiveRunAsUser(p, c)) }
	group := func(p *corev1.PodSpec, c *corev1.Container) string { return id(spec.EffectiveRunAsGroup(p, c)) }
	nonRoot := func(p *corev1.PodSpec, c *corev1.Container) string {
		if v := spec.EffectiveRunAsNonRoot(p, c); v != nil {
			return show(*v)
		}
		return "unset"
	}
	seccomp := func(p *corev1.PodSpec, c *corev1.Container) string {
		v := spec.EffectiveSeccompProfile(p, c)
		switch {
		case v == nil:
			return "unset"
		case v.LocalhostProfile != nil:
			return string(v.Type) + " " + *v.LocalhostProfile
		default:
			return string(v.Type)
		}
	}
	name := func(p *corev1.PodSpec, c *corev1.Container) string {
		if v := spec.EffectiveRunAsUserName(p, c); v != "" {
			return v
		}
		return "unset"
	}
	local := &corev1.SeccompProfile{Type: "Localhost", LocalhostProfile: ptr("p.json")}
	windows := func(name *string) *corev1.WindowsSecurityContextOptions {
		return &corev1.WindowsSecurityContextOptions{RunAsUserName: name}
	}
	for _, row := range []struct {
		name, why string
		effective func(*corev1.PodSpec, *corev1.Container) string
		sides     sides
		want      string
	}{
		{"user, nowhere", "no security context at all", user, sides{}, "unset"},
		{"user, empty contexts", "an empty context sets nothing", user, sides{&pod{}, &own{}}, "unset"},
		{"user of the pod", "inherited", user, sides{&pod{RunAsUser: ptr[int64](1)}, nil}, "1"},
		{"user of the pod, other fields", "each field is inherited alone", user, sides{&pod{RunAsUser: ptr[int64](1)}, &own{RunAsGroup: ptr[int64](2), RunAsNonRoot: ptr(true)}}, "1"},
		{"user of the container", "its own", user, sides{nil, &own{RunAsUser: ptr[int64](2)}}, "2"},
		{"user of both", "container over pod", user, sides{&pod{RunAsUser: ptr[int64](1)}, &own{RunAsUser: ptr[int64](2)}}, "2"},
		{"user 0 of the container", "0 is a value", user, sides{&pod{RunAsUser: ptr[int64](1)}, &own{RunAsUser: ptr[int64](0)}}, "0"},
		{"user 0 of the pod", "0 is a value", user, sides{&pod{RunAsUser: ptr[int64](0)}, &own{}}, "0"},
		{"group, nowhere", "no security context at all", group, sides{}, "unset"},
		{"group, empty contexts", "an empty context sets nothing", group, sides{&pod{}, &own{}}, "unset"},
		{"group of the pod", "inherited", group, sides{&pod{RunAsGroup: ptr[int64](1), RunAsUser: ptr[int64](9)}, &own{RunAsUser: ptr[int64](8)}}, "1"},
		{"group of both", "container over pod", group, sides{&pod{RunAsGroup: ptr[int64](1)}, &own{RunAsGroup: ptr[int64](0)}}, "0"},
		{"non-root, nowhere", "no security context at all", nonRoot, sides{}, "unset"},
		{"non-root, empty contexts", "an empty context sets nothing", nonRoot, sides{&pod{}, &own{}}, "unset"},
		{"non-root of the pod", "inherited", nonRoot, sides{&pod{RunAsNonRoot: ptr(true)}, &own{}}, "true"},
		{"non-root of both", "false is a value", nonRoot, sides{&pod{RunAsNonRoot: ptr(true)}, &own{RunAsNonRoot: ptr(false)}}, "false"},
		{"non-root false of the pod", "false is a value", nonRoot, sides{&pod{RunAsNonRoot: ptr(false)}, nil}, "false"},
		{"seccomp, nowhere", "no security context at all", seccomp, sides{}, "unset"},
		{"seccomp, empty contexts", "an empty context sets nothing", seccomp, sides{&pod{}, &own{}}, "unset"},
		{"seccomp of the pod", "inherited", seccomp, sides{&pod{SeccompProfile: local}, &own{}}, "Localhost p.json"},
		{"seccomp of both", "the struct is inherited whole: no file comes from the pod", seccomp, sides{&pod{SeccompProfile: local}, &own{SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"}}}, "RuntimeDefault"},
		{"seccomp empty on the container", "an empty struct is set", seccomp, sides{&pod{SeccompProfile: local}, &own{SeccompProfile: &corev1.SeccompProfile{}}}, ""},
		{"Windows user, nowhere", "no security context at all", name, sides{}, "unset"},
		{"Windows user, empty contexts", "an empty context sets nothing", name, sides{&pod{}, &own{}}, "unset"},
		{"Windows user of the pod", "inherited", name, sides{&pod{WindowsOptions: windows(ptr("p"))}, nil}, "p"},
		{"Windows user of both", "container over pod", name, sides{&pod{WindowsOptions: windows(ptr("p"))}, &own{WindowsOptions: windows(ptr("c"))}}, "c"},
		{"Windows options of both", "merged field by field: options without a user name inherit it", name, sides{&pod{WindowsOptions: windows(ptr("p"))}, &own{WindowsOptions: &corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)}}}, "p"},
		{"Windows options without a user", "nowhere", name, sides{&pod{WindowsOptions: windows(nil)}, &own{WindowsOptions: windows(nil)}}, "unset"},
	} {
		got := row.effective(&corev1.PodSpec{SecurityContext: row.sides.pod}, &corev1.Container{SecurityContext: row.sides.container})
		if got != row.want {
			t.Errorf("%s: %q, want %q: %s", row.name, got, row.want, row.why)
		}
	}
}

// TestSeccompAnnotation: the container's own, else the pod's; an empty value is one.
func TestSeccompAnnotation(t *testing.T) {
	const ofPod, ofMain = spec.SeccompPodAnnotation, spec.SeccompContainerAnnotation + "main"
	for _, row := range []struct {
		name        string
		annotations map[string]string
		want        string
		found       bool
	}{
		{"none", nil, "", false},
		{"others", map[string]string{"a": "b", spec.AppArmorAnnotation + "main": "unconfined"}, "", false},
		{"another container's", map[string]string{spec.SeccompContainerAnnotation + "other": "unconfined"}, "", false},
		{"the pod's", map[string]string{ofPod: "unconfined", spec.SeccompContainerAnnotation + "other": "x"}, "unconfined", true},
		{"the container's", map[string]string{ofMain: "runtime/default"}, "runtime/default", true},
		{"both", map[string]string{ofPod: "unconfined", ofMain: "runtime/default"}, "runtime/default", true},
		{"the container's, empty", map[string]string{ofPod: "unconfined", ofMain: ""}, "", true},
		{"the pod's, empty", map[string]string{ofPod: ""}, "", true},
	} {
		if value, found := spec.SeccompAnnotation(row.annotations, "main"); value != row.want || found != row.found {
			t.Errorf("%s: %q, %v, want %q, %v", row.name, value, found, row.want, row.found)
		}
	}
}

// TestAllowedValues: the values that the standard allows, exactly, as the
// tables of the controls list them.
func TestAllowedValues(t *testing.T) {
	for _, row := range []struct {
		value                                       string
		seccomp, seccompType, appArmor, appArmorTyp bool
		isDefault                                   bool
	}{
		{"", false, false, true, false, false},
		{"runtime/default", true, false, true, false, true},
		{"docker/default", true, false, false, false, true},
		{"localhost/p.json", true, false, true, false, false},
		{"localhost/", true, false, true, false, false},
		{"localhost", false, false, false, false, false},
		{"unconfined", false, false, false, false, false},
		{"Unconfined", false, false, false, false, false},
		{"RuntimeDefault", false, true, false, true, false},
		{"Localhost", false, true, false, true, false},
		{"runtimedefault", false, false, false, false, false},
	} {
		if got := hotpath.SeccompAnnotationAllowed(row.value); got != row.seccomp {
			t.Errorf("seccomp annotation %q: %v", row.value, got)
		}
		if got := hotpath.SeccompAnnotationIsDefault(row.value); got != row.isDefault {
			t.Errorf("seccomp annotation %q as the default: %v", row.value, got)
		}
		if got := hotpath.SeccompTypeAllowed(corev1.SeccompProfileType(row.value)); got != row.seccompType {
			t.Errorf("seccomp type %q: %v", row.value, got)
		}
		if got := hotpath.AppArmorAnnotationAllowed(row.value); got != row.appArmor {
			t.Errorf("AppArmor annotation %q: %v", row.value, got)
		}
		if got := hotpath.AppArmorTypeAllowed(corev1.AppArmorProfileType(row.value)); got != row.appArmorTyp {
			t.Errorf("AppArmor type %q: %v", row.value, got)
		}
	}
}

// TestSameCapability: case and one CAP_ prefix do not matter, on either side;
// names are the same to themselves, and the same both ways.
func TestSameCapability(t *testing.T) {
	names := [][]string{
		{"NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_net_admin", "Cap_Net_Admin", "CAP_net_admin"},
		{"SYS_ADMIN", "cap_sys_admin"},
		{"ALL", "all", "CAP_ALL"},
		{"CAP_CAP_NET_ADMIN"},
		{"NET_ADMINS"},
		{"CAPNET_ADMIN"},
		{"", "CAP_", "cap_"},
		{"*"},
		{"CAP"},
		{"CA"},
	}
	cases := 0
	for i, these := range names {
		for _, a := range these {
			for j, those := range names {
				for _, b := range those {
					cases++
					if got := spec.SameCapability(a, b); got != (i == j) {
						t.Errorf("SameCapability(%q, %q) = %v, want %v", a, b, got, i == j)
					}
				}
			}
		}
	}
	if cases != 20*20 {
		t.Errorf("%d cases, want 400", cases)
	}
}

// TestWhatAContainerAsksFor: privilege and SYS_ADMIN, with whatever is nil.
func TestWhatAContainerAsksFor(t *testing.T) {
	add := func(caps ...corev1.Capability) *corev1.SecurityContext {
		return &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: caps}}
	}
	for _, row := range []struct {
		name                 string
		context              *corev1.SecurityContext
		privileged, sysAdmin bool
	}{
		{"no security context", nil, false, false},
		{"an empty one", &corev1.SecurityContext{}, false, false},
		{"privileged", &corev1.SecurityContext{Privileged: ptr(true)}, true, false},
		{"not privileged", &corev1.SecurityContext{Privileged: ptr(false)}, false, false},
		{"no capabilities", add(), false, false},
		{"SYS_ADMIN", add("CHOWN", "SYS_ADMIN"), false, true},
		{"CAP_SYS_ADMIN", add("CAP_SYS_ADMIN"), false, true},
		{"sys_admin", add("sys_admin"), false, true},
		{"ALL", add("ALL"), false, false},
		{"SYS_ADMIN dropped", &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"SYS_ADMIN"}}}, false, false},
	} {
		c := &corev1.Container{SecurityContext: row.context}
		if spec.IsPrivileged(c) != row.privileged || spec.AddsSysAdmin(c) != row.sysAdmin {
			t.Errorf("%s: privileged %v, SYS_ADMIN %v, want %v, %v", row.name, spec.IsPrivileged(c), spec.AddsSysAdmin(c), row.privileged, row.sysAdmin)
		}
	}
}

// TestSortsOfPods: Windows, user namespaces and mirror pods.
func TestSortsOfPods(t *testing.T) {
	for name, want := range map[corev1.OSName]bool{corev1.Windows: true, corev1.Linux: false, "": false, "Windows": false} {
		if got := spec.IsWindows(&corev1.PodSpec{OS: &corev1.PodOS{Name: name}}); got != want {
			t.Errorf("os %q is Windows: %v", name, got)
		}
	}
	for name, want := range map[string]bool{
		"ContainerAdministrator": true, "containeradministrator": true, "CONTAINERADMINISTRATOR": true,
		"ContainerUser": false, "Administrator": false, "": false, `.\ContainerAdministrator`: false,
	} {
		c := &corev1.Container{SecurityContext: &corev1.SecurityContext{
			WindowsOptions: &corev1.WindowsSecurityContextOptions{RunAsUserName: &name},
		}}
		if got := spec.RunsAsAdministrator(&corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Windows}}, c); got != want {
			t.Errorf("user %q is taken for root: %v", name, got)
		}
		if spec.RunsAsAdministrator(&corev1.PodSpec{}, c) {
			t.Errorf("user %q is taken for root of a pod that names no OS", name)
		}
	}
	if spec.IsWindows(&corev1.PodSpec{}) {
		t.Error("a pod without os is Windows")
	}
	for want, users := range map[bool][]*bool{false: {nil, ptr(true)}, true: {ptr(false)}} {
		for _, u := range users {
			if got := spec.InUserNamespace(&corev1.PodSpec{HostUsers: u}); got != want {
				t.Errorf("in a user namespace: %v, want %v", got, want)
			}
		}
	}
	for want, annotations := range map[bool][]map[string]string{
		false: {nil, {"a": "b"}, {strings.ToUpper(corev1.MirrorPodAnnotationKey): "x"}},
		true:  {{corev1.MirrorPodAnnotationKey: "hash"}, {corev1.MirrorPodAnnotationKey: ""}},
	} {
		for _, a := range annotations {
			if got := spec.IsMirror(&metav1.ObjectMeta{Annotations: a}); got != want {
				t.Errorf("%v is a mirror pod's: %v", a, got)
			}
		}
	}
}

// TestRestrictedVolume: one allowed source is enough; several others are named
// by the first in the standard's order; none at all is unknown.
func TestRestrictedVolume(t *testing.T) {
	nfs, iscsi, host := &corev1.NFSVolumeSource{}, &corev1.ISCSIVolumeSource{}, &corev1.HostPathVolumeSource{}
	for _, row := range []struct {
		source  corev1.VolumeSource
		name    string
		allowed bool
	}{
		{corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}, "secret", true},
		{corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}, HostPath: host}, "secret", true},
		{corev1.VolumeSource{NFS: nfs, ISCSI: iscsi}, "nfs", false},
		{corev1.VolumeSource{NFS: nfs, HostPath: host}, "hostPath", false},
		{corev1.VolumeSource{}, spec.UnknownVolumeType, false},
	} {
		v := &corev1.Volume{Name: "v", VolumeSource: row.source}
		if got := spec.NamingType(v); got.Name != row.name || hotpath.RestrictedVolume(v) != row.allowed {
			t.Errorf("%s, %v, want %s, %v", got.Name, hotpath.RestrictedVolume(v), row.name, row.allowed)
		}
	}
}

// TestRestrictedVolumeIsTheTables: of a volume of each type the function says
// what the table says.
func TestRestrictedVolumeIsTheTables(t *testing.T) {
	sources := reflect.TypeFor[corev1.VolumeSource]()
	if n := sources.NumField(); n != len(spec.VolumeTypes()) {
		t.Errorf("%d fields and %d types", n, len(spec.VolumeTypes()))
	}
	for i := range sources.NumField() {
		v := &corev1.Volume{}
		reflect.ValueOf(&v.VolumeSource).Elem().Field(i).Set(reflect.New(sources.Field(i).Type.Elem()))
		if named := spec.NamingType(v); hotpath.RestrictedVolume(v) != named.Restricted {
			t.Errorf("%s: %v, and %v in the table", named.Name, hotpath.RestrictedVolume(v), named.Restricted)
		}
	}
}

// TestCapabilityAddable: each check has its own list, exactly compared.
func TestCapabilityAddable(t *testing.T) {
	for capability, want := range map[string][2]bool{
		"NET_BIND_SERVICE": {true, true}, "CHOWN": {true, false}, "SYS_CHROOT": {true, false}, "NET_RAW": {}, "SYS_ADMIN": {},
		"ALL": {}, "chown": {}, "CAP_CHOWN": {}, "CAP_NET_BIND_SERVICE": {}, "": {},
	} {
		got := [2]bool{hotpath.CapabilityAddable(spec.CheckCapabilitiesBaseline, capability), hotpath.CapabilityAddable(spec.CheckCapabilitiesRestricted, capability)}
		if got != want {
			t.Errorf("%q at baseline and restricted: %v, want %v", capability, got, want)
		}
	}
	for drop, want := range map[string]bool{"ALL": true, "all": false, "CAP_ALL": false, "": false, "NET_RAW": false} {
		if hotpath.DropsAll(drop) != want {
			t.Errorf("dropping %q drops all: want %v", drop, want)
		}
	}
}
