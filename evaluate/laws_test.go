package evaluate_test

import (
	"testing"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// drawLevel draws a level and version that are checked at all.
func drawLevel(t *rapid.T) api.LevelVersion {
	return api.LevelVersion{
		Level:   rapid.SampledFrom(levels).Draw(t, "level"),
		Version: rapid.SampledFrom(versions()).Draw(t, "version"),
	}
}

// TestExcusedAndViolationsPartition: what a policy's grants excuse and what
// stands of the standard is together what the standard finds.
func TestExcusedAndViolationsPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		found := map[string]bool{}
		for _, v := range evaluate.Evaluate(pod, lv, policy.Set{}).Violations {
			found[identity(v)] = true
		}
		got := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, lv, &p)
		for _, v := range got.Violations {
			if v.FromStandard() {
				take(t, found, v)
			}
		}
		for _, v := range got.Excused {
			if v.ExcusedBy.Key == 0 {
				t.Errorf("%s is excused by no grant", identity(v))
			}
			take(t, found, v)
		}
		for id := range found {
			t.Errorf("%s is lost", id)
		}
	})
}

func take(t *rapid.T, found map[string]bool, v evaluate.Violation) {
	if !found[identity(v)] {
		t.Errorf("%s was not found by the standard, or stands twice", identity(v))
	}
	delete(found, identity(v))
}

// identity tells violations of one pod apart: what and where.
func identity(v evaluate.Violation) string {
	return v.CheckOrRule() + " " + v.Location.String() + " " + v.Volume
}

// TestInputIsNotChanged: evaluating changes nothing.
func TestInputIsNotChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		before, policyBefore := pod.DeepCopy(), p.DeepCopy()
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, drawLevel(t), &p)
		_ = r.Message()
		if !equal(before, pod) || !equal(policyBefore, &p) {
			t.Error("the pod or the policy was changed")
		}
	})
}

// compliant is a pod that restricted allows, with every kind of container.
func compliant() *corev1.Pod {
	yes, no := true, false
	sc := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_BIND_SERVICE"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}}}
	return &corev1.Pod{
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   &yes,
				Sysctls:        []corev1.Sysctl{{Name: "net.ipv4.tcp_rmem"}},
				SELinuxOptions: &corev1.SELinuxOptions{Type: "container_t"},
			},
			Volumes: []corev1.Volume{
				{Name: "a", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
				{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}},
			},
			InitContainers: []corev1.Container{{Name: "init", SecurityContext: sc}},
			Containers:     []corev1.Container{{Name: "main", SecurityContext: sc, LivenessProbe: probe, Ports: []corev1.ContainerPort{{ContainerPort: 80}}}},
			EphemeralContainers: []corev1.EphemeralContainer{
				{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", SecurityContext: sc}},
			},
		},
	}
}

// TestSizeOfAViolation: what a denied pod costs is the memory of its violations.
// They take 128 bytes each, and the next size that Go allocates for four of them
// is a quarter more.
func TestSizeOfAViolation(t *testing.T) {
	if size := unsafe.Sizeof(evaluate.Violation{}); size > 128 {
		t.Errorf("a violation takes %d bytes, want 128", size)
	}
}

// TestPassAllocatesNothing: a pod that violates nothing is judged without an
// allocation, with and without annotations and governing policies.
func TestPassAllocatesNothing(t *testing.T) {
	governed := compliant()
	governed.Namespace = "default"
	governed.Labels = map[string]string{"app": "web", "tier": "front"}
	governed.Annotations = map[string]string{"note": "none"}
	set, err := policy.NewSet(policy.Policy{
		Name:              "web",
		Namespace:         "default",
		PodSelectorLabels: map[string]string{"app": "web"},
		Allow:             policy.Allow{Privileged: true, AllowedCapabilities: []string{"NET_ADMIN"}, RunAsGroup: policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: 1, Max: 1}}}},
		Containers: []policy.ContainerEntry{{
			Names: []string{"istio-*"}, Images: []string{"docker.io/istio/proxyv2:*"}, Allow: policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.RunAsAny}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		pod *corev1.Pod
		set policy.Set
	}{
		"no policy":        {compliant(), policy.Set{}},
		"none that fits":   {compliant(), set},
		"governing policy": {governed, set},
	} {
		for _, level := range levels {
			lv := api.LevelVersion{Level: level, Version: api.LatestVersion()}
			allowed := true
			allocs := testing.AllocsPerRun(100, func() {
				r := evaluate.Evaluate(tt.pod, lv, tt.set)
				allowed = allowed && r.Allowed()
			})
			if !allowed || allocs != 0 {
				t.Errorf("%s at %s: allowed %v with %v allocations, want true with 0", name, level, allowed, allocs)
			}
		}
	}
}

// TestPartsAreTheMessage: the parts, joined as upstream joins its own, are the
// message; each is about one check or rule.
func TestPartsAreTheMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, &p)
		var joined psa.AggregateCheckResult
		for _, part := range r.Parts() {
			if (part.Check == 0) == (part.Rule == 0) {
				t.Errorf("check %v and rule %v", part.Check, part.Rule)
			}
			joined.ForbiddenReasons = append(joined.ForbiddenReasons, part.Reason)
			joined.ForbiddenDetails = append(joined.ForbiddenDetails, part.Detail)
		}
		if joined.ForbiddenDetail() != r.Message() {
			t.Errorf("joined\n%s\nmessage\n%s", joined.ForbiddenDetail(), r.Message())
		}
	})
}
