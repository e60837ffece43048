package spec

import (
	corev1 "k8s.io/api/core/v1"
)

// AppArmorAnnotation is the prefix of the legacy annotations; what follows is
// the name of a container, which need not exist for the annotation to count.
const AppArmorAnnotation = corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix

var appArmor = Control{
	Title: "AppArmor",
	Why:   "The runtime's AppArmor profile confines what a container's processes may touch.",
	Checks: []Check{{
		ID: CheckAppArmorProfile,
		Revisions: []Revision{{
			Since:  0,
			Change: "The runtime's profile must not be disabled or overridden by an unknown one.",
			Allowed: []Allowed{{
				Fields: []Field{FieldPodAppArmorType, FieldAppArmorType},
				Values: are(string(corev1.AppArmorProfileTypeRuntimeDefault), string(corev1.AppArmorProfileTypeLocalhost)),
				Unset:  true,
			}, {
				Fields: []Field{FieldAnnotation},
				Values: []Value{
					{Is, corev1.DeprecatedAppArmorBetaProfileRuntimeDefault},
					{Begins, corev1.DeprecatedAppArmorBetaProfileNamePrefix},
					{Is, ""},
				},
				Unset: true,
			}},
		}},
	}},
	NoFill: "unset is already the runtime's profile",
}
