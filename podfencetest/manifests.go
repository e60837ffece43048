package podfencetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// T is what this package needs of a *testing.T; a testing.TB is one, and so are the
// values of most test libraries.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Manifest is one object, and where it was read.
type Manifest struct {
	Object runtime.Object
	// From is the name of the file, with the number of the document if it has several.
	// Empty for an object that was made in Go.
	From string
}

// Manifests are objects in the order in which they were read.
type Manifests []Manifest

// Objects are objects that were made in Go: workloads of Kubernetes' own types, or
// Unstructured ones of any kind.
func Objects(objects ...runtime.Object) Manifests {
	all := make(Manifests, len(objects))
	for i, o := range objects {
		all[i].Object = o
	}
	return all
}

// Decode reads YAML or JSON: any number of documents, Lists, and arrays of objects.
// The name is that of its file, for messages. It reads as kubectl does, but that a
// key which is given twice is an error.
func Decode(t T, name string, data []byte) Manifests {
	t.Helper()
	all, err := decode(name, data)
	if err != nil {
		t.Fatalf("podfencetest: %v", err)
	}
	return all
}

// Read reads the files that the patterns of [fs.Glob] match, in order of the patterns
// and of name. A pattern that matches no file fails the test.
func Read(t T, files fs.FS, patterns ...string) Manifests {
	t.Helper()
	all, err := read(files, patterns)
	if err != nil {
		t.Fatalf("podfencetest: %v", err)
	}
	return all
}

// Rendered reads the files of a rendered chart by their names, as Helm's
// engine.Render returns them. Files of other types, as NOTES.txt, are passed over.
func Rendered(t T, files map[string]string) Manifests {
	t.Helper()
	var all Manifests
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if slices.Contains(manifestFiles, path.Ext(name)) {
			all = append(all, Decode(t, name, []byte(files[name]))...)
		}
	}
	return all
}

var manifestFiles = []string{".yaml", ".yml", ".json"}

func read(files fs.FS, patterns []string) (all Manifests, err error) {
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err == nil && len(names) == 0 {
			err = errors.New("no file matches it")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		for _, name := range names {
			data, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			found, err := decode(name, data)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

func decode(name string, data []byte) (all Manifests, err error) {
	documents, err := split(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, document := range documents {
		from := name
		if len(documents) > 1 {
			from = fmt.Sprintf("%s, document %d", name, i+1)
		}
		objects, err := objectsOf(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		for _, o := range objects {
			all = append(all, Manifest{o, from})
		}
	}
	return all, nil
}

// split returns the documents that are not empty, as JSON.
func split(data []byte) (documents [][]byte, err error) {
	reader := yamlstream.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		text, err := reader.Read()
		if err == io.EOF {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		document, err := yaml.YAMLToJSONStrict(text)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(documents)+1, err)
		}
		if string(document) != "null" {
			documents = append(documents, document)
		}
	}
}

// objectsOf are the objects of a document: itself, or those that it lists.
func objectsOf(document []byte) (objects []runtime.Object, err error) {
	if document[0] == '[' {
		document = slices.Concat([]byte(`{"apiVersion":"v1","kind":"List","items":`), document, []byte("}"))
	}
	decoded, err := runtime.Decode(unstructured.UnstructuredJSONScheme, document)
	if err != nil {
		return nil, err
	}
	list, ok := decoded.(*unstructured.UnstructuredList)
	if !ok {
		return []runtime.Object{decoded}, nil
	}
	for i := range list.Items {
		objects = append(objects, &list.Items[i])
	}
	return objects, nil
}
