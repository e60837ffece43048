// Package unittest shows how a project tests the pods that it generates: see the
// test beside it. The code here stands for an operator or a chart's renderer.
package unittest

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cache is what a user of the operator asks for.
type Cache struct {
	Name, Namespace string
	Replicas        int32
	// HostPort opens a port of the node; 0 opens none.
	HostPort int32
}

// Deployment is what the operator makes of it.
func (c Cache) Deployment() *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/name": "cache", "app.kubernetes.io/instance": c.Name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: c.Name, Namespace: c.Namespace, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &c.Replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       c.pod(),
			},
		},
	}
}

func (c Cache) pod() corev1.PodSpec {
	yes, no, user := true, false, int64(10001)
	return corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   &yes,
			RunAsUser:      &user,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name:  "cache",
			Image: "registry.example.com/cache:8",
			Ports: []corev1.ContainerPort{{ContainerPort: 6379, HostPort: c.HostPort}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no,
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
}
