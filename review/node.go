package review

import (
	corev1 "k8s.io/api/core/v1"
)

// affinity reads which nodes a pod requires: advice asks whether only Windows nodes
// will do.
var affinity = object(members[corev1.Affinity]{
	"nodeAffinity": field(func(a *corev1.Affinity) **corev1.NodeAffinity { return &a.NodeAffinity }, pointer(func(m *slabs) *slab[corev1.NodeAffinity] { return &m.nodeAffinities }, object(members[corev1.NodeAffinity]{
		"requiredDuringSchedulingIgnoredDuringExecution": field(
			func(a *corev1.NodeAffinity) **corev1.NodeSelector {
				return &a.RequiredDuringSchedulingIgnoredDuringExecution
			},
			pointer(func(m *slabs) *slab[corev1.NodeSelector] { return &m.nodeSelectors }, nodeSelector),
		),
	}))),
})

var nodeSelector = object(members[corev1.NodeSelector]{
	"nodeSelectorTerms": field(func(s *corev1.NodeSelector) *[]corev1.NodeSelectorTerm { return &s.NodeSelectorTerms }, list(func(m *slabs) *slab[corev1.NodeSelectorTerm] { return &m.nodeTerms }, object(members[corev1.NodeSelectorTerm]{
		"matchExpressions": field(func(t *corev1.NodeSelectorTerm) *[]corev1.NodeSelectorRequirement { return &t.MatchExpressions }, list(func(m *slabs) *slab[corev1.NodeSelectorRequirement] { return &m.nodeRequirements }, nodeRequirement)),
	}))),
})

var nodeRequirement = object(members[corev1.NodeSelectorRequirement]{
	"key":      field(func(r *corev1.NodeSelectorRequirement) *string { return &r.Key }, text[string]),
	"operator": field(func(r *corev1.NodeSelectorRequirement) *corev1.NodeSelectorOperator { return &r.Operator }, text[corev1.NodeSelectorOperator]),
	"values":   field(func(r *corev1.NodeSelectorRequirement) *[]string { return &r.Values }, list(func(m *slabs) *slab[string] { return &m.strings }, text[string])),
})

// podStatus reads as which user the containers of a running pod run.
var podStatus = object(members[corev1.PodStatus]{
	"containerStatuses":          field(func(s *corev1.PodStatus) *[]corev1.ContainerStatus { return &s.ContainerStatuses }, statuses),
	"ephemeralContainerStatuses": field(func(s *corev1.PodStatus) *[]corev1.ContainerStatus { return &s.EphemeralContainerStatuses }, statuses),
	"initContainerStatuses":      field(func(s *corev1.PodStatus) *[]corev1.ContainerStatus { return &s.InitContainerStatuses }, statuses),
})

var statuses = list(func(m *slabs) *slab[corev1.ContainerStatus] { return &m.statuses }, object(members[corev1.ContainerStatus]{
	"name": field(func(s *corev1.ContainerStatus) *string { return &s.Name }, text[string]),
	"user": field(func(s *corev1.ContainerStatus) **corev1.ContainerUser { return &s.User }, pointer(func(m *slabs) *slab[corev1.ContainerUser] { return &m.users }, object(members[corev1.ContainerUser]{
		"linux": field(func(u *corev1.ContainerUser) **corev1.LinuxContainerUser { return &u.Linux }, pointer(func(m *slabs) *slab[corev1.LinuxContainerUser] { return &m.linuxUsers }, object(members[corev1.LinuxContainerUser]{
			"uid": field(func(u *corev1.LinuxContainerUser) *int64 { return &u.UID }, integer[int64](64)),
		}))),
	}))),
}))
