package review

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/benchpod"
)

// BenchmarkPod: reading a pod sparsely, whole, and every token of it.
func BenchmarkPod(b *testing.B) {
	for _, p := range benchpod.All() {
		data, err := json.Marshal(p.Pod)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p.Name+"/by=sparse", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Pod(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.Name+"/by=again", func(b *testing.B) {
			b.ReportAllocs()
			var d decoder
			for b.Loop() {
				d.reset(data, DefaultLimit)
				if err := podObject(&d, &corev1.Pod{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.Name+"/by=encoding", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(data, &corev1.Pod{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.Name+"/by=tokens", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := jsontext.NewDecoder(bytes.NewBuffer(data))
				for {
					if _, err := d.ReadToken(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
