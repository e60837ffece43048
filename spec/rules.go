package spec

import (
	"k8s.io/pod-security-admission/api"
)

// Rules is what the standards demand of one sort of pod at one level and
// version. A Rules is shared and must not be changed.
type Rules struct {
	// Checks are the checks that are in force for the pod.
	Checks CheckSet
	// revisions holds, by check, the revision in force; nil for a check that is
	// not.
	revisions [checkEnd]*Revision
	// SELinuxTypes are the allowed SELinux types, the empty one among them.
	SELinuxTypes []string
	// Sysctls are the allowed sysctls.
	Sysctls []string
	// SeccompAnnotations: the baseline check reads the legacy annotations and
	// not yet the fields.
	SeccompAnnotations bool
}

// Newest is the newest version of the standards that this package knows: the
// minor version of Kubernetes in which a check was last added or changed.
func Newest() api.Version { return newest }

var newest = api.MajorMinorVersion(1, newestMinor())

// Normalize returns the level and version that are evaluated when lv is asked
// for. An unknown level is restricted. Version zero is latest: upstream it runs
// no check and so would allow everything, a trap for whoever forgets to set it;
// versions before v1.0 are the same trap. A version newer than Newest stays as
// it is, is evaluated as the newest, and is printed as it was asked for.
func Normalize(lv api.LevelVersion) api.LevelVersion {
	if !lv.Level.Valid() {
		lv.Level = api.LevelRestricted
	}
	if !lv.Version.Latest() && (lv.Version.Major() < 1 || lv.Version.Minor() < 0) {
		lv.Version = api.LatestVersion()
	}
	return lv
}

// For returns the rules at a level and version for pods that run on Windows or
// in a user namespace of their own, or neither. At level privileged nothing is
// checked. What Normalize makes of lv need not be made of it before.
func For(lv api.LevelVersion, windows, userNamespace bool) *Rules {
	if lv.Level == api.LevelPrivileged {
		return &noRules
	}
	minor := lv.Version.Minor()
	if last := len(table.byMinor) - 1; lv.Version.Latest() || lv.Version.Major() != 1 || minor < 0 || minor > last {
		minor = last
	}
	return &table.byMinor[minor][sort(lv.Level != api.LevelBaseline, windows, userNamespace)]
}

var noRules Rules

// Want says what a check that is in force demands of a field, in a few words:
// "false or unset". Of a volume's source that is what it demands of volumes.
func (r *Rules) Want(id CheckID, f Field) string {
	if rev := r.revisions[id]; rev != nil && f < fieldEnd {
		return rev.wants[f]
	}
	return ""
}

// word renders what the rows of a revision want.
func (r *Revision) word() {
	for i := range r.Allowed {
		want := r.Allowed[i].Want()
		for _, f := range r.Allowed[i].Fields {
			r.wants[f] = want
			if f != FieldVolume {
				continue
			}
			for i := range volumeTypeTable {
				r.wants[volumeTypeTable[i].Field] = want
			}
		}
	}
}

// sorts is the number of combinations that sort tells apart.
const sorts = 8

func sort(restricted, windows, userNamespace bool) (s int) {
	for i, set := range [...]bool{restricted, windows, userNamespace} {
		if set {
			s |= 1 << i
		}
	}
	return s
}

// table holds the rules of every version, built from controls once.
var table = buildTable()

type rulesTable struct {
	byMinor [][sorts]Rules
}

func buildTable() (t rulesTable) {
	for _, check := range checks() {
		for i := range check.Revisions {
			check.Revisions[i].word()
		}
	}
	for minor := 0; minor <= newestMinor(); minor++ {
		var row [sorts]Rules
		for s := range row {
			row[s] = rulesFor(minor, s&1 != 0, s&2 != 0, s&4 != 0)
		}
		t.byMinor = append(t.byMinor, row)
	}
	return t
}

func rulesFor(minor int, restricted, windows, userNamespace bool) Rules {
	var r Rules
	var overridden CheckSet
	for _, check := range checks() {
		rev := check.at(minor)
		if rev == nil || !restricted && check.ID.Level() == api.LevelRestricted {
			continue
		}
		for _, id := range rev.Overrides {
			overridden = overridden.With(id)
		}
		if rev.ExemptWindows && windows || rev.ExemptUserNamespace && userNamespace {
			continue
		}
		r.Checks = r.Checks.With(check.ID)
		r.revisions[check.ID] = rev
		switch check.ID {
		case CheckSELinuxOptions:
			r.SELinuxTypes = texts(rev.AllowedFor(FieldSELinuxType))
		case CheckSysctls:
			r.Sysctls = texts(rev.AllowedFor(FieldSysctl))
		case CheckSeccompProfileBaseline:
			r.SeccompAnnotations = rev.AllowedFor(FieldSeccompType) == nil
		}
	}
	r.Checks &^= overridden
	return r
}

// texts are the values of a row, ready to be searched by the hot path.
func texts(a *Allowed) (list []string) {
	for _, v := range a.Values {
		list = append(list, v.Text)
	}
	return list
}

// at returns the revision in force at a minor version, nil if there is none yet.
func (c *Check) at(minor int) *Revision {
	for i := len(c.Revisions) - 1; i >= 0; i-- {
		if c.Revisions[i].Since <= minor {
			return &c.Revisions[i]
		}
	}
	return nil
}

func newestMinor() (minor int) {
	for _, check := range checks() {
		minor = max(minor, check.Revisions[len(check.Revisions)-1].Since)
	}
	return minor
}
