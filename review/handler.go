package review

import (
	"context"
	"errors"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Handler is an admission webhook: it answers an AdmissionReview of
// admission.k8s.io/v1, from bytes to bytes.
//
// One that mutates is for a MutatingWebhookConfiguration. It fills in what pods
// leave unset when they are created, and new ephemeral containers, and refuses
// nothing, for another mutator may come after it. One that does not is for a
// ValidatingWebhookConfiguration. It refuses pods that are created and violate
// their level, and updates that change an image or add an ephemeral container, as
// Pod Security Admission does; of the pod templates in other objects it warns.
// Everything else is allowed.
//
// The zero Handler validates at restricted, latest version, without exceptions.
// Its fields must not be changed once it serves. It is safe for concurrent use.
type Handler struct {
	// Mutate: pods are filled in, and nothing is refused.
	Mutate bool
	// Level says at which level and version the pods of a request are judged, by
	// its namespace for instance. Its error refuses the request, with status 500.
	Level func(context.Context, *Request) (api.LevelVersion, error)
	// Policies are the exceptions in force. They are asked for once a request. A set
	// that knows the labels of namespaces (policy.Set.WithNamespaces) is asked by the
	// namespace of the request.
	Policies func() policy.Set
	// MaxBody is how long a body may be, in bytes; DefaultMaxBody where it is 0.
	MaxBody int64
	// MaxMemory is how much may be read of a request, as [Request.Size] counts it;
	// DefaultLimit where it is 0.
	MaxMemory int64

	decoders decoders
}

// ServeHTTP answers a review with status 200, whatever is decided. A request that
// holds none has another: 405 for a method other than POST, 415 for what is no
// JSON, 413 for a body that is too long, 400 for one that cannot be read.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, h.MaxBody, func(body []byte) ([]byte, error) { return h.Review(r.Context(), body) })
}

// Review answers the JSON of an AdmissionReview with the JSON of one. The error
// says that the text is no review: an [*Error]. Of an object that cannot be read
// the answer speaks.
func (h *Handler) Review(ctx context.Context, review []byte) ([]byte, error) {
	return h.decoders.answer(review, h.MaxMemory, func(r *Request, s *scratch, unread error) (response, error) {
		return h.answer(ctx, r, unread, s), nil
	})
}

// Respond answers a request that a [Codec] has read: see [DecideFunc].
func (h *Handler) Respond(ctx context.Context, r *Request, unread error) *admissionv1.AdmissionResponse {
	return h.answer(ctx, r, unread, &scratch{}).admission(r.UID)
}

// ignored are the subresources of pods whose objects are no pods, or change
// nothing that is judged (ignoredPodSubresources of Pod Security Admission). Any
// other is judged.
var ignored = map[string]bool{
	"exec": true, "attach": true, "binding": true, "eviction": true,
	"log": true, "portforward": true, "proxy": true, "status": true,
}

// ephemeral is the subresource that adds ephemeral containers to a pod.
const ephemeral = "ephemeralcontainers"

func (h *Handler) answer(ctx context.Context, r *Request, unread error, s *scratch) response {
	if unread != nil {
		return unreadable(unread)
	}
	if !r.isJudged() || h.Mutate && !r.isFilled() {
		return response{allowed: true}
	}
	if r.Pod == nil && r.Template == nil || r.OldPod == nil && r.SubResource == ephemeral {
		return failed(http.StatusBadRequest, metav1.StatusReasonBadRequest, errors.New("the request has no object"))
	}
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if h.Level != nil {
		var err error
		if lv, err = h.Level(ctx, r); err != nil {
			return failed(http.StatusInternalServerError, metav1.StatusReasonInternalError, err)
		}
	}
	var policies policy.Set
	if h.Policies != nil {
		policies = h.Policies()
	}
	switch {
	case h.Mutate:
		return r.filled(lv, policies, s)
	case r.Template != nil:
		return r.warned(lv, policies)
	default:
		return judged(lv, r.judge(lv, policies), s)
	}
}

// isJudged reports whether the request is about a pod, or a pod template, that
// may violate something new.
func (r *Request) isJudged() bool {
	switch {
	case r.Operation != admissionv1.Create && r.Operation != admissionv1.Update:
		return false
	case !r.isPod():
		return r.Template != nil && r.SubResource == ""
	case ignored[r.SubResource]:
		return false
	default:
		return r.Operation == admissionv1.Create || r.Pod == nil || r.OldPod == nil || significant(r.Pod, r.OldPod)
	}
}

// isFilled reports whether something may be filled in: an update can change
// nothing that podfence fills in, but for new ephemeral containers.
func (r *Request) isFilled() bool {
	return r.isPod() && (r.Operation == admissionv1.Create && r.SubResource == "" || r.SubResource == ephemeral)
}

// significant reports whether an update changes what is judged: containers are
// added, or run another image (isSignificantPodUpdate of Pod Security Admission).
func significant(pod, old *corev1.Pod) bool {
	return imagesDiffer(pod.Spec.Containers, old.Spec.Containers) || imagesDiffer(pod.Spec.InitContainers, old.Spec.InitContainers) ||
		ephemeralDiffer(pod.Spec.EphemeralContainers, old.Spec.EphemeralContainers)
}

func imagesDiffer(containers, old []corev1.Container) bool {
	if len(containers) != len(old) {
		return true
	}
	for i := range containers {
		if containers[i].Image != old[i].Image {
			return true
		}
	}
	return false
}

func ephemeralDiffer(containers, old []corev1.EphemeralContainer) bool {
	images := map[string]string{}
	for i := range old {
		images[old[i].Name] = old[i].Image
	}
	for i := range containers {
		if image, ok := images[containers[i].Name]; !ok || image != containers[i].Image {
			return true
		}
	}
	return false
}

// plan is what is filled in, and by which policy.
func (r *Request) plan(lv api.LevelVersion, policies policy.Set) (mutate.Report, *policy.Policy) {
	r.Pod.Namespace = r.Namespace
	if r.SubResource != ephemeral {
		return podfence.PlanRequested(r.Pod, lv, policies)
	}
	r.OldPod.Namespace = r.Namespace
	d := podfence.AdmitEphemeralContainers(r.OldPod, r.Pod, lv, policies)
	return d.Report, d.Result.Policy
}

// judge judges the pod as it is: when validating webhooks are asked, the API
// server has set its defaults and mutating ones have filled in theirs.
func (r *Request) judge(lv api.LevelVersion, policies policy.Set) evaluate.Result {
	r.Pod.Namespace = r.Namespace
	if r.SubResource == ephemeral {
		r.OldPod.Namespace = r.Namespace
		return evaluate.EphemeralContainers(r.OldPod, r.Pod, lv, policies)
	}
	return evaluate.Evaluate(r.Pod, lv, policies)
}

// warned warns of a template whose pods would be refused once they are filled in.
// The API server has decoded the template: a volume without a source is one of an
// unknown type, and no emptyDir. Everything else its pods get later.
func (r *Request) warned(lv api.LevelVersion, policies policy.Set) response {
	w := r.Workload()
	t, still := w.Admit(lv, policies).Template, spec.AllDefaults&^spec.DefaultEmptyDir
	if w.Claims {
		still |= spec.DefaultClaimVolumes
	}
	if result := evaluate.Stored(w.Namespace, &t.ObjectMeta, &t.Spec, still, lv, policies).Within(w.Root); !result.Allowed() {
		return response{allowed: true, warnings: []string{"its pods will be refused: " + result.Refusal()}}
	}
	return response{allowed: true}
}
