package policy

import "fmt"

// Key is a key of the format that answers name: a grant that excuses a
// violation, or a rule that demands. The zero Key is none.
type Key uint8

// The keys, in the order of the format.
const (
	KeyAllowPrivilegeEscalation Key = iota + 1
	KeyPrivileged
	KeyAllowedCapabilities
	KeyAllowedUnsafeSysctls
	KeyHostNetworkPorts
	KeyHostNamespace
	KeyAllowedHostPaths
	KeyRunAsUser
	KeyRunAsGroup
	KeyFSGroup
	KeySupplementalGroups
	KeyVolumes
	KeySeccompProfiles
	KeyAppArmorProfiles
	KeyProcMounts
	KeySELinuxOptions
	KeyWindowsHostProcess
	KeyAllowedProbeHosts
	KeyAllowedHostPorts
	KeyHostNetwork
	KeyHostPID
	KeyHostIPC
	KeyReadOnlyRootFilesystem
	KeyDropAllCapabilities
	KeySetDefaultSeccompProfile

	keyEnd
)

var keyPaths = [keyEnd]string{
	KeyAllowPrivilegeEscalation: "allow.allowPrivilegeEscalation",
	KeyPrivileged:               "allow.privileged",
	KeyAllowedCapabilities:      "allow.allowedCapabilities",
	KeyAllowedUnsafeSysctls:     "allow.allowedUnsafeSysctls",
	KeyHostNetworkPorts:         "allow.hostNetworkPorts",
	KeyHostNamespace:            "allow.hostNamespace",
	KeyAllowedHostPaths:         "allow.allowedHostPaths",
	KeyRunAsUser:                "allow.runAsUser",
	KeyRunAsGroup:               "allow.runAsGroup",
	KeyFSGroup:                  "allow.fsGroup",
	KeySupplementalGroups:       "allow.supplementalGroups",
	KeyVolumes:                  "allow.volumes",
	KeySeccompProfiles:          "allow.seccompProfiles",
	KeyAppArmorProfiles:         "allow.appArmorProfiles",
	KeyProcMounts:               "allow.procMounts",
	KeySELinuxOptions:           "allow.seLinuxOptions",
	KeyWindowsHostProcess:       "allow.windowsHostProcess",
	KeyAllowedProbeHosts:        "allow.allowedProbeHosts",
	KeyAllowedHostPorts:         "allow.allowedHostPorts",
	KeyHostNetwork:              "allow.hostNetwork",
	KeyHostPID:                  "allow.hostPID",
	KeyHostIPC:                  "allow.hostIPC",
	KeyReadOnlyRootFilesystem:   "allow.readOnlyRootFilesystem",
	KeyDropAllCapabilities:      "mutations.dropAllCapabilities",
	KeySetDefaultSeccompProfile: "mutations.setDefaultSeccompProfile",
}

// String is the path of the key in a policy, "allow.runAsGroup"; empty for the
// zero Key.
func (k Key) String() string {
	if k >= keyEnd {
		return fmt.Sprintf("key(%d)", uint8(k))
	}
	return keyPaths[k]
}

// MarshalText renders the path, so that JSON carries it and not a number.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote. It fails for an unknown path.
func (k *Key) UnmarshalText(text []byte) error {
	for i, path := range keyPaths {
		if path == string(text) {
			*k = Key(i)
			return nil
		}
	}
	return fmt.Errorf("no key of a policy that answers name is %q", text)
}
