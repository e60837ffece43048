package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
)

func (a *app) admitCommand() *cobra.Command {
	return a.answerCommand(&cobra.Command{
		Use:   "admit [-f] FILE|DIR|-... [-R] [--policies FILE|DIR]",
		Short: "Fill workloads in, then judge them: what a cluster with podfence would do",
		Long: `Admit decides about every workload as an admission controller with podfence
would: which policy governs it, which unset fields are filled in, and whether the
result is allowed, as the API server would store it. A pod gets the token volume of
its ServiceAccount, unless it sets automountServiceAccountToken: false; that a
ServiceAccount sets it cannot be known here. Admit prints the decision and changes
no file; mutate does. What keeps a workload from being allowed has a line for each
field, with the smallest grant of a policy that would excuse it. The summary counts
what is allowed and may not start all the same; the lines that begin with ! say why,
and what may start and not work as meant.
What a workload is, and what is said of unknown fields, 'podfence evaluate --help'
tells.
` + fmt.Sprintf(answerFormsHelp, `of evaluate, which are about the result, and changes, unset (what was left so, and
why), advice, patch (RFC 6902), reason and considered (the policies that were tried)`) + "\n" + statusHelp,
		Example: `  podfence admit -f examples/manifests/
  podfence admit -f examples/manifests/ --policies examples/policies/
  kubectl get deployment web -o yaml | podfence admit -f - -o json`,
	}, admitted, failOnDenied, failOnMayNotStart, failOnNever)
}

func admitted(s *scan, w *workload) *answer {
	lv := s.levels.Of(w.Namespace).Enforce
	d := w.held.Admit(lv, s.policies)
	a := &answer{workload: w, result: &d.Result, decision: &d}
	// What is warned of and audited is the pod as it is filled in at the enforced level.
	filled := w.held
	filled.Pod, filled.Template = d.Pod, d.Template
	a.levels = s.answerLevels(w.Namespace, &d.Result, func(lv api.LevelVersion) evaluate.Result { return filled.EvaluateStored(lv, s.policies) })
	return a
}
