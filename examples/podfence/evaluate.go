package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
)

func (a *app) evaluateCommand() *cobra.Command {
	return a.answerCommand(&cobra.Command{
		Use:   "evaluate [-f] FILE|DIR|-... [-R] [--policies FILE|DIR]",
		Short: "Judge workloads as they are, as Pod Security Admission would",
		Long: `Evaluate judges every workload as it is written: nothing is filled in first. It
prints each violation with the line and path of its field, what it must be and the
smallest grant of a policy that would excuse it; what a policy excused; and last the
warning of Pod Security Admission. A field that is unset has the line of what is
nearest above it, often the container.

What the API server would store is not always what is written: a volume without a
source becomes an emptyDir, with hostNetwork a containerPort is a hostPort too, and
a pod gets the token volume of its ServiceAccount. Where the verdict on what would
be stored is another one, a line says so. Admit judges that.

A workload is a Pod, PodTemplate, ReplicationController, ReplicaSet, Deployment,
StatefulSet, DaemonSet, Job or CronJob, by itself, in a List, in a JSON array or in
an AdmissionReview. An object of another kind that holds a pod template at a known
place, as Argo's Rollout and Knative's Service do in spec.template, is judged by it
and said to be; --workload adds places. Other documents are counted by kind. A
workload of an API version that is no longer served, or that cannot be decoded,
could not be decided.

A template of Helm is told as one: render it first, or leave it out by --exclude.
A Kustomize patch, which looks like a workload that lacks something, is passed over
and counted with --skip-patches. In a directory a link to nothing, and JSON with
comments that holds no Kubernetes object, are named and passed over. A document, or
an item of a list, that is larger than --max-document-size could not be decided.

Where no policy governs a workload, or it is denied, lines name the policies that
nearly select it: those of a namespace where the manifest names none, and those that
its labels miss by case or by one value.

With --level labels a workload is judged at the level that its namespace enforces: the
input's Namespace documents, which may stand anywhere in it, say which by their
labels, as Pod Security Admission reads them. What stands against their warn and audit
levels is listed as such and denies nothing. What the labels leave open, the
--default-...-level flags say; --level-without-namespace is for where there is no
document. Standard input is then read to its end first.

So it is where a policy has a namespaceSelector: the labels of the input's Namespace
documents say which namespaces it selects. Where there is no document they are not
known, it selects nothing, and a line says so.

Settings of a project can stand in .podfence.yaml: 'podfence config --help'.

A field that the workload's kind does not have is named on standard error, with
where it belongs: the API server would drop it or refuse it. --strict makes that
"could not be decided".
` + fmt.Sprintf(answerFormsHelp, `file, line, kind, namespace, name, allowed, message, policy, violations, excused
and stored, where message is the text of Pod Security Admission, empty when allowed,
and stored the answer about what would be stored if its verdict is another one`) + "\n" + statusHelp,
		Example: `  podfence evaluate deployment.yaml
  podfence evaluate -R -f manifests/ --policies policies/ -n prod
  podfence evaluate -R . --exclude templates --exclude values.yaml
  podfence evaluate -f app.yaml --level baseline --version v1.30
  kubectl get pods -A -o json | podfence evaluate -f - -o json
  helm template chart/ | podfence evaluate -f - --require-workloads --strict
  podfence evaluate -R manifests/ --baseline known.yaml -o sarif
  kubectl get namespaces,pods -A -o yaml | podfence evaluate --level labels -
  podfence evaluate -f app.yaml --workload App.example.com=spec.parts.*.podTemplate`,
	}, evaluated, failOnDenied, failOnNever)
}

func evaluated(s *scan, w *workload) *answer {
	lv := s.levels.Of(w.Namespace).Enforce
	r := w.held.Evaluate(lv, s.policies)
	a := &answer{workload: w, result: &r}
	a.levels = s.answerLevels(w.Namespace, &r, func(lv api.LevelVersion) evaluate.Result { return w.held.Evaluate(lv, s.policies) })
	if stored := w.held.EvaluateStored(lv, s.policies); stored.Allowed() != r.Allowed() {
		a.stored = &stored
	}
	return a
}
