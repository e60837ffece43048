package review_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
)

// A webhook in ten lines: it fills in, and refuses what is still against the
// level of its namespace. A server of controller-runtime takes the same handlers:
//
//	manager.GetWebhookServer().Register("/mutate", fill)
func Example() {
	level := func(_ context.Context, r *review.Request) (api.LevelVersion, error) {
		if r.Namespace == "kube-system" {
			return api.LevelVersion{Level: api.LevelPrivileged}, nil
		}
		return api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, nil
	}
	exceptions := func() policy.Set { return policy.Set{} } // policy.ReadDir reads a directory
	mux := http.NewServeMux()
	mux.Handle("/mutate", &review.Handler{Mutate: true, Level: level, Policies: exceptions})
	mux.Handle("/validate", &review.Handler{Level: level, Policies: exceptions})
	server := &http.Server{Addr: ":8443", Handler: mux, ReadTimeout: 10 * time.Second}

	// Instead of server.ListenAndServeTLS("tls.crt", "tls.key"), one question:
	question := strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
		"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE",
		"object":{"spec":{"containers":[{"name":"web","image":"nginx","securityContext":{"privileged":true}}]}}}}`)
	r, w := httptest.NewRequest("POST", "/validate", question), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/json")
	server.Handler.ServeHTTP(w, r)
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		panic(err)
	}
	first, _, _ := strings.Cut(answer.Response.Result.Message, ",")
	fmt.Println(answer.Response.Allowed, answer.Response.Result.Code, first)
	// Output: false 403 violates PodSecurity "restricted:latest": privileged (container "web" must not set securityContext.privileged=true)
}

// A webhook that exempts a user, and writes a line for each decision.
func ExampleCodec() {
	handler, codec := &review.Handler{}, &review.Codec{}
	webhook := func(w http.ResponseWriter, r *http.Request) {
		codec.Serve(w, r, func(q *review.Request, unread error) (*admissionv1.AdmissionResponse, error) {
			if unread == nil && q.UserInfo.Username == "system:serviceaccount:backup:restore" {
				return &admissionv1.AdmissionResponse{Allowed: true}, nil
			}
			answer := handler.Respond(r.Context(), q, unread)
			fmt.Println(q.Operation, q.Resource.Resource, "in", q.Namespace, "allowed:", answer.Allowed, "at", answer.AuditAnnotations[api.EnforcedPolicyAnnotationKey])
			return answer, nil
		})
	}

	question := strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
		"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE",
		"object":{"spec":{"containers":[{"name":"web","image":"nginx","securityContext":{"privileged":true}}]}}}}`)
	r := httptest.NewRequest("POST", "/validate", question)
	r.Header.Set("Content-Type", "application/json")
	webhook(httptest.NewRecorder(), r)
	// Output: CREATE pods in shop allowed: false at restricted:latest
}

// Policies that select namespaces by their labels: the set is told how to look them up,
// here in a map, in a cluster in the cache of an informer.
func ExampleHandler_namespaces() {
	policies, err := policy.Parse([]byte(`
name: agents
namespaceSelector: {matchLabels: {team: platform}}
podSelectorLabels: {app: agent}
allow: {hostPID: true}
`), "agents.yaml")
	if err != nil {
		panic(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		panic(err)
	}
	cache := map[string]map[string]string{"monitoring": {"team": "platform"}, "shop": {"team": "shop"}}
	labelsOf := func(namespace string) (labels map[string]string, known bool) {
		labels, known = cache[namespace]
		return labels, known
	}
	handler := &review.Handler{Policies: func() policy.Set { return set.WithNamespaces(labelsOf) }}

	for _, namespace := range []string{"monitoring", "shop", "new"} {
		question := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
			"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"namespace":"` + namespace + `","operation":"CREATE",
			"object":{"metadata":{"labels":{"app":"agent"}},"spec":{"hostPID":true,"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},
			"containers":[{"name":"a","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}}}}`
		text, err := handler.Review(context.Background(), []byte(question))
		if err != nil {
			panic(err)
		}
		var answer admissionv1.AdmissionReview
		if err := json.Unmarshal(text, &answer); err != nil {
			panic(err)
		}
		fmt.Println(namespace, answer.Response.Allowed)
		if notices := answer.Response.AuditAnnotations["notices"]; notices != "" {
			fmt.Println(notices)
		}
	}
	// Output:
	// monitoring true
	// shop false
	// new false
	// policy agents selects namespaces by label, and the labels of the pod's namespace are not known: it does not govern the pod
}

// A pod that is read sparsely is enough for an answer.
func ExamplePod() {
	pod, err := review.Pod([]byte(`{"spec":{"hostNetwork":true,"containers":[{"name":"web","env":[{"name":"A"}]}]}}`))
	fmt.Println(pod.Spec.HostNetwork, len(pod.Spec.Containers), pod.Spec.Containers[0].Env, err)
	// Output: true 1 [] <nil>
}
