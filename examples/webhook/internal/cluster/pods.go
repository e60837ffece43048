// Package cluster reads from the API server what the webhook must know of the
// cluster: the levels of namespaces, and the pods of a namespace whose level is
// raised. It says how old that knowledge may be, and bounds what it takes to get.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxPods is how many pods of a namespace are read, as many as upstream judges.
	maxPods = 3000
	// pageBytes is the size of the largest page that is read, in bytes: a page is held
	// whole and decoded, which takes a few times as much. A pod alone has room in it,
	// for the API server stores none of more than 1.5 MiB unless etcd is told to.
	pageBytes = 4 << 20
	// firstPage and largestPage are numbers of pods. Most pods have some 10 KiB, so
	// that pages grow; one that turns out too large is asked for again in parts.
	firstPage, largestPage = 32, 500
)

// The results of a listing, as the metric names them.
const (
	whole  = "whole"
	part   = "part"
	failed = "failed"
	busy   = "busy"
)

// Pods reads the pods of a namespace from the API server: they are wanted when a
// level is raised and at no other time, which is no reason to cache them all.
type Pods struct {
	reader   client.Reader
	turn     chan struct{}
	listings *prometheus.CounterVec
}

// NewPods returns a reader of pods. The transport under the client must be one of
// [BoundResponses], without which no page is too large.
func NewPods(reader client.Reader, registry prometheus.Registerer) *Pods {
	p := &Pods{
		reader: reader,
		turn:   make(chan struct{}, 1),
		listings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "podfence_pod_listings_total",
			Help: "Number of times that the pods of a namespace were to be read because its level was raised, by result (whole, part, failed, busy).",
		}, []string{"result"}),
	}
	for _, result := range []string{whole, part, failed, busy} {
		p.listings.WithLabelValues(result) // at 0, so that it can be seen to rise
	}
	registry.MustRegister(p.listings)
	return p
}

// ReadPods shows the pods of a namespace one by one. No more than a page of them is
// held at once, and one namespace is read at a time: the others wait for their turn
// as long as their context lets them. left is how many pods were not read, as far
// as the API server says; an error is why, and may come after some were read.
func (p *Pods) ReadPods(ctx context.Context, namespace string, show func(*corev1.Pod)) (left int64, err error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		p.listings.WithLabelValues(busy).Inc()
		return 0, errors.New("the pods of another namespace are being read")
	}
	read, left, err := p.pages(ctx, namespace, show)
	switch {
	case read == 0 && err != nil:
		p.listings.WithLabelValues(failed).Inc()
	case err != nil || left > 0:
		p.listings.WithLabelValues(part).Inc()
	default:
		p.listings.WithLabelValues(whole).Inc()
	}
	return left, err
}

func (p *Pods) pages(ctx context.Context, namespace string, show func(*corev1.Pod)) (read, left int64, err error) {
	token := ""
	for limit := int64(firstPage); ; {
		bound := &bound{left: pageBytes}
		var page corev1.PodList
		err := p.reader.List(context.WithValue(ctx, boundKey{}, bound), &page,
			client.InNamespace(namespace), client.Limit(min(limit, maxPods-read)), client.Continue(token))
		if bound.exceeded && limit > 1 {
			limit = max(1, limit/4)
			continue
		}
		if err != nil {
			return read, left, err
		}
		for i := range page.Items {
			show(&page.Items[i])
		}
		read += int64(len(page.Items))
		left, token = remaining(&page), page.Continue
		if token == "" || read >= maxPods {
			return read, left, nil
		}
		if bound.left > pageBytes/2 {
			limit = min(2*limit, largestPage)
		}
	}
}

// remaining is how many pods follow a page: one at least, where the API server says
// no number and that there are more.
func remaining(page *corev1.PodList) int64 {
	switch {
	case page.Continue == "":
		return 0
	case page.RemainingItemCount != nil:
		return *page.RemainingItemCount
	default:
		return 1
	}
}

// bound is how much of a response may still be read, in bytes.
type bound struct {
	left     int64
	exceeded bool
}

// boundKey is that of a bound in the context of a request.
type boundKey struct{}

// BoundResponses is a transport that cuts off the responses that are too large for
// whoever asked; see [Pods]. All others pass as they are.
func BoundResponses(next http.RoundTripper) http.RoundTripper { return boundResponses{next} }

type boundResponses struct{ next http.RoundTripper }

func (t boundResponses) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if b, ok := r.Context().Value(boundKey{}).(*bound); ok && err == nil {
		response.Body = &boundBody{response.Body, b}
	}
	return response, err
}

type boundBody struct {
	io.ReadCloser
	*bound
}

// Read is an error as soon as there is more than may be read.
func (b *boundBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if b.left -= int64(n); b.left < 0 {
		b.exceeded = true
		return 0, fmt.Errorf("the response has more than %d bytes", pageBytes)
	}
	return n, err
}
