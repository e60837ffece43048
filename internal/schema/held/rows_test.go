package held

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../../.."

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// row is a file that policy.Parse refuses or accepts.
type row struct {
	Name     string
	In       []byte
	Accepted bool
}

// allRows are those of package policy, whose tests write them down.
var allRows = sync.OnceValues(func() (rows []row, err error) {
	dir, err := os.MkdirTemp("", "podfence-rows-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "rows.json")
	cmd := exec.Command("go", "test", "-count=1", "-run", "^TestWriteRows$", "./policy")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "PODFENCE_ROWS="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return rows, json.Unmarshal(data, &rows)
})

func rows(t *testing.T) []row {
	t.Helper()
	all, err := allRows()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 560 {
		t.Fatalf("%d rows, want 560 at least", len(all))
	}
	return all
}

// documents are the values of a file's documents, without the empty ones, as YAML 1.2
// has them; an editor reads no other.
func documents(file []byte) (docs []any, err error) {
	for d := yaml.NewDecoder(bytes.NewReader(file)); ; {
		var doc yaml.Node
		switch err := d.Decode(&doc); {
		case err == io.EOF:
			return docs, nil
		case err != nil:
			return nil, err
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" && doc.Content[0].Value == "" {
			continue
		}
		docs = append(docs, value(doc.Content[0], 0))
	}
}

// value is what JSON calls the value of a node. What nests too deep, as an alias in
// itself does, is cut off.
func value(n *yaml.Node, depth int) any {
	const deepest = 100
	if depth > deepest {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return value(n.Alias, depth+1)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1], depth+1)
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, entry := range n.Content {
			list = append(list, value(entry, depth+1))
		}
		return list
	default:
		return scalar(n)
	}
}

func scalar(n *yaml.Node) any {
	var v any
	switch n.Tag {
	case "!!null":
		return nil
	case "!!int", "!!float", "!!bool":
		if err := n.Decode(&v); err == nil {
			return v
		}
	}
	return n.Value
}

// exceptions are rows that a schema does not refuse, with the reasons.
type exceptions map[string][]string

// reason finds that of a row.
func (e exceptions) reason(row string) string {
	for why, names := range e {
		for _, name := range names {
			if name == row {
				return why
			}
		}
	}
	return ""
}

// judge holds the answers of a schema to those of the parser: what the parser accepts
// it admits, and it refuses what the parser refuses, but for the exceptions. It
// returns how many rows are no YAML, which no schema sees.
func judge(t *testing.T, rows []row, except exceptions, refuses func(doc any) error) (noYAML int) {
	t.Helper()
	met := map[string]bool{}
	for _, r := range rows {
		docs, err := documents(r.In)
		if err != nil {
			noYAML++
			if r.Accepted {
				t.Errorf("%s: %v", r.Name, err)
			}
			continue
		}
		var wrong error
		for _, doc := range docs {
			wrong = errors.Join(wrong, refuses(doc))
		}
		why := except.reason(r.Name)
		met[r.Name] = true
		switch {
		case r.Accepted && wrong != nil:
			t.Errorf("%s is accepted by the parser and refused by the schema: %v\n%s", r.Name, wrong, r.In)
		case !r.Accepted && wrong == nil && why == "":
			t.Errorf("%s is refused by the parser and admitted by the schema:\n%s", r.Name, shorten(r.In))
		case wrong != nil && why != "":
			t.Errorf("%s is refused by the schema now: take it off the list of what is not, because %s", r.Name, why)
		}
	}
	for why, names := range except {
		for _, name := range names {
			if !met[name] {
				t.Errorf("there is no row %q that is YAML, on the list of what is not refused because %s", name, why)
			}
		}
	}
	return noYAML
}

func shorten(in []byte) string {
	const most = 400
	return strings.ToValidUTF8(string(in[:min(len(in), most)]), "")
}
