package held

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/podfence/podfence/policy"
)

// TestYAMLLanguageServer: what an editor shows for a policy file with the line that
// names the schema: the mistakes, what a key means, and which keys there are.
func TestYAMLLanguageServer(t *testing.T) {
	program, err := exec.LookPath("yaml-language-server")
	if err != nil {
		t.Skipf("%v: npm install -g yaml-language-server@2.0.0 has it", err)
	}
	schema, err := filepath.Abs(filepath.Join(root, "docs", "policy.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	editor := startServer(t, program)
	names := "# yaml-language-server: $schema=" + schema + "\n"
	for _, row := range []struct {
		name, why, text string
		want            []string
	}{
		{"a policy", "nothing is wrong with it", "podSelectorLabels: {app: web}\nallow: {privileged: true, runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}}\n", nil},
		{"no selector", "it is demanded", "allow: {}\n", []string{"podSelectorLabels"}},
		{"a wrong key", "there is no other", "podSelectorLabels: {app: web}\nallow: {privileges: true}\n", []string{"2: Property privileges is not allowed"}},
		{"a word for a flag", "yes is a text", "podSelectorLabels: {app: web}\nallow: {privileged: yes}\n", []string{`2: Incorrect type. Expected "boolean"`}},
		{"a path that is not clean", "it is told what to write, and no pattern", "podSelectorLabels: {app: web}\nallow: {allowedHostPaths: [{pathPrefix: /a/../b}]}\n", []string{"write a clean path"}},
		{"a bad label", "keys are told too", "podSelectorLabels: {a b: web}\n", []string{"write [prefix/]name"}},
		{"a rule without ranges", "it takes some", "podSelectorLabels: {app: web}\nallow: {fsGroup: {rule: MustRunAs}}\n", []string{"ranges"}},
		{"the second document", "each has its line", "name: a\npodSelectorLabels: {app: web}\n---\n" + names + "name: b\npodSelectorLabels: {app: web}\nalow: {}\n", []string{"Property alow is not allowed"}},
		{"a second document without the line", "no schema is asked about it", "name: a\npodSelectorLabels: {app: web}\n---\nalow: {}\n", nil},
		{"a values file", "it has policies two levels down", "constraints:\n  net:\n    rm:\n      podSelectorLabels: {app: web}\n      mutation: {runAsGroup: 1, x: 1}\n", []string{"Property x is not allowed"}},
	} {
		got := editor.open(row.name, names+row.text)
		if len(got) != len(row.want) {
			t.Errorf("%s: %q, want %q: %s", row.name, got, row.want, row.why)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], row.want[i]) {
				t.Errorf("%s: %q, want %q: %s", row.name, got[i], row.want[i], row.why)
			}
		}
	}
	editor.open("keys", names+"podSelectorLabels: {app: web}\nallow:\n  hostNetworkPorts: true\n  \n")
	if hover, want := editor.hover("keys", 3, 5), "both the host's network and host ports"; !strings.Contains(hover, want) {
		t.Errorf("of hostNetworkPorts it says %q, want %q in it", hover, want)
	}
	offered := editor.complete("keys", 4, 2)
	for _, key := range policy.Keys() {
		name, ok := strings.CutPrefix(key.String(), "allow.")
		if given := key == policy.KeyHostNetworkPorts; ok && slices.Contains(offered, name) == given {
			t.Errorf("under allow, where hostNetworkPorts is given, it offers %q: %s is wrong", offered, name)
		}
	}
	editor.open("empty", names+"\n")
	if offered := editor.complete("empty", 1, 0); !slices.Contains(offered, "podSelectorLabels") || !slices.Contains(offered, "allow") {
		t.Errorf("in an empty file it offers %q", offered)
	}
}

// languageServer is one that runs, spoken to as an editor does.
type languageServer struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Reader
	last int
}

type message struct {
	ID     *json.RawMessage `json:"id,omitempty"`
	Method string           `json:"method,omitempty"`
	Params json.RawMessage  `json:"params,omitempty"`
	Result json.RawMessage  `json:"result,omitempty"`
}

type object = map[string]any

func startServer(t *testing.T, program string) *languageServer {
	t.Helper()
	cmd := exec.Command(program, "--stdio")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	s := &languageServer{t: t, in: in, out: bufio.NewReader(out)}
	s.request("initialize", object{"processId": nil, "rootUri": nil, "capabilities": object{}})
	s.notify("initialized", object{})
	s.notify("workspace/didChangeConfiguration", object{"settings": object{"yaml": object{
		"validate": true, "hover": true, "completion": true, "schemaStore": object{"enable": false},
	}}})
	return s
}

func (s *languageServer) send(v object) {
	s.t.Helper()
	v["jsonrpc"] = "2.0"
	data, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(s.in, "Content-Length: %d\r\n\r\n%s", len(data), data); err != nil {
		s.t.Fatal(err)
	}
}

func (s *languageServer) notify(method string, params any) {
	s.send(object{"method": method, "params": params})
}

// receive reads one message.
func (s *languageServer) receive() (m message) {
	s.t.Helper()
	header, err := textproto.NewReader(s.out).ReadMIMEHeader()
	if err != nil {
		s.t.Fatal(err)
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		s.t.Fatal(err)
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(s.out, data); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// until reads messages up to one that is wanted. The server's own requests are answered
// with nothing, as an editor without configuration does.
func (s *languageServer) until(wanted func(message) bool) message {
	s.t.Helper()
	for {
		m := s.receive()
		if m.ID != nil && m.Method != "" {
			s.send(object{"id": m.ID, "result": nil})
		}
		if wanted(m) {
			return m
		}
	}
}

func (s *languageServer) request(method string, params any) json.RawMessage {
	s.t.Helper()
	s.last++
	id := strconv.Itoa(s.last)
	s.send(object{"id": s.last, "method": method, "params": params})
	return s.until(func(m message) bool { return m.Method == "" && m.ID != nil && string(*m.ID) == id }).Result
}

func uri(name string) string { return "file:///" + strings.ReplaceAll(name, " ", "-") + ".yaml" }

// open shows a file to the server and returns what is wrong with it, by line.
func (s *languageServer) open(name, text string) (found []string) {
	s.t.Helper()
	s.notify("textDocument/didOpen", object{"textDocument": object{"uri": uri(name), "languageId": "yaml", "version": 1, "text": text}})
	var said struct {
		URI         string
		Diagnostics []struct {
			Message string
			Range   struct{ Start struct{ Line int } }
		}
	}
	s.until(func(m message) bool {
		return m.Method == "textDocument/publishDiagnostics" && json.Unmarshal(m.Params, &said) == nil && said.URI == uri(name)
	})
	for _, d := range said.Diagnostics {
		found = append(found, fmt.Sprintf("%d: %s", d.Range.Start.Line, d.Message))
	}
	return found
}

// hover is what is shown at a place in a file, of which lines and columns count from 0.
func (s *languageServer) hover(name string, line, column int) string {
	s.t.Helper()
	var shown struct{ Contents struct{ Value string } }
	s.ask("textDocument/hover", name, line, column, &shown)
	return shown.Contents.Value
}

// complete is what is offered at a place in a file.
func (s *languageServer) complete(name string, line, column int) (labels []string) {
	s.t.Helper()
	var offered struct{ Items []struct{ Label string } }
	s.ask("textDocument/completion", name, line, column, &offered)
	for _, item := range offered.Items {
		labels = append(labels, item.Label)
	}
	return labels
}

func (s *languageServer) ask(method, name string, line, column int, into any) {
	s.t.Helper()
	result := s.request(method, object{"textDocument": object{"uri": uri(name)}, "position": object{"line": line, "character": column}})
	if err := json.Unmarshal(result, into); err != nil {
		s.t.Fatalf("%s: %v in %s", method, err, result)
	}
}
