package policy_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestGrantTypesAreWhole: every check has a grant, and every row of the table
// can be asked: its fields are read by its checks, and its key is one of the
// format's.
func TestGrantTypesAreWhole(t *testing.T) {
	asked := spec.CheckSet(0)
	for _, row := range policy.GrantTypes() {
		asked |= row.Checks
		if row.Key == 0 || row.Condition == 0 || row.Checks == 0 {
			t.Errorf("%+v lacks a key, a condition or checks", row)
		}
		for id := range row.Checks.All() {
			fields := id.Control().Fields()
			for _, f := range row.Fields {
				read := slices.Contains(fields, f) || f == spec.FieldVolumeHostPath && slices.Contains(fields, spec.FieldVolume)
				if !read {
					t.Errorf("%s speaks of %s, which %s does not read", row.String(), f, id)
				}
			}
		}
	}
	for _, control := range spec.Controls() {
		for i := range control.Checks {
			if id := control.Checks[i].ID; !asked.Has(id) {
				t.Errorf("nothing excuses what breaks %s: give it a row in grantTypes of policy/granttype.go", id)
			}
		}
		if len(policy.GrantTypesOf(control)) == 0 {
			t.Errorf("%s has no grant", control.Title)
		}
	}
}

// TestKeysHaveAUse: every key is a grant, a rule or a value that is filled in, is written
// as it is read, and stands once.
func TestKeysHaveAUse(t *testing.T) {
	used := map[policy.Key]bool{
		policy.KeyFillRunAsUser: true, policy.KeyFillRunAsGroup: true,
		policy.KeyFillFSGroup: true, policy.KeyFillFSGroupChangePolicy: true, policy.KeyFillSupplementalGroups: true,
	}
	for _, row := range policy.GrantTypes() {
		used[row.Key] = true
	}
	for _, row := range policy.Demands() {
		used[row.Key] = true
		if row.Condition == 0 || len(row.Fields) == 0 {
			t.Errorf("%s demands nothing", row.Key)
		}
	}
	for _, key := range policy.Keys() {
		if !used[key] {
			t.Errorf("%s has no use: give it a row in grantTypes of policy/granttype.go, or in demandTable of policy/demand.go", key)
		}
	}
	if len(used) != len(policy.Keys()) {
		t.Errorf("%d keys are used, there are %d", len(used), len(policy.Keys()))
	}
}

// TestSmallestGrants: what a fault asks for, and that it would be enough.
func TestSmallestGrants(t *testing.T) {
	socket := corev1.HostPathSocket
	for _, row := range []struct {
		name, why string
		fault     policy.Fault
		want      []string
	}{
		{
			"hostPID", "the finest key of the two",
			policy.Fault{Check: spec.CheckHostNamespaces, Field: spec.FieldHostPID, Value: true},
			[]string{"allow.hostPID: true"},
		},
		{
			"a host port", "one port, and not all of them with the host's network",
			policy.Fault{Check: spec.CheckHostPorts, Field: spec.FieldHostPort, Value: int32(80)},
			[]string{"allow.allowedHostPorts: [{min: 80, max: 80}]"},
		},
		{
			"a capability", "as the pod spells it",
			policy.Fault{Check: spec.CheckCapabilitiesBaseline, Field: spec.FieldCapabilitiesAdd, Value: "NET_ADMIN"},
			[]string{"allow.allowedCapabilities: [NET_ADMIN]"},
		},
		{
			"a capability with a space", "no policy may hold it, so that nothing excuses it",
			policy.Fault{Check: spec.CheckCapabilitiesBaseline, Field: spec.FieldCapabilitiesAdd, Value: "NET ADMIN"},
			nil,
		},
		{
			"ALL not dropped by a privileged container", "privilege itself is the wider grant",
			policy.Fault{Check: spec.CheckCapabilitiesRestricted, Field: spec.FieldCapabilitiesDrop, Facts: spec.Privileged},
			[]string{"mutations.dropAllCapabilities: false"},
		},
		{
			"a path that is only read", "read-only is the smaller grant",
			policy.Fault{
				Check: spec.CheckRestrictedVolumes, Field: spec.FieldVolumeHostPath, Value: "/var/log/",
				Sources: sources(t, "hostPath"),
			},
			[]string{"allow.allowedHostPaths: [{pathPrefix: /var/log, readOnly: true}]"},
		},
		{
			"a path that is written", "a read-only grant would not do",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: "/etc/on",
				Facts: spec.MountedWritable, Sources: sources(t, "hostPath"),
			},
			[]string{"allow.allowedHostPaths: [{pathPrefix: /etc/on}]"},
		},
		{
			"a path of Windows", "in the form of a prefix, and of its drive",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: "/Logs/app/",
				Facts: spec.OnWindows, Sources: sources(t, "hostPath"),
			},
			[]string{`allow.allowedHostPaths: [{pathPrefix: "C:\\Logs\\app", readOnly: true}]`},
		},
		{
			"a root of Windows that is written", "it keeps its backslash",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: "d:/",
				Facts: spec.OnWindows | spec.MountedWritable | spec.SubmountsWritable, Sources: sources(t, "hostPath"),
			},
			[]string{`allow.allowedHostPaths: [{pathPrefix: "d:\\"}]`},
		},
		{
			"an unclean path of Windows", "no grant covers it",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: `C:\a\..\b`,
				Facts: spec.OnWindows, Sources: sources(t, "hostPath"),
			},
			nil,
		},
		{
			"a path of Windows in a pod of another system", "no grant covers it",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: `C:\a`, Sources: sources(t, "hostPath"),
			},
			nil,
		},
		{
			"a socket, mounted recursively read-only", "what else an entry may demand is its reader's to say",
			policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: "/run/a.sock",
				Facts: spec.TypeOf(&corev1.HostPathVolumeSource{Type: &socket}), Sources: sources(t, "hostPath"),
			},
			[]string{"allow.allowedHostPaths: [{pathPrefix: /run/a.sock, readOnly: true}]"},
		},
		{
			"an unclean path", "no grant covers it",
			policy.Fault{
				Check: spec.CheckRestrictedVolumes, Field: spec.FieldVolumeHostPath, Value: "/a/../b", Sources: sources(t, "hostPath"),
			},
			nil,
		},
		{
			"a path with a second source", "one grant is not enough",
			policy.Fault{
				Check: spec.CheckRestrictedVolumes, Field: spec.FieldVolumeHostPath, Value: "/a", Sources: sources(t, "hostPath", "nfs"),
			},
			nil,
		},
		{
			"nfs", "beside the default types",
			policy.Fault{Check: spec.CheckRestrictedVolumes, Field: spec.FieldVolumeNFS, Value: "nfs", Sources: sources(t, "nfs")},
			[]string{"allow.volumes: [nfs]"},
		},
		{
			"a volume without a source", "no list excuses what is not known",
			policy.Fault{Check: spec.CheckRestrictedVolumes, Field: spec.FieldVolume, Value: "unknown"},
			nil,
		},
		{
			"an unset seccomp profile", "unset is not a value that could be listed",
			policy.Fault{Check: spec.CheckSeccompProfileRestricted, Field: spec.FieldSeccompType},
			[]string{"mutations.setDefaultSeccompProfile: false"},
		},
		{
			"an inherited Unconfined", "the container has the pod's profile",
			policy.Fault{
				Check: spec.CheckSeccompProfileRestricted, Field: spec.FieldSeccompType,
				Facts: spec.InheritsProfile | spec.InheritsUnconfined,
			},
			[]string{"allow.seccompProfiles: [Unconfined]"},
		},
		{
			"an inherited profile of another type", "no policy may list it",
			policy.Fault{Check: spec.CheckSeccompProfileRestricted, Field: spec.FieldSeccompType, Facts: spec.InheritsProfile},
			nil,
		},
		{
			"an annotation", "it is listed as the field that came after it",
			policy.Fault{Check: spec.CheckAppArmorProfile, Field: spec.FieldAnnotation, Value: "unconfined"},
			[]string{"allow.appArmorProfiles: [Unconfined]"},
		},
		{
			"a sysctl that reads as a boolean", "it is quoted",
			policy.Fault{Check: spec.CheckSysctls, Field: spec.FieldSysctl, Value: "on"},
			[]string{`allow.allowedUnsafeSysctls: ["on"]`},
		},
		{
			"not known to be root", "no ID would make it so",
			policy.Fault{Check: spec.CheckRunAsNonRoot, Field: spec.FieldRunAsNonRoot, Value: false},
			[]string{"allow.runAsUser: RunAsAny"},
		},
		{
			"root", "the rule for that ID alone, or any",
			policy.Fault{Check: spec.CheckRunAsUser, Field: spec.FieldRunAsUser, Value: int64(0), Facts: spec.RootUser},
			[]string{"allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}", "allow.runAsUser: RunAsAny"},
		},
		{
			"escalation beside SYS_ADMIN", "the escalation alone",
			policy.Fault{Check: spec.CheckAllowPrivilegeEscalation, Field: spec.FieldAllowPrivilegeEscalation, Facts: spec.SysAdmin | spec.Privileged},
			[]string{"allow.allowPrivilegeEscalation: true"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, g := range row.fault.Grants() {
				got = append(got, g.String())
				p := policy.Policy{PodSelectorLabels: map[string]string{"a": "b"}}
				g.AddTo(&p)
				if by, ok := p.Excuses(&row.fault); !ok || by.Key != g.Key {
					t.Errorf("%s does not excuse it: %v by %s", g, ok, by)
				}
				if err := p.Validate(); err != nil {
					t.Errorf("%s makes a policy that is refused: %v", g, err)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// sources is the set of some volume types.
func sources(t *testing.T, names ...string) (set spec.VolumeSet) {
	t.Helper()
	for i, v := range spec.VolumeTypes() {
		if slices.Contains(names, v.Name) {
			set |= 1 << i
		}
	}
	return set
}

// TestGrantsAddUp: a grant that is added takes nothing away.
func TestGrantsAddUp(t *testing.T) {
	p := policy.Policy{Allow: policy.Allow{AllowedCapabilities: []string{"CHOWN"}, Volumes: []string{"csi"}}}
	before := p.DeepCopy()
	for _, g := range []policy.Grant{
		{Key: policy.KeyAllowedCapabilities, Value: "NET_RAW"}, {Key: policy.KeyAllowedCapabilities, Value: "NET_RAW"},
		{Key: policy.KeyVolumes, Value: "nfs"}, {Key: policy.KeyAllowedHostPaths, Value: policy.HostPath{PathPrefix: "/a"}},
		{Key: policy.KeySetDefaultSeccompProfile, Value: false}, {Key: policy.KeyHostIPC, Value: true},
	} {
		g.AddTo(&p)
	}
	no := false
	want := policy.Policy{
		Allow: policy.Allow{
			AllowedCapabilities: []string{"CHOWN", "NET_RAW"}, Volumes: []string{"csi", "nfs"}, HostIPC: true,
			AllowedHostPaths: []policy.HostPath{{PathPrefix: "/a"}},
		},
		Mutations: policy.Mutations{SetDefaultSeccompProfile: &no},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(before.Allow.AllowedCapabilities) != 1 {
		t.Error("a copy was changed")
	}
	unset := policy.Policy{}
	policy.Grant{Key: policy.KeyVolumes, Value: "nfs"}.AddTo(&unset)
	if want := append(policy.DefaultVolumes(), "nfs"); !slices.Equal(unset.Allow.Volumes, want) {
		t.Errorf("beside the default types: %v, want %v", unset.Allow.Volumes, want)
	}
}
