package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/policy"
)

// agreeing are the namespaces of TestLibraryWebhookAndObjectsAgree with their levels.
// Their other labels are those that drawn policies select.
var agreeing = map[string]api.LevelVersion{
	"default":    {Level: api.LevelRestricted, Version: api.LatestVersion()},
	"networking": {Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 24)},
	"elsewhere":  {Level: api.LevelBaseline, Version: api.LatestVersion()},
}

// TestLibraryWebhookAndObjectsAgree sends the same pods, and the same debug containers
// for pods that are there, first past the webhook and then past the objects, under the
// same drawn policies. Both give the answer of the library: the pod that is stored, or
// the text of the refusal behind what the API server puts before it.
func TestLibraryWebhookAndObjectsAgree(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{WithoutPodSecurity: true})
	files, set := drawnPolicies(t)
	a := &agreement{t: t, c: c, set: set}
	a.labelNamespaces()

	w := c.StartWebhook(1, files, "--warn-on-mutation=false")
	w.Register(nil)
	waitForWebhook(t, c)
	a.draw(600)
	webhook := a.answers()
	unregister(t, c)
	export(t, c, files, "")
	waitUntilHeld(t, c)
	objects := a.answers()

	for i, q := range a.questions {
		a.compare(q, webhook[i], objects[i])
	}
	t.Logf("%d questions: %+v", len(a.questions), a.tally)
	if n := a.tally; n.filled < 50 || n.untouched < 10 || n.refused < 100 || n.invalid < 10 || n.governed < 100 || n.ephemeralAllowed < 10 || n.ephemeralRefused < 10 {
		t.Error("too few of one kind")
	}
}

// drawnPolicies are policies as files, and as the library has them.
func drawnPolicies(t *testing.T) (map[string]string, policy.Set) {
	t.Helper()
	var drawn []policy.Policy
	for seed := range 40 {
		p := podgen.Policy().Example(seed)
		p.Name = fmt.Sprintf("%s-%d", p.Name, seed)
		drawn = append(drawn, p)
	}
	for seed := range 2 {
		drawn = append(drawn, podgen.DefaultPolicy().Example(seed))
	}
	for i := range drawn { // by the namespace "waiting" one sees who is in force
		switch p := &drawn[i]; {
		case p.Namespace != "" || len(p.Namespaces) > 0:
		case p.Default:
			p.Namespace = "elsewhere"
		default:
			p.Namespaces = []string{"default", "networking", "elsewhere"}
		}
	}
	drawn = podgen.Together(drawn)
	text, err := policy.Marshal(drawn...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(drawn...)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"drawn.yaml": string(text)}, set.WithNamespaces(podgen.LabelsOf).At(time.Now())
}

// agreement is the questions and who answered how.
type agreement struct {
	t         *testing.T
	c         *cluster.Cluster
	set       policy.Set
	questions []question
	tally     struct{ filled, untouched, refused, invalid, governed, ephemeralAllowed, ephemeralRefused int }
}

// question is a pod to create, or one that gets debug containers where old is its
// state before that.
type question struct{ pod, old *corev1.Pod }

// answer is the pod that would be stored, or why it would not.
type answer struct {
	stored *corev1.Pod
	err    error
}

func (a *agreement) labelNamespaces() {
	a.t.Helper()
	for name, lv := range agreeing {
		labels := map[string]string{podfenceEnforces: string(lv.Level), podfenceEnforces + "-version": lv.Version.String()}
		known, _ := podgen.LabelsOf(name)
		for key, value := range known {
			labels[key] = value
		}
		if name != "default" {
			namespace(a.t, a.c, name, labels)
			continue
		}
		var pairs []string
		for key, value := range labels {
			pairs = append(pairs, fmt.Sprintf("%q:%q", key, value))
		}
		patch := []byte(`{"metadata":{"labels":{` + strings.Join(pairs, ",") + `}}}`)
		if _, err := a.c.Client.CoreV1().Namespaces().Patch(context.Background(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			a.t.Fatal(err)
		}
	}
}

// draw makes n pods to create. Some of those that are allowed it creates, so that they
// can get debug containers.
func (a *agreement) draw(n int) {
	a.t.Helper()
	no := false
	for seed := range n {
		p := validpod.Pod().Example(seed)
		p.Name, p.GenerateName = fmt.Sprintf("p-%d", seed), ""
		if p.Namespace == "" || seed%3 == 0 {
			p.Namespace = "elsewhere"
		}
		p.Spec.AutomountServiceAccountToken = &no // the volume would have a random name
		p.Spec.ServiceAccountName, p.Spec.DeprecatedServiceAccount = "", ""
		a.questions = append(a.questions, question{pod: p})
	}
	for i, old := range a.created(a.questions, 100) {
		updated := rapid.Custom(func(t *rapid.T) *corev1.Pod { return validpod.UpdateOf(t, old) }).Example(i)
		updated.ObjectMeta = old.ObjectMeta
		a.questions = append(a.questions, question{pod: updated, old: old})
	}
}

// created creates pods in earnest, the first n that are allowed.
func (a *agreement) created(questions []question, n int) (pods []*corev1.Pod) {
	for _, q := range questions {
		if len(pods) == n {
			break
		}
		if p, err := a.c.Client.CoreV1().Pods(q.pod.Namespace).Create(context.Background(), q.pod.DeepCopy(), metav1.CreateOptions{}); err == nil {
			pods = append(pods, p)
		}
	}
	return pods
}

// answers asks the API server everything, and changes nothing.
func (a *agreement) answers() (list []answer) {
	ctx, dry := context.Background(), []string{metav1.DryRunAll}
	for _, q := range a.questions {
		var got answer
		pods := a.c.Client.CoreV1().Pods(q.pod.Namespace)
		if q.old == nil {
			p := q.pod.DeepCopy()
			p.Name += "-asked"
			got.stored, got.err = pods.Create(ctx, p, metav1.CreateOptions{DryRun: dry})
		} else {
			got.stored, got.err = pods.UpdateEphemeralContainers(ctx, q.pod.Name, q.pod.DeepCopy(), metav1.UpdateOptions{DryRun: dry})
		}
		list = append(list, got)
	}
	return list
}

func (a *agreement) compare(q question, webhook, objects answer) {
	a.t.Helper()
	what := fmt.Sprintf("%s/%s (debug containers: %v)", q.pod.Namespace, q.pod.Name, q.old != nil)
	if webhook.err != nil && !strings.Contains(webhook.err.Error(), "denied the request: ") {
		// API validation refuses it, or another plugin, before anybody judges it.
		a.tally.invalid++
		if objects.err == nil || objects.err.Error() != webhook.err.Error() {
			a.t.Errorf("%s: with the webhook %v, with the objects %v", what, webhook.err, objects.err)
		}
		return
	}
	d := a.library(q)
	if d.Result.Policy != nil {
		a.tally.governed++
	}
	a.count(q, &d)
	if !d.Allowed() {
		a.refusal(what, d.Result.Refusal(), webhook.err, objects.err)
		return
	}
	if webhook.err != nil || objects.err != nil {
		a.t.Errorf("%s: the library allows it, with the webhook %v, with the objects %v", what, webhook.err, objects.err)
		return
	}
	if diff := cmp.Diff(webhook.stored.Spec, objects.stored.Spec); diff != "" {
		a.t.Errorf("%s: stored otherwise (-webhook +objects):\n%s", what, diff)
	}
}

// library is its answer.
func (a *agreement) library(q question) podfence.Decision {
	lv := agreeing[q.pod.Namespace]
	if q.old != nil {
		return podfence.AdmitEphemeralContainers(q.old, q.pod, lv, a.set)
	}
	return podfence.Admit(q.pod, lv, a.set)
}

func (a *agreement) count(q question, d *podfence.Decision) {
	switch {
	case q.old != nil && d.Allowed():
		a.tally.ephemeralAllowed++
	case q.old != nil:
		a.tally.ephemeralRefused++
	case !d.Allowed():
		a.tally.refused++
	case d.Report.Changed():
		a.tally.filled++
	default:
		a.tally.untouched++
	}
}

// refusal compares the texts behind what the API server puts before them.
func (a *agreement) refusal(what, library string, webhook, objects error) {
	a.t.Helper()
	if webhook == nil || objects == nil {
		a.t.Errorf("%s: the library refuses it, with the webhook %v, with the objects %v", what, webhook, objects)
		return
	}
	// The webhook begins as Pod Security Admission does, and goes on with what the
	// governing policy lacks.
	if text := behind(webhook, " is forbidden: "); text != library && !strings.HasPrefix(text, library+`; policy "`) {
		a.t.Errorf("%s (-library +webhook):\n%s", what, cmp.Diff(library, text))
	}
	if text := behind(objects, "denied request: "); text != library {
		a.t.Errorf("%s (-library +objects):\n%s", what, cmp.Diff(library, text))
	}
}

// behind is the text of a refusal behind the words with which the API server begins it.
func behind(err error, words string) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err.Error()
	}
	message := status.Status().Message
	_, text, found := strings.Cut(message, words)
	if !found {
		return message
	}
	return text
}

// unregister takes the webhooks away, and waits until nobody asks them.
func unregister(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx := context.Background()
	webhooks := c.Client.AdmissionregistrationV1()
	for _, err := range []error{
		webhooks.MutatingWebhookConfigurations().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
		webhooks.ValidatingWebhookConfigurations().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cluster.Eventually(t, "the webhooks are asked no more", func(context.Context) (bool, error) {
		p, err := created(c, pod("waiting", "bare", func(p *corev1.Pod) { p.Spec.HostNetwork = true }))
		return err == nil && p.Spec.Containers[0].SecurityContext == nil, err
	})
}
