package survey

import (
	"fmt"
	"strings"
	"testing"

	"github.com/podfence/podfence/policy"
)

// pod is a pod as flow YAML: its metadata beside the name, and its spec beside the containers.
func pod(name, metadata, spec string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: %s%s}, spec: {containers: [{name: c}]%s}}", name, comma(metadata), comma(spec))
}

// made is another object with a template.
func made(apiVersion, kind, name, metadata, spec string) string {
	template := "template: {spec: {containers: [{name: c}]}}"
	if kind == "CronJob" {
		template = "jobTemplate: {spec: {" + template + "}}"
	}
	return fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {namespace: ns, name: %s%s}, spec: {%s%s}}", apiVersion, kind, name, comma(metadata), template, comma(spec))
}

func comma(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}

// by is the metadata of what a controller made.
func by(apiVersion, kind, name string) string {
	return fmt.Sprintf("ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: u, controller: true}]", apiVersion, kind, name)
}

const (
	hash   = "labels: {pod-template-hash: 5f7}"
	mirror = "annotations: {kubernetes.io/config.mirror: x}"
)

var byNode1, byNode2 = by("v1", "Node", "Node-1"), by("v1", "Node", "node-2")

// TestGrouping: a workload counts once, whatever of it is in the input.
func TestGrouping(t *testing.T) {
	set := by("apps/v1", "ReplicaSet", "web-5f7")
	deployment := by("apps/v1", "Deployment", "web")
	longest := strings.Repeat("x", 249) + "-5f7"
	for _, test := range []struct {
		name, reason string
		in           []string
		want         string
	}{
		{"a pod", "nobody owns it", []string{pod("a", "", "")}, "Pod/a 1 0"},
		{"a template", "nothing runs yet", []string{made("apps/v1", "Deployment", "web", "", "")}, "Deployment/web 0 1"},
		{"its hash", "the ReplicaSet's name without the hash is the Deployment's", []string{pod("a", set+", "+hash, ""), pod("b", set+", "+hash, "")}, "Deployment/web 2 0"},
		{"with its Deployment", "it counts once", []string{pod("a", set+", "+hash, ""), made("apps/v1", "Deployment", "web", "", "")}, "Deployment/web 1 1"},
		{"by its ReplicaSet", "the input tells what no label does", []string{pod("a", set, ""), made("apps/v1", "ReplicaSet", "web-5f7", deployment, "")}, "Deployment/web 1 1"},
		{"without either", "no label and no object tells more", []string{pod("a", set, "")}, "ReplicaSet/web-5f7 1 0"},
		{"another hash", "the name does not end with it", []string{pod("a", set+", labels: {pod-template-hash: f7}", "")}, "ReplicaSet/web-5f7 1 0"},
		{"a hash and no name", "an empty name is no Deployment's", []string{pod("a", by("apps/v1", "ReplicaSet", "-5f7")+", "+hash, "")}, "ReplicaSet/-5f7 1 0"},
		{"a name as long as one may be", "that of the Deployment was cut", []string{pod("a", by("apps/v1", "ReplicaSet", longest)+", "+hash, "")}, "ReplicaSet/" + longest + " 1 0"},
		{"a hash and a DaemonSet", "only a ReplicaSet is named so", []string{pod("a", by("apps/v1", "DaemonSet", "web-5f7")+", "+hash, "")}, "DaemonSet/web-5f7 1 0"},
		{"the input against the hash", "the input knows better", []string{pod("a", set+", "+hash, ""), made("apps/v1", "ReplicaSet", "web-5f7", by("example.com/v1", "Canary", "w"), "")}, "Canary/w 1 1"},
		{"a Rollout of Argo", "it has a label of its own", []string{pod("a", set+", labels: {rollouts-pod-template-hash: 5f7}", "")}, "Rollout/web 1 0"},
		{"a Rollout in the input", "its template is found by place", []string{pod("a", set+", labels: {rollouts-pod-template-hash: 5f7}", ""), made("argoproj.io/v1alpha1", "Rollout", "web", "", "")}, "Rollout/web 1 1"},
		{"an old ReplicaSet", "it makes no pods", []string{made("apps/v1", "ReplicaSet", "web-1", deployment, "replicas: 0"), made("apps/v1", "Deployment", "web", "", "")}, "Deployment/web 0 1"},
		{"an old ReplicaSet beside pods", "they are what runs", []string{made("apps/v1", "ReplicaSet", "web-1", deployment, "replicas: 0"), pod("a", set+", "+hash, "")}, "Deployment/web 1 0"},
		{"an old ReplicaSet alone", "nothing else is known of the Deployment", []string{made("apps/v1", "ReplicaSet", "web-1", deployment, "replicas: 0")}, "Deployment/web 0 1"},
		{"a ReplicaSet of nobody", "it is scaled to nothing, and may be scaled up", []string{made("apps/v1", "ReplicaSet", "web", "", "replicas: 0")}, "ReplicaSet/web 0 1"},
		{"a Job of a CronJob", "the Job is in the input", []string{pod("a", by("batch/v1", "Job", "backup-1"), ""), made("batch/v1", "Job", "backup-1", by("batch/v1", "CronJob", "backup"), "")}, "CronJob/backup 1 1"},
		{"a Job of a CronJob in the input", "all three are one", []string{pod("a", by("batch/v1", "Job", "backup-1"), ""), made("batch/v1", "Job", "backup-1", by("batch/v1", "CronJob", "backup"), ""), made("batch/v1", "CronJob", "backup", "", "")}, "CronJob/backup 1 2"},
		{"a Job alone", "its name is no proof", []string{pod("a", by("batch/v1", "Job", "backup-1"), "")}, "Job/backup-1 1 0"},
		{"a kind of an operator", "its pods name it", []string{pod("a", by("core.strimzi.io/v1", "StrimziPodSet", "kafka"), "")}, "StrimziPodSet/kafka 1 0"},
		{"a Deployment of an operator", "the Deployment is what one sees", []string{made("apps/v1", "Deployment", "web", by("example.com/v1", "Site", "s"), "")}, "Deployment/web 0 1"},
		{"another kind's ReplicaSet", "the group is not apps", []string{pod("a", by("example.com/v1", "ReplicaSet", "web-5f7")+", "+hash, "")}, "ReplicaSet/web-5f7 1 0"},
		{"an owner that is no controller", "it only keeps the pod from being left over", []string{pod("a", "ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: m, uid: u}]", "")}, "Pod/a 1 0"},
		{"static pods", "the kubelet names them after their nodes", []string{pod("etcd-node-1", mirror+", "+byNode1, "nodeName: Node-1"), pod("etcd-node-2", mirror+", "+byNode2, "nodeName: node-2")}, "Pod/etcd-* 2 0"},
		{"a pod of a Node", "no static one", []string{pod("x-node-2", byNode2, "nodeName: node-2")}, "Pod/x-node-2 1 0"},
		{"a static pod of another name", "the end is not that of its node", []string{pod("x", mirror+", "+byNode2, "nodeName: node-2")}, "Pod/x 1 0"},
		{"a circle", "a forged input is not followed for ever", []string{made("apps/v1", "ReplicaSet", "a", by("apps/v1", "ReplicaSet", "b"), ""), made("apps/v1", "ReplicaSet", "b", by("apps/v1", "ReplicaSet", "a"), "")}, "ReplicaSet/a 0 1, ReplicaSet/b 0 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := surveyed(policy.Set{}, objects(t, strings.Join(test.in, "\n---\n"))...)
			var got []string
			for _, n := range r.Namespaces {
				for _, w := range n.Workloads {
					got = append(got, fmt.Sprintf("%s %d %d", &w, w.Pods, w.Templates))
				}
			}
			if have := strings.Join(got, ", "); have != test.want {
				t.Errorf("%s: got %s, want %s", test.reason, have, test.want)
			}
		})
	}
}
