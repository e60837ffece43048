package mutate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Change is one field that was filled in.
type Change struct {
	// Location is the field.
	spec.Location
	// Value is what it was filled with: bool, int64, []int64, string or []string.
	Value any
	// Check is the check that the value serves; zero where it serves a rule of
	// the policy, or a default of its own.
	Check spec.CheckID
	// Key is the key of the policy that has a say in the value; zero for none.
	Key policy.Key
}

// Serves is the title of the control that the value serves, or the path of the
// policy's key where it serves none.
func (c Change) Serves() string {
	if c.Check == 0 {
		return c.Key.String()
	}
	return c.Check.Control().Title
}

// String renders the field and its value, on one line.
func (c Change) String() string { return string(c.AppendLine(make([]byte, 0, 96))) }

// AppendLine appends the line that String renders.
func (c Change) AppendLine(b []byte) []byte {
	b = append(c.AppendPath(b), ": "...)
	switch v := c.Value.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return append(b, v...)
	case []int64:
		b = append(b, '[')
		for i, id := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, id, 10)
		}
		return append(b, ']')
	default:
		return fmt.Append(b, v)
	}
}

// Reason says why a field was left unset.
type Reason string

// The reasons.
const (
	// PolicyLeaves: the policy grants what the unset field means, or turns the
	// filling off.
	PolicyLeaves Reason = "policy"
	// Windows: API validation forbids the field on Windows pods.
	Windows Reason = "windows"
	// Mirror: a mirror pod only shows what a kubelet runs already.
	Mirror Reason = "mirror"
	// PrivilegedContainer: API validation refuses the value on a privileged
	// container, or it would have no effect there.
	PrivilegedContainer Reason = "privileged"
	// AddsSysAdmin: SYS_ADMIN implies escalation, and API validation refuses
	// false beside CAP_SYS_ADMIN.
	AddsSysAdmin Reason = "sysAdmin"
	// RootUser: the effective runAsUser is 0, and the kubelet would refuse to
	// start such a container with runAsNonRoot.
	RootUser Reason = "rootUser"
	// Administrator: the effective runAsUserName of a Windows pod's container is
	// ContainerAdministrator, which the kubelet takes for root.
	Administrator Reason = "administrator"
	// NonRoot: the effective runAsNonRoot is true, and the policy has no user
	// ID but 0 to fill in.
	NonRoot Reason = "nonRoot"
	// UserNamespace: with hostUsers=false root in the pod is not root on the
	// node, and restricted leaves the user free (since v1.35).
	UserNamespace Reason = "userNamespace"
	// Annotation: a legacy seccomp annotation says otherwise, and API
	// validation refuses a field that contradicts it.
	Annotation Reason = "annotation"
	// Inherited: the container inherits a value that its author set on the pod
	// against the standard.
	Inherited Reason = "inherited"
	// HostNamespaces: the pod uses the host's network, PID or IPC namespace, and API
	// validation refuses hostUsers=false beside it.
	HostNamespaces Reason = "hostNamespaces"
	// VolumeDevices: a container has volumeDevices, and API validation refuses
	// hostUsers=false beside them.
	VolumeDevices Reason = "volumeDevices"
	// NoFSGroup: neither the pod nor the policy has an fsGroup, without which
	// fsGroupChangePolicy means nothing.
	NoFSGroup Reason = "noFSGroup"
)

// reasons names what package plan gives a number.
var reasons = [...]Reason{
	plan.PolicyLeaves:        PolicyLeaves,
	plan.Windows:             Windows,
	plan.Mirror:              Mirror,
	plan.PrivilegedContainer: PrivilegedContainer,
	plan.AddsSysAdmin:        AddsSysAdmin,
	plan.RootUser:            RootUser,
	plan.Administrator:       Administrator,
	plan.NonRoot:             NonRoot,
	plan.UserNamespace:       UserNamespace,
	plan.Annotation:          Annotation,
	plan.Inherited:           Inherited,
	plan.HostNamespaces:      HostNamespaces,
	plan.VolumeDevices:       VolumeDevices,
	plan.NoFSGroup:           NoFSGroup,
}

var explanations = map[Reason]string{
	PolicyLeaves:        "the policy leaves it so",
	Windows:             "the API forbids it on Windows pods",
	Mirror:              "a mirror pod cannot be changed",
	PrivilegedContainer: "the container is privileged",
	AddsSysAdmin:        "the container adds SYS_ADMIN, which implies it",
	RootUser:            "the container runs as UID 0, which the kubelet would then refuse",
	Administrator:       "the container runs as ContainerAdministrator, which the kubelet takes for root and would then refuse",
	NonRoot:             "runAsNonRoot is true, and the policy has no user ID but 0",
	UserNamespace:       "the pod has a user namespace of its own (hostUsers=false)",
	Annotation:          "a legacy seccomp annotation says otherwise",
	Inherited:           "the container inherits a value that is set on the pod",
	HostNamespaces:      "the pod uses the host's network, PID or IPC namespace, beside which the API refuses it",
	VolumeDevices:       "a container has volumeDevices, beside which the API refuses it",
	NoFSGroup:           "no fsGroup is set or filled in",
}

// String is the reason as part of a sentence.
func (r Reason) String() string { return explanations[r] }

// Unset is one field that Mutate would fill on most pods and left unset.
type Unset struct {
	spec.Location
	Reason Reason
}

// String renders the field and the reason, on one line.
func (u Unset) String() string { return fmt.Sprintf("%s: %s", u.Location, u.Reason) }

// Report is what Mutate did, what it did not, and why. It is a value: it keeps no
// reference to the pod. The zero Report is that of a pod that needed nothing.
type Report struct {
	// plan has the changes in the form in which planning makes them, pods and
	// patches being made of them: a third of the size of a Change.
	plan plan.Plan
	root spec.Root
}

// Within is the report for an object that holds the pod at root: its paths,
// pointers and patch begin there.
func (r Report) Within(root spec.Root) Report {
	r.root = root
	return r
}

// Changed reports whether anything was filled in.
func (r Report) Changed() bool { return len(r.plan.Fills) > 0 }

// Changes returns what was filled in: the pod's own fields first, then the
// containers in the order of their visit. The slice is the caller's.
func (r Report) Changes() []Change {
	if !r.Changed() {
		return nil
	}
	changes := make([]Change, len(r.plan.Fills))
	for i := range changes {
		changes[i] = r.Change(i)
	}
	return changes
}

// Len is how many fields were filled in.
func (r Report) Len() int { return len(r.plan.Fills) }

// Change returns the i-th of [Report.Changes], for callers that need no slice of
// them. It panics if i is not from 0 to [Report.Len] - 1.
func (r Report) Change(i int) Change {
	f := &r.plan.Fills[i]
	field := plan.FieldOf(f.Field)
	return Change{r.at(f.Container(), field.Path), r.value(f), field.Check, field.Key}
}

// Unset returns the fields that were left unset. The slice is the caller's.
func (r Report) Unset() []Unset {
	if len(r.plan.Unset) == 0 {
		return nil
	}
	unset := make([]Unset, len(r.plan.Unset))
	for i := range r.plan.Unset {
		u := &r.plan.Unset[i]
		unset[i] = Unset{r.at(u.At, u.Field), reasons[u.Why]}
	}
	return unset
}

func (r *Report) at(c spec.Container, f spec.Field) spec.Location {
	l := spec.At(c, f)
	l.Root = r.root
	return l
}

// value is what a field was filled with.
func (r *Report) value(f *plan.Fill) any {
	switch field := plan.FieldOf(f.Field); field.Path.Type() {
	case spec.Bool:
		return f.Value != 0
	case spec.ID:
		return f.Value
	case spec.IDs:
		return slices.Clone(r.plan.Groups)
	case spec.String:
		return field.Word
	default:
		return []string{field.Word}
	}
}

// ChangeRecord is the JSON form of a [Change].
type ChangeRecord struct {
	Field   string       `json:"field"`
	Pointer string       `json:"pointer"`
	Value   any          `json:"value"`
	Check   spec.CheckID `json:"check,omitzero"`
	Control string       `json:"control,omitempty"`
	Key     policy.Key   `json:"key,omitzero"`
}

// UnsetRecord is the JSON form of an [Unset].
type UnsetRecord struct {
	Field   string `json:"field"`
	Pointer string `json:"pointer"`
	Reason  Reason `json:"reason"`
	Why     string `json:"why"`
}

// ReportRecord is the JSON form of a [Report]. Every key is always there.
type ReportRecord struct {
	Changes []ChangeRecord  `json:"changes"`
	Unset   []UnsetRecord   `json:"unset"`
	Patch   json.RawMessage `json:"patch"`
}

// Record renders the report as the library and the command print it.
func (r Report) Record() ReportRecord {
	j := ReportRecord{Changes: []ChangeRecord{}, Unset: []UnsetRecord{}, Patch: r.Patch()}
	for _, c := range r.Changes() {
		record := ChangeRecord{Field: c.Location.String(), Pointer: c.Pointer(), Value: c.Value, Check: c.Check, Key: c.Key}
		if c.Check != 0 {
			record.Control = c.Check.Control().Title
		}
		j.Changes = append(j.Changes, record)
	}
	for _, u := range r.Unset() {
		j.Unset = append(j.Unset, UnsetRecord{u.Location.String(), u.Pointer(), u.Reason, u.Reason.String()})
	}
	return j
}

// MarshalJSON renders the report's [ReportRecord].
func (r Report) MarshalJSON() ([]byte, error) { return json.Marshal(r.Record()) }
