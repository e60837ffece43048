package hotpath_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

// everyAllowed visits what each revision of each check allows each field.
func everyAllowed(visit func(id spec.CheckID, rev *spec.Revision, f spec.Field, a *spec.Allowed)) {
	for _, control := range spec.Controls() {
		for i := range control.Checks {
			check := &control.Checks[i]
			for r := range check.Revisions {
				rev := &check.Revisions[r]
				for _, row := range rev.Allowed {
					for _, f := range row.Fields {
						visit(check.ID, rev, f, rev.AllowedFor(f))
					}
				}
			}
		}
	}
}

// TestCodeAgreesWithTheTable: the predicates that the hot path has written out
// say what the table says, for every value that the table names and for values
// near them.
func TestCodeAgreesWithTheTable(t *testing.T) {
	code := map[spec.Field]func(id spec.CheckID, value string) bool{
		spec.FieldPodAppArmorType:  func(_ spec.CheckID, v string) bool { return hotpath.AppArmorTypeAllowed(corev1.AppArmorProfileType(v)) },
		spec.FieldAppArmorType:     func(_ spec.CheckID, v string) bool { return hotpath.AppArmorTypeAllowed(corev1.AppArmorProfileType(v)) },
		spec.FieldCapabilitiesAdd:  hotpath.CapabilityAddable,
		spec.FieldCapabilitiesDrop: func(_ spec.CheckID, v string) bool { return hotpath.DropsAll(v) },
		spec.FieldPodSeccompType:   func(_ spec.CheckID, v string) bool { return hotpath.SeccompTypeAllowed(corev1.SeccompProfileType(v)) },
		spec.FieldSeccompType:      func(_ spec.CheckID, v string) bool { return hotpath.SeccompTypeAllowed(corev1.SeccompProfileType(v)) },
		spec.FieldAnnotation: func(id spec.CheckID, v string) bool {
			if id == spec.CheckAppArmorProfile {
				return hotpath.AppArmorAnnotationAllowed(v)
			}
			return hotpath.SeccompAnnotationAllowed(v)
		},
	}
	values := []string{"", "0", "1", "Unconfined", "unconfined", "ALL", "all", "Default", "Unmasked", "true", "false"}
	everyAllowed(func(_ spec.CheckID, _ *spec.Revision, _ spec.Field, a *spec.Allowed) {
		for _, v := range a.Values {
			values = append(values, v.Text, v.Text+"x", "x"+v.Text, strings.ToLower(v.Text), strings.ToUpper(v.Text), "CAP_"+v.Text)
		}
	})
	slices.Sort(values)
	values = slices.Compact(values)
	seen := map[spec.Field]bool{}
	compared := 0
	everyAllowed(func(id spec.CheckID, rev *spec.Revision, f spec.Field, a *spec.Allowed) {
		written, ok := code[f]
		if !ok {
			return
		}
		seen[f] = true
		for _, v := range values {
			compared++
			if got, want := written(id, v), a.Allows(v); got != want {
				t.Errorf("%s since 1.%d, %s: the code says %v of %q, the table %v", id, rev.Since, f, got, v, want)
			}
		}
	})
	if len(seen) != len(code) || compared < 2000 {
		t.Errorf("%d of %d fields met, %d comparisons", len(seen), len(code), compared)
	}
	for i := range spec.VolumeTypes() {
		vt := &spec.VolumeTypes()[i]
		var v corev1.Volume
		of := reflect.ValueOf(&v.VolumeSource).Elem().Field(i)
		of.Set(reflect.New(of.Type().Elem()))
		allowed := spec.CheckRestrictedVolumes.Control().Checks[0].Revisions[0].AllowedFor(spec.FieldVolume)
		if got, want := hotpath.RestrictedVolume(&v), allowed.Allows(spec.NamingType(&v).Name); got != want {
			t.Errorf("volume type %d, such as %s: the code says %v, the table %v", i, vt.Name, got, want)
		}
	}
}

// TestProbeFields: the fields that ProbeHosts visits are those of the table.
func TestProbeFields(t *testing.T) {
	probe := func() *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Host: "h"}, TCPSocket: &corev1.TCPSocketAction{Host: "h"},
		}}
	}
	hook := func() *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: "h"}, TCPSocket: &corev1.TCPSocketAction{Host: "h"}}
	}
	c := corev1.Container{
		LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe(),
		Lifecycle: &corev1.Lifecycle{PostStart: hook(), PreStop: hook()},
	}
	var got []spec.Field
	for f := range hotpath.ProbeHosts(&c) {
		got = append(got, f)
	}
	want := spec.CheckHostProbesAndHostLifecycle.Control().Fields()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-table +visited):\n%s", diff)
	}
	for stop := range got {
		n := 0
		for range hotpath.ProbeHosts(&c) {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("visited %d fields after a break at %d", n, stop)
		}
	}
}

// TestProbesWithoutAHost: a handler without a host, or of one kind only, names
// none for the other.
func TestProbesWithoutAHost(t *testing.T) {
	for _, row := range []struct {
		name, why string
		handler   corev1.ProbeHandler
		want      []spec.Field
	}{
		{"no handler", "the API server refuses it", corev1.ProbeHandler{}, nil},
		{"exec", "it makes no request", corev1.ProbeHandler{Exec: &corev1.ExecAction{}}, nil},
		{"no hosts", "an empty host is the pod's own address", corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}, TCPSocket: &corev1.TCPSocketAction{}}, nil},
		{"HTTP only", "there is no socket to ask", corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "h"}}, []spec.Field{spec.FieldLivenessHTTPHost}},
		{"TCP only", "there is no request to ask", corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "h"}}, []spec.Field{spec.FieldLivenessTCPHost}},
	} {
		var got []spec.Field
		for f := range hotpath.ProbeHosts(&corev1.Container{LivenessProbe: &corev1.Probe{ProbeHandler: row.handler}}) {
			got = append(got, f)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (%s): fields (-want +got):\n%s", row.name, row.why, diff)
		}
	}
}
