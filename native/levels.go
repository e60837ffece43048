package native

import (
	"fmt"
	"math"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// mode is what a level is for.
type mode string

const (
	enforce mode = "enforce"
	audit   mode = "audit"
	warn    mode = "warn"
)

// of is the level and version of a mode.
func (m mode) of(p *api.Policy) api.LevelVersion {
	switch m {
	case enforce:
		return p.Enforce
	case audit:
		return p.Audit
	default:
		return p.Warn
	}
}

// The levels and versions that labels may say, as package api parses them.
var levelWords = []string{string(api.LevelPrivileged), string(api.LevelBaseline), string(api.LevelRestricted)}

const versionPattern = `^v1[.](0|[1-9][0-9]{0,17})$`

// levels are the level and version of a mode: those of the options, or those that the
// labels of the namespace say, by the rules of api.PolicyToEvaluate. A label that
// cannot be parsed is restricted where pods are refused and privileged elsewhere, and
// of versions the latest.
func levels(m mode, o *Options) []Variable {
	level, version := "", ""
	if o.Levels != nil {
		lv := spec.Normalize(m.of(o.Levels))
		level, version = word(string(lv.Level)), word(lv.Version.String())
	} else {
		level, version = fromLabels(m, o)
	}
	return []Variable{
		{"namespaceSays", "namespaceObject.metadata.?labels.orValue({})"},
		{"level", level},
		{"version", version},
		{"minor", fmt.Sprintf("variables.version == 'latest' ? %d : int(variables.version.substring(3))", math.MaxInt64)},
		{"restricted", "variables.level == " + word(string(api.LevelRestricted))},
		{"baseline", "variables.level == " + word(string(api.LevelBaseline))},
	}
}

func fromLabels(m mode, o *Options) (level, version string) {
	bad := api.LevelPrivileged
	if m == enforce {
		bad = api.LevelRestricted
	}
	defaults := spec.Normalize(m.of(&o.Defaults))
	said := func(m mode, what string) string {
		return "variables.namespaceSays[?" + quote(o.LabelPrefix+string(m)+what) + "]"
	}
	levelSaid := func(m mode, bad api.Level) string {
		return said(m, "") + ".optMap(l, l in " + words(levelWords) + " ? l : " + word(string(bad)) + ")"
	}
	versionSaid := func(m mode) string {
		return said(m, "-version") + ".optMap(v, v.matches(" + quote(versionPattern) + ") ? v : 'latest')"
	}
	level = levelSaid(m, bad) + ".orValue(" + word(string(defaults.Level)) + ")"
	version = versionSaid(m) + ".orValue(" + word(defaults.Version.String()) + ")"
	if m != warn {
		return level, version
	}
	// A namespace that says nothing of warnings, and enforces more than the default
	// for these, is warned at the level that it enforces.
	enforced := spec.Normalize(o.Defaults.Enforce)
	raised := "(!" + said(warn, "") + ".hasValue() && " + said(enforce, "") + ".orValue('') in " + words(stricter(defaults.Level)) + ")"
	level = raised + " ? " + said(enforce, "") + ".orValue('') : " + level
	version = raised + " && !" + said(warn, "-version") + ".hasValue() ? " + versionSaid(enforce) + ".orValue(" + word(enforced.Version.String()) + ") : " + version
	return level, version
}

// stricter are the levels that are stricter than one.
func stricter(than api.Level) (list []string) {
	for _, level := range levelWords {
		if api.CompareLevels(api.Level(level), than) > 0 {
			list = append(list, level)
		}
	}
	return list
}
