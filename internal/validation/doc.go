// Package validation holds the library against Kubernetes' own API validation:
// the strategies of a kube-apiserver, from k8s.io/kubernetes itself, judge
// generated pods, pod templates and updates of ephemeral containers before and
// after package mutate fills them. It has tests only. They hold law 4 of package
// podfence, "a pod that API validation accepts is still accepted afterwards",
// and the facts about validation that the library's rules rest on:
//
//	TestMutatedPodsStayValid           mutate.Mutate, on pods as written and as a webhook sees them
//	TestMutatedTemplatesStayValid      mutate.Template, in a PodTemplate and in a Deployment
//	TestEphemeralContainersStayValid   mutate.EphemeralContainers, on updates of running pods
//	TestUserNamespacesThatAreLeftWouldBeRefused
//	                                   ... and hostUsers=false is left only where the server refuses it
//	TestUpdatesAreImmutable            why nothing may be filled on UPDATE
//	TestWhatValidationForbids          each combination that the API refuses, one by one
//	TestDefaultsComeBeforeMutation     what mutating admission sees, and what comes after it
//	TestStoredIsWhatTheServerStores    spec.Stored, for every field that a check or a rule reads
//	TestStoredIsWhatTheServerStoresOfTemplates
//	                                   ... and for the pods that are made of templates
//
// It is a module of its own because k8s.io/kubernetes is large, and asks whoever
// requires it to replace each of its staging modules: none of that may reach an
// embedder's build. Its feature gates are at the defaults of the release that
// go.mod names; raise all of its k8s.io versions together.
//
// Each property is tried 5,000 times, in about 15 seconds of processor time. A
// long run:
//
//	go test -rapid.checks=50000 -timeout=0 -v .
package validation
