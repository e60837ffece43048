package policy

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// allRestricted are the volume types of restricted.
var allRestricted = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}

// TestEffect: each single field of a policy that is set makes it differ, also
// one that is added in future.
func TestEffect(t *testing.T) {
	base := Policy{
		Name: "a", Namespace: "net", PodSelectorLabels: webLabels, Allow: Allow{Volumes: allRestricted},
		Source: Source{Position{"a.yaml", 1}, map[string]int{"allow": 2}, false},
	}
	if base.effect() != noEffect {
		t.Fatalf("the base has effect %d", base.effect())
	}
	checked := 0
	for _, block := range []string{"Allow", "Mutations"} {
		typ := reflect.ValueOf(base).FieldByName(block).Type()
		for i := range typ.NumField() {
			p := base.DeepCopy()
			field := reflect.ValueOf(p).Elem().FieldByName(block).Field(i)
			setOther(field)
			before := p.DeepCopy()
			if got := p.effect(); got != differs {
				t.Errorf("%s.%s = %v: effect %d", block, typ.Field(i).Name, field, got)
			}
			if !reflect.DeepEqual(before, p) {
				t.Errorf("%s.%s: the question changed the policy", block, typ.Field(i).Name)
			}
			checked++
		}
	}
	if checked < 25 {
		t.Errorf("%d fields", checked)
	}
}

// setOther gives a field a value that is not its default.
func setOther(field reflect.Value) {
	switch v := field.Addr().Interface().(type) {
	case *bool:
		*v = true
	case **bool:
		*v = ptr(false)
	case **int64:
		*v = ptr(int64(7))
	case **GroupFill:
		*v = ptr(NoGroup)
	case *corev1.PodFSGroupChangePolicy:
		*v = corev1.FSGroupChangeOnRootMismatch
	case *UserNamespaceRule:
		*v = UserNamespaceRequired
	case *[]int64:
		*v = []int64{}
	case *[]string:
		*v = []string{"nfs"}
	case *UserRule:
		v.Rule = RunAsAny
	case *GroupRule:
		*v = GroupRule{Rule: MayRunAs, Ranges: []IDRange{{Min: 0, Max: 5}}}
	case *SupplementalGroupsRule:
		v.Policy = "Strict"
	case *[]HostPath:
		*v = []HostPath{{PathPrefix: "/"}}
	case *[]PortRange:
		*v = []PortRange{{Min: 1, Max: 1}}
	default:
		panic(field.Type().String())
	}
}

func TestEffectOfVolumes(t *testing.T) {
	for name, row := range map[string]struct {
		volumes []string
		want    effect
	}{
		"the documented default": {nil, narrowsVolumes},
		"none":                   {[]string{}, narrowsVolumes},
		"fewer":                  {[]string{"secret"}, narrowsVolumes},
		"all of restricted":      {allRestricted, noEffect},
		"one more":               {append([]string{"nfs"}, allRestricted...), differs},
		"fewer and one more":     {[]string{"secret", "nfs"}, differs},
		"all":                    {[]string{"*"}, differs},
	} {
		p := Policy{Allow: Allow{Volumes: row.volumes}}
		if got := p.effect(); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func TestEveryID(t *testing.T) {
	for _, row := range []struct {
		ranges []IDRange
		want   bool
	}{
		{nil, false},
		{[]IDRange{{Min: 0, Max: MaxID}}, true},
		{[]IDRange{{Min: 1, Max: MaxID}}, false},
		{[]IDRange{{Min: 0, Max: MaxID - 1}}, false},
		{[]IDRange{{Min: 6, Max: MaxID}, {Min: 0, Max: 4}}, false},
		{[]IDRange{{Min: 3, Max: MaxID}, {Min: 0, Max: 4}, {Min: 1, Max: 2}}, true},
	} {
		if got := everyID(row.ranges); got != row.want {
			t.Errorf("%v: %t", row.ranges, got)
		}
	}
}
