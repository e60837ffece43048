// Package native holds package native of the library to the library's answers: the
// objects that it renders are compiled by the API server's own code and asked, in
// this process, about generated pods. It has tests only.
//
//	TestPipeline              defaults, the mutating policy, the server's strategy and the validating
//	                          policy, against Admit, AdmitEphemeralContainers and Evaluate
//	TestCases                 the same for small pods, each decided by one thing
//	TestControls              the domains of internal/exhaustive, control by control, with policies
//	TestStandard              those of internal/controls, without policies
//	TestTemplates             warnings about workloads
//	TestLabels, TestExemptions, TestFixedLevels, TestNames, TestOlderServers
//	                          the options
//	TestUpdatesOfOldPods      what may be changed in pods that nobody has judged
//	TestCost, TestSizes, TestCompletePodsAreNotMutated
//	                          the budgets
//	TestAPIServerAcceptsTheObjects
//	                          validation and type checking of the API server
//	TestTypesAreUpstreams, TestTypesDecodeAsUpstreams
//	                          package native's own types of objects
//
// It is a module of its own because k8s.io/apiserver and k8s.io/kubernetes are large.
// Raise all of its k8s.io versions together with those of internal/validation.
//
// The generated pods are the same in each run. Other ones, or more of them, and all
// of the domains:
//
//	go test -run TestPipeline -rapid.checks=10000 -native.pods=100 -timeout=0 -v .
//	go test -run 'TestControls|TestStandard' -native.every=1 -timeout=0 -v .
package native
