package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/survey"
)

// suggestForms are the forms of -o in which suggest prints.
var suggestForms = []string{"yaml", "json"}

func (a *app) suggestCommand() *cobra.Command {
	flags, options, form, explain := &inputFlags{}, author.Options{}, "", false
	cmd := &cobra.Command{
		Use:   "suggest [-f] FILE|DIR|-... [-R]",
		Short: "Write the least policies under which workloads are allowed",
		Long: `Suggest prints the policies that workloads need to be allowed at a level, and no more.
What is printed is a file of policies: put it into a folder, let it be reviewed, and
check it by 'podfence lint' and 'podfence admit --policies'.

Behind each grant a comment says which workload, container and field needs it. What a
manifest could better change itself is said first, in comments at the top. What podfence
fills in is never granted: a workload that 'podfence admit' allows needs no policy.

Grants are exact. What one container needs, an entry for that container grants. Host
paths are those of the pods, read-only where every mount is. Ports are joined to a range
only if every port of it is used. A policy selects by the fewest labels that its workloads
have and no other workload of the input has, so name all workloads of a namespace. Labels
that change with each pod or release are not used.

Before it is printed, every workload is judged under the result, and so it is under every
policy that is smaller by one step; each of them denies a workload. The last line of the
comments counts them: minimal: 9 smaller policies tried, each refuses a pod.

Exit status: 0 if every workload is allowed under what is printed; 1 if no policy can
allow some of them; 2 if something could not be decided.`,
		Example: `  podfence suggest -f manifests/ > suggested.yaml
  podfence suggest -f manifests/ --tight
  podfence suggest -f manifests/ --explain
  kubectl get deployments,daemonsets,statefulsets,services -n prod -o json | podfence suggest -f -`,
	}
	flags.registerForOneLevel(cmd)
	cmd.Flags().BoolVar(&options.Tight, "tight", false, "also pin what the pods use: users, groups, volumes, types of host paths, a read-only root filesystem")
	cmd.Flags().BoolVar(&options.WholePod, "whole-pod", false, "grant the whole pod what single containers need")
	cmd.Flags().BoolVar(&options.PerWorkload, "per-workload", false, "a policy for each workload, also where several need the same")
	cmd.Flags().BoolVar(&explain, "explain", false, "print each grant with everything that needs it, and each smaller policy that was tried, in place of the policies")
	_ = cmd.Flags().MarkHidden("policies")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("policies") {
			return usagef("--policies: suggest says what is needed without any policy; leave it out, or ask 'podfence usage' what is needed of policies")
		}
		if explain && form != suggestForms[0] {
			return usagef("--explain is text: leave out -o %s, which has everything that it says", form)
		}
		flags.policies = nil
		flags.name(args)
		if err := flags.oneLevel(cmd); err != nil {
			return err
		}
		return a.suggest(flags, options, form, explain)
	}
	outputFlag(cmd, &form, suggestForms...)
	return cmd
}

func (a *app) suggest(flags *inputFlags, options author.Options, form string, explain bool) error {
	s, err := a.newScan(flags)
	if err != nil {
		return err
	}
	g := &gatherer{scan: s}
	if err := s.visit(g); err != nil {
		return err
	}
	a.progress.clear()
	options.Services = g.services
	found, err := author.Least(g.workloads, s.levels.Of("").Enforce, options)
	if err != nil {
		return err
	}
	switch {
	case !found.Proof.Holds():
		s.problem("podfence: %s: please report it, with the manifests", found.Proof.String())
	case len(found.Unmet) > 0:
		a.worsen(statusDenied)
	}
	switch {
	case form == "json":
		return writeJSON(a.out, found.Record())
	case explain:
		return writeExplanation(a.out, &found)
	default:
		return writeSuggestion(a.out, &found)
	}
}

// gatherer is the visitor that keeps the workloads.
type gatherer struct {
	*scan
	workloads []author.Workload
	services  []*corev1.Service
}

func (g *gatherer) begin(string) error     { return nil }
func (g *gatherer) end(string, bool) error { return nil }

func (g *gatherer) chunk(path string, c *manifest.Chunk) error {
	for i := range c.Objects {
		g.object(path, &c.Objects[i])
	}
	return nil
}

func (g *gatherer) object(path string, o *manifest.Object) {
	found, err := g.examine(path, o)
	switch {
	case err != nil:
	case o.Kind == "Service" && o.APIVersion == "v1":
		g.service(o)
	default:
		g.workloads = append(g.workloads, g.owned(o, found)...)
	}
}

// service keeps a Service, as far as it can be read: it is only for a remark.
func (g *gatherer) service(o *manifest.Object) {
	service := &corev1.Service{}
	if json.Unmarshal(o.JSON(), service) == nil {
		service.Namespace = o.Namespace
		g.services = append(g.services, service)
	}
}

// owned are the workloads of an object by the names of their owners. An object that
// makes no pods has none.
func (s *scan) owned(o *manifest.Object, found []*workload) (list []author.Workload) {
	if len(found) == 0 {
		return nil
	}
	o.Own()
	s.allowed++ // counted for the progress alone
	if survey.IsIdle(o.Typed) {
		return nil
	}
	owner := survey.OwnerOf(survey.Owner{
		Namespace: o.Namespace, Group: schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).Group, Kind: o.Kind, Name: o.Name,
	}, o.Typed)
	for _, w := range found {
		s.warnUnknown(w, nil)
		list = append(list, author.Workload{Workload: w.held, Kind: owner.Kind, Name: owner.Name})
	}
	return list
}

// registerForOneLevel adds the flags of a command that asks about one level.
func (f *inputFlags) registerForOneLevel(cmd *cobra.Command) {
	f.register(cmd)
	for _, name := range labelFlagNames {
		_ = cmd.Flags().MarkHidden(name)
	}
}

// oneLevel refuses the levels of labels. The configuration file may have them for other
// commands: then it is restricted.
func (f *inputFlags) oneLevel(cmd *cobra.Command) error {
	if f.level != fromLabels {
		return nil
	}
	if cmd.Flags().Changed("level") {
		return usagef("--level labels: %s asks about one level: write privileged, baseline or restricted", cmd.Name())
	}
	f.level = string(api.LevelRestricted)
	return nil
}
