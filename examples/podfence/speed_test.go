package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/podfence/podfence/internal/benchlist"
)

// BenchmarkThroughput reads lists of which two thirds are denied: the bytes of
// input in a second. `.ci/speed-command` compares two versions of the program.
func BenchmarkThroughput(b *testing.B) {
	for _, input := range []struct {
		name  string
		write benchlist.Writer
		n     int
	}{
		{"json=list", benchlist.WriteJSONList, 3000},
		{"yaml=list", benchlist.WriteYAMLList, 1000},
		{"yaml=documents", benchlist.WriteYAMLDocuments, 1000},
	} {
		var text bytes.Buffer
		if err := input.write(&text, input.n); err != nil {
			b.Fatal(err)
		}
		for _, command := range []string{"evaluate -o json", "evaluate", "admit -o json", "mutate"} {
			b.Run(input.name+"/do="+strings.ReplaceAll(command, " -o ", "-"), func(b *testing.B) {
				b.SetBytes(int64(text.Len()))
				b.ReportAllocs()
				for b.Loop() {
					if status := run(append(strings.Fields(command), "-f", "-"), bytes.NewReader(text.Bytes()), io.Discard, io.Discard); status != statusDenied {
						b.Fatal(status)
					}
				}
			})
		}
	}
}

// BenchmarkMutateOnePod fills in the pod that most people write first.
func BenchmarkMutateOnePod(b *testing.B) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels:\n    app: web\nspec:\n  containers:\n  - name: web\n    image: nginx:1.27\n    ports:\n    - containerPort: 8080\n"
	b.ReportAllocs()
	for b.Loop() {
		if status := run([]string{"mutate", "-f", "-"}, strings.NewReader(pod), io.Discard, io.Discard); status != statusAllowed {
			b.Fatal(status)
		}
	}
}
