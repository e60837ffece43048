package admission

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/internal/patchtest"
)

// BenchmarkWebhook: a review of P1 to P4 through the limits, and logged at the level
// that the program has; all but the network.
func BenchmarkWebhook(b *testing.B) {
	base := newController(b, nil)
	c, err := New(base.config, base.policies, cluster, pods{}, zap.New(zap.WriteTo(io.Discard)), NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range benchpod.All() {
		p.Pod.TypeMeta, p.Pod.Namespace = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, "shop"
		r := request(b, "shop", "", func(r *admissionv1.AdmissionRequest) {
			r.Object = runtime.RawExtension{Raw: []byte(patchtest.MustJSON(p.Pod))}
		})
		body := []byte(patchtest.MustJSON(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &r}))
		for side, webhook := range map[string]http.Handler{mutating: behindLimits(c.Mutating()), validating: behindLimits(c.Validating())} {
			b.Run(p.Name+"/"+side, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(body))
					r.Header.Set("Content-Type", "application/json")
					w := httptest.NewRecorder()
					if webhook.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
				}
			})
		}
	}
}
