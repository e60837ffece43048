package podfence_test

import (
	"fmt"
	"log"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// Admit is the one call that most embedders need.
func ExampleAdmit() {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx"}}}}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

	d := podfence.Admit(pod, level, policy.Set{})
	fmt.Println("allowed:", d.Allowed())
	for _, c := range d.Report.Changes() {
		fmt.Println(c.Pointer(), "=", c.Value)
	}
	// Output:
	// allowed: true
	// /spec/securityContext/fsGroup = 1
	// /spec/securityContext/supplementalGroups = [1]
	// /spec/containers/0/securityContext/allowPrivilegeEscalation = false
	// /spec/containers/0/securityContext/capabilities/drop = [ALL]
	// /spec/containers/0/securityContext/privileged = false
	// /spec/containers/0/securityContext/runAsGroup = 1
	// /spec/containers/0/securityContext/runAsNonRoot = true
	// /spec/containers/0/securityContext/seccompProfile/type = RuntimeDefault
}

// A policy excuses single violations of the pods that it governs.
func ExampleAdmit_policy() {
	policies, err := policy.Parse([]byte(`
name: route-manager
namespace: networking
podSelectorLabels: {app: route-manager}
allow: {hostNetwork: true}
`), "route-manager.yaml")
	if err != nil {
		log.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		log.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

	pod := &corev1.Pod{Spec: corev1.PodSpec{
		HostNetwork: true, HostPID: true, Containers: []corev1.Container{{Name: "manager"}},
	}}
	pod.Namespace = "networking"
	pod.Labels = map[string]string{"app": "route-manager"}

	d := podfence.Admit(pod, level, set)
	fmt.Println(d.Result.Refusal())
	for _, v := range d.Result.Excused {
		fmt.Printf("excused by %s of %s: %s\n", v.ExcusedBy.Key, d.Result.PolicyName(), v.Location)
	}
	// Output:
	// violates PodSecurity "restricted:latest": host namespaces (hostPID=true)
	// excused by allow.hostNetwork of route-manager: spec.hostNetwork
}
