package native_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// TestExemptions: what the options exempt is neither refused nor filled in, and
// whoever only looks like it is.
func TestExemptions(t *testing.T) {
	for _, row := range []struct {
		why    string
		exempt native.Exemptions
		change func(*request, *corev1.Pod)
		is     bool
	}{
		{"nobody is exempt", native.Exemptions{}, nil, false},
		{"the namespace is exempt", native.Exemptions{Namespaces: []string{"other", "shop"}}, nil, true},
		{"another namespace is", native.Exemptions{Namespaces: []string{"shop2", "sho"}}, nil, false},
		{"the user is exempt", native.Exemptions{Usernames: []string{"somebody"}}, nil, true},
		{"another user is", native.Exemptions{Usernames: []string{"some", "somebody else", "Somebody"}}, nil, false},
		{
			"a user with a quote in the name is exempt", native.Exemptions{Usernames: []string{`it's "me"\`}},
			func(r *request, _ *corev1.Pod) { r.username = `it's "me"\` }, true,
		},
		{
			"the runtime class is exempt", native.Exemptions{RuntimeClasses: []string{"kata"}},
			func(_ *request, pod *corev1.Pod) { pod.Spec.RuntimeClassName = ptr("kata") }, true,
		},
		{
			"another runtime class is", native.Exemptions{RuntimeClasses: []string{"kata"}},
			func(_ *request, pod *corev1.Pod) { pod.Spec.RuntimeClassName = ptr("kata2") }, false,
		},
		{"a runtime class is exempt, and the pod has none", native.Exemptions{RuntimeClasses: []string{"kata", ""}}, nil, false},
	} {
		t.Run(row.why, func(t *testing.T) {
			s := newTestServer(t, policy.Set{}, native.Options{Exempt: row.exempt})
			pod := benchpod.P2()
			r := creation(restrictedNamespace(pod.Namespace), pod)
			if row.change != nil {
				row.change(r, pod)
			}
			if got := s.validate(r); (got.refusal == "") != row.is {
				t.Errorf("%+v", got)
			}
			if filled, err := s.mutate(r); err != nil || (filled.Spec.SecurityContext.FSGroup == nil) != row.is {
				t.Errorf("%v: %s", err, show(filled))
			}
		})
	}
}

// TestNames: the objects are named by the options, and the bindings name them.
func TestNames(t *testing.T) {
	for _, row := range []struct {
		options native.Options
		suffix  string
	}{
		{native.Options{}, ""},
		{native.Options{Name: "guard"}, ""},
		{native.Options{Name: "guard", Static: true}, ".static.k8s.io"},
	} {
		objects, err := rendered(policy.Set{}, row.options)
		if err != nil {
			t.Fatal(err)
		}
		prefix := row.options.Name
		if prefix == "" {
			prefix = "podfence"
		}
		var want, got, bound []string
		for _, role := range []string{"audit", "enforce", "mutate", "templates", "warn"} {
			want = append(want, prefix+"-"+role+row.suffix)
		}
		for _, p := range objects.validating {
			got = append(got, p.Name)
		}
		for _, p := range objects.mutating {
			got = append(got, p.Name)
		}
		for _, b := range objects.validatingBindings {
			bound = append(bound, b.Spec.PolicyName)
			if !strings.HasSuffix(b.Name, row.suffix) {
				t.Errorf("binding %s", b.Name)
			}
		}
		for _, b := range objects.mutatingBindings {
			bound = append(bound, b.Spec.PolicyName)
		}
		slices.Sort(got)
		slices.Sort(bound)
		if !slices.Equal(got, want) || !slices.Equal(bound, want) {
			t.Errorf("%+v: %v and %v bound, want %v", row.options, got, bound, want)
		}
	}
}

// TestFixedLevels: with levels that are fixed the labels of namespaces say nothing,
// and what has nothing to do is left out.
func TestFixedLevels(t *testing.T) {
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	for _, row := range []struct {
		levels api.Policy
		roles  []string
	}{
		{api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}, nil},
		{api.Policy{Enforce: level("restricted"), Audit: privileged, Warn: privileged}, []string{"podfence-enforce", "podfence-mutate"}},
		{api.Policy{Enforce: privileged, Audit: level("baseline"), Warn: privileged}, nil},
	} {
		objects, err := rendered(policy.Set{}, native.Options{Levels: &row.levels})
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, p := range objects.validating {
			names[p.Name] = true
		}
		for _, p := range objects.mutating {
			names[p.Name] = true
		}
		if row.roles != nil {
			if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, row.roles) {
				t.Errorf("%+v: %v, want %v", row.levels, got, row.roles)
			}
		}
		s, err := newServer(objects)
		if err != nil {
			t.Fatal(err)
		}
		ns := restrictedNamespace("shop")
		ns.Labels["podfence.dev/enforce"] = "baseline"
		if got := s.validate(creation(ns, benchpod.P2())); (got.refusal != "") != (row.levels.Enforce.Level == api.LevelRestricted) || len(got.warnings) > 0 {
			t.Errorf("%+v: %+v", row.levels, got)
		}
	}
}

// TestLabels: the labels of a namespace say the levels that Pod Security Admission
// reads in them, wrong and missing ones included.
func TestLabels(t *testing.T) {
	absent := "absent"
	levels := []string{absent, "privileged", "baseline", "restricted", "Restricted"}
	versions := []string{absent, "latest", "v1.24", "v1.024"}
	for _, o := range []native.Options{
		{LabelPrefix: "podfence.dev/"},
		{LabelPrefix: upstreamPrefix, Defaults: api.Policy{Enforce: api.LevelVersion{Level: "baseline", Version: api.MajorMinorVersion(1, 20)}, Audit: level("restricted"), Warn: level("baseline")}},
	} {
		c := &cluster{options: o}
		p := newPipeline(t, c, true, tally{})
		pod := apiserver.Admitted(benchpod.P4())
		said, asked := map[string]int{}, 0
		for _, enforce := range levels {
			for _, enforceVersion := range versions {
				for i, warn := range levels {
					version := versions[(i+asked)%len(versions)]
					asked++
					ns := restrictedNamespace(pod.Namespace)
					ns.Labels = map[string]string{}
					for key, value := range map[string]string{
						"enforce": enforce, "enforce-version": enforceVersion, "warn": warn, "warn-version": version, "audit": warn, "audit-version": enforceVersion,
					} {
						if value != absent {
							ns.Labels[o.LabelPrefix+key] = value
						}
					}
					lvs := levelsOf(ns, &o)
					want := evaluate.Evaluate(pod, lvs.Enforce, policy.Set{})
					p.judges("labelled", creation(ns, pod), lvs, &want, func(lv api.LevelVersion) evaluate.Result { return evaluate.Evaluate(pod, lv, policy.Set{}) })
					said[want.Refusal()]++
				}
			}
		}
		if len(said) < 4 || asked != 100 {
			t.Errorf("%d different answers to %d namespaces", len(said), asked)
		}
	}
}

func level(name string) api.LevelVersion {
	return api.LevelVersion{Level: api.Level(name), Version: api.LatestVersion()}
}

// TestOlderServers: objects that are rendered for a server compile in the environment
// of that server, which is that of the minor version before it. What a server has not
// is refused with the reason.
func TestOlderServers(t *testing.T) {
	set := exported(t, 20)
	refused := 0
	for minor := 28; minor <= 37; minor++ {
		server := api.MajorMinorVersion(1, minor)
		for _, without := range []bool{false, true} {
			o := native.Options{KubernetesVersion: server, WithoutMutation: without}
			objects, err := rendered(set, o)
			if err != nil {
				refused++
				if !strings.Contains(err.Error(), "1.3") {
					t.Errorf("%s: %v, which names no version", server, err)
				}
				if minor == 37 || without && minor == 36 {
					t.Errorf("%s: %v", server, err)
				}
				continue
			}
			if !without && minor < 36 {
				t.Errorf("%s has no MutatingAdmissionPolicy of v1, and the objects are rendered", server)
			}
			base = environment.MustBaseEnvSet(version.MajorMinor(1, uint(minor-1)))
			_, err = newServer(objects)
			base = newest
			if err != nil {
				t.Errorf("for %s: %v", server, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no version is too old")
	}
}

// TestUpdatesOfOldPods: a pod that was stored before anybody judged it keeps running:
// its labels, finalizers and status may change, and another image is judged.
func TestUpdatesOfOldPods(t *testing.T) {
	s := newTestServer(t, policy.Set{}, native.Options{})
	bare := benchpod.P2()
	bare.Spec.InitContainers = []corev1.Container{{Name: "init", Image: "busybox"}}
	old, err := apiserver.Create(bare)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why     string
		change  func(*corev1.Pod)
		refused bool
	}{
		{"labels", func(p *corev1.Pod) { p.Labels["changed"] = "yes" }, false},
		{"annotations", func(p *corev1.Pod) { p.Annotations = map[string]string{"changed": "yes"} }, false},
		{"finalizers", func(p *corev1.Pod) { p.Finalizers = []string{"example.com/f"} }, false},
		{"a deletion", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, false},
		{"tolerations", func(p *corev1.Pod) { p.Spec.Tolerations = []corev1.Toleration{{Operator: "Exists"}} }, false},
		{"an image", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "other" }, true},
		{"an init container's image", func(p *corev1.Pod) { p.Spec.InitContainers[0].Image = "other" }, true},
	} {
		next := old.DeepCopy()
		row.change(next)
		r := creation(restrictedNamespace(old.Namespace), next)
		r.old, r.operation = old, "UPDATE"
		if got := s.validate(r); (got.refusal != "") != row.refused {
			t.Errorf("%s: %+v", row.why, got)
		}
		if same, err := s.mutate(r); err != nil || same.Spec.SecurityContext.FSGroup != nil {
			t.Errorf("%s: filled in, %v", row.why, err)
		}
	}
}
