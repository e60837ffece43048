package survey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"golang.org/x/net/html"

	"github.com/podfence/podfence/policy"
)

// hostile are names that would like to be more than text.
var hostile = []string{
	`</script><script>alert(1)</script>`,
	`"><img src=http://example.com/x onerror=alert(1)>`,
	`' autofocus onfocus='alert(1)`,
	`<!--<script>`,
	`javascript:alert(1)`,
	`${alert(1)}{{.}}`,
	"line\nbreak\u2028\u202e\u200b\x00\x1b[2J",
	`]]>&lt;b&gt;&quot;`,
	`; reboot`,
	`$(reboot)`,
}

// hostilePod has a name in all places of which a page shows something.
func hostilePod(name string) *corev1.Pod {
	p := &corev1.Pod{}
	p.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: name, Annotations: map[string]string{
		"container.apparmor.security.beta.kubernetes.io/" + name: name,
	}}
	yes := true
	if strings.HasPrefix(name, "<") {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: name, Kind: name, Name: name, Controller: &yes}}
	}
	p.Spec.Containers = []corev1.Container{{
		Name:  name,
		Ports: []corev1.ContainerPort{{Name: name, HostPort: 1}},
		SecurityContext: &corev1.SecurityContext{
			Capabilities:   &corev1.Capabilities{Add: []corev1.Capability{corev1.Capability(name)}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileType(name)},
			SELinuxOptions: &corev1.SELinuxOptions{Type: name},
		},
	}}
	p.Spec.Volumes = []corev1.Volume{{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: name}}}}
	p.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: name, Value: name}}}
	return p
}

func hostileReport() *Report {
	c := NewCollector(api.LatestVersion(), policy.Set{})
	for _, name := range hostile {
		c.Add(podOf(hostilePod(name)))
		c.AddNamespace(name, map[string]string{api.EnforceLevelLabel: name})
		c.AddUndecided(name, name, fmt.Errorf("%s", name))
	}
	return c.Report()
}

// TestPageIsInert: whatever names hold, the page has the elements of the template and no others: one script that runs, one
// that is data, no address, no handler.
func TestPageIsInert(t *testing.T) {
	tame := elementsOf(t, surveyed(policy.Set{}, podOf(hostilePod("tame"))))
	wild := elementsOf(t, hostileReport())
	for name, n := range wild.count {
		if tame.count[name] == 0 {
			t.Errorf("%d elements %s", n, name)
		}
	}
	if wild.count["script"] != 2 || wild.count["style"] != 1 || wild.count["link"] != 1 || wild.count["meta"] != 5 {
		t.Errorf("elements: %v", wild.count)
	}
	shown := strings.Join(wild.text, "\n")
	for _, name := range hostile {
		if line, _, _ := strings.Cut(name, "\n"); !strings.Contains(shown, line) {
			t.Errorf("the page does not show %q", line)
		}
	}
	if strings.ContainsAny(shown, "\u202e\u2028\u200b\x00\x1b") {
		t.Error("the page holds characters that turn or hide text")
	}
}

// elements are what a browser would make of a page.
type elements struct {
	count map[string]int
	text  []string // outside of style and script
	data  string
}

// attributes are those that the template has, but for those that may hold what a browser would fetch or run.
var attributes = regexp.MustCompile(`^(lang|charset|http-equiv|content|name|id|class|type|value|checked|for|role|tabindex|scope|autocomplete|spellcheck|placeholder|method|aria-labelledby|data-namespace|data-column)$`)

func elementsOf(t *testing.T, r *Report) (e elements) {
	t.Helper()
	var page bytes.Buffer
	if err := r.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	e.count = map[string]int{}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		case n.Type == html.TextNode && n.Parent.Data == "script" && attribute(n.Parent, "type") != "":
			e.data = n.Data
		case n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style":
			e.text = append(e.text, n.Data)
		case n.Type == html.ElementNode:
			e.count[n.Data]++
			checkAttributes(t, n)
		}
	}
	return e
}

func checkAttributes(t *testing.T, n *html.Node) {
	t.Helper()
	for _, a := range n.Attr {
		icon := n.Data == "link" && (a.Key == "rel" && a.Val == "icon" || a.Key == "href" && a.Val == "data:,")
		if !icon && !attributes.MatchString(a.Key) {
			t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPageData: what page.js reads is JSON, and says of hostile names what the report says.
func TestPageData(t *testing.T) {
	r := hostileReport()
	var data pageData
	d := json.NewDecoder(strings.NewReader(elementsOf(t, r).data))
	d.DisallowUnknownFields()
	if err := d.Decode(&data); err != nil {
		t.Fatal(err)
	}
	if len(data.Namespaces) != len(hostile) || len(data.Violations) == 0 {
		t.Fatalf("%d namespaces, %d violations", len(data.Namespaces), len(data.Violations))
	}
	for i, n := range data.Namespaces {
		if len(n.Workloads) != 1 || len(n.Workloads[0].Marks) != len(r.Namespaces[i].Workloads[0].Violations) || len(n.Undecided) != 1 {
			t.Errorf("%q: %+v", n.Name, n)
		}
		for _, a := range n.Answers {
			if len(a.Commands) > 0 {
				t.Errorf("a command for %q: %q", n.Name, a.Commands)
			}
		}
	}
	for _, v := range data.Violations {
		if v.Column < 0 || v.Column >= len(data.Controls) {
			t.Errorf("%s stands in column %d of %d", v.ID, v.Column, len(data.Controls))
		}
	}
}

// TestPageForbidsRequests: the policy of the page lets its own script and style through, as they stand in it, and nothing
// else.
func TestPageForbidsRequests(t *testing.T) {
	var page bytes.Buffer
	if err := hostileReport().WritePage(&page); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	policy, want := "", map[string]string{}
	for n := range root.Descendants() {
		switch {
		case n.Data == "meta" && attribute(n, "http-equiv") == "Content-Security-Policy":
			policy = attribute(n, "content")
		case n.Data == "script" && attribute(n, "type") == "", n.Data == "style":
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			want[n.Data] = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	allowed := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'", want["script"], want["style"])
	if policy != allowed {
		t.Errorf("the policy is\n%s\nwant\n%s", policy, allowed)
	}
	for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttpRequest", "url("} {
		if strings.Contains(pageJS+pageCSS, bad) {
			t.Errorf("the page uses %s", bad)
		}
	}
}

// TestCells: what is behind a cell is what it counts, in every way.
func TestCells(t *testing.T) {
	in := strings.Join([]string{
		pod("a", "labels: {app: agent}", "hostNetwork: true"), pod("b", "", "hostNetwork: true"), pod("c", "", ""), compliantPod,
	}, "\n---\n")
	p := surveyed(agents(t), objects(t, strings.Replace(in, "name: a}, spec: {securityContext", "name: d}, spec: {securityContext", 1))...).page()
	if len(p.Columns) != 5 || len(p.Columns)+len(p.Clean) != 16 || len(p.Rows) != 1 {
		t.Fatalf("%d columns, %d clean controls, %d rows", len(p.Columns), len(p.Clean), len(p.Rows))
	}
	for way, want := range []string{
		"Host Namespaces 2 baseline some, Capabilities 3 restricted most, Seccomp 3 restricted most, Privilege Escalation 3 restricted most, Running as Non-root 3 restricted most",
		"Host Namespaces 2 baseline some",
		"Host Namespaces 1 baseline few",
	} {
		var got []string
		n := p.Data.Namespaces[0]
		for column, cell := range n.Answers[way].Cells {
			behind := 0
			for _, w := range n.Workloads {
				for _, broken := range w.Broken[way] {
					if broken == column {
						behind++
					}
				}
			}
			if behind != cell.Count {
				t.Errorf("%d workloads are behind a cell that counts %d", behind, cell.Count)
			}
			if cell.Count > 0 {
				got = append(got, fmt.Sprintf("%s %d %s", p.Columns[column].Title, cell.Count, cell.Class))
			}
		}
		if have := strings.Join(got, ", "); have != want {
			t.Errorf("%s: got %s, want %s", p.Ways[way], have, want)
		}
	}
}
