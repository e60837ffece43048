package evaluate

import (
	"testing"

	"github.com/podfence/podfence/spec"
)

// TestHint: a value that only looks right gets the right one, and no other value does.
func TestHint(t *testing.T) {
	rows := []struct {
		why   string
		check spec.CheckID
		field spec.Field
		value any
		want  string
	}{
		{"another case", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, []string{"all"}, "write ALL in capitals"},
		{"among others", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, []string{"NET_RAW", "All"}, "write ALL in capitals"},
		{"the prefix of the kernel's headers", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, []string{"CAP_ALL"}, "write ALL"},
		{"nothing that looks like ALL", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, []string{"NET_RAW"}, ""},
		{"an empty list", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, nil, ""},
		{"an added capability in small letters", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesAdd, "net_bind_service", "write NET_BIND_SERVICE in capitals"},
		{"one of baseline's", spec.CheckCapabilitiesBaseline, spec.FieldCapabilitiesAdd, "CAP_CHOWN", "write CHOWN"},
		{"one that no check allows", spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesAdd, "SYS_ADMIN", ""},
		{"the annotation's word in the field", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "runtime/default", "write RuntimeDefault"},
		{"another case", spec.CheckSeccompProfileBaseline, spec.FieldPodSeccompType, "runtimedefault", "write RuntimeDefault"},
		{"another profile", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "Unconfined", ""},
		{"the field's word in the annotation", spec.CheckAppArmorProfile, spec.FieldAnnotation, "RuntimeDefault", "write runtime/default"},
		{"the beginning in another case", spec.CheckAppArmorProfile, spec.FieldAnnotation, "Localhost/mine", "begin with localhost/"},
		{"AppArmor's field", spec.CheckAppArmorProfile, spec.FieldAppArmorType, "localhost", "write Localhost"},
		{"a SELinux type", spec.CheckSELinuxOptions, spec.FieldSELinuxType, "Container_T", "write container_t"},
		{"a proc mount", spec.CheckProcMount, spec.FieldProcMount, "default", "write Default"},
		{"a sysctl of another family", spec.CheckSysctls, spec.FieldSysctl, "kernel.msgmax", ""},
		{"a boolean", spec.CheckPrivileged, spec.FieldPrivileged, true, ""},
		{"a policy's own rule has no values", 0, spec.FieldRunAsGroup, int64(0), ""},
	}
	if len(rows) != 19 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		v := Violation{Check: row.check, Value: row.value}
		v.Field = row.field
		if got := v.Hint(); got != row.want {
			t.Errorf("%s: %v of %s: %q, want %q", row.why, row.value, row.field, got, row.want)
		}
	}
}
