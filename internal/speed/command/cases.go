package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/podfence/podfence/internal/benchlist"
)

// oneCase is a line of the table.
type oneCase struct {
	what string
	args []string
}

var cases = []oneCase{
	{"JSON list of pods, `evaluate -o json`", []string{"evaluate", "-o", "json", "-f", jsonList}},
	{"the same, `evaluate`", []string{"evaluate", "-f", jsonList}},
	{"the same, `admit -o json`", []string{"admit", "-o", "json", "-f", jsonList}},
	{"YAML list of pods, `evaluate -o json`", []string{"evaluate", "-o", "json", "-f", yamlList}},
	{"YAML documents, Deployments of a chart, `evaluate -o json`", []string{"evaluate", "-o", "json", "-f", documents}},
	{"a folder of them, a file each, `evaluate -o json`", []string{"evaluate", "-o", "json", "-f", folder}},
	{"small YAML pods, `mutate`", []string{"mutate", "--allow-denied", "-f", small}},
}

const (
	jsonList  = "list.json"
	yamlList  = "list.yaml"
	documents = "documents.yaml"
	folder    = "folder"
	small     = "small.yaml"
)

// makeInputs writes what the cases read.
func makeInputs(dir string, workloads int) error {
	for _, in := range []struct {
		name  string
		write benchlist.Writer
		n     int
	}{
		{jsonList, benchlist.WriteJSONList, workloads},
		{yamlList, benchlist.WriteYAMLList, workloads / 10},
		{documents, benchlist.WriteYAMLDocuments, workloads / 10},
		{small, writeSmall, workloads / 10},
	} {
		if err := writeFile(filepath.Join(dir, in.name), func(w io.Writer) error { return in.write(w, in.n) }); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
		return err
	}
	for i := range workloads / 30 {
		name := filepath.Join(dir, folder, fmt.Sprintf("%05d.yaml", i))
		if err := writeFile(name, func(w io.Writer) error { return benchlist.WriteYAMLDocuments(w, 3) }); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// writeSmall writes the pod that most people write first, again and again.
func writeSmall(w io.Writer, n int) error {
	for i := range n {
		if _, err := fmt.Fprintf(w, `---
apiVersion: v1
kind: Pod
metadata:
  name: web-%d
  labels:
    app: web
spec:
  containers:
  - name: web
    image: nginx:1.27
    ports:
    - containerPort: 8080
`, i); err != nil {
			return err
		}
	}
	return nil
}
