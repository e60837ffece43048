package policy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/spec"
)

// TestEntriesRefused: what an entry for single containers may not be, and the fix.
func TestEntriesRefused(t *testing.T) {
	const entry = web + "containers:\n- "
	for _, row := range []struct{ name, why, in, want string }{
		{"no selector", "it would speak of every container, as the policy does", entry + "allow: {privileged: true}\n",
			"p.yaml:3: containers[0]: matches every container; write images, kinds or names of the containers that it is for; what holds for all of them stands under the policy's own allow and mutations"},
		{"empty selectors", "empty lists are no selector", entry + "{names: [], images: [], kinds: [], allow: {privileged: true}}\n",
			"p.yaml:3: containers[0]: matches every container; write images, kinds or names of the containers that it is for; what holds for all of them stands under the policy's own allow and mutations"},
		{"a key of the pod", "the host's network is the pod's", entry + "kinds: [init]\n  allow: {hostNetwork: true}\n",
			"p.yaml:4: containers[0].allow.hostNetwork: unknown key; it belongs under allow"},
		{"a rule that demands", "entries only grant", entry + "kinds: [init]\n  allow: {readOnlyRootFilesystem: true}\n",
			"p.yaml:4: containers[0].allow.readOnlyRootFilesystem: unknown key; it belongs under allow"},
		{"a group of the pod", "fsGroup is the pod's", entry + "kinds: [init]\n  mutations: {fsGroup: 1}\n",
			"p.yaml:4: containers[0].mutations.fsGroup: unknown key; it belongs under allow or under mutations"},
		{"one image for a list", "a likely slip", entry + "images: nginx\n", "p.yaml:3: containers[0].images: nginx stands where a list belongs; write [nginx]"},
		{"an entry for a list", "a likely slip", web + "containers: {kinds: [init]}\n", "p.yaml:2: containers: a block of keys stands where a list belongs; begin each entry with a -"},
		{"a kind misspelt", "the nearest is offered", entry + "kinds: [sidecars]\n", `p.yaml:3: containers[0].kinds[0]: "sidecars" is no kind of container; did you mean sidecar?`},
		{"a kind of another world", "all are offered", entry + "kinds: [main]\n", `p.yaml:3: containers[0].kinds[0]: "main" is no kind of container; write init, sidecar, regular or ephemeral`},
		{"every name", "no name at all says the same", entry + "names: ['*']\n",
			`p.yaml:3: containers[0].names[0]: "*" is no name of a container; write a name, as in istio-init, or the beginning of one, as in debugger-*`},
		{"a name that no container has", "names are DNS labels", entry + "names: [Istio]\n",
			`p.yaml:3: containers[0].names[0]: "Istio" is no name of a container; write a name, as in istio-init, or the beginning of one, as in debugger-*`},
		{"a * within a name", "only the end may be open", entry + "names: ['a*b']\n",
			`p.yaml:3: containers[0].names[0]: "a*b" is no name of a container; write a name, as in istio-init, or the beginning of one, as in debugger-*`},
		{"every image", "anybody's would do", entry + "images: ['*']\n",
			`p.yaml:3: containers[0].images[0]: "*" leaves the registry open; write the registry and a slash before the *, as in docker.io/istio/*`},
		{"half a registry", "docker.i* is also docker.io.example.com", entry + "images: ['docker.i*']\n",
			`p.yaml:3: containers[0].images[0]: "docker.i*" leaves the registry open; write the registry and a slash before the *, as in docker.io/istio/*`},
		{"a * within an image", "only the end may be open", entry + "images: ['*/istio/proxyv2:1']\n",
			`p.yaml:3: containers[0].images[0]: "*/istio/proxyv2:1" has * before its end; write a reference, or its beginning with * at its end only`},
		{"capitals", "a folder has none, and runtimes refuse it", entry + "images: [docker.io/Istio/proxyv2]\n",
			`p.yaml:3: containers[0].images[0]: "docker.io/Istio/proxyv2" is no reference to an image, whose names have no capital letters; write a reference as in docker.io/istio/proxyv2:1.24, or its beginning, as in docker.io/istio/proxyv2:*`},
		{"a URL", "it is no reference", entry + "images: ['https://docker.io/istio/proxyv2']\n",
			`p.yaml:3: containers[0].images[0]: "https://docker.io/istio/proxyv2" is no reference to an image; write a reference as in docker.io/istio/proxyv2:1.24, or its beginning, as in docker.io/istio/proxyv2:*`},
		{"a digest cut short", "without a * it would match nothing", entry + "images: ['nginx@sha256:abc']\n",
			`p.yaml:3: containers[0].images[0]: "nginx@sha256:abc" is no reference to an image; write a reference as in docker.io/istio/proxyv2:1.24, or its beginning, as in docker.io/istio/proxyv2:*`},
		{"no capability", "as in the policy's own list", entry + "{kinds: [init], allow: {allowedCapabilities: [NET-ADMIN]}}\n",
			`p.yaml:3: containers[0].allow.allowedCapabilities[0]: "NET-ADMIN" is no capability; write a name, as in NET_ADMIN, or "*" for all`},
		{"no port", "as in the policy's own list", entry + "{kinds: [init], allow: {allowedHostPorts: [{min: 0, max: 1}]}}\n",
			"p.yaml:3: containers[0].allow.allowedHostPorts[0].min: 0 is out of range; write a port from 1 to 65535"},
		{"a rule without ranges", "as in the policy's own rule", entry + "{kinds: [init], allow: {runAsUser: MustRunAs}}\n",
			"p.yaml:3: containers[0].allow.runAsUser: MustRunAs needs ranges; write {rule: MustRunAs, ranges: [{min: <lowest ID>, max: <highest ID>}]}"},
		{"ranges outdented", "as the document publishes its example", entry + "kinds: [init]\n  allow:\n    runAsUser:\n    rule: MustRunAs\n    ranges: [{min: 4, max: 4}]\n",
			"p.yaml:5: containers[0].allow.runAsUser: rule and ranges stand beside runAsUser, not under it; indent them:\n    runAsUser:\n      rule: MustRunAs\n      ranges: [{min: 4, max: 4}]"},
		{"root to fill", "neither rule lets it be", entry + "{kinds: [init], mutations: {runAsUser: 0}}\n",
			"p.yaml:3: containers[0].mutations.runAsUser: 0 is refused by allow.runAsUser, MustRunAsNonRoot; write another ID than 0, or runAsUser: RunAsAny under allow"},
		{"a user outside both ranges", "neither rule lets it be", web + "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 4, max: 4}]}}\ncontainers: [{kinds: [init], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 6, max: 6}]}}, mutations: {runAsUser: 5}}]\n",
			"p.yaml:3: containers[0].mutations.runAsUser: 5 is refused by allow.runAsUser, MustRunAs; write an ID from 6 to 6"},
		{"an ID too large", "IDs have 31 bits", entry + "{kinds: [init], mutations: {runAsGroup: 2147483648}}\n",
			"p.yaml:3: containers[0].mutations.runAsGroup: 2147483648 is out of range; write an ID from 0 to 2147483647"},
		{"too many entries", "what is asked at every container is bounded", web + "containers:\n" + strings.Repeat("- {kinds: [init], allow: {privileged: true}}\n", MaxContainerEntries+1),
			"p.yaml:2: containers: 65 entries, of which a policy may have 64; write several policies, or fewer entries"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.in), "p.yaml")
			if err == nil {
				t.Fatalf("accepted, though %s", row.why)
			}
			if diff := cmp.Diff(row.want, err.Error()); diff != "" {
				t.Errorf("because %s (-want +got):\n%s", row.why, diff)
			}
			inspect(t, err)
		})
	}
}

// TestEntriesAccepted: what is easily refused by mistake.
func TestEntriesAccepted(t *testing.T) {
	for name, in := range map[string]string{
		"a user that the policy's rule lets be":   web + "containers: [{kinds: [init], mutations: {runAsUser: 65534}}]\n",
		"a user that only the entry's lets be":    web + "containers: [{kinds: [init], allow: {runAsUser: RunAsAny}, mutations: {runAsUser: 0}}]\n",
		"a user that only the policy's lets be":   web + "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 4, max: 4}]}}\ncontainers: [{kinds: [init], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 6, max: 6}]}}, mutations: {runAsUser: 4}}]\n",
		"as many entries as there may be":         web + "containers:\n" + strings.Repeat("- {kinds: [init], allow: {privileged: true}}\n", MaxContainerEntries),
		"a registry with a port and a pattern":    web + "containers: [{images: ['registry.example.com:5000/*', 'localhost/a:*', '[::1]:5000/a@sha256:*']}]\n",
		"a name of 62 characters before the star": web + "containers: [{names: ['" + strings.Repeat("a", 62) + "*']}]\n",
	} {
		if _, err := Parse([]byte(in), "p.yaml"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := Policy{PodSelectorLabels: podLabels{"app": "web"}, Containers: []ContainerEntry{{Names: []string{strings.Repeat("a", 63) + "*"}}}}
	var errs Errors
	if err := long.Validate(); !errors.As(err, &errs) {
		t.Errorf("a prefix longer than any name: %v", err)
	}
}

// containerOf is a container of a kind of the API.
func containerOf(name, image string, always bool) *corev1.Container {
	c := &corev1.Container{Name: name, Image: image}
	if always {
		c.RestartPolicy = ptr(corev1.ContainerRestartPolicyAlways)
	}
	return c
}

// TestEntryMatches: names, images and kinds, each alone both ways, and that all that
// is given must match.
func TestEntryMatches(t *testing.T) {
	const init, regular, ephemeral = spec.InitContainer, spec.RegularContainer, spec.EphemeralContainer
	proxy := containerOf("istio-init", "docker.io/istio/proxyv2:1.24", false)
	for _, row := range []struct {
		why   string
		entry ContainerEntry
		kind  spec.ContainerKind
		c     *corev1.Container
		want  bool
	}{
		{"the name", ContainerEntry{Names: []string{"other", "istio-init"}}, init, proxy, true},
		{"another name", ContainerEntry{Names: []string{"istio"}}, init, proxy, false},
		{"a prefix of the name", ContainerEntry{Names: []string{"istio-*"}}, init, proxy, true},
		{"the name itself as a prefix", ContainerEntry{Names: []string{"istio-init*"}}, init, proxy, true},
		{"a longer prefix", ContainerEntry{Names: []string{"istio-init-*"}}, init, proxy, false},
		{"names have case", ContainerEntry{Names: []string{"istio-init"}}, init, containerOf("Istio-init", "", false), false},
		{"an init container", ContainerEntry{Kinds: []ContainerKind{KindInit}}, init, proxy, true},
		{"an init container is no sidecar", ContainerEntry{Kinds: []ContainerKind{KindSidecar}}, init, proxy, false},
		{"an init container is no regular one", ContainerEntry{Kinds: []ContainerKind{KindRegular, KindEphemeral}}, init, proxy, false},
		{"a sidecar", ContainerEntry{Kinds: []ContainerKind{KindSidecar}}, init, containerOf("a", "", true), true},
		{"a sidecar is no init container", ContainerEntry{Kinds: []ContainerKind{KindInit}}, init, containerOf("a", "", true), false},
		{"a regular container", ContainerEntry{Kinds: []ContainerKind{KindRegular}}, regular, proxy, true},
		{"a restart policy makes no sidecar of it", ContainerEntry{Kinds: []ContainerKind{KindSidecar}}, regular, containerOf("a", "", true), false},
		{"an ephemeral container", ContainerEntry{Kinds: []ContainerKind{KindEphemeral}}, ephemeral, proxy, true},
		{"one of two kinds", ContainerEntry{Kinds: []ContainerKind{KindInit, KindEphemeral}}, ephemeral, proxy, true},
		{"an image", ContainerEntry{Images: []string{"nginx", "istio/proxyv2:1.24"}}, init, proxy, true},
		{"another image", ContainerEntry{Images: []string{"istio/proxyv2:1.25"}}, init, proxy, false},
		{"no image", ContainerEntry{Images: []string{"docker.io/*"}}, init, containerOf("a", "", false), false},
		{"what is no reference", ContainerEntry{Images: []string{"docker.io/*"}}, init, containerOf("a", "docker.io/Istio/a", false), false},
		{"all match", ContainerEntry{Names: []string{"istio-init"}, Images: []string{"istio/proxyv2:*"}, Kinds: []ContainerKind{KindInit}}, init, proxy, true},
		{"the name alone does not", ContainerEntry{Names: []string{"istio"}, Images: []string{"istio/proxyv2:*"}, Kinds: []ContainerKind{KindInit}}, init, proxy, false},
		{"the image alone does not", ContainerEntry{Names: []string{"istio-init"}, Images: []string{"istio/proxy:*"}, Kinds: []ContainerKind{KindInit}}, init, proxy, false},
		{"the kind alone does not", ContainerEntry{Names: []string{"istio-init"}, Images: []string{"istio/proxyv2:*"}, Kinds: []ContainerKind{KindSidecar}}, init, proxy, false},
		{"nothing is given, which Validate refuses", ContainerEntry{}, init, proxy, false},
	} {
		if got := row.entry.matches(row.kind, row.c); got != row.want {
			t.Errorf("%s: matches is %v", row.why, got)
		}
	}
}

// TestEveryFieldOfAnEntryCounts: an entry as a policy of its own has every field of it.
func TestEveryFieldOfAnEntryCounts(t *testing.T) {
	entry := ContainerEntry{}
	fields := 0
	for _, block := range []reflect.Value{reflect.ValueOf(&entry.Allow).Elem(), reflect.ValueOf(&entry.Mutations).Elem()} {
		for i := range block.NumField() {
			name := block.Type().Field(i).Name
			before := entry.part()
			set(block.Field(i))
			after := entry.part()
			if cmp.Equal(before, after, cmp.AllowUnexported(Policy{})) {
				t.Errorf("%s does not reach the policy that stands for the entry: name it in part of policy/view.go", name)
			}
			fields++
		}
	}
	if fields != 16 {
		t.Errorf("%d fields, want 16", fields)
	}
}

// set makes a value another one than its zero.
func set(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Struct:
		v.Field(0).SetString(string(RunAsAny))
	default:
		panic(v.Type().String())
	}
}

// TestEntryKeysAreTheirPolicys: a key of an entry has the name, the type and the
// meaning of a key of the policy.
func TestEntryKeysAreTheirPolicys(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[ContainerAllow](), reflect.TypeFor[Allow]()},
		{reflect.TypeFor[ContainerMutations](), reflect.TypeFor[Mutations]()},
	} {
		for _, f := range fieldsOf(pair[0]) {
			same := false
			for _, of := range fieldsOf(pair[1]) {
				same = same || of.name == f.name && of.typ == f.typ && of.required == f.required && of.dropEmpty == f.dropEmpty
			}
			if !same {
				t.Errorf("%s of %s is no key of %s", f.name, pair[0], pair[1])
			}
		}
	}
}

// ofThePod are the keys of a policy that an entry for single containers does not have,
// each with why.
var ofThePod = map[string]string{
	"allowedUnsafeSysctls": "sysctls are the pod's", "allowedHostPaths": "volumes are the pod's", "volumes": "volumes are the pod's",
	"hostNetworkPorts": "it is about the pod's network too; allowedHostPorts is the containers' part", "hostNetwork": "the network is the pod's",
	"hostNamespace": "the namespaces are the pod's", "hostPID": "the namespaces are the pod's", "hostIPC": "the namespaces are the pod's",
	"userNamespace": "the namespaces are the pod's", "fsGroup": "the volumes' group is the pod's", "fsGroupChangePolicy": "the volumes' group is the pod's",
	"supplementalGroups": "these groups are the pod's", "readOnlyRootFilesystem": "it demands, and entries only grant",
}

// TestEveryKeyIsOfThePodOrOfEntries: a key that a policy gets is one of entries too, or
// it is said why not.
func TestEveryKeyIsOfThePodOrOfEntries(t *testing.T) {
	keys := 0
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[Allow](), reflect.TypeFor[ContainerAllow]()},
		{reflect.TypeFor[Mutations](), reflect.TypeFor[ContainerMutations]()},
	} {
		for _, f := range fieldsOf(pair[0]) {
			keys++
			if has := slices.Contains(fieldNames(pair[1]), f.name); has == (ofThePod[f.name] != "") {
				t.Errorf("%s of %s: a key of %s: %v; why not: %q; one of the two is to be", f.name, pair[0], pair[1], has, ofThePod[f.name])
			}
		}
	}
	if keys != 31 {
		t.Errorf("%d keys, want 31", keys)
	}
}

// TestUserFillOfEntries: which user is filled in, in the order of precedence.
func TestUserFillOfEntries(t *testing.T) {
	must := func(low, high int64) UserRule { return UserRule{MustRunAs, []IDRange{{low, high}}} }
	rule := func(r UserRule) ContainerEntry {
		return ContainerEntry{Kinds: []ContainerKind{KindRegular}, Allow: ContainerAllow{RunAsUser: r}}
	}
	named := func(id int64) ContainerEntry {
		return ContainerEntry{Kinds: []ContainerKind{KindRegular}, Mutations: ContainerMutations{RunAsUser: &id}}
	}
	yes, no := ptr(true), ptr(false)
	free, nonRoot := UserRule{Rule: RunAsAny}, UserRule{Rule: MustRunAsNonRoot}
	for _, row := range []struct {
		why     string
		own     Policy
		entries []ContainerEntry
		nonRoot *bool
		want    int64 // -1 for none
	}{
		{"nothing is said", Policy{}, []ContainerEntry{rule(UserRule{})}, nil, -1},
		{"the entry's value", Policy{}, []ContainerEntry{named(7)}, nil, 7},
		{"the entry's value before the policy's", Policy{Mutations: Mutations{RunAsUser: ptr[int64](5)}}, []ContainerEntry{named(7)}, nil, 7},
		{"the lowest of several", Policy{}, []ContainerEntry{named(9), named(7), named(8)}, nil, 7},
		{"the policy's value before an entry's rule", Policy{Mutations: Mutations{RunAsUser: ptr[int64](5)}}, []ContainerEntry{rule(must(9, 9))}, nil, 5},
		{"an entry's rule before the policy's", Policy{Allow: Allow{RunAsUser: must(4, 4)}}, []ContainerEntry{rule(must(9, 10))}, nil, 9},
		{"the lowest of several rules", Policy{Allow: Allow{RunAsUser: must(4, 4)}}, []ContainerEntry{rule(must(9, 9)), rule(must(8, 8))}, nil, 8},
		{"no user meets an entry's rule", Policy{Allow: Allow{RunAsUser: must(4, 4)}}, []ContainerEntry{rule(free)}, nil, -1},
		{"no user meets it either", Policy{Allow: Allow{RunAsUser: must(0, 0)}}, []ContainerEntry{rule(nonRoot)}, nil, -1},
		{"a rule that asks for one before one that does not", Policy{}, []ContainerEntry{rule(free), rule(must(8, 8))}, nil, 8},
		{"the policy's rule where no entry has one", Policy{Allow: Allow{RunAsUser: must(4, 4)}}, []ContainerEntry{rule(UserRule{})}, nil, 4},
		{"root beside runAsNonRoot is passed over", Policy{}, []ContainerEntry{named(0), named(7)}, yes, 7},
		{"and the policy's stands in", Policy{Allow: Allow{RunAsUser: must(4, 4)}}, []ContainerEntry{rule(must(0, 0))}, yes, 4},
		{"root where runAsNonRoot is false, which the others do not excuse", Policy{Allow: Allow{RunAsUser: must(0, 9)}}, []ContainerEntry{named(7)}, no, 0},
		{"the entry's root there", Policy{Mutations: Mutations{RunAsUser: ptr[int64](5)}}, []ContainerEntry{rule(must(0, 0)), named(7)}, no, 0},
		{"what is named there, if anybody is let be", Policy{Allow: Allow{RunAsUser: must(0, 9)}}, []ContainerEntry{named(7), rule(free)}, no, 7},
		{"no root that nobody asks for", Policy{}, []ContainerEntry{named(7)}, no, 7},
		{"root rather than none", Policy{Allow: Allow{RunAsUser: must(0, 0)}}, []ContainerEntry{rule(nonRoot)}, no, 0},
		{"and a range goes on above it", Policy{}, []ContainerEntry{rule(must(0, 3))}, yes, 1},
	} {
		p := row.own
		p.Containers = row.entries
		id, ok := p.For(spec.RegularContainer, &corev1.Container{}).UserFill(row.nonRoot)
		if !ok {
			id = -1
		}
		if id != row.want {
			t.Errorf("%s: %d, want %d", row.why, id, row.want)
		}
	}
}

// TestFlagsOfEntries: false before true, and both before the policy's.
func TestFlagsOfEntries(t *testing.T) {
	yes, no := ptr(true), ptr(false)
	for _, row := range []struct {
		own     *bool
		entries []*bool
		want    bool
	}{
		{nil, nil, true}, {no, nil, false},
		{nil, []*bool{no}, false}, {no, []*bool{yes}, true}, {no, []*bool{nil}, false},
		{nil, []*bool{yes, no}, false}, {nil, []*bool{no, yes}, false}, {yes, []*bool{nil, no, nil}, false},
	} {
		p := Policy{Mutations: Mutations{DropAllCapabilities: row.own, SetDefaultSeccompProfile: row.own}}
		for _, flag := range row.entries {
			p.Containers = append(p.Containers, ContainerEntry{
				Kinds: []ContainerKind{KindRegular}, Mutations: ContainerMutations{DropAllCapabilities: flag, SetDefaultSeccompProfile: flag},
			})
		}
		v := p.For(spec.RegularContainer, &corev1.Container{})
		if v.DropsAllCapabilities() != row.want || v.SetsSeccompProfile() != row.want {
			t.Errorf("%+v: %v and %v", row, v.DropsAllCapabilities(), v.SetsSeccompProfile())
		}
	}
}

// TestViewsAllocateNothing: a view is asked for at every container of every pod.
func TestViewsAllocateNothing(t *testing.T) {
	p := Policy{Containers: []ContainerEntry{
		{Names: []string{"istio-*"}, Images: []string{"docker.io/istio/proxyv2:*", "nginx@sha256:*"}, Allow: ContainerAllow{Privileged: true, RunAsUser: UserRule{Rule: RunAsAny}}},
		{Kinds: []ContainerKind{KindRegular}, Images: []string{"nginx"}, Mutations: ContainerMutations{RunAsUser: ptr[int64](4)}},
	}}
	c := &corev1.Container{Name: "istio-init", Image: "istio/proxyv2:1.24"}
	id := int64(3)
	asked := testing.AllocsPerRun(100, func() {
		v := p.For(spec.RegularContainer, c)
		v.AllowsAnyUser()
		v.AllowsPrivileged()
		v.AllowsPrivilegeEscalation()
		v.AdmitsUser(&id)
		v.AdmitsGroup(nil)
		v.DropsAllCapabilities()
		v.SetsSeccompProfile()
		v.UserFill(nil)
		v.GroupFill()
	})
	if asked != 0 {
		t.Errorf("%v allocations", asked)
	}
}

// TestEntryNames: an entry of an answer is told by its path in the policy.
func TestEntryNames(t *testing.T) {
	p := Policy{Containers: []ContainerEntry{
		{Kinds: []ContainerKind{KindEphemeral}, Allow: ContainerAllow{AllowedCapabilities: []string{"NET_ADMIN"}}},
		{Kinds: []ContainerKind{KindInit}, Allow: ContainerAllow{AllowedCapabilities: []string{"CHOWN", "NET_ADMIN"}}},
	}}
	f := Fault{Check: spec.CheckCapabilitiesRestricted, Field: spec.FieldCapabilitiesAdd, Value: "NET_ADMIN"}
	by, ok := p.For(spec.InitContainer, &corev1.Container{}).Excuses(&f)
	if got := by.String(); !ok || got != "containers[1].allow.allowedCapabilities[1]" {
		t.Errorf("excused: %v, by %s", ok, got)
	}
	if by, ok := p.For(spec.RegularContainer, &corev1.Container{}).Excuses(&f); ok {
		t.Errorf("a container that no entry matches is excused by %s", by)
	}
	if _, ok := p.Excuses(&f); ok {
		t.Error("the policy itself excuses what an entry does")
	}
}

// TestOrderOfEntries: views do not depend on it.
func TestOrderOfEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy.Filter(func(p Policy) bool { return len(p.Containers) > 1 }).Draw(t, "policy")
		q := *p.DeepCopy()
		q.Containers = rapid.Permutation(q.Containers).Draw(t, "order")
		c := containerOf(genContainerName.Draw(t, "name"), genImage.Draw(t, "image"), rapid.Bool().Draw(t, "always"))
		kind := rapid.SampledFrom([]spec.ContainerKind{spec.InitContainer, spec.RegularContainer, spec.EphemeralContainer}).Draw(t, "kind")
		nonRoot := rapid.Ptr(rapid.Bool(), true).Draw(t, "nonRoot")
		id := rapid.Ptr(genID, true).Draw(t, "id")
		a, b := answers(p.For(kind, c), nonRoot, id), answers(q.For(kind, c), nonRoot, id)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
	})
}

// answers are all that a view says.
func answers(v View, nonRoot *bool, id *int64) []any {
	user, fillsUser := v.UserFill(nonRoot)
	group, fillsGroup := v.GroupFill()
	return []any{
		v.AllowsAnyUser(), v.AllowsPrivileged(), v.AllowsPrivilegeEscalation(), v.DropsAllCapabilities(), v.SetsSeccompProfile(),
		v.AdmitsUser(id), v.AdmitsGroup(id), user, fillsUser, group, fillsGroup,
	}
}
