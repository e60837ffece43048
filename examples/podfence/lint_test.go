package main

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// allRestricted are the volume types of restricted.
var allRestricted = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}

func pointer[T any](v T) *T { return &v }

var everyGroup = policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: 5, Max: policy.MaxID}, {Min: 0, Max: 4}}}

// idle are policies that differ from the default in nothing.
var idle = map[string]policy.Policy{
	"written out": {
		Allow: policy.Allow{
			Volumes:            allRestricted,
			RunAsUser:          policy.UserRule{Rule: policy.MustRunAsNonRoot},
			RunAsGroup:         policy.GroupRule{Rule: policy.RunAsAny},
			FSGroup:            everyGroup,
			SupplementalGroups: everyGroup,
		},
		Mutations: policy.Mutations{
			DropAllCapabilities: pointer(true), SetDefaultSeccompProfile: pointer(true),
			RunAsGroup: pointer(int64(1)), FSGroup: pointer(int64(1)), SupplementalGroups: []int64{1},
		},
	},
	"empty lists": {Allow: policy.Allow{
		Volumes: append([]string{"hostPath"}, allRestricted...), AllowedCapabilities: []string{}, AllowedHostPaths: []policy.HostPath{},
	}},
	"safe sysctl": {Allow: policy.Allow{Volumes: allRestricted, AllowedUnsafeSysctls: []string{"kernel.shm_rmid_forced"}}},
}

// TestIdlePolicies: for a policy that is said to differ in nothing, no pod gets
// another decision than without it.
func TestIdlePolicies(t *testing.T) {
	for name, p := range idle {
		if effect(&p) != noEffect {
			t.Errorf("%s: effect %d", name, effect(&p))
		}
		p.Name = "idle"
		p.PodSelectorLabels = map[string]string{"selected": "yes"}
		set, err := policy.NewSet(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				pod := podgen.Pod().Draw(r, "pod")
				if pod.Labels == nil {
					pod.Labels = map[string]string{}
				}
				pod.Labels["selected"] = "yes"
				singleSources(pod)
				with, without := podfence.Admit(pod, restricted, set), podfence.Admit(pod, restricted, policy.Set{})
				if len(with.Considered) != 1 {
					r.Fatal("the policy does not select the pod")
				}
				if with.Result.Message() != without.Result.Message() || len(with.Result.Excused) > 0 {
					r.Errorf("with the policy: %s\nwithout: %s\nexcused: %v", with.Result.Message(), without.Result.Message(), with.Result.Excused)
				}
				if diff := cmp.Diff(without.Report.Changes(), with.Report.Changes(), cmpopts.IgnoreUnexported(mutate.Change{}), cmpopts.EquateEmpty()); diff != "" {
					r.Errorf("(-without +with):\n%s", diff)
				}
			})
		})
	}
}

// singleSources gives every volume one source, as API validation demands.
func singleSources(pod *corev1.Pod) {
	for i := range pod.Spec.Volumes {
		sources := 0
		for _, t := range spec.VolumeTypes() {
			if t.In(&pod.Spec.Volumes[i]) {
				sources++
			}
		}
		if sources > 1 {
			pod.Spec.Volumes[i].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		}
	}
}

// TestEffect: each single field of a policy that is set makes it differ, also
// one that is added in future.
func TestEffect(t *testing.T) {
	base := policy.Policy{Allow: policy.Allow{Volumes: allRestricted}}
	if effect(&base) != noEffect {
		t.Fatalf("the base has effect %d", effect(&base))
	}
	checked := 0
	for _, block := range []string{"Allow", "Mutations"} {
		typ := reflect.ValueOf(base).FieldByName(block).Type()
		for i := range typ.NumField() {
			p := *base.DeepCopy()
			field := reflect.ValueOf(&p).Elem().FieldByName(block).Field(i)
			set(field)
			if got := effect(&p); got != differs {
				t.Errorf("%s.%s = %v: effect %d", block, typ.Field(i).Name, field, got)
			}
			checked++
		}
	}
	if checked < 25 {
		t.Errorf("%d fields", checked)
	}
}

// set gives a field a value that is not its default.
func set(field reflect.Value) {
	switch v := field.Addr().Interface().(type) {
	case *bool:
		*v = true
	case **bool:
		*v = pointer(false)
	case **int64:
		*v = pointer(int64(7))
	case *[]int64:
		*v = []int64{}
	case *[]string:
		*v = []string{"nfs"}
	case *policy.UserRule:
		v.Rule = policy.RunAsAny
	case *policy.GroupRule:
		*v = policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: 0, Max: 5}}}
	case *[]policy.HostPath:
		*v = []policy.HostPath{{PathPrefix: "/"}}
	case *[]policy.PortRange:
		*v = []policy.PortRange{{Min: 1, Max: 1}}
	default:
		panic(field.Type().String())
	}
}

func TestNarrows(t *testing.T) {
	for name, row := range map[string]struct {
		volumes []string
		want    int
	}{
		"the documented default": {nil, narrowsVolumes},
		"none":                   {[]string{}, narrowsVolumes},
		"fewer":                  {[]string{"secret"}, narrowsVolumes},
		"all of restricted":      {allRestricted, noEffect},
		"one more":               {append([]string{"nfs"}, allRestricted...), differs},
		"fewer and one more":     {[]string{"secret", "nfs"}, differs},
		"all":                    {[]string{"*"}, differs},
	} {
		if got := effect(&policy.Policy{Allow: policy.Allow{Volumes: row.volumes}}); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func TestEveryID(t *testing.T) {
	for _, row := range []struct {
		ranges []policy.IDRange
		want   bool
	}{
		{nil, false},
		{[]policy.IDRange{{Min: 0, Max: policy.MaxID}}, true},
		{[]policy.IDRange{{Min: 1, Max: policy.MaxID}}, false},
		{[]policy.IDRange{{Min: 0, Max: policy.MaxID - 1}}, false},
		{[]policy.IDRange{{Min: 6, Max: policy.MaxID}, {Min: 0, Max: 4}}, false},
		{[]policy.IDRange{{Min: 3, Max: policy.MaxID}, {Min: 0, Max: 4}, {Min: 1, Max: 2}}, true},
	} {
		if got := everyID(row.ranges); got != row.want {
			t.Errorf("%v: %t", row.ranges, got)
		}
	}
}

func TestPolicyLines(t *testing.T) {
	text := "# c\n---\n# d\n\nname: a\npodSelectorLabels: {a: b}\nallow: {hostPID: true}\n---\n---\n{name: b, podSelectorLabels: {a: c}, allow: {hostPID: true}}\n"
	welkin := "constraints:\n  one:\n    # c\n    x:\n      podSelectorLabels: {a: b}\n    two: {podSelectorLabels: {a: b}}\n  three:\n    z: {podSelectorLabels: {a: b}}\n"
	for text, want := range map[string][]int{text: {5, 10}, welkin: {4, 6, 8}} {
		sources, errs := parsePolicies([]byte(text), "p.yaml")
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		var got []int
		for _, s := range sources {
			got = append(got, s.line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
