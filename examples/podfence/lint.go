package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (a *app) lintCommand() *cobra.Command {
	var paths []string
	var recursive bool
	cmd := &cobra.Command{
		Use:   "lint --policies FILE|DIR [-R]",
		Short: "Check policy files",
		Long: `Lint prints everything that is wrong with policy files, and warns of policies that
are right and yet hardly meant so:

  - a policy that can never differ from the default policy, plain restricted, in
    what it excuses, demands or fills in; or that only narrows the volume types
  - hostPath in volumes without allowedHostPaths, which alone allow it
  - a selector that no pod can meet
  - two policies that can select one pod: they are tried in order of name, and
    their grants never add up

Exit status: 0 without errors, also with warnings; 1 with errors; 2 if a file cannot
be read.`,
		Example: `  podfence lint --policies policies/
  podfence lint -R policies/ more/route-manager.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.lint(append(paths, args...), recursive)
		},
	}
	policiesFlag(cmd, &paths)
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "read directories with all below them")
	return cmd
}

func (a *app) lint(paths []string, recursive bool) error {
	if len(paths) == 0 {
		return usagef("no policies are named: write --policies FILE or --policies DIRECTORY")
	}
	sources, files, errs, err := readPolicies(paths, recursive)
	if err != nil {
		return err
	}
	findings := warnings(sources)
	for _, e := range errs {
		findings = append(findings, finding{file: e.File, line: e.Line, text: e.Error()})
	}
	slices.SortStableFunc(findings, func(x, y finding) int {
		return cmp.Or(cmp.Compare(x.file, y.file), cmp.Compare(x.line, y.line))
	})
	for _, f := range findings {
		fmt.Fprintln(a.out, f.text)
	}
	if len(errs) > 0 {
		a.worsen(statusDenied)
	}
	summary := fmt.Sprintf("%s in %s", policiesCounted(len(sources)), counted(files, "file"))
	fmt.Fprintf(a.out, "%s: %s\n", summary, cmp.Or(listed("", ", ",
		some(len(errs), plural("%d error", len(errs))),
		some(len(findings)-len(errs), plural("%d warning", len(findings)-len(errs))),
	), "ok"))
	return nil
}

func plural(noun string, n int) string {
	if n != 1 {
		return noun + "s"
	}
	return noun
}

func policiesCounted(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}

// finding is a line of lint.
type finding struct {
	file string
	line int
	text string
}

func (s *source) where() string {
	if s.line == 0 {
		return s.file
	}
	return fmt.Sprintf("%s:%d", s.file, s.line)
}

// title names a policy: "route-manager", or with its namespace "net/route-manager".
func (s *source) title() string { return strings.Join(present(s.Namespace, s.Name), "/") }

func (s *source) warn(format string, args ...any) finding {
	text := fmt.Sprintf("%s: warning: policy %s ", s.where(), s.title()) + fmt.Sprintf(format, args...)
	return finding{s.file, s.line, text}
}

// warnings finds what is right and hardly meant.
func warnings(sources []source) (found []finding) {
	for i := range sources {
		found = append(found, sources[i].warnings()...)
	}
	return append(found, overlaps(sources)...)
}

func (s *source) warnings() (found []finding) {
	switch effect(&s.Policy) {
	case noEffect:
		found = append(found, s.warn("can never differ from the default policy: it grants nothing, demands nothing and fills in nothing else; "+
			"give it a grant under allow, or remove it"))
	case narrowsVolumes:
		found = append(found, s.warn("grants nothing; it only narrows volumes: by allow.volumes, or its default, it refuses %s, which restricted allows; "+
			"give it a grant under allow, or remove it", strings.Join(narrowed(&s.Allow), ", ")))
	}
	if slices.Contains(s.Allow.Volumes, spec.HostPath) && len(s.Allow.AllowedHostPaths) == 0 {
		found = append(found, s.warn("lists hostPath in allow.volumes, which allows none; write the paths under allow.allowedHostPaths"))
	}
	if !selectable(&s.Policy) {
		found = append(found, s.warn("selects no pod: no labels meet its podSelectorLabels and podSelectorExpressions together"))
	}
	return found
}

// overlaps finds the pairs of policies that can select one pod.
func overlaps(sources []source) (found []finding) {
	byName := make([]*source, len(sources))
	for i := range sources {
		byName[i] = &sources[i]
	}
	slices.SortStableFunc(byName, func(a, b *source) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	for i, first := range byName {
		for _, second := range byName[i+1:] {
			if overlap(&first.Policy, &second.Policy) {
				found = append(found, second.warn("and policy %s (%s) can select one pod%s: %s is tried first, in order of name, and their grants never add up",
					first.title(), first.where(), inNamespace(first, second), first.title()))
			}
		}
	}
	return found
}

// inNamespace says in which namespace two policies meet.
func inNamespace(a, b *source) string {
	if namespace := cmp.Or(a.Namespace, b.Namespace); namespace != "" {
		return " in namespace " + namespace
	}
	return ""
}

// How a policy differs from the default one.
const (
	differs = iota
	// narrowsVolumes: it only refuses volume types that restricted allows.
	narrowsVolumes
	// noEffect: for no pod is there another verdict, or another value filled in.
	noEffect
)

// effect takes from a policy all that means what the default means, at
// restricted and the latest version for pods that the API accepts. If anything
// is left, the policy differs; so does one with a field that is not known here.
//
// A list of capabilities always counts: with it "CAP_NET_BIND_SERVICE" passes,
// which the standard, comparing exactly, refuses. So does MustRunAs with every
// ID in its ranges: an unset ID does not meet it.
func effect(given *policy.Policy) int {
	p := given.DeepCopy()
	p.Name, p.Namespace, p.PodSelectorLabels, p.PodSelectorExpressions = "", "", nil, nil
	narrows := plainVolumes(&p.Allow)
	plainLists(&p.Allow)
	plainRules(&p.Allow)
	plainMutations(&p.Mutations)
	switch {
	case !reflect.DeepEqual(p, &policy.Policy{}):
		return differs
	case narrows:
		return narrowsVolumes
	default:
		return noEffect
	}
}

// plainVolumes removes a list of volumes that grants nothing. narrows: it also
// refuses something that restricted allows, as the documented default does.
func plainVolumes(a *policy.Allow) (narrows bool) {
	for _, t := range spec.VolumeTypes() {
		if !t.Restricted && t.Name != spec.HostPath && a.Volume(t.Name) {
			return false
		}
	}
	narrows = len(narrowed(a)) > 0
	a.Volumes = nil
	return narrows
}

// narrowed are the volume types that restricted allows and the policy refuses.
func narrowed(a *policy.Allow) (types []string) {
	for _, t := range spec.VolumeTypes() {
		if t.Restricted && !a.Volume(t.Name) {
			types = append(types, t.Name)
		}
	}
	return types
}

// plainLists removes lists without an entry, and sysctls that are safe anyway.
func plainLists(a *policy.Allow) {
	safe := spec.For(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, false, false).Sysctls
	a.AllowedUnsafeSysctls = slices.DeleteFunc(a.AllowedUnsafeSysctls, func(name string) bool { return slices.Contains(safe, name) })
	for _, list := range []*[]string{&a.AllowedCapabilities, &a.AllowedUnsafeSysctls, &a.SeccompProfiles, &a.AppArmorProfiles, &a.ProcMounts, &a.AllowedProbeHosts} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(a.AllowedHostPaths) == 0 {
		a.AllowedHostPaths = nil
	}
	if len(a.AllowedHostPorts) == 0 {
		a.AllowedHostPorts = nil
	}
}

// plainRules removes rules that demand nothing.
func plainRules(a *policy.Allow) {
	if a.RunAsUser.Rule == policy.MustRunAsNonRoot || a.RunAsUser.Rule == "" {
		a.RunAsUser = policy.UserRule{}
	}
	for _, rule := range []*policy.GroupRule{&a.RunAsGroup, &a.FSGroup, &a.SupplementalGroups} {
		if rule.Rule == policy.RunAsAny || rule.Rule == "" || rule.Rule == policy.MayRunAs && everyID(rule.Ranges) {
			*rule = policy.GroupRule{}
		}
	}
}

// everyID reports whether the ranges together hold every ID.
func everyID(ranges []policy.IDRange) bool {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b policy.IDRange) int { return cmp.Compare(a.Min, b.Min) })
	next := int64(0)
	for _, r := range sorted {
		if r.Min > next {
			return false
		}
		next = max(next, r.Max+1)
	}
	return next > policy.MaxID
}

// plainMutations removes values that are the defaults.
func plainMutations(m *policy.Mutations) {
	var standard policy.Policy
	if m.DropsAllCapabilities() {
		m.DropAllCapabilities = nil
	}
	if m.SetsSeccompProfile() {
		m.SetDefaultSeccompProfile = nil
	}
	group, _ := standard.GroupFill()
	if m.RunAsGroup != nil && *m.RunAsGroup == group {
		m.RunAsGroup = nil
	}
	if fsGroup, _ := standard.FSGroupFill(); m.FSGroup != nil && *m.FSGroup == fsGroup {
		m.FSGroup = nil
	}
	if slices.Equal(m.SupplementalGroups, standard.SupplementalGroupsFill()) {
		m.SupplementalGroups = nil
	}
}
