// Package crd shows a custom resource that holds a policy: its Go types, its
// definition in podpolicies.yaml, and what a controller makes of the objects.
// docs/crd.md explains it.
package crd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podfence/podfence/policy"
)

// GroupVersion is that of the resource.
var GroupVersion = schema.GroupVersion{Group: "example.com", Version: "v1"}

// Resource is what clients call it.
var Resource = GroupVersion.WithResource("podpolicies")

// PodPolicy is a policy for pods of its namespace. Its definition refuses whatever
// cannot be decoded into it, so that one wrong object keeps nobody from listing the
// others.
//
// +kubebuilder:object:root=true
type PodPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec policy.Policy `json:"spec"`
}

// PodPolicyList is a list of them.
//
// +kubebuilder:object:root=true
type PodPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []PodPolicy `json:"items"`
}

// AddToScheme makes the types known to clients.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &PodPolicy{}, &PodPolicyList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// Set makes one set of the objects' policies. What the definition cannot say, as that
// a range's min is not above its max, is checked here: a wrong policy is left out,
// and its error named by namespace and name, for the object's status. Its pods are
// then held to the level alone, without its grants and its demands. Of several default
// policies of one namespace the first by name is the one. Policies expire in the set
// once it knows the time: see policy.Set.At.
func Set(objects ...*PodPolicy) (policy.Set, map[string]error) {
	var good []policy.Policy
	wrong := map[string]error{}
	defaults := map[string]string{}
	objects = slices.Clone(objects)
	slices.SortFunc(objects, func(a, b *PodPolicy) int { return strings.Compare(a.Name, b.Name) })
	for _, o := range objects {
		p := *o.Spec.DeepCopy()
		p.Name, p.Namespace = o.Name, o.Namespace
		if err := p.Validate(); err != nil {
			wrong[o.Namespace+"/"+o.Name] = err
			continue
		}
		if first, taken := defaults[o.Namespace]; p.Default && taken {
			wrong[o.Namespace+"/"+o.Name] = fmt.Errorf("default: %s is the default policy of the namespace already; keep one of them", first)
			continue
		} else if p.Default {
			defaults[o.Namespace] = o.Name
		}
		good = append(good, p)
	}
	set, err := policy.NewSet(good...)
	if err != nil { // two objects of one name in one namespace, which no server has
		return policy.Set{}, map[string]error{"": err}
	}
	return set, wrong
}

// RawPodPolicy is a PodPolicy whose spec is read for each object alone. It is for
// clusters where objects may be older than the schema of their definition: a
// PodPolicyList with one of those cannot be decoded at all.
//
// +kubebuilder:object:root=true
type RawPodPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec runtime.RawExtension `json:"spec"`
}

// Policy reads the policy, as strictly as a file: unknown keys are errors.
func (r *RawPodPolicy) Policy() (*PodPolicy, error) {
	policies, err := policy.Parse(r.Spec.Raw, "")
	if err != nil {
		return nil, err
	}
	if len(policies) != 1 || policies[0].Source.Welkin {
		return nil, errors.New("spec: no policy, but a values file with policies; write one policy")
	}
	return &PodPolicy{TypeMeta: r.TypeMeta, ObjectMeta: r.ObjectMeta, Spec: policies[0]}, nil
}
