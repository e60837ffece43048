package hotpath

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// AppArmorTypeAllowed reports whether the standard allows a profile type.
func AppArmorTypeAllowed(t corev1.AppArmorProfileType) bool {
	return t == corev1.AppArmorProfileTypeRuntimeDefault || t == corev1.AppArmorProfileTypeLocalhost
}

// AppArmorAnnotationAllowed reports whether the standard allows the value of a
// legacy annotation.
func AppArmorAnnotationAllowed(value string) bool {
	return value == "" ||
		value == corev1.DeprecatedAppArmorBetaProfileRuntimeDefault ||
		strings.HasPrefix(value, corev1.DeprecatedAppArmorBetaProfileNamePrefix)
}

// SeccompTypeAllowed reports whether the standard allows a profile type.
func SeccompTypeAllowed(t corev1.SeccompProfileType) bool {
	return t == corev1.SeccompProfileTypeRuntimeDefault || t == corev1.SeccompProfileTypeLocalhost
}

// SeccompAnnotationAllowed reports whether the standard allows the value of a
// legacy annotation.
func SeccompAnnotationAllowed(value string) bool {
	return SeccompAnnotationIsDefault(value) || strings.HasPrefix(value, corev1.SeccompLocalhostProfileNamePrefix)
}

// SeccompAnnotationIsDefault reports whether a legacy annotation means
// RuntimeDefault, so that API validation accepts that field beside it.
func SeccompAnnotationIsDefault(value string) bool {
	return value == corev1.SeccompProfileRuntimeDefault || value == corev1.DeprecatedSeccompProfileDockerDefault
}
