package spec

// Each list holds what its minor version added to the safe sysctls.
var (
	sysctls0 = []string{
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range",
		"net.ipv4.ip_unprivileged_port_start",
	}
	sysctls27 = []string{"net.ipv4.ip_local_reserved_ports"}
	sysctls29 = []string{
		"net.ipv4.tcp_keepalive_time",
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
	}
	sysctls32 = []string{"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
	sysctls37 = []string{"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}
)

// sysctlsAllowed joins lists into what a revision allows.
func sysctlsAllowed(lists ...[]string) []Allowed {
	var names []string
	for _, list := range lists {
		names = append(names, list...)
	}
	return []Allowed{{Fields: []Field{FieldSysctl}, Values: are(names...), Unset: true, Called: "a safe sysctl"}}
}

var sysctls = Control{
	Title: "Sysctls",
	Why:   "A sysctl that is not namespaced changes the node for every pod on it.",
	Checks: []Check{{
		ID: CheckSysctls,
		Revisions: []Revision{{
			Since:   0,
			Change:  "Only the safe sysctls may be set, compared exactly: net/ipv4/... is another name.",
			Allowed: sysctlsAllowed(sysctls0),
		}, {
			Since:   27,
			Change:  "net.ipv4.ip_local_reserved_ports is safe too.",
			Allowed: sysctlsAllowed(sysctls0, sysctls27),
		}, {
			Since:   29,
			Change:  "Four sysctls for TCP keepalive and FIN are safe too.",
			Allowed: sysctlsAllowed(sysctls0, sysctls27, sysctls29),
		}, {
			Since:   32,
			Change:  "net.ipv4.tcp_rmem and tcp_wmem are safe too.",
			Allowed: sysctlsAllowed(sysctls0, sysctls27, sysctls29, sysctls32),
		}, {
			Since:   37,
			Change:  "net.ipv4.tcp_slow_start_after_idle and tcp_notsent_lowat are safe too.",
			Allowed: sysctlsAllowed(sysctls0, sysctls27, sysctls29, sysctls32, sysctls37),
		}},
	}},
	NoFill: "nothing needs to be set",
}
