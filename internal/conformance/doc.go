// Package conformance holds the library against Pod Security Admission, at the
// newest version of Kubernetes. It has tests only: they ask upstream's evaluator,
// its table of checks and its fixtures, and compare all of it with packages
// evaluate and spec.
//
//	TestConformance          every fixture of upstream's, at every level and version
//	TestExhaustiveControls   every value of every control, on every kind of container
//	TestMessageIsUpstreams   generated pods
//	FuzzConformance          any JSON of a pod
//	TestTotality             the table of checks and revisions
//	TestAnomaliesExist       what upstream's own levels contradict each other in
//
// Package patches does so for JSON Patch, with an implementation that is not ours.
//
// It is a module of its own because the library names the lowest versions of
// Kubernetes that it builds with, and an oracle is the newest: raise all of this
// module's k8s.io versions together when Kubernetes makes a release. The library's
// own tests run against them too, from this directory:
//
//	go test github.com/podfence/podfence/...
package conformance
