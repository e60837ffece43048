package spec

import (
	corev1 "k8s.io/api/core/v1"
)

// The legacy seccomp annotations. The API server has copied neither to the
// fields since v1.27, but still refuses a field that contradicts one.
const (
	SeccompPodAnnotation       = "seccomp.security.alpha.kubernetes.io/pod"
	SeccompContainerAnnotation = "container.seccomp.security.alpha.kubernetes.io/"
)

var (
	seccompTypes = are(string(corev1.SeccompProfileTypeRuntimeDefault), string(corev1.SeccompProfileTypeLocalhost))

	// Where a profile is set, its type is one of these; at restricted a container
	// must also have one, its own or its pod's.
	seccompBaseline   = []Allowed{{Fields: []Field{FieldPodSeccompType, FieldSeccompType}, Values: seccompTypes, Unset: true}}
	seccompRestricted = []Allowed{
		{Fields: []Field{FieldPodSeccompType}, Values: seccompTypes, Unset: true},
		{Fields: []Field{FieldSeccompType}, Values: seccompTypes},
	}
)

var seccomp = Control{
	Title: "Seccomp",
	Why:   "A seccomp profile limits which system calls reach the node's kernel.",
	Checks: []Check{{
		ID: CheckSeccompProfileBaseline,
		Revisions: []Revision{{
			Since:  0,
			Change: "The legacy annotations of the pod and of its containers must not disable seccomp.",
			Allowed: []Allowed{{
				Fields: []Field{FieldAnnotation},
				Values: []Value{
					{Is, corev1.SeccompProfileRuntimeDefault},
					{Is, corev1.DeprecatedSeccompProfileDockerDefault},
					{Begins, corev1.SeccompLocalhostProfileNamePrefix},
				},
				Unset: true,
			}},
		}, {
			Since:   19,
			Change:  "The fields are tested instead of the annotations.",
			Allowed: seccompBaseline,
		}},
	}, {
		ID: CheckSeccompProfileRestricted,
		Revisions: []Revision{{
			Since:     19,
			Change:    "A profile must be set, on the pod or on every container.",
			Allowed:   seccompRestricted,
			Overrides: []CheckID{CheckSeccompProfileBaseline},
		}, {
			Since:         25,
			Change:        "Pods that name Windows as their OS are exempt: the API forbids the field there.",
			Allowed:       seccompRestricted,
			Overrides:     []CheckID{CheckSeccompProfileBaseline},
			ExemptWindows: true,
		}},
	}},
}
