// Package podfence decides what a Kubernetes pod may do, and fills in what its
// author left out so that it may run.
//
// It enforces the Pod Security Standards
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/) with
// precise exceptions. Most embedders need one call:
//
//	decision := podfence.Admit(pod, level, policies)
//
// [Admit] answers with the pod as it would run, whether it may, under which
// policy and why. It judges the pod that the API server would store, which is not
// always what its author wrote: see spec.Stored. [AdmitRequested] is the same for a
// mutating webhook, which sees pods later on their way. [AdmitTemplate] and [AdmitObject] are its twins for pod
// templates and for the objects that hold them, [AdmitEphemeralContainers] for
// the debug containers of a running pod; [EvaluateObject] judges an object as it
// is. Both take an Unstructured of any kind too, and judge it by the pod template
// that it holds at one of the [DefaultPlaces] or at a [Place] of the caller's. The three steps that Admit joins can be had alone:
//
//	policy.Set.Governing(namespace, labels)      which policies select the pod
//	mutate.Mutate(pod, policy)                   fills unset security fields
//	evaluate.Evaluate(pod, level, exceptions)    every violation that no policy excuses
//
// # Words
//
// A control is a row of the standard, a check its test at one level, under the
// ID that k8s.io/pod-security-admission gives it; package spec holds them as
// data. A level is privileged, baseline or restricted, at a version: both are
// that module's own types, api.LevelVersion. A policy governs the pods that its
// namespace and labels select. A grant is one thing that its allow block
// permits, and a violation that a grant covers is excused; its own rules may
// demand more than the level. Denied is an answer and not an error.
//
// # Laws
//
// They hold for every pod and every valid policy; the test in brackets tries
// each on generated ones, and package internal/exhaustive on all of small domains.
//
//  1. What Evaluate still finds after Mutate was set by the pod's author, or the
//     report says why no mutation may supply it; a pod whose author set nothing
//     against its policy is allowed [internal/laws: TestWhatRemainsIsTheAuthors,
//     TestNothingSetIsAllowed]. Versions before v1.25 judged Windows pods, and
//     those before v1.35 pods with hostUsers=false, otherwise.
//  2. Mutate is idempotent and deterministic, keeps every set field and every
//     order, and never changes its input [mutate: TestLaws].
//  3. Applying its patch to the pod's JSON gives the JSON of its result
//     [mutate: TestPatch].
//  4. A pod that API validation accepts is still accepted afterwards
//     [internal/validation: TestMutatedPodsStayValid].
//  5. Mutate adds no violation, at any level and version, under the policy that
//     it fills by [internal/laws: TestMutateAddsNoViolation].
//  6. An exception removes only violations that its grants cover, and adds only
//     what its own rules name; without exceptions the verdict is Pod Security
//     Admission's, byte for byte [internal/laws:
//     TestExceptionsOnlyExcuseAndDemand, internal/conformance: TestConformance].
//  7. What Admit says of the filled pod is what Evaluate says of it as it would be
//     stored, governing policy included [internal/laws:
//     TestEvaluateSaysOfTheFilledPodWhatAdmitSays]; and spec.Stored shows what a
//     kube-apiserver stores [internal/validation: TestStoredIsWhatTheServerStores].
//
// # Edge cases
//
// What Evaluate is not told it does not assume: a volume without a source is of an
// unknown type to it, as it is to Pod Security Admission, which never sees one. That
// a ServiceAccount wants no token in its pods stands nowhere in them; Admit takes a
// pod that says nothing to get one.
//
// Version zero is the latest version and an unknown level is restricted:
// upstream would allow everything at the former. Labels are set by whoever
// writes the pod, so a policy that grants much should name a namespace. On
// UPDATE every security field of a pod is immutable: mutate only on CREATE, and
// new ephemeral containers with mutate.EphemeralContainers.
//
// There is no clock, no global state and no goroutine in the library, and no
// I/O but in policy.ReadDir and policy.ReadFS, which read files. The same pod and
// policy always give the same bytes, and everything may be used concurrently.
package podfence

//go:generate go tool -modfile=tools/go.mod controller-gen object paths=./policy/... paths=./examples/crd/...
//go:generate go run ./internal/docs
