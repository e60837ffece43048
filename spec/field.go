package spec

import "strings"

// Field is a field of a pod that a check reads, a policy's rule demands or
// Mutate fills in: a row of a table that says where it stands, what it holds and
// what it inherits from. The zero Field is none.
type Field uint16

// Fields of the pod.
const (
	FieldAnnotation Field = iota + 1
	FieldHostIPC
	FieldHostNetwork
	FieldHostPID
	FieldHostUsers
	FieldPodAppArmorType
	FieldPodFSGroup
	FieldPodFSGroupChangePolicy
	FieldPodHostProcess
	FieldPodRunAsGroup
	FieldPodRunAsNonRoot
	FieldPodRunAsUser
	FieldPodSELinuxRole
	FieldPodSELinuxType
	FieldPodSELinuxUser
	FieldPodSeccompType
	FieldSupplementalGroups
	FieldSupplementalGroup
	FieldSupplementalGroupsPolicy
	FieldSysctl
	// FieldVolume is a volume as a whole. The fields of its sources follow it,
	// in the order of [VolumeTypes].
	FieldVolume
	FieldVolumeConfigMap
	FieldVolumeCSI
	FieldVolumeDownwardAPI
	FieldVolumeEmptyDir
	FieldVolumeEphemeral
	FieldVolumeImage
	FieldVolumePersistentVolumeClaim
	FieldVolumeProjected
	FieldVolumeSecret
	FieldVolumeHostPath
	FieldVolumeGCEPersistentDisk
	FieldVolumeAWSElasticBlockStore
	FieldVolumeGitRepo
	FieldVolumeNFS
	FieldVolumeISCSI
	FieldVolumeGlusterfs
	FieldVolumeRBD
	FieldVolumeFlexVolume
	FieldVolumeCinder
	FieldVolumeCephFS
	FieldVolumeFlocker
	FieldVolumeFC
	FieldVolumeAzureFile
	FieldVolumeVsphereVolume
	FieldVolumeQuobyte
	FieldVolumeAzureDisk
	FieldVolumePhotonPersistentDisk
	FieldVolumePortworxVolume
	FieldVolumeScaleIO
	FieldVolumeStorageOS

	// Fields of a container: init, regular and ephemeral ones alike.

	FieldAllowPrivilegeEscalation
	FieldAppArmorType
	FieldCapabilitiesAdd
	FieldCapabilitiesDrop
	FieldHostPort
	FieldHostProcess
	FieldLivenessHTTPHost
	FieldLivenessTCPHost
	FieldReadinessHTTPHost
	FieldReadinessTCPHost
	FieldStartupHTTPHost
	FieldStartupTCPHost
	FieldPostStartHTTPHost
	FieldPostStartTCPHost
	FieldPreStopHTTPHost
	FieldPreStopTCPHost
	FieldPrivileged
	FieldProcMount
	FieldReadOnlyRootFilesystem
	FieldRunAsGroup
	FieldRunAsNonRoot
	FieldRunAsUser
	FieldSELinuxRole
	FieldSELinuxType
	FieldSELinuxUser
	FieldSeccompType

	fieldEnd
)

// Scope says what a field belongs to.
type Scope uint8

const (
	// OfPod: the field begins at the pod, with "spec" or "metadata".
	OfPod Scope = iota + 1
	// OfContainer: the field begins at a container of any kind.
	OfContainer
)

// Type says what a field holds.
type Type uint8

const (
	// Bool is a boolean that may be unset.
	Bool Type = iota + 1
	// ID is a user or group ID, an int64 that may be unset.
	ID
	// IDs is a list of group IDs.
	IDs
	// Port is a port of the node, an int32; 0 is unset.
	Port
	// String is text; the empty string is unset, but for annotations, which are
	// there or not.
	String
	// Strings is a list of text; an empty list is unset.
	Strings
	// Object is a part of the API with fields of its own.
	Object
)

// Each stands among a field's steps for the index of a list, or for the key of
// a map.
const Each = "*"

// eachText is Each in a dotted path.
const eachText = "[" + Each + "]"

// fieldRow is what is known of a field whatever the pod.
type fieldRow struct {
	scope    Scope
	steps    []string
	holds    Type
	inherits Field

	// path is the dotted path, before and after are its parts around "[*]".
	path, before, after string
	// below is the path below the spec of the pod, or below the container.
	below string
}

func ofPod(holds Type, steps ...string) fieldRow {
	return fieldRow{scope: OfPod, holds: holds, steps: steps}
}

func ofContainer(holds Type, steps ...string) fieldRow {
	return fieldRow{scope: OfContainer, holds: holds, steps: steps}
}

// inheriting is a field of a container that an unset container takes from its pod.
func inheriting(from Field, holds Type, steps ...string) fieldRow {
	row := ofContainer(holds, steps...)
	row.inherits = from
	return row
}

// Steps that many fields share.
const (
	context  = "securityContext"
	seLinuxO = "seLinuxOptions"
	windowsO = "windowsOptions"
	spec     = "spec"
)

var fields = prepare([fieldEnd]fieldRow{
	FieldAnnotation:               ofPod(String, "metadata", "annotations", Each),
	FieldHostIPC:                  ofPod(Bool, spec, "hostIPC"),
	FieldHostNetwork:              ofPod(Bool, spec, "hostNetwork"),
	FieldHostPID:                  ofPod(Bool, spec, "hostPID"),
	FieldHostUsers:                ofPod(Bool, spec, "hostUsers"),
	FieldPodAppArmorType:          ofPod(String, spec, context, "appArmorProfile", "type"),
	FieldPodFSGroup:               ofPod(ID, spec, context, "fsGroup"),
	FieldPodFSGroupChangePolicy:   ofPod(String, spec, context, "fsGroupChangePolicy"),
	FieldPodHostProcess:           ofPod(Bool, spec, context, windowsO, "hostProcess"),
	FieldPodRunAsGroup:            ofPod(ID, spec, context, "runAsGroup"),
	FieldPodRunAsNonRoot:          ofPod(Bool, spec, context, "runAsNonRoot"),
	FieldPodRunAsUser:             ofPod(ID, spec, context, "runAsUser"),
	FieldPodSELinuxRole:           ofPod(String, spec, context, seLinuxO, "role"),
	FieldPodSELinuxType:           ofPod(String, spec, context, seLinuxO, "type"),
	FieldPodSELinuxUser:           ofPod(String, spec, context, seLinuxO, "user"),
	FieldPodSeccompType:           ofPod(String, spec, context, "seccompProfile", "type"),
	FieldSupplementalGroups:       ofPod(IDs, spec, context, "supplementalGroups"),
	FieldSupplementalGroup:        ofPod(ID, spec, context, "supplementalGroups", Each),
	FieldSupplementalGroupsPolicy: ofPod(String, spec, context, "supplementalGroupsPolicy"),
	FieldSysctl:                   ofPod(String, spec, context, "sysctls", Each, "name"),
	FieldVolume:                   ofPod(Object, spec, "volumes", Each),
	// The sources of a volume are filled in by prepare, from the table of types.

	FieldAllowPrivilegeEscalation: ofContainer(Bool, context, "allowPrivilegeEscalation"),
	FieldAppArmorType:             inheriting(FieldPodAppArmorType, String, context, "appArmorProfile", "type"),
	FieldCapabilitiesAdd:          ofContainer(String, context, "capabilities", "add", Each),
	FieldCapabilitiesDrop:         ofContainer(Strings, context, "capabilities", "drop"),
	FieldHostPort:                 ofContainer(Port, "ports", Each, "hostPort"),
	FieldHostProcess:              inheriting(FieldPodHostProcess, Bool, context, windowsO, "hostProcess"),
	FieldLivenessHTTPHost:         ofContainer(String, "livenessProbe", "httpGet", "host"),
	FieldLivenessTCPHost:          ofContainer(String, "livenessProbe", "tcpSocket", "host"),
	FieldReadinessHTTPHost:        ofContainer(String, "readinessProbe", "httpGet", "host"),
	FieldReadinessTCPHost:         ofContainer(String, "readinessProbe", "tcpSocket", "host"),
	FieldStartupHTTPHost:          ofContainer(String, "startupProbe", "httpGet", "host"),
	FieldStartupTCPHost:           ofContainer(String, "startupProbe", "tcpSocket", "host"),
	FieldPostStartHTTPHost:        ofContainer(String, "lifecycle", "postStart", "httpGet", "host"),
	FieldPostStartTCPHost:         ofContainer(String, "lifecycle", "postStart", "tcpSocket", "host"),
	FieldPreStopHTTPHost:          ofContainer(String, "lifecycle", "preStop", "httpGet", "host"),
	FieldPreStopTCPHost:           ofContainer(String, "lifecycle", "preStop", "tcpSocket", "host"),
	FieldPrivileged:               ofContainer(Bool, context, "privileged"),
	FieldProcMount:                ofContainer(String, context, "procMount"),
	FieldReadOnlyRootFilesystem:   ofContainer(Bool, context, "readOnlyRootFilesystem"),
	FieldRunAsGroup:               inheriting(FieldPodRunAsGroup, ID, context, "runAsGroup"),
	FieldRunAsNonRoot:             inheriting(FieldPodRunAsNonRoot, Bool, context, "runAsNonRoot"),
	FieldRunAsUser:                inheriting(FieldPodRunAsUser, ID, context, "runAsUser"),
	FieldSELinuxRole:              inheriting(FieldPodSELinuxRole, String, context, seLinuxO, "role"),
	FieldSELinuxType:              inheriting(FieldPodSELinuxType, String, context, seLinuxO, "type"),
	FieldSELinuxUser:              inheriting(FieldPodSELinuxUser, String, context, seLinuxO, "user"),
	FieldSeccompType:              inheriting(FieldPodSeccompType, String, context, "seccompProfile", "type"),
})

// prepare adds the sources of volumes, and renders every path once.
func prepare(rows [fieldEnd]fieldRow) [fieldEnd]fieldRow {
	for i := range volumeTypeTable {
		t := &volumeTypeTable[i]
		rows[t.Field] = ofPod(Object, spec, "volumes", Each, t.Name)
	}
	for f := range rows {
		rows[f].render()
	}
	return rows
}

func (r *fieldRow) render() {
	part := &r.before
	for i, step := range r.steps {
		switch {
		case step == Each:
			r.path += eachText
			part = &r.after
			continue
		case i > 0:
			r.path += "."
			*part += "."
		}
		r.path += step
		*part += step
	}
	if r.below = r.path; r.scope == OfPod {
		r.below = strings.TrimPrefix(r.path, spec+".")
	}
}

// Fields returns every field, those of the pod first.
func Fields() []Field {
	list := make([]Field, 0, fieldEnd-1)
	for f := FieldAnnotation; f < fieldEnd; f++ {
		list = append(list, f)
	}
	return list
}

// row is what the table says of a field; nothing for one that it does not have.
func (f Field) row() *fieldRow {
	if f >= fieldEnd {
		f = 0
	}
	return &fields[f]
}

// String is the dotted path from the pod or the container on. "[*]" stands for
// an index, or for the key of an annotation.
func (f Field) String() string { return f.row().path }

// Scope says to what the field belongs: the pod or a container.
func (f Field) Scope() Scope { return f.row().scope }

// Type says what the field holds.
func (f Field) Type() Type { return f.row().holds }

// Steps are the names on the way to the field, [Each] for an index or a key.
// The result is the caller's.
func (f Field) Steps() []string { return append([]string(nil), f.row().steps...) }

// Inherits is the field of the pod from which a container takes its value where
// it sets none itself; zero where containers inherit nothing.
func (f Field) Inherits() Field { return f.row().inherits }

// Short is the path without the security context in which it stands:
// "capabilities.drop".
func (f Field) Short() string {
	steps := f.row().steps
	for i, step := range steps {
		if step == context {
			return strings.Join(steps[i+1:], ".")
		}
	}
	return f.String()
}

// MarshalText renders the path, so that JSON carries it and not a number.
func (f Field) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
