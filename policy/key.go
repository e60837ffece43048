package policy

import (
	"fmt"
	"strconv"
)

// Key is a key of the format that answers name: a grant that excuses a
// violation, a rule that demands, or a value that is filled in. The zero Key is
// none.
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
	KeyUserNamespace
	KeyDropAllCapabilities
	KeySetDefaultSeccompProfile
	KeyFillRunAsUser
	KeyFillRunAsGroup
	KeyFillFSGroup
	KeyFillFSGroupChangePolicy
	KeyFillSupplementalGroups

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
	KeyUserNamespace:            "allow.userNamespace",
	KeyDropAllCapabilities:      "mutations.dropAllCapabilities",
	KeySetDefaultSeccompProfile: "mutations.setDefaultSeccompProfile",
	KeyFillRunAsUser:            "mutations.runAsUser",
	KeyFillRunAsGroup:           "mutations.runAsGroup",
	KeyFillFSGroup:              "mutations.fsGroup",
	KeyFillFSGroupChangePolicy:  "mutations.fsGroupChangePolicy",
	KeyFillSupplementalGroups:   "mutations.supplementalGroups",
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

// Keys returns every key, in the order of the format.
func Keys() []Key {
	keys := make([]Key, 0, keyEnd-1)
	for k := KeyAllowPrivilegeEscalation; k < keyEnd; k++ {
		keys = append(keys, k)
	}
	return keys
}

// Entry is what a policy says under one key: the whole value, or one entry of a
// list. The zero Entry is none.
type Entry struct {
	Key Key
	// Container counts the entries for single containers from 1: the key is that of
	// one of them. 0: it is the policy's own.
	Container uint8
	// Index counts the entries of a list from 0; -1 for a value that is no list.
	Index int32
}

// String is the path of the entry in a policy, "allow.allowedHostPaths[1]" or
// "containers[0].allow.privileged"; empty for the zero Entry.
func (e Entry) String() string {
	path := e.Key.String()
	if e.Key != 0 && e.Index >= 0 {
		path += "[" + strconv.Itoa(int(e.Index)) + "]"
	}
	if e.Container > 0 {
		path = "containers[" + strconv.Itoa(int(e.Container)-1) + "]." + path
	}
	return path
}

// MarshalText renders the path.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }
