package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/survey"
)

// surveyForms are the forms of -o in which survey prints.
var surveyForms = []string{"text", "json", "html"}

func (a *app) surveyCommand() *cobra.Command {
	flags, form := &inputFlags{}, ""
	cmd := &cobra.Command{
		Use:   "survey [-f] FILE|DIR|-... [-R] [--policies FILE|DIR]",
		Short: "Say which level each namespace could enforce, and what blocks the next",
		Long: `Survey holds every workload against baseline and restricted: as it is, after its
unset fields are filled in, and so under the policies. For each namespace it prints
the highest level at which every workload is allowed, what blocks the next one, by
check and workload, what may not start once it is filled in, and the commands that
label the namespace: warn and audit first, then a dry run, then enforce.

A pod counts with its owner: the controller that its ownerReferences name, and for a
ReplicaSet or a Job the Deployment, Rollout or CronJob behind it, where that object
is in the input or the label pod-template-hash tells it. What is denied in a pod or
in its owner's template is denied. A ReplicaSet that makes no pods has no say where
its Deployment is in the input. With namespaces in the input their labels are read.

  -o text   for a terminal of 80 columns
  -o json   a line for each namespace, with all its workloads and their violations
  -o html   one page that needs no network: namespaces against controls; choose a
            cell to see the workloads and their violations

Exit status: 0, or 2 if something could not be decided (an unreadable manifest or
policy, a wrong flag). What is denied is what the survey is about, and no failure.`,
		Example: `  kubectl get namespaces,pods,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs \
    -A -o json | podfence survey -f -
  kubectl get pods,replicasets -A -o json | podfence survey -f - -o html > survey.html
  podfence survey -R -f manifests/ --policies policies/ --version v1.35
  podfence survey -f cluster.json -o json | jq -r 'select(.asIs.level == "restricted").namespace'`,
	}
	flags.register(cmd)
	// Every level is asked about.
	for _, name := range append(labelFlagNames, "level") {
		_ = cmd.Flags().MarkHidden(name)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("level") {
			return usagef("--level: survey asks about every level; leave it out")
		}
		flags.level = string(api.LevelRestricted) // whatever the configuration file says
		flags.name(args)
		return a.survey(flags, form)
	}
	outputFlag(cmd, &form, surveyForms...)
	return cmd
}

func (a *app) survey(flags *inputFlags, form string) error {
	s, err := a.newScan(flags)
	if err != nil {
		return err
	}
	v := &surveyor{scan: s, Collector: survey.NewCollector(s.levels.Of("").Enforce.Version, s.policies)}
	if err := s.visit(v); err != nil {
		return err
	}
	a.progress.clear()
	return a.writeSurvey(v.Report(), form)
}

func (a *app) writeSurvey(r *survey.Report, form string) error {
	switch form {
	case "html":
		return r.WritePage(a.out)
	case "json":
		for i := range r.Namespaces {
			if err := writeJSON(a.out, &r.Namespaces[i]); err != nil {
				return err
			}
		}
		return nil
	default:
		return r.WriteText(a.out)
	}
}

// surveyor is the visitor that shows a survey what the files hold.
type surveyor struct {
	*scan
	*survey.Collector
}

func (v *surveyor) begin(string) error     { return nil }
func (v *surveyor) end(string, bool) error { return nil }

func (v *surveyor) chunk(path string, c *manifest.Chunk) error {
	if c.Err != nil {
		v.AddUnreadable()
	}
	for i := range c.Objects {
		v.object(path, &c.Objects[i])
	}
	return nil
}

func (v *surveyor) object(path string, o *manifest.Object) {
	found, err := v.examine(path, o)
	if err != nil {
		v.AddUndecided(o.Namespace, (&workload{Object: o}).title(), err)
		return
	}
	if o.Kind == "Namespace" && o.APIVersion == "v1" {
		v.AddNamespace(o.Name, labelsOf(o))
	}
	if len(found) == 0 {
		return
	}
	held := make([]podfence.Workload, len(found))
	for i, w := range found {
		v.warnUnknown(w, nil)
		held[i] = w.held
	}
	o.Own()
	v.allowed++ // counted for the progress alone: a survey has its own summary
	v.Add(survey.Object{
		Owner: survey.Owner{
			Namespace: o.Namespace, Group: schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).Group, Kind: o.Kind, Name: o.Name,
		},
		Typed: o.Typed, Held: held,
	})
}

// labelsOf are the labels of an object, none where it has none that can be read.
func labelsOf(o *manifest.Object) map[string]string {
	var partial metav1.PartialObjectMetadata
	if err := json.Unmarshal(o.JSON(), &partial); err != nil {
		return map[string]string{}
	}
	return partial.Labels
}
