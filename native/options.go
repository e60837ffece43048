package native

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
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

// NewestServer is the newest version of the API server whose objects this package
// knows; the expressions have been compiled and run by it.
func NewestServer() api.Version { return api.MajorMinorVersion(1, newestServer) }

// Minor versions of the API server. An expression may use what the version before the
// server's own knew.
const (
	newestServer = 37
	// expressionsSince has the functions that the expressions use: of lists, sort,
	// distinct and flatten.
	expressionsSince = 35
	// mutationSince has MutatingAdmissionPolicy in APIVersion.
	mutationSince = 36
	// staticSince has ManifestBasedAdmissionControlConfig without a feature gate.
	staticSince = 37
)

// complete fills in what is left open, and refuses what no server could do.
func (o *Options) complete() error {
	if o.Name == "" {
		o.Name = defaultName
	}
	if o.LabelPrefix == "" {
		o.LabelPrefix = defaultLabelPrefix
	}
	if problems := append(validation.IsDNS1123Subdomain(o.Name), validation.IsValidLabelValue(o.Name)...); len(problems) > 0 {
		return optionError("Name", fmt.Sprintf("%q begins no name of an object: %s", o.Name, problems[0]), "write lower-case letters, digits, '-' and '.'")
	}
	if prefix, ok := strings.CutSuffix(o.LabelPrefix, "/"); !ok || len(validation.IsDNS1123Subdomain(prefix)) > 0 {
		return optionError("LabelPrefix", fmt.Sprintf("%q is no prefix of labels", o.LabelPrefix), "write a domain and a slash, as in "+defaultLabelPrefix)
	}
	for name, p := range map[string]*api.Policy{"Levels": o.Levels, "Defaults": &o.Defaults} {
		if p == nil {
			continue
		}
		for _, lv := range []*api.LevelVersion{&p.Enforce, &p.Audit, &p.Warn} {
			if lv.Level != "" && !lv.Level.Valid() {
				return optionError(name, fmt.Sprintf("%q is no level", lv.Level), "write privileged, baseline or restricted")
			}
		}
	}
	o.defaults()
	return o.server()
}

// defaults fills levels in that are left empty. The options' own levels are copied.
func (o *Options) defaults() {
	if o.Levels != nil {
		levels := *o.Levels
		o.Levels = &levels
	}
	for _, p := range []*api.Policy{o.Levels, &o.Defaults} {
		if p == nil {
			continue
		}
		for _, lv := range []*api.LevelVersion{&p.Enforce, &p.Audit, &p.Warn} {
			if lv.Level == "" {
				lv.Level = api.LevelPrivileged
			}
		}
	}
}

// OldestServer is the oldest minor version of Kubernetes whose API server has all that
// the objects use.
func (o *Options) OldestServer() api.Version {
	since := expressionsSince
	if !o.WithoutMutation {
		since = mutationSince
	}
	if o.Static {
		since = staticSince
	}
	return api.MajorMinorVersion(1, since)
}

// server refuses what the API server cannot do.
func (o *Options) server() error {
	v := o.KubernetesVersion
	if v.Latest() || v == (api.Version{}) {
		return nil
	}
	tooOld := func(key, what string, since int, fix string) error {
		return optionError(key, fmt.Sprintf("Kubernetes %s has no %s, which came with v1.%d", v.String(), what, since), fix)
	}
	switch minor := v.Minor(); {
	case v.Major() != 1 || minor > newestServer:
		return optionError("KubernetesVersion", fmt.Sprintf("%s is not known here, which knows up to v1.%d", v.String(), newestServer), "leave it out")
	case minor < expressionsSince:
		return tooOld("KubernetesVersion", "functions of lists that the expressions use", expressionsSince, "run the webhook there")
	case minor < mutationSince && !o.WithoutMutation:
		return tooOld("WithoutMutation", KindMutatingPolicy+" in "+APIVersion, mutationSince, "render without mutation, or run the webhook there")
	case minor < staticSince && o.Static:
		return tooOld("Static", "ManifestBasedAdmissionControlConfig", staticSince, "apply the objects instead")
	}
	return nil
}

func optionError(option, problem, fix string) error {
	return &Error{Key: option, Problem: problem, Fix: fix}
}
