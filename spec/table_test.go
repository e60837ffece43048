package spec_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// TestOrderOfChecks: check IDs count in the order of reports, baseline before
// restricted and each sorted by ID, which is how Pod Security Admission sorts.
func TestOrderOfChecks(t *testing.T) {
	var ids []spec.CheckID
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			ids = append(ids, check.ID)
		}
	}
	slices.Sort(ids)
	if last := ids[len(ids)-1]; last > 31 {
		t.Errorf("check %d, %s, has no bit in a CheckSet of spec/check.go, nor a place in grantTypesOf of policy/granttype.go", uint8(last), last)
	}
	byName := slices.Clone(ids)
	slices.SortFunc(byName, func(a, b spec.CheckID) int {
		if c := api.CompareLevels(a.Level(), b.Level()); c != 0 {
			return c
		}
		return strings.Compare(a.String(), b.String())
	})
	if diff := cmp.Diff(byName, ids); diff != "" {
		t.Errorf("order of the constants in spec/check.go, where Level tells which are restricted (-by level and name +by number):\n%s", diff)
	}
}

// TestVolumeTypesAreAll: every field of a volume is a volume type, under the
// name of the field, and is told apart from all others.
func TestVolumeTypesAreAll(t *testing.T) {
	source := reflect.TypeFor[corev1.VolumeSource]()
	names := map[string]int{}
	for i := range source.NumField() {
		name, _, _ := strings.Cut(source.Field(i).Tag.Get("json"), ",")
		names[name] = i
	}
	for i := range spec.VolumeTypes() {
		vt := &spec.VolumeTypes()[i]
		field, ok := names[vt.Name]
		if !ok {
			t.Errorf("the API has no volume type %q", vt.Name)
			continue
		}
		delete(names, vt.Name)
		var v corev1.Volume
		of := reflect.ValueOf(&v.VolumeSource).Elem().Field(field)
		of.Set(reflect.New(of.Type().Elem()))
		for j := range spec.VolumeTypes() {
			if other := &spec.VolumeTypes()[j]; other.In(&v) != (i == j) {
				t.Errorf("a volume of type %s: In of type %s = %v", vt.Name, other.Name, i != j)
			}
		}
		if want := "spec.volumes[*]." + vt.Name; vt.Field.String() != want {
			t.Errorf("field %q, want %q", vt.Field, want)
		}
		if set := spec.SourcesOf(&v); !set.Has(vt.Field) || len(slices.Collect(set.Types())) != 1 {
			t.Errorf("the sources of a volume of type %s are %b", vt.Name, set)
		}
	}
	for name := range names {
		t.Errorf("the table lacks the volume type %q", name)
	}
}

// TestNormalize: what cannot be meant is the strictest thing that it could be.
func TestNormalize(t *testing.T) {
	latest := api.LatestVersion()
	tests := []struct {
		name, reason string
		in, want     api.LevelVersion
	}{
		{"zero version", "upstream runs no check at it",
			api.LevelVersion{Level: api.LevelBaseline}, api.LevelVersion{Level: api.LevelBaseline, Version: latest}},
		{"unknown level", "upstream evaluates it as restricted",
			api.LevelVersion{Level: "strict", Version: latest}, api.LevelVersion{Level: api.LevelRestricted, Version: latest}},
		{"empty level", "it is an unknown one",
			api.LevelVersion{Version: latest}, api.LevelVersion{Level: api.LevelRestricted, Version: latest}},
		{"before v1.0", "upstream runs no check at it",
			api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(0, 37)}, api.LevelVersion{Level: api.LevelBaseline, Version: latest}},
		{"negative minor", "upstream runs no check at it",
			api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, -1)}, api.LevelVersion{Level: api.LevelBaseline, Version: latest}},
		{"future version", "it is printed as asked for",
			api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, 99)}, api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, 99)}},
		{"privileged", "it needs no version",
			api.LevelVersion{Level: api.LevelPrivileged, Version: api.MajorMinorVersion(1, 5)}, api.LevelVersion{Level: api.LevelPrivileged, Version: api.MajorMinorVersion(1, 5)}},
		{"as asked", "nothing is wrong with it",
			api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 0)}, api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 0)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := spec.Normalize(tt.in); got != tt.want {
				t.Errorf("Normalize(%v) = %v, want %v: %s", tt.in, got, tt.want, tt.reason)
			}
		})
	}
}

// TestFutureIsNewest: a version above the newest known one is evaluated as that.
func TestFutureIsNewest(t *testing.T) {
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		newest := spec.For(api.LevelVersion{Level: level, Version: spec.Newest()}, false, false)
		for _, v := range []api.Version{api.LatestVersion(), api.MajorMinorVersion(1, 99), api.MajorMinorVersion(2, 0), {}} {
			if got := spec.For(api.LevelVersion{Level: level, Version: v}, false, false); got != newest {
				t.Errorf("%s:%s has other rules than %s", level, v, spec.Newest())
			}
		}
	}
}

// TestControlsAreWhole: every control has a title of its own, checks and fields.
func TestControlsAreWhole(t *testing.T) {
	titles := map[string]bool{}
	checks := 0
	for _, c := range spec.Controls() {
		if titles[c.Title] {
			t.Errorf("two controls are titled %q", c.Title)
		}
		titles[c.Title] = true
		if c.Why == "" || len(c.Fields()) == 0 {
			t.Errorf("control %q lacks a reason or fields: see its file in spec/", c.Title)
		}
		for _, check := range c.Checks {
			checks++
			if check.ID.Control() != c {
				t.Errorf("%s finds another control than %q", check.ID, c.Title)
			}
			for _, rev := range check.Revisions {
				if rev.Change == "" || len(rev.Allowed) == 0 {
					t.Errorf("%s since 1.%d says too little", check.ID, rev.Since)
				}
			}
		}
	}
	if len(titles) != 16 || checks != 19 {
		t.Errorf("%d controls, %d checks; want 16 and 19", len(titles), checks)
	}
}

// TestCheckIDText: an ID survives being written and read.
func TestCheckIDText(t *testing.T) {
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			text, _ := check.ID.MarshalText()
			var back spec.CheckID
			if err := back.UnmarshalText(text); err != nil || back != check.ID {
				t.Errorf("%q reads as %v, %v", text, back, err)
			}
		}
	}
	var id spec.CheckID
	if err := id.UnmarshalText([]byte("seccomp")); err == nil {
		t.Error("an unknown ID is read without an error")
	}
	if got := spec.CheckID(200).String(); got != "check(200)" {
		t.Errorf("String() = %q", got)
	}
	if spec.CheckID(200).Control() != nil || spec.CheckID(0).Control() != nil {
		t.Error("an unknown check has a control")
	}
}

// TestCheckSet: a set yields what it has, in order.
func TestCheckSet(t *testing.T) {
	set := spec.For(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, false, false).Checks
	var got []string
	for id := range set.All() {
		if !set.Has(id) {
			t.Errorf("the set yields %s and does not have it", id)
		}
		got = append(got, id.String())
	}
	want := []string{
		"appArmorProfile", "hostNamespaces", "hostPorts", "hostProbesAndHostLifecycle", "privileged", "seLinuxOptions",
		"sysctls", "windowsHostProcess", "allowPrivilegeEscalation", "capabilities_restricted", "procMount_restricted",
		"restrictedVolumes", "runAsNonRoot", "runAsUser", "seccompProfile_restricted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks at restricted:latest (-want +got):\n%s", diff)
	}
	for range set.All() {
		break
	}
}

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

// TestWords: what a field must be is said in few words, which the table gives.
func TestWords(t *testing.T) {
	for _, row := range []struct {
		check spec.CheckID
		field spec.Field
		want  string
	}{
		{spec.CheckHostPorts, spec.FieldHostPort, "0 or unset"},
		{spec.CheckPrivileged, spec.FieldPrivileged, "false or unset"},
		{spec.CheckAllowPrivilegeEscalation, spec.FieldAllowPrivilegeEscalation, "false"},
		{spec.CheckCapabilitiesRestricted, spec.FieldCapabilitiesDrop, `["ALL"]`},
		{spec.CheckAppArmorProfile, spec.FieldAnnotation, "runtime/default, localhost/..., empty or unset"},
		{spec.CheckAppArmorProfile, spec.FieldAppArmorType, "RuntimeDefault, Localhost or unset"},
		{spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "RuntimeDefault or Localhost"},
		{spec.CheckSeccompProfileRestricted, spec.FieldPodSeccompType, "RuntimeDefault, Localhost or unset"},
		{spec.CheckRunAsNonRoot, spec.FieldPodRunAsNonRoot, "true or unset"},
		{spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, "true"},
		{spec.CheckRunAsUser, spec.FieldRunAsUser, "any UID but 0"},
		{spec.CheckSELinuxOptions, spec.FieldSELinuxUser, "unset"},
		{spec.CheckRestrictedVolumes, spec.FieldVolumeNFS, "a volume type that restricted allows"},
		{spec.CheckHostProbesAndHostLifecycle, spec.FieldPreStopTCPHost, "unset"},
	} {
		rules := spec.For(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, false, false)
		if got := rules.Want(row.check, row.field); got != row.want {
			t.Errorf("%s, %s: %q, want %q", row.check, row.field, got, row.want)
		}
	}
	everyAllowed(func(id spec.CheckID, rev *spec.Revision, f spec.Field, a *spec.Allowed) {
		if a.Want() == "" {
			t.Errorf("%s since 1.%d wants nothing of %s", id, rev.Since, f)
		}
	})
}
