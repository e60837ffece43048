package apiserver

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/informers"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
)

// ServiceAccounts is ServiceAccount admission of a cluster each of whose namespaces
// has one account, which says this of automountServiceAccountToken.
func ServiceAccounts(automount *bool, namespaces ...string) *serviceaccount.Plugin {
	plugin, factory := serviceaccount.NewServiceAccount(), informers.NewSharedInformerFactory(nil, 0)
	plugin.SetExternalKubeInformerFactory(factory)
	for _, namespace := range namespaces {
		account := &corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace}, AutomountServiceAccountToken: automount,
		}
		must(factory.Core().V1().ServiceAccounts().Informer().GetStore().Add(account))
	}
	return plugin
}

// AddServiceAccount lets ServiceAccount admission change a pod that is created, or
// refuse it, as it does some mirror pods.
func AddServiceAccount(plugin *serviceaccount.Plugin, pod *core.Pod) error {
	attributes := admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("v1"), pod.Namespace, pod.Name,
		core.Resource("pods").WithVersion("v1"), "", admission.Create, &metav1.CreateOptions{}, false, nil)
	return plugin.Admit(context.Background(), attributes, nil)
}
