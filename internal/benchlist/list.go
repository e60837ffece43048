// Package benchlist writes the lists of workloads that the command's speed is
// measured on, of any length, as kubectl and helm print them.
package benchlist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/benchpod"
)

// Writer writes so many workloads, of which two thirds are denied at restricted.
type Writer func(w io.Writer, n int) error

// number stands in the text of a workload where its own number does.
const number = "00000"

// WriteJSONList writes pods as `kubectl get pods -A -o json` prints them: two and a
// half kilobytes a pod, in the order of the alphabet, kind behind the items.
func WriteJSONList(w io.Writer, n int) error {
	return write(w, n, pieces{
		before: "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        ", between: ",\n        ",
		after: "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n",
		items: each(running(), func(object any) (string, error) {
			text, err := json.MarshalIndent(object, "        ", "    ")
			return string(text), err
		}),
	})
}

// WriteYAMLList writes the same pods as -o yaml prints them.
func WriteYAMLList(w io.Writer, n int) error {
	return write(w, n, pieces{
		before: "apiVersion: v1\nitems:\n", after: "kind: List\nmetadata:\n  resourceVersion: \"\"\n",
		items: each(running(), func(object any) (string, error) {
			text, err := yaml.Marshal(object)
			lines := strings.TrimSuffix(string(text), "\n")
			return "- " + strings.ReplaceAll(lines, "\n", "\n  ") + "\n", err
		}),
	})
}

// WriteYAMLDocuments writes Deployments as `helm template` prints them, one document
// each with the comment that names its source.
func WriteYAMLDocuments(w io.Writer, n int) error {
	return write(w, n, pieces{items: each(charted(), func(object any) (string, error) {
		text, err := yaml.Marshal(object)
		return "---\n# Source: shop/templates/deployment.yaml\n" + string(text), err
	})})
}

// pieces are the text of a list.
type pieces struct {
	before, between, after string
	items                  func() ([]string, error)
}

func write(w io.Writer, n int, p pieces) error {
	items, err := p.items()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(p.before)
	for i := range n {
		if i > 0 {
			b.WriteString(p.between)
		}
		b.WriteString(strings.ReplaceAll(items[i%len(items)], number, fmt.Sprintf("%05d", i)))
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
	}
	b.WriteString(p.after)
	_, err = b.WriteTo(w)
	return err
}

// each renders objects, their members in the order of the alphabet, as kubectl and
// sigs.k8s.io/yaml have them.
func each(objects []any, render func(any) (string, error)) func() ([]string, error) {
	return func() (texts []string, err error) {
		for _, o := range objects {
			raw, err := json.Marshal(o)
			if err != nil {
				return nil, err
			}
			var sorted map[string]any
			if err := json.Unmarshal(raw, &sorted); err != nil {
				return nil, err
			}
			text, err := render(sorted)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		return texts, nil
	}
}

var labels = benchpod.P1().Labels

// running are pods as a cluster has them: a compliant one, a bare one and one that
// runs as root with a hostPath volume.
func running() (list []any) {
	for _, spec := range specs() {
		yes := true
		started := metav1.Date(2026, time.November, 26, 1, 2, 3, 0, time.UTC)
		spec.NodeName, spec.ServiceAccountName, spec.SchedulerName = "node-17", "default", "default-scheduler"
		spec.DNSPolicy, spec.RestartPolicy = corev1.DNSClusterFirst, corev1.RestartPolicyAlways
		list = append(list, &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{
				Name: "web-5d9c7b4c6f-" + number, GenerateName: "web-5d9c7b4c6f-", Namespace: "shop", ResourceVersion: "10" + number,
				UID: "705ab4f5-6393-11e8-b7cc-42010a8" + number, Labels: labels, CreationTimestamp: started,
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-5d9c7b4c6f", UID: "b7cc4201-6393-11e8", Controller: &yes}},
			},
			Spec: spec,
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: "10.1.17.4",
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started}},
			},
		})
	}
	return list
}

// charted are the same pods as a chart has them.
func charted() (list []any) {
	three := int32(3)
	for _, spec := range specs() {
		list = append(list, &appsv1.Deployment{
			TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
			ObjectMeta: metav1.ObjectMeta{Name: "web-" + number, Namespace: "shop", Labels: labels},
			Spec: appsv1.DeploymentSpec{
				Replicas: &three, Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
			},
		})
	}
	return list
}

func specs() []corev1.PodSpec {
	compliant, bare, root := benchpod.P1().Spec, benchpod.P1().Spec, benchpod.P1().Spec
	for _, spec := range []*corev1.PodSpec{&compliant, &bare, &root} {
		c := benchpod.P3().Spec.Containers[0]
		c.LivenessProbe, c.ReadinessProbe, c.Env, c.Args, c.Resources.Limits = nil, nil, nil, nil, nil
		c.Ports, c.VolumeMounts = c.Ports[:1], c.VolumeMounts[:1]
		spec.Containers, spec.Volumes = []corev1.Container{c}, []corev1.Volume{benchpod.P3().Spec.Volumes[0]}
	}
	bare.SecurityContext, bare.Containers[0].SecurityContext = nil, nil
	zero := int64(0)
	root.Containers[0].SecurityContext.RunAsUser = &zero
	root.Containers[0].SecurityContext.RunAsNonRoot = nil
	root.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}
	return []corev1.PodSpec{compliant, bare, root}
}
