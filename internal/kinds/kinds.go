// Package kinds knows the kinds of objects that Kubernetes serves and that hold a
// pod or a pod template, and where.
package kinds

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podfence/podfence/spec"
)

// Where templates stand. The pod itself stands at "".
const (
	UnderTemplate    spec.Root = "/template"
	UnderSpec        spec.Root = "/spec/template"
	UnderJobTemplate spec.Root = "/spec/jobTemplate/spec/template"
)

var roots = map[schema.GroupVersionKind]spec.Root{
	{Version: "v1", Kind: "Pod"}:                        "",
	{Version: "v1", Kind: "PodTemplate"}:                UnderTemplate,
	{Version: "v1", Kind: "ReplicationController"}:      UnderSpec,
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:  UnderSpec,
	{Group: "apps", Version: "v1", Kind: "Deployment"}:  UnderSpec,
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}: UnderSpec,
	{Group: "apps", Version: "v1", Kind: "DaemonSet"}:   UnderSpec,
	{Group: "batch", Version: "v1", Kind: "Job"}:        UnderSpec,
	{Group: "batch", Version: "v1", Kind: "CronJob"}:    UnderJobTemplate,
}

// Root is where objects of a kind hold their pod or pod template. ok is false for
// a kind that holds none, or that Kubernetes does not serve.
func Root(kind schema.GroupVersionKind) (root spec.Root, ok bool) {
	root, ok = roots[kind]
	return root, ok
}

// TemplateRoots are the places that templates stand at.
func TemplateRoots() []spec.Root {
	list := slices.Sorted(maps.Values(roots))
	return slices.Compact(list)[1:]
}
