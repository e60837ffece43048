package validation_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/mutate"
)

// TestUpdatesAreImmutable is why callers must mutate on CREATE only: a stored
// pod that Mutate fills is refused on UPDATE, whatever was filled, so that a
// webhook which mutated there would block every controller that sets a label or
// a finalizer. The same update is accepted if it is left alone.
func TestUpdatesAreImmutable(t *testing.T) {
	filledPods, leftAlone := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		old, err := apiserver.Create(validpod.Pod().Draw(t, "pod"))
		if err != nil {
			return
		}
		labelled := old.DeepCopy()
		labelled.Labels = map[string]string{"changed": "by-a-controller"}
		if _, err := apiserver.UpdatePod(old, labelled); err != nil {
			t.Fatalf("a change of labels alone is refused: %v\n%s", err, show(old))
		}
		p := drawPolicy(t)
		filled, report := mutate.Mutate(labelled, p)
		if !report.Changed() {
			leftAlone++
			return
		}
		filledPods++
		_, err = apiserver.UpdatePod(old, filled)
		if err == nil {
			t.Fatalf("filling is accepted on UPDATE\n%s\n%s\n%s", show(old), show(p), show(report))
		}
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "pod updates may not change fields other than") {
			t.Fatalf("refused for another reason: %v", err)
		}
	})
	t.Logf("%d updates were filled and refused, %d needed nothing and were accepted", filledPods, leftAlone)
	if seeded && (filledPods == 0 || leftAlone == 0) {
		t.Error("both sorts of update must occur")
	}
}

// TestUpdatesOfEphemeralContainersAreImmutable: nor may those that run already
// be filled, and nothing on the pod beside them.
func TestUpdatesOfEphemeralContainersAreImmutable(t *testing.T) {
	old, err := apiserver.Create(podOf(t, nil, "containers: [{name: c0, image: app}]"))
	if err != nil {
		t.Fatal(err)
	}
	debug := old.DeepCopy()
	debug.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e0", Image: "debug"}}}
	running, err := apiserver.UpdateEphemeralContainers(old, debug)
	if err != nil {
		t.Fatal(err)
	}
	filled, report := mutate.Mutate(running, nil)
	if !report.Changed() {
		t.Fatal("nothing was filled")
	}
	if _, err := apiserver.UpdateEphemeralContainers(running, filled); err == nil || !strings.Contains(err.Error(), `existing ephemeral containers "e0" may not be changed`) {
		t.Errorf("Mutate on an update of ephemeral containers: %v", err)
	}
	if same, report := mutate.EphemeralContainers(running, running, nil); report.Changed() || same != running {
		t.Errorf("EphemeralContainers filled one that runs already: %s", show(report))
	}
}
