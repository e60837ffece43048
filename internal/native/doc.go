// Package native holds package native of the library to the library's answers: the
// objects that it renders are compiled by the API server's own code and asked, in
// this process, about generated pods. It has tests only.
//
//	TestPipeline              defaults, the mutating policy, the server's strategy and the validating
//	                          policy, against Admit, AdmitEphemeralContainers and Evaluate
//
// It is a module of its own because k8s.io/apiserver and k8s.io/kubernetes are large.
// Raise all of its k8s.io versions together with those of internal/validation.
package native
