package admission

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/webhook/admission/metrics"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/webhook/internal/limits"
	"github.com/podfence/podfence/review"
	"github.com/podfence/podfence/spec"
)

// answer is what is decided about a request.
type answer struct {
	*admissionv1.AdmissionResponse
	// result is what was found at the level that is enforced, nil if nothing was
	// looked for.
	result *evaluate.Result
	// notOurs: nothing was asked that this side decides about.
	notOurs bool
}

// decideFunc decides about a request. unread says why an object of it could not be
// read, as [review.DecideFunc] has it.
type decideFunc func(ctx context.Context, r *review.Request, unread error) answer

// Mutating and Validating are the two webhooks. Both go behind [limits.Limits].
func (c *Controller) Mutating() http.Handler   { return c.webhook(mutating, c.mutate) }
func (c *Controller) Validating() http.Handler { return c.webhook(validating, c.validate) }

// webhook answers reviews from bytes to bytes, and counts and logs its answers.
func (c *Controller) webhook(side string, decide decideFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, turn, told := time.Now(), limits.TurnOf(r), unknown
		text, err := c.codec.Answer(turn.Body(), func(req *review.Request, unread error) (*admissionv1.AdmissionResponse, error) {
			if errors.Is(unread, review.ErrTooLarge) {
				return nil, unread
			}
			if err := turn.Decide(limits.Need(req.Size, req.Texts)); err != nil {
				return nil, err
			}
			ctx := logr.NewContext(r.Context(), c.log.WithValues(names(req)...))
			a := recovering(ctx, req, unread, decide)
			told = factsOf(req, &a)
			told.log(ctx, side, a.result)
			return a.AdmissionResponse, nil
		})
		if err != nil {
			c.refuse(w, side, err, start)
			return
		}
		if told != notOurs {
			c.metrics.decided(side, told, start)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // whoever asked is gone
	})
}

// names are those of what a request is about, for its lines in the log.
func names(r *review.Request) []any {
	return []any{
		"object", klog.KRef(r.Namespace, r.Name), "namespace", r.Namespace, "name", r.Name,
		"resource", r.Resource, "user", r.UserInfo.Username, "requestID", r.UID,
	}
}

// refuse answers what is not decided with the status that says why. What exceeds the
// limits is no fault of this side's, and is not counted as one.
func (c *Controller) refuse(w http.ResponseWriter, side string, err error, start time.Time) {
	var refusal *limits.Refusal
	if errors.As(err, &refusal) {
		refusal.WriteTo(w)
		return
	}
	if !errors.Is(err, review.ErrTooLarge) {
		c.metrics.decided(side, unknown, start)
		c.log.Error(err, "the body of a request holds no review", "side", side)
	}
	status := http.StatusInternalServerError
	if unread := (*review.Error)(nil); errors.As(err, &unread) {
		status = unread.Status()
	}
	http.Error(w, spec.Printable(err.Error()), status)
}

// recovering decides, and refuses what ends in a panic.
func recovering(ctx context.Context, r *review.Request, unread error, decide decideFunc) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			ctrlmetrics.WebhookPanics.WithLabelValues().Inc()
			for _, tell := range utilruntime.PanicHandlers {
				tell(ctx, p)
			}
			a = errored(http.StatusInternalServerError, fmt.Errorf("panic: %v [recovered]", p))
		}
	}()
	return decide(ctx, r, unread)
}

// errored refuses what could not be decided.
func errored(code int32, err error) answer {
	return answer{AdmissionResponse: &admissionv1.AdmissionResponse{Result: &metav1.Status{Code: code, Message: spec.Printable(err.Error())}}}
}
