package browser

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// surveyPage is the page about testdata, as the command writes it.
func surveyPage(t *testing.T) string {
	t.Helper()
	chromium(t) // else there is nothing to build it for
	dir := t.TempDir()
	program := filepath.Join(dir, "podfence")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "examples", "podfence")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	survey := exec.Command(program, "survey", "-f", "testdata/cluster.yaml", "--policies", "testdata/policies.yaml", "-o", "html")
	var stderr bytes.Buffer
	survey.Stderr = &stderr
	html, err := survey.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", survey, err, &stderr)
	}
	page := filepath.Join(dir, "survey.html")
	if err := os.WriteFile(page, html, 0o666); err != nil {
		t.Fatal(err)
	}
	return page
}

// The names of testdata that are odd.
const (
	markup  = "<img src=http://example.com/pixel onerror=alert(1)>"
	longest = "a-namespace-whose-name-has-all-the-sixty-three-characters-00063"
)

// TestSurveyPage does with the page what its reader does, one thing after another in one tab.
func TestSurveyPage(t *testing.T) {
	page := surveyPage(t)
	here := newTab(t, page)
	for _, part := range []struct {
		name string
		try  func(*tab)
	}{
		{"table", theTable}, {"ways", theWays}, {"cell", aCell}, {"keyboard", theKeyboard}, {"namespace", aNamespace}, {"filter", theFilter},
		{"hostile names", hostileNames}, {"widths", widths}, {"contrast", contrast}, {"accessibility", theAccessibility},
	} {
		t.Run(part.name, func(t *testing.T) {
			here.T = t
			defer func() { here.T = nil }()
			here.look(1280, "light")
			part.try(here)
			here.close()
		})
	}
	here.T = t
	requests, problems := here.seen()
	if len(requests) != 1 || !strings.HasSuffix(requests[0], "/survey.html") {
		t.Errorf("the page asked for %q", requests)
	}
	if len(problems) > 0 {
		t.Errorf("the console says %q", problems)
	}
	forbids(here)
}

// cells are the cells of a row of the table, as they are read.
func cells(t *tab, namespace string) []string {
	t.Helper()
	return value[[]string](t, `[...document.querySelectorAll("#map tbody tr")].filter((row) => row.cells[0].innerText.trim() === %q)
		.flatMap((row) => [...row.cells].slice(1).map((cell) => cell.innerText.trim().replace(/\s+/g, " ")))`, namespace)
}

func (t *tab) equal(what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// theTable: namespaces against the controls that something violates.
func theTable(t *tab) {
	t.shoot("table")
	heads := value[[]string](t, `[...document.querySelectorAll("#map thead th")].map((th) => th.innerText.trim())`)
	t.equal("the heads", heads, []string{
		"Namespace", "Level", "Workloads", "Host Namespaces", "Privileged Containers", "Capabilities", "HostPath Volumes", "Host Ports", "SELinux",
		"Seccomp", "Sysctls", "Volume Types", "Privilege Escalation", "Running as Non-root",
	})
	t.equal("shop", cells(t, "shop"), []string{"baseline", "2", "0", "0", "1R", "0", "0", "0", "1R", "0", "0", "1R", "1R"})
	t.equal("monitoring", cells(t, "monitoring"), []string{"privileged", "1", "1B", "0", "1R", "1B", "1B", "0", "1R", "0", "1R", "1R", "1R"})
	t.says("#levels", "restricted 0, baseline 1, privileged 3")
	t.says("main", "Nothing violates: HostProcess, Host Probes / Lifecycle Hooks")
}

// says demands that an element holds a text.
func (t *tab) says(selector, text string) {
	t.Helper()
	if got := value[string](t, `document.querySelector(%q).innerText.replace(/\s+/g, " ")`, selector); !strings.Contains(got, text) {
		t.Errorf("%s does not say %q:\n%s", selector, text, got)
	}
}

// theWays: what is filled in and what policies excuse changes the numbers.
func theWays(t *tab) {
	t.do(chromedp.Click(chromedp.CSS(`#ways label:nth-of-type(2)`)))
	t.equal("filled in", cells(t, "shop"), []string{"restricted", "2", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"})
	t.equal("filled in", cells(t, "monitoring"), []string{"privileged", "1", "1B", "0", "0", "1B", "1B", "0", "0", "0", "1R", "0", "0"})
	t.do(chromedp.Click(chromedp.CSS(`#ways label:nth-of-type(3)`)))
	t.equal("under the policies", cells(t, "monitoring"), []string{"restricted 1 may not start", "1", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"})
	t.says("#levels", "restricted 2, baseline 0, privileged 2")
	t.shoot("policies")
	t.do(chromedp.Click(chromedp.CSS(`#ways label:nth-of-type(1)`)))
	t.equal("as is", cells(t, "shop")[:1], []string{"baseline"})
}

// find marks what is to be clicked: the button of a namespace, or of one of its cells.
func (t *tab) find(namespace, control string) chromedp.CSS {
	t.Helper()
	found := value[bool](t, `(() => {
		document.querySelectorAll(".wanted").forEach((e) => e.classList.remove("wanted"));
		const row = [...document.querySelectorAll("#map tbody tr")].find((row) => row.cells[0].innerText.trim() === %q);
		const heads = [...document.querySelectorAll("#map thead th")].map((th) => th.innerText.trim());
		const button = row?.cells[%q === "" ? 0 : heads.indexOf(%[2]q)]?.querySelector("button");
		button?.classList.add("wanted");
		return Boolean(button);
	})()`, namespace, control)
	if !found {
		t.Fatalf("there is no button for %s and %q", namespace, control)
	}
	return ".wanted"
}

func (t *tab) isOpen() bool { return value[bool](t, `document.getElementById("detail").open`) }

func (t *tab) close() {
	if t.isOpen() {
		t.do(chromedp.KeyEvent(kb.Escape))
	}
}

// aCell opens the workloads and their violations.
func aCell(t *tab) {
	t.do(chromedp.Click(t.find("shop", "Running as Non-root")), chromedp.WaitVisible(chromedp.CSS("#detail")))
	t.shoot("cell")
	t.says("#title", "shop: Running as Non-root")
	t.says("#body", "As is: 1 of 2 workloads.")
	t.says("#body", "Deployment/web Judged: 1 pod and the template Field Is Must be spec.containers[0].securityContext.runAsNonRoot container web runAsNonRoot, against restricted a policy could allow it: allow.runAsUser: RunAsAny unset true")
	if body := value[string](t, `document.getElementById("body").innerText`); strings.Contains(body, "till") || strings.Contains(body, "seccomp") {
		t.Errorf("it shows what is not behind the cell:\n%s", body)
	}
	t.do(chromedp.Click(chromedp.CSS("#detail form button")))
	if t.isOpen() {
		t.Error("Close does not close it")
	}
}

// theKeyboard does what the mouse does.
func theKeyboard(t *tab) {
	button := t.find("monitoring", "Host Ports")
	t.do(chromedp.Focus(button), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#detail")))
	t.says("#title", "monitoring: Host Ports")
	t.do(chromedp.KeyEvent(kb.Escape))
	if t.isOpen() {
		t.Error("Escape does not close the dialog")
	}
	if !value[bool](t, `document.activeElement.classList.contains("wanted")`) {
		t.Error("the focus does not return to the cell")
	}
	t.do(chromedp.Focus(chromedp.CSS(`#ways input:checked`)), chromedp.KeyEvent(kb.ArrowRight))
	t.equal("after an arrow key", cells(t, "shop")[:1], []string{"restricted"})
	t.do(chromedp.KeyEvent(kb.ArrowLeft))
	if outline := value[string](t, `getComputedStyle(document.querySelector("#ways input:checked + span")).outlineStyle`); outline != "solid" {
		t.Errorf("the focus is not shown: %s", outline)
	}
}

// aNamespace opens its levels, the commands and all its workloads.
func aNamespace(t *tab) {
	t.do(chromedp.Click(t.find("shop", "")), chromedp.WaitVisible(chromedp.CSS("#detail")))
	t.shoot("namespace")
	t.says("#title", "shop")
	t.says("#body", "As is baseline restricted: allowPrivilegeEscalation (1), capabilities_restricted (1), runAsNonRoot (1), seccompProfile_restricted (1)")
	t.says("#body", "Its labels now: enforce baseline")
	t.says("#body", "kubectl label --overwrite ns shop pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/audit=restricted")
	t.says("#body", "Deployment/till: no violation in the template")
	if value[bool](t, `document.querySelector("#body details table").checkVisibility()`) {
		t.Error("the violations of a workload are there before it is opened")
	}
	t.do(chromedp.Click(chromedp.CSS("#body summary")))
	t.says("#body details", "Deployment/web: 4 violations")
	t.says("#body details", "spec.containers[0].securityContext.allowPrivilegeEscalation")
}

// theFilter leaves some namespaces.
func theFilter(t *tab) {
	t.do(chromedp.SendKeys(chromedp.CSS("#filter"), "Mon"))
	shown := value[[]string](t, `[...document.querySelectorAll("#map tbody tr")].filter((row) => row.checkVisibility()).map((row) => row.cells[0].innerText.trim())`)
	t.equal("filtered", shown, []string{"monitoring"})
	t.says("#levels", "restricted 0, baseline 0, privileged 1")
	t.do(chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent(kb.Backspace))
	t.says("#levels", "privileged 3")
}

// hostileNames are text.
func hostileNames(t *tab) {
	t.do(chromedp.Click(t.find(markup, "Host Namespaces")), chromedp.WaitVisible(chromedp.CSS("#detail")))
	t.shoot("hostile")
	t.says("#title", markup)
	t.says("#body", "Pod/</script><script>document.title='hacked'</script>")
	if title := value[string](t, "document.title"); title != "podfence survey" {
		t.Errorf("the title is %q", title)
	}
	if n := value[int](t, `document.querySelectorAll("img, svg, iframe, object, embed, script:not(#data):not(:last-child), [onload], [onerror]").length`); n != 0 {
		t.Errorf("%d elements that no template has", n)
	}
}

// widths: the page never scrolls sideways, on a phone or a desk; the table does in its own frame.
func widths(t *tab) {
	for _, width := range []int64{360, 390, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			t.look(width, scheme)
			t.shoot(fmt.Sprintf("table-%d-%s", width, scheme))
			t.fits("the page", width)
			for _, open := range [][2]string{{longest, ""}, {longest, "SELinux"}, {markup, "Host Namespaces"}, {"monitoring", "Host Ports"}} {
				value[bool](t, `(document.querySelector("%s").click(), true)`, t.find(open[0], open[1]))
				value[bool](t, `(document.querySelectorAll("#body details").forEach((d) => { d.open = true; }), true)`)
				t.shoot(fmt.Sprintf("detail-%d-%s-%.6s-%.7s", width, scheme, strings.Trim(open[0], "<"), open[1]))
				t.fits(open[0]+" "+open[1], width)
				t.close()
			}
		}
	}
}

func (t *tab) fits(what string, width int64) {
	t.Helper()
	for _, selector := range []string{":root", "#detail", "#body"} {
		over := value[int](t, `(() => { const e = document.querySelector(%q); return e.scrollWidth - e.clientWidth; })()`, selector)
		if over > 0 {
			t.Errorf("%s is %d pixels too wide for %d (%s)", what, over, width, selector)
		}
	}
	if inner := value[int64](t, "document.documentElement.clientWidth"); inner != width {
		t.Errorf("the window is %d wide, want %d", inner, width)
	}
}

// contrast: text stands out from what is behind it, by the measure of WCAG 2, 4.5:1 at least.
func contrast(t *tab) {
	for _, scheme := range []string{"light", "dark"} {
		t.look(1280, scheme)
		for _, open := range [][2]string{{"", ""}, {"shop", ""}, {"shop", "Seccomp"}} {
			if open[0] != "" {
				value[bool](t, `(document.querySelector("%s").click(), true)`, t.find(open[0], open[1]))
			}
			texts := value[[]string](t, contrastScript)
			if len(texts) == 0 || texts[0] == "0" {
				t.Errorf("no text was looked at (%s, %q)", scheme, open)
			}
			if len(texts) > 1 {
				t.Errorf("%s, %q: too little contrast: %q", scheme, open, texts[1:])
			}
			t.close()
		}
	}
}

// contrastScript gives how many texts it looked at, and those that stand out too little.
const contrastScript = `(() => {
	const channels = (color) => color.match(/[\d.]+/g).map(Number);
	const light = (color) => {
		const [r, g, b] = channels(color).slice(0, 3).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const color = getComputedStyle(e).backgroundColor;
			if (channels(color)[3] !== 0) { return color; }
		}
		return getComputedStyle(document.body).backgroundColor;
	};
	const low = [];
	let looked = 0;
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())) { continue; }
		looked++;
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) { low.push(e.className + " " + e.textContent.trim().slice(0, 20) + " " + ratio.toFixed(2)); }
	}
	return [String(looked), ...low];
})()`

// theAccessibility: what a screen reader is told.
func theAccessibility(t *tab) {
	tree, err := chromedp.Call(t.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, n := range tree.Nodes {
		if !n.Ignored && n.Role != nil && n.Name != nil {
			role := plain(n.Role)
			names[role] = append(names[role], plain(n.Name))
		}
	}
	for _, want := range []struct {
		role string
		name string
	}{
		{"table", "Workloads that violate each control, by namespace. Choose a number to see them."},
		{"columnheader", "Privilege Escalation"},
		{"rowheader", "shop"},
		{"button", "shop"},
		{"button", "shop, Privilege Escalation: 1 of 2 workloads, against restricted"},
		{"button", "monitoring, Host Ports: 1 of 1 workloads, against baseline"},
		{"radio", "Filled in"},
		{"group", "Judge the workloads"},
		{"searchbox", "Namespace"},
	} {
		if !slices.Contains(names[want.role], want.name) {
			t.Errorf("there is no %s %q: %q", want.role, want.name, names[want.role])
		}
	}
}

// plain is a value of the tree that is a string.
func plain(v *accessibility.Value) string { return strings.Trim(string(v.Value), `"`) }

// forbids: what the page itself does not do, nothing in it could.
func forbids(t *tab) {
	for what, script := range map[string]string{
		"a request":         `fetch("http://127.0.0.1:9/").then(() => true, () => false)`,
		"an image":          `new Promise((done) => { const i = new Image(); i.onload = () => done(true); i.onerror = () => done(false); i.src = "http://127.0.0.1:9/"; })`,
		"a script":          `(() => { const s = document.createElement("script"); s.textContent = "window.hacked = true"; document.body.append(s); return window.hacked === true; })()`,
		"an inline handler": `(() => { const d = document.createElement("div"); d.setAttribute("onclick", "window.hacked = true"); document.body.append(d); d.click(); return window.hacked === true; })()`,
	} {
		done, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise))
		if err != nil || done {
			t.Errorf("%s: %t, %v", what, done, err)
		}
	}
	_, problems := t.seen()
	said := strings.Join(problems, "\n")
	if n := strings.Count(said, "Content Security Policy"); n < 4 {
		t.Errorf("the policy of the page refused %d of 4 things:\n%s", n, said)
	}
}
