package mutate

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// fieldID is a row of [fields].
type fieldID uint8

// The fields that are filled in, in the order in which they are.
const (
	podFSGroup fieldID = iota
	podSupplementalGroups
	escalation
	capabilitiesDrop
	privileged
	readOnlyRoot
	runAsGroup
	runAsNonRoot
	runAsUser
	seccompType

	fieldEnd
)

// field is what is known of a field whatever the pod.
type field struct {
	path spec.Field
	// control is the title of the control that the value serves, or the path of
	// the policy's field where it serves a rule or a default of its own.
	control string
	holds   kind
	// word is the value where every fill has the same.
	word string
}

// kind says what a field holds.
type kind uint8

const (
	flag  kind = iota // a bool
	id                // an int64
	ids               // the policy's groups
	word              // the field's word
	words             // a list of the field's word
)

var fields = [fieldEnd]field{
	podFSGroup:            {spec.FieldPodFSGroup, "mutations.fsGroup", id, ""},
	podSupplementalGroups: {spec.FieldSupplementalGroups, "mutations.supplementalGroups", ids, ""},
	escalation:            {spec.FieldAllowPrivilegeEscalation, title(spec.CheckAllowPrivilegeEscalation), flag, ""},
	capabilitiesDrop:      {spec.FieldCapabilitiesDrop, title(spec.CheckCapabilitiesRestricted), words, spec.CapabilityAll},
	privileged:            {spec.FieldPrivileged, title(spec.CheckPrivileged), flag, ""},
	readOnlyRoot:          {spec.FieldReadOnlyRootFilesystem, "allow.readOnlyRootFilesystem", flag, ""},
	runAsGroup:            {spec.FieldRunAsGroup, "mutations.runAsGroup", id, ""},
	runAsNonRoot:          {spec.FieldRunAsNonRoot, title(spec.CheckRunAsNonRoot), flag, ""},
	runAsUser:             {spec.FieldRunAsUser, title(spec.CheckRunAsUser), id, ""},
	seccompType:           {spec.FieldSeccompType, title(spec.CheckSeccompProfileRestricted), word, string(corev1.SeccompProfileTypeRuntimeDefault)},
}

func title(id spec.CheckID) string { return id.Control().Title }

// missing says which of a field's parents the pod lacks, so that the patch must
// create them: the field is then a part of the value that one operation adds.
type missing uint8

const (
	nothing missing = iota
	parent          // the object that holds the field
	context         // the security context, and all below it

	missingEnd
)

// target is the field that a patch adds: the field itself or the topmost
// parent that is missing.
func (m missing) target(f spec.Field) spec.Field {
	switch {
	case m == nothing:
		return f
	case m == parent:
		return f[:strings.LastIndexByte(string(f), '.')]
	case strings.HasPrefix(string(f), string(spec.FieldPodSecurityContext)):
		return spec.FieldPodSecurityContext
	default:
		return spec.FieldSecurityContext
	}
}

// wording is what a patch says of a field, less its value.
type wording struct {
	// pointer is that of the target, below the pod or the container.
	pointer string
	// before and after enclose the value as a member of the target:
	// `"capabilities":{"drop":` and `}` below a security context.
	before, after string
}

// wordings is made of fields once: the steps of a path are cut and quoted there
// and not for every pod. They need no escaping, neither as a pointer nor as JSON.
var wordings = func() (w [fieldEnd][missingEnd]wording) {
	for f := range fields {
		for m := range missingEnd {
			w[f][m] = wordingOf(fields[f].path, m.target(fields[f].path))
		}
	}
	return w
}()

func wordingOf(path, target spec.Field) wording {
	w := wording{pointer: "/" + strings.ReplaceAll(string(target), ".", "/")}
	below := strings.TrimPrefix(string(path[len(target):]), ".")
	if below == "" {
		return w
	}
	for i, step := range strings.Split(below, ".") {
		if i > 0 {
			w.before, w.after = w.before+"{", w.after+"}"
		}
		w.before += strconv.Quote(step) + ":"
	}
	return w
}
