package author

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
)

// widePolicy has much under most keys, and differs from its like in a value of each.
func widePolicy(last string) *policy.Policy {
	p := &policy.Policy{Allow: policy.Allow{
		AllowedCapabilities:  []string{"NET_ADMIN", "SYS_TIME", "SYS_PTRACE", last},
		AllowedUnsafeSysctls: []string{"net.core.*", "kernel.msgmax", "kernel." + last},
		AllowedHostPaths:     []policy.HostPath{{PathPrefix: "/var/log"}, {PathPrefix: "/etc/" + last, ReadOnly: true}},
		RunAsUser:            policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: int64(len(last)), Max: 400}}},
		Volumes:              []string{"projected", "secret", "configMap"},
		AllowedHostPorts:     []policy.PortRange{{Min: 80, Max: 90}, {Min: int32(1000 * len(last)), Max: 9000}},
		SupplementalGroups: policy.SupplementalGroupsRule{
			GroupRule: policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: int64(len(last)), Max: 9}}},
			Policy:    corev1.SupplementalGroupsPolicyStrict,
		},
	}}
	return selecting(*p)
}

// BenchmarkCompare: two policies that differ in most keys, each difference with its pod;
// and two that are equal.
func BenchmarkCompare(b *testing.B) {
	one, other, lv := widePolicy("a"), widePolicy("ab"), restrictedLatest()
	for name, new := range map[string]*policy.Policy{"different": other, "equal": one} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(one, new, lv)
			}
		})
	}
}
