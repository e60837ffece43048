package podwalk_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

func pod() *corev1.PodSpec {
	named := func(name string) corev1.Container { return corev1.Container{Name: name} }
	debug := func(name string) corev1.EphemeralContainer {
		return corev1.EphemeralContainer{TargetContainerName: "target", EphemeralContainerCommon: corev1.EphemeralContainerCommon(named(name))}
	}
	return &corev1.PodSpec{
		InitContainers:      []corev1.Container{named("i0"), named("same")},
		Containers:          []corev1.Container{named("c0"), named("same"), named("")},
		EphemeralContainers: []corev1.EphemeralContainer{debug("e0"), debug("same")},
	}
}

// TestContainers: init, regular and ephemeral containers, each list in its own
// order, told apart by kind and index where names repeat.
func TestContainers(t *testing.T) {
	p := pod()
	want := []spec.Container{
		{Kind: spec.InitContainer, Index: 0, Name: "i0"}, {Kind: spec.InitContainer, Index: 1, Name: "same"},
		{Kind: spec.RegularContainer, Index: 0, Name: "c0"}, {Kind: spec.RegularContainer, Index: 1, Name: "same"}, {Kind: spec.RegularContainer, Index: 2},
		{Kind: spec.EphemeralContainer, Index: 0, Name: "e0"}, {Kind: spec.EphemeralContainer, Index: 1, Name: "same"},
	}
	var got []spec.Container
	for at, c := range podwalk.Containers(p) {
		got = append(got, at)
		if c.Name != at.Name || c != podwalk.Get(p, at) {
			t.Errorf("%+v comes with container %q, and Get gives another", at, c.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var ephemeral []spec.Container
	for at, c := range podwalk.EphemeralContainers(p) {
		ephemeral = append(ephemeral, at)
		if c != podwalk.Get(p, at) {
			t.Errorf("%+v is another container than Get gives", at)
		}
	}
	if diff := cmp.Diff(want[5:], ephemeral); diff != "" {
		t.Errorf("ephemeral ones (-want +got):\n%s", diff)
	}
}

// TestContainersAreThePods: a visitor that writes, writes to the pod, also to an
// ephemeral container, whose other fields stay.
func TestContainersAreThePods(t *testing.T) {
	p := pod()
	for _, c := range podwalk.Containers(p) {
		c.Image = "seen"
	}
	for i := range p.InitContainers {
		if p.InitContainers[i].Image != "seen" {
			t.Errorf("init container %d is a copy", i)
		}
	}
	for i := range p.Containers {
		if p.Containers[i].Image != "seen" {
			t.Errorf("container %d is a copy", i)
		}
	}
	for i := range p.EphemeralContainers {
		if e := &p.EphemeralContainers[i]; e.Image != "seen" || e.TargetContainerName != "target" {
			t.Errorf("ephemeral container %d is a copy or was overwritten: %+v", i, e)
		}
	}
}

// TestStops: a visitor may stop after any container.
func TestStops(t *testing.T) {
	p := pod()
	for stop := range 7 {
		n := 0
		for range podwalk.Containers(p) {
			if n == stop {
				break
			}
			n++
		}
		if n != stop {
			t.Errorf("stopped after %d, want %d", n, stop)
		}
	}
	for range podwalk.EphemeralContainers(p) {
		break
	}
	for range podwalk.Containers(&corev1.PodSpec{}) {
		t.Error("an empty pod has a container")
	}
	for range podwalk.EphemeralContainers(&corev1.PodSpec{}) {
		t.Error("an empty pod has an ephemeral container")
	}
}

// TestGet: nil for the pod itself, for what is past an end, and for no kind.
func TestGet(t *testing.T) {
	p := pod()
	lengths := map[spec.ContainerKind]int{spec.InitContainer: 2, spec.RegularContainer: 3, spec.EphemeralContainer: 2}
	for kind := spec.ContainerKind(0); kind < 6; kind++ {
		for i := -2; i < 6; i++ {
			got := podwalk.Get(p, spec.Container{Kind: kind, Index: int32(i)})
			if want := 0 <= i && i < lengths[kind]; (got != nil) != want {
				t.Errorf("kind %d, index %d: found %v, want %v", kind, i, got != nil, want)
			}
		}
	}
	// The name does not count: it may repeat.
	if podwalk.Get(p, spec.Container{Kind: spec.RegularContainer, Index: 1, Name: "other"}) != &p.Containers[1] {
		t.Error("a name misled Get")
	}
}

// TestEveryContainer: each list in full, for generated pods.
func TestEveryContainer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &podgen.Pod().Draw(t, "pod").Spec
		var want, got []*corev1.Container
		for i := range p.InitContainers {
			want = append(want, &p.InitContainers[i])
		}
		for i := range p.Containers {
			want = append(want, &p.Containers[i])
		}
		for i := range p.EphemeralContainers {
			want = append(want, podwalk.Ephemeral(&p.EphemeralContainers[i]))
		}
		for _, c := range podwalk.Containers(p) {
			got = append(got, c)
		}
		if !slices.Equal(want, got) {
			t.Errorf("visited %d containers, the pod has %d, or in another order", len(got), len(want))
		}
	})
}

// TestWalkAllocatesNothing: every evaluation walks, some several times.
func TestWalkAllocatesNothing(t *testing.T) {
	p := pod()
	n := 0
	if allocs := testing.AllocsPerRun(100, func() {
		for at := range podwalk.Containers(p) {
			n += int(at.Index)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}
