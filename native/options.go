package native

import (
	"k8s.io/pod-security-admission/api"
)

// Options say how policies are rendered. The zero Options are those of a cluster
// whose namespaces have levels by labels, podfence.dev/enforce and so on, and of the
// newest API server that this package knows.
type Options struct {
	// Name begins the names of all objects; "podfence" if it is empty.
	Name string
	// KubernetesVersion is the minor version of the oldest API server that the
	// objects are for. Zero, or latest: [NewestServer].
	KubernetesVersion api.Version
	// LabelPrefix begins the labels of namespaces that say levels and versions. It
	// ends in a slash; "podfence.dev/" if it is empty.
	LabelPrefix string
	// Levels are the levels and versions of every namespace. Nil: each namespace
	// says them by its labels.
	Levels *api.Policy
	// Defaults are the levels and versions of namespaces whose labels do not say
	// any. A level that is empty is privileged, a version that is zero is latest.
	Defaults api.Policy
	// Exempt are the requests that are let through as they are.
	Exempt Exemptions
	// Static: the objects are for files of an API server, named by its
	// ManifestBasedAdmissionControlConfig. Their names then end in ".static.k8s.io".
	Static bool
	// WithoutMutation leaves the MutatingAdmissionPolicy out: pods are judged as
	// they come.
	WithoutMutation bool
}

// Exemptions are what Pod Security Admission can be told to pass over.
type Exemptions struct {
	// Namespaces are those whose pods and templates are not looked at.
	Namespaces []string
	// Usernames are those whose requests are let through. Controllers create most
	// pods, so a user who is exempt can still not have a Deployment's pods run.
	Usernames []string
	// RuntimeClasses are those of pods that are not looked at.
	RuntimeClasses []string
}

const (
	defaultName        = "podfence"
	defaultLabelPrefix = "podfence.dev/"
	staticSuffix       = ".static.k8s.io"
)
