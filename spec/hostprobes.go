package spec

// hostFields are the fields that name the host of a probe or a lifecycle hook.
var hostFields = [...]Field{
	FieldLivenessHTTPHost, FieldLivenessTCPHost,
	FieldReadinessHTTPHost, FieldReadinessTCPHost,
	FieldStartupHTTPHost, FieldStartupTCPHost,
	FieldPostStartHTTPHost, FieldPostStartTCPHost,
	FieldPreStopHTTPHost, FieldPreStopTCPHost,
}

var hostProbes = Control{
	Title: "Host Probes / Lifecycle Hooks",
	Why:   "The kubelet makes these requests from the node's network, wherever host points (KEP-4940).",
	Checks: []Check{{
		ID: CheckHostProbesAndHostLifecycle,
		Revisions: []Revision{{
			Since:  34,
			Change: "No probe and no lifecycle hook may name a host, not even 127.0.0.1.",
			Allowed: []Allowed{{
				Fields: hostFields[:],
				Unset:  true,
			}},
		}},
	}},
	NoFill: "nothing needs to be set",
}
