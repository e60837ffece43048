package author

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// setFrom are policies of a file.
func setFrom(t *testing.T, text string) []policy.Policy {
	t.Helper()
	if text == "" {
		return nil
	}
	list, err := policy.Parse([]byte(text), "set.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// outline is a comparison of sets in few words.
func outline(c SetComparison) (lines []string) {
	for i := range c.Policies {
		p := &c.Policies[i]
		namespaces := p.Namespace
		if len(p.Namespaces) > 0 {
			namespaces = fmt.Sprint(p.Namespaces)
		}
		line := fmt.Sprintf("%s/%s %s %s", namespaces, p.Name, p.Change, p.Relation())
		if p.Selectors != "" {
			line += ", selectors " + string(p.Selectors)
		}
		if len(p.Beside) > 0 {
			line += ", beside " + strings.Join(p.Beside, " ")
		}
		lines = append(lines, line)
		for j := range p.Parts {
			part := &p.Parts[j]
			lines = append(lines, strings.TrimSuffix(fmt.Sprintf(" %s %s", part.Pods, part.With), " "))
			for k := range part.Differences {
				d := &part.Differences[k]
				line := fmt.Sprintf("  %s %s", d.Direction, d.Text())
				if d.CoveredBy != "" {
					line += ", covered by " + d.CoveredBy
				}
				if d.RefusedBy != "" {
					line += ", refused by " + d.RefusedBy
				}
				lines = append(lines, line)
			}
			for _, f := range part.Fills {
				lines = append(lines, fmt.Sprintf("  fills %s: %v, %v", f.Field, f.Old, f.New))
			}
		}
	}
	return lines
}

// TestCompareSets: what becomes of policies, and what their pods notice.
func TestCompareSets(t *testing.T) {
	const web = "name: web\npodSelectorLabels: {app: web}\n"
	const free = "allow: {volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, ephemeral, image]"
	const own = "name: own\npodSelectorLabels: {app: web}\n" + free
	const ports = "---\nname: ports\npodSelectorLabels: {app: web}\n" + free + ", allowedHostPorts: [{min: 80, max: 80}]"
	const fallback = "name: base\ndefault: true\nallow: {readOnlyRootFilesystem: true}\n"
	for _, row := range []struct {
		why, old, new string
		more          bool
		want          []string
	}{
		{"nothing changes", web, web, false, []string{"/web unchanged equal, selectors same"}},
		{"a policy takes the place of the default one: what it grants, and the volumes that it leaves at their default", "", web + "allow: {hostPID: true}\n", true, []string{
			"/web added incomparable", " gained",
			"  widens a pod in the host's PID namespace (hostPID)",
			"  narrows a volume of type csi", "  narrows a volume of type ephemeral", "  narrows a volume of type image",
		}},
		{"the default one takes the place of a policy", web, "", true, []string{
			"/web removed wider", " lost", "  widens a volume of type csi", "  widens a volume of type ephemeral", "  widens a volume of type image",
		}},
		{"of two namespaces each is a policy of its own", "namespace: a\n" + web, "namespace: b\n" + web + "allow: {volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, ephemeral, image]}\n", true, []string{
			"a/web removed wider", " lost", "  widens a volume of type csi", "  widens a volume of type ephemeral", "  widens a volume of type image",
			"b/web added equal",
		}},
		{"a selector that shuts some pods out leaves them to the default policy", web + "allow: {privileged: true, volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, ephemeral, image]}\n",
			web + "podSelectorExpressions: [{key: tier, operator: Exists}]\nallow: {privileged: true, volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, ephemeral, image]}\n", false, []string{
				"/web changed narrower, selectors narrower", " lost", "  narrows a privileged container",
			}},
		{"what a policy of another name allows already is covered", web + "---\nname: wide\npodSelectorLabels: {tier: front}\nallow: {hostPID: true}\n",
			web + "allow: {hostPID: true}\n---\nname: wide\npodSelectorLabels: {tier: front}\nallow: {hostPID: true}\n", true, []string{
				"/web changed wider, selectors same, beside wide", " both", "  widens a pod in the host's PID namespace (hostPID)",
				"/wide unchanged equal, selectors same, beside web",
			}},
		{"covered where the made-up pod has the other's labels too", "name: wide\npodSelectorLabels: {app: web}\nallow: {hostPID: true}\n---\n" + web,
			"name: wide\npodSelectorLabels: {app: web}\nallow: {hostPID: true}\n---\n" + web + "allow: {hostPID: true}\n", true, []string{
				"/web changed wider, selectors same, beside wide", " both", "  widens a pod in the host's PID namespace (hostPID), covered by wide",
				"/wide unchanged equal, selectors same, beside web",
			}},
		{"a policy that selects another's pods lets be what the other does not", "name: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n",
			"name: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n---\nname: added\npodSelectorLabels: {app: web}\nallow: {volumes: [projected, secret]}\n", true, []string{
				"/added added wider, beside tight", " shared tight", "  widens a volume of type secret",
				"/tight unchanged equal, selectors same, beside added",
			}},
		{"one whose pods another policy selects leaves nothing to the default one", "name: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n---\nname: gone\npodSelectorLabels: {app: web, tier: front}\n",
			"name: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n", false, []string{
				"/gone removed equal, beside tight", "/tight unchanged equal, selectors same, beside gone",
			}},
		{"beside another policy only what that did not allow is told, and once", "name: tight\npodSelectorLabels: {tier: front}\nallow: {volumes: [projected]}\n",
			"name: tight\npodSelectorLabels: {tier: front}\nallow: {volumes: [projected]}\n---\nname: added\npodSelectorLabels: {app: web}\nallow: {hostPID: true, volumes: [projected, secret, nfs]}\n", true, []string{
				"/added added incomparable, beside tight", " gained",
				"  widens a pod in the host's PID namespace (hostPID)", "  widens a volume of type nfs",
				"  narrows a volume of type configMap", "  narrows a volume of type csi", "  narrows a volume of type downwardAPI", "  narrows a volume of type emptyDir",
				"  narrows a volume of type ephemeral", "  narrows a volume of type image", "  narrows a volume of type persistentVolumeClaim",
				" shared tight", "  widens a volume of type secret",
				"/tight unchanged equal, selectors same, beside added",
			}},
		{"policies that share a namespace are a pair", "namespaces: [a, b]\n" + web + free + "}\n", "namespaces: [b, c]\n" + web + free + ", hostPID: true}\n", true, []string{
			"[b c]/web changed wider, selectors crosses",
			" both", "  widens a pod in the host's PID namespace (hostPID)", " gained", "  widens a pod in the host's PID namespace (hostPID)",
		}},
		{"a label of namespaces shuts out the others", web + free + ", hostPID: true}\n", "namespaceSelector: {matchLabels: {team: a}}\n" + web + free + ", hostPID: true}\n", false, []string{
			"/web changed narrower, selectors narrower", " lost", "  narrows a pod in the host's PID namespace (hostPID)",
		}},
		{"a default policy takes the place of plain restricted", "", fallback, false, []string{
			"/base added narrower", " unselected", "  narrows a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: <nil>, true",
		}},
		{"a policy takes the place of the default policy of the set", fallback, fallback + "---\n" + web + free + "}\n", true, []string{
			"/base unchanged equal, selectors same",
			"/web added wider", " gained base", "  widens a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: true, <nil>",
		}},
		{"and leaves its pods to it", fallback + "---\n" + web + free + "}\n", fallback, false, []string{
			"/base unchanged equal, selectors same",
			"/web removed narrower", " lost base", "  narrows a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: <nil>, true",
		}},
		{"the default policy of one namespace is none of another's", "namespace: a\n" + fallback, "namespace: a\n" + fallback + "---\n" + web + free + "}\n", true, []string{
			"a/base unchanged equal, selectors same",
			"/web added wider", " gained base", "  widens a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: true, <nil>",
		}},
		{"one default policy takes the place of another in one namespace", fallback, fallback + "---\nname: lax\ndefault: true\nnamespace: a\n", true, []string{
			"/base unchanged equal, selectors same",
			"a/lax added wider", " unselected base", "  widens a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: true, <nil>",
		}},
		{"a default policy of fewer namespaces", "namespaces: [a, b]\n" + fallback, "namespaces: [b]\n" + fallback, true, []string{
			"[b]/base changed wider, selectors narrower", " unselected", "  widens a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: true, <nil>",
		}},
		{"what is filled in otherwise", web, web + "mutations: {fsGroup: 400}\n", false, []string{
			"/web changed equal, selectors same", " both", "  fills spec.securityContext.fsGroup: 1, 400",
		}},
		{"a pod with a user namespace was for the policy that requires one", own + ", userNamespace: Required}\n" + ports + "}\n",
			strings.TrimPrefix(ports, "---\n") + "}\n", true, []string{
				"/own removed wider, beside ports", " released ports", "  widens a container with the host port 80",
				"/ports unchanged equal, selectors same, beside own",
			}},
		{"and is while it still does", own + ", userNamespace: Required}\n" + ports + "}\n",
			own + ", readOnlyRootFilesystem: true, userNamespace: Required}\n" + ports + "}\n", false, []string{
				"/own changed narrower, selectors same, beside ports", " both", "  narrows a container with a writable root filesystem",
				"  fills spec.containers[0].securityContext.readOnlyRootFilesystem: <nil>, true",
				"/ports unchanged equal, selectors same, beside own",
			}},
		{"not while another one requires one as well: that shares them, and did", own + ", userNamespace: Required}\n" + ports + ", userNamespace: Required}\n",
			own + ", userNamespace: Required}\n" + ports + ", userNamespace: Required}\n", false, []string{
				"/own unchanged equal, selectors same, beside ports",
				"/ports unchanged equal, selectors same, beside own",
			}},
		{"another one that comes to require one shares them from then on", own + ", userNamespace: Required}\n" + ports + "}\n",
			own + ", userNamespace: Required}\n" + ports + ", userNamespace: Required}\n", true, []string{
				"/own changed wider, selectors same, beside ports", " released ports", "  widens a container with the host port 80",
				"/ports changed incomparable, selectors same, beside own", " both",
				"  widens a container that may run as root, in the user namespace that is filled in, covered by own",
				"  narrows a pod without a user namespace of its own (hostUsers: true)", "  fills spec.hostUsers: <nil>, false",
			}},
		{"a new one that requires one shares them: that is told of the new one, and once", own + ", userNamespace: Required}\n",
			own + ", userNamespace: Required}\n" + ports + ", userNamespace: Required}\n", true, []string{
				"/own unchanged equal, selectors same, beside ports",
				"/ports added wider, beside own", " shared own", "  widens a container with the host port 80",
			}},
		{"one that requires one no more governs them still", own + ", userNamespace: Required}\n", own + ", allowedHostPorts: [{min: 80, max: 80}]}\n", true, []string{
			"/own changed incomparable, selectors same", " both", "  widens a container with the host port 80",
			"  widens a pod without a user namespace of its own (hostUsers: true)",
			"  narrows a container that may run as root, in the user namespace that is filled in", "  fills spec.hostUsers: false, <nil>",
		}},
		{"beside policies that have nothing to do with it", "name: a\npodSelectorLabels: {app: shop}\n" + "---\n" + own + ", userNamespace: Required}\n" + ports + "}\n",
			"name: a\npodSelectorLabels: {app: shop}\n" + ports + "}\n", true, []string{
				"/a unchanged equal, selectors same",
				"/own removed wider, beside ports", " released ports", "  widens a container with the host port 80",
				"/ports unchanged equal, selectors same, beside own",
			}},
		{"what a single container may do is told too, after what says nothing of a pod with a user namespace", own + ", userNamespace: Required}\n" + ports + "}\ncontainers: [{names: [x], allow: {privileged: true}}]\n",
			strings.TrimPrefix(ports, "---\n") + "}\ncontainers: [{names: [x], allow: {privileged: true}}]\n", true, []string{
				"/own removed wider, beside ports", " released ports", "  widens a container with the host port 80", "  widens among containers named x, a privileged container",
				"/ports unchanged equal, selectors same, beside own",
			}},
		{"root may be in a user namespace already, so that nothing is shown", own + ", userNamespace: Required}\n" + "---\nname: root\npodSelectorLabels: {app: web}\n" + free + ", runAsUser: {rule: RunAsAny}}\n",
			"name: root\npodSelectorLabels: {app: web}\n" + free + ", runAsUser: {rule: RunAsAny}}\n", true, []string{
				"/own removed undecided, beside root", " released root", "  mayWiden a container of a Windows pod with runAsNonRoot: false",
				"/root unchanged equal, selectors same, beside own",
			}},
		{"a third policy that requires one has these pods still", own + ", userNamespace: Required}\n" + ports + "}\n---\nname: third\npodSelectorLabels: {app: web}\n" + free + ", userNamespace: Required}\n",
			strings.TrimPrefix(ports, "---\n") + "}\n---\nname: third\npodSelectorLabels: {app: web}\n" + free + ", userNamespace: Required}\n", true, []string{
				"/own removed wider, beside ports third", " released ports", "  widens a container with the host port 80, refused by third",
				"/ports unchanged equal, selectors same, beside own third",
				"/third unchanged equal, selectors same, beside own ports",
			}},
		{"a new policy is held against each old one whose pods it selects, not the first alone", "name: a\npodSelectorLabels: {app: shop}\n---\nname: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n",
			"name: a\npodSelectorLabels: {app: shop}\n---\nname: tight\npodSelectorLabels: {app: web}\nallow: {volumes: [projected]}\n---\nname: z\npodSelectorLabels: {app: web}\nallow: {volumes: [projected, secret]}\n", true, []string{
				"/a unchanged equal, selectors same",
				"/tight unchanged equal, selectors same, beside z",
				"/z added wider, beside tight", " shared tight", "  widens a volume of type secret",
			}},
		{"the default policy of a second namespace changes, and that of the first does not", "namespace: a\n" + fallback + "---\nname: lax\ndefault: true\nnamespace: b\n",
			"namespace: a\n" + fallback + "---\nname: lax\ndefault: true\nnamespace: b\nallow: {readOnlyRootFilesystem: true}\n", false, []string{
				"a/base unchanged equal, selectors same",
				"b/lax changed narrower, selectors same", " unselected", "  narrows a container with a writable root filesystem", "  fills spec.containers[0].securityContext.readOnlyRootFilesystem: <nil>, true",
			}},
		{"selectors apart", web, "name: web\npodSelectorLabels: {app: shop}\nallow: {volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, ephemeral, image]}\n", true, []string{
			"/web changed wider, selectors apart", " lost", "  widens a volume of type csi", "  widens a volume of type ephemeral", "  widens a volume of type image",
		}},
	} {
		t.Run(row.why, func(t *testing.T) {
			c, err := CompareSets(setFrom(t, row.old), setFrom(t, row.new), restrictedLatest())
			if err != nil {
				t.Fatal(err)
			}
			if got := outline(c); !slices.Equal(got, row.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
			if c.MayAllowMore() != row.more {
				t.Errorf("may allow more: %v", c.MayAllowMore())
			}
		})
	}
}

// TestCompareTheDocumentsExample: what one capability more opens in the policy that the
// document of the format gives for its route manager, and what the examples' policies
// open beyond the default one.
func TestCompareTheDocumentsExample(t *testing.T) {
	old, err := policy.ReadDir("../examples/policies")
	if err != nil || len(old) < 9 {
		t.Fatalf("%d policies, %v", len(old), err)
	}
	old = slices.DeleteFunc(old, func(p policy.Policy) bool { return p.Name != "route-manager" && p.Name != "node-agent" })
	new := slices.Clone(old)
	for i := range new {
		new[i] = *old[i].DeepCopy()
		if new[i].Name == "route-manager" {
			new[i].Allow.AllowedCapabilities = append(new[i].Allow.AllowedCapabilities, "SYS_TIME")
		}
	}
	c, err := CompareSets(old, new, restrictedLatest())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"monitoring/node-agent unchanged equal, selectors same",
		"networking/route-manager changed wider, selectors same", " both",
		"  widens a container that adds the capability SYS_TIME",
	}
	if got := outline(c); !slices.Equal(got, want) {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
	added, err := CompareSets(nil, old, restrictedLatest())
	if err != nil {
		t.Fatal(err)
	}
	want = []string{
		"monitoring/node-agent added incomparable", " gained",
		"  widens a privileged container", "  widens a pod in the host's PID namespace (hostPID)",
		"  widens a hostPath volume that is mounted read-only, at or below /var/log",
		"  widens a container that runs as root, user ID 0",
		"  narrows a volume of type csi", "  narrows a volume of type ephemeral", "  narrows a volume of type image",
		"  fills spec.containers[0].securityContext.runAsNonRoot: true, <nil>",
		"networking/route-manager added incomparable", " gained",
		"  widens a container that sets allowPrivilegeEscalation: true", "  widens a container that adds the capability NET_ADMIN",
		"  widens a pod in the host's network (hostNetwork)", "  widens a container with the host port 1 to 65535",
		"  narrows a container that runs as user ID 1 to 399", "  narrows a container that runs as user ID 401 to 2147483647",
		"  narrows a volume of type csi", "  narrows a volume of type ephemeral", "  narrows a volume of type image",
		"  fills spec.containers[0].securityContext.allowPrivilegeEscalation: false, <nil>",
		"  fills spec.containers[0].securityContext.runAsUser: <nil>, 400",
	}
	if got := outline(added); !slices.Equal(got, want) {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}

// TestCompareSetsFails: policies that make no set are an error, on either side.
func TestCompareSetsFails(t *testing.T) {
	wrong := []policy.Policy{{Name: "p"}}
	for _, sets := range [][2][]policy.Policy{{wrong, nil}, {nil, wrong}} {
		_, err := CompareSets(sets[0], sets[1], restrictedLatest())
		if list := (policy.Errors)(nil); !errors.As(err, &list) {
			t.Errorf("%v is no policy.Errors", err)
		}
	}
}

// TestSetsNotWiderIsSound: where no policy is said to allow more, no pod is allowed with
// the new set that the old one denies, whichever of several policies governs it; and a
// witness that widens and is neither covered nor refused shows it with both sets.
//
// A pod that is in no namespace yet is none that a selector of namespaces decides on: the
// old set denies it for that alone, even where every namespace would do.
func TestSetsNotWiderIsSound(t *testing.T) {
	claims, undecided := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.SliceOfN(podgen.Policy(), 1, 3).Draw(t, "old")
		if rapid.Bool().Draw(t, "fallback") {
			old = append(old, podgen.DefaultPolicy().Draw(t, "default"))
		}
		old = podgen.Together(old)
		new := make([]policy.Policy, len(old))
		for i := range old {
			old[i].DeepCopyInto(&new[i])
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			new = podgen.Together(withChange(t, new))
		}
		if rapid.Bool().Draw(t, "turned") {
			old, new = new, old
		}
		lv := drawAnyLevel(t)
		c, err := CompareSets(old, new, lv)
		if err != nil {
			t.Fatal(err)
		}
		before, after := mustSet(t, old).WithNamespaces(podgen.LabelsOf), mustSet(t, new).WithNamespaces(podgen.LabelsOf)
		near := []*policy.Policy{policy.Default()}
		for i := range old {
			near = append(near, &old[i])
		}
		for i := range new {
			near = append(near, &new[i])
		}
		for range 4 {
			pod := drawNear(t, near...)
			pod.Labels = rapid.SampledFrom([]map[string]string{{"app": "web"}, {"tier": "web", "app": "web"}, {"app.kubernetes.io/name": "route-manager"}, nil}).Draw(t, "labels")
			pod.Namespace = rapid.SampledFrom(append(podgen.Namespaces(), "")).Draw(t, "namespace")
			if !c.MayAllowMore() {
				claims++
				if !podfence.Admit(pod, lv, after).Allowed() || podfence.Admit(pod, lv, before).Allowed() {
					continue
				}
				if pod.Namespace == "" && slices.ContainsFunc(before.Notices("", pod.Labels), func(n policy.Notice) bool { return n.Reason == policy.NoticeNamespaceUnknown }) {
					undecided++
				} else {
					t.Fatalf("not wider, and allows more at %v:\n%s\nold:\n%s\nnew:\n%s", lv, asYAML(t, pod), asYAML(t, old), asYAML(t, new))
				}
			}
		}
		eachWitness(c, func(w *Witness) {
			if podfence.Admit(w.Pod, lv, w.in(before)).Allowed() || !podfence.Admit(w.Pod, lv, w.in(after)).Allowed() {
				t.Fatalf("shows nothing with the sets:\n%s\nold:\n%s\nnew:\n%s", asYAML(t, w.Pod), asYAML(t, old), asYAML(t, new))
			}
		})
	})
	if claims == 0 && !testing.Short() {
		t.Error("nothing was tried")
	}
	t.Logf("%d pods of %d were denied by the old set only because they are in no namespace", undecided, claims)
}

// eachWitness visits those that widen and are neither covered nor refused, of pods that a policy of the
// new set selects.
func eachWitness(c SetComparison, visit func(*Witness)) {
	for _, p := range c.Policies {
		for _, part := range p.Parts {
			for _, d := range part.Differences {
				if d.Direction == Widens && d.CoveredBy == "" && d.RefusedBy == "" && part.Pods != Lost && part.Pods != Unselected {
					visit(d.Witness)
				}
			}
		}
	}
}

// withChange removes a policy, changes its selector, gives it something else, or adds one.
func withChange(t *rapid.T, list []policy.Policy) []policy.Policy {
	other := podgen.Policy().Draw(t, "other")
	switch add := rapid.IntRange(0, 6).Draw(t, "add"); {
	case len(list) == 0 || add < 2:
		other.Name = "z"
		return append(list, other)
	case add == 2:
		fallback := podgen.DefaultPolicy().Draw(t, "default")
		fallback.Name = "fallback"
		return append(list, fallback)
	}
	i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
	p := &list[i]
	before := p.DeepCopy()
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		return slices.Delete(list, i, i+1)
	case 1:
		p.PodSelectorLabels, p.PodSelectorExpressions = other.PodSelectorLabels, other.PodSelectorExpressions
	case 2:
		p.Namespace, p.Namespaces, p.NamespaceSelector = other.Namespace, other.Namespaces, other.NamespaceSelector
	default:
		exchange(t, p, &other)
	}
	if p.Validate() != nil {
		*p = *before
	}
	return list
}

func mustSet(t *rapid.T, list []policy.Policy) policy.Set {
	set, err := policy.NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
