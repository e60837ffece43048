package spec

// Field is the path of a field that a control or a rule reads. One that begins
// with "spec." or "metadata." belongs to the pod; any other belongs to a
// container and holds for init, regular and ephemeral containers alike. "[*]"
// stands for an index, or for a key where the field is a map.
type Field string

// Fields of the pod.
const (
	FieldAnnotation         Field = "metadata.annotations[*]"
	FieldHostIPC            Field = "spec.hostIPC"
	FieldHostNetwork        Field = "spec.hostNetwork"
	FieldHostPID            Field = "spec.hostPID"
	FieldPodSecurityContext Field = "spec.securityContext"
	FieldPodAppArmorType    Field = "spec.securityContext.appArmorProfile.type"
	FieldPodFSGroup         Field = "spec.securityContext.fsGroup"
	FieldPodHostProcess     Field = "spec.securityContext.windowsOptions.hostProcess"
	FieldPodRunAsGroup      Field = "spec.securityContext.runAsGroup"
	FieldPodRunAsNonRoot    Field = "spec.securityContext.runAsNonRoot"
	FieldPodRunAsUser       Field = "spec.securityContext.runAsUser"
	FieldPodSELinuxRole     Field = "spec.securityContext.seLinuxOptions.role"
	FieldPodSELinuxType     Field = "spec.securityContext.seLinuxOptions.type"
	FieldPodSELinuxUser     Field = "spec.securityContext.seLinuxOptions.user"
	FieldPodSeccompType     Field = "spec.securityContext.seccompProfile.type"
	FieldSupplementalGroups Field = "spec.securityContext.supplementalGroups"
	FieldSupplementalGroup  Field = "spec.securityContext.supplementalGroups[*]"
	FieldSysctl             Field = "spec.securityContext.sysctls[*].name"
	FieldVolume             Field = "spec.volumes[*]"
	FieldVolumeHostPath     Field = "spec.volumes[*].hostPath"
)

// Fields of a container.
const (
	FieldSecurityContext          Field = "securityContext"
	FieldAllowPrivilegeEscalation Field = "securityContext.allowPrivilegeEscalation"
	FieldAppArmorType             Field = "securityContext.appArmorProfile.type"
	FieldCapabilities             Field = "securityContext.capabilities"
	FieldCapabilitiesAdd          Field = "securityContext.capabilities.add[*]"
	FieldCapabilitiesDrop         Field = "securityContext.capabilities.drop"
	FieldHostPort                 Field = "ports[*].hostPort"
	FieldHostProcess              Field = "securityContext.windowsOptions.hostProcess"
	FieldPrivileged               Field = "securityContext.privileged"
	FieldProcMount                Field = "securityContext.procMount"
	FieldReadOnlyRootFilesystem   Field = "securityContext.readOnlyRootFilesystem"
	FieldRunAsGroup               Field = "securityContext.runAsGroup"
	FieldRunAsNonRoot             Field = "securityContext.runAsNonRoot"
	FieldRunAsUser                Field = "securityContext.runAsUser"
	FieldSELinuxRole              Field = "securityContext.seLinuxOptions.role"
	FieldSELinuxType              Field = "securityContext.seLinuxOptions.type"
	FieldSELinuxUser              Field = "securityContext.seLinuxOptions.user"
	FieldSeccompProfile           Field = "securityContext.seccompProfile"
	FieldSeccompType              Field = "securityContext.seccompProfile.type"
)
