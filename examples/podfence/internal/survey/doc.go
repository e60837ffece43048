// Package survey says of the workloads of a cluster which level of the Pod Security Standards each namespace could enforce,
// and what keeps it from the next one.
//
// Most callers need three calls:
//
//	c := survey.NewCollector(version, policies)
//	c.Add(object)           // for every object of a stream
//	report := c.Report()    // and then WriteText or WritePage
//
// A [Namespace] of the report is what stands in JSON.
//
// # Words
//
// A workload is what its owner would change: a Deployment with its ReplicaSets and pods, a DaemonSet with its pods, a pod
// without an owner. Every one is held against baseline and against restricted in three ways: as it is, after its unset
// fields were filled in, and so under the policies. A level is free in one way if no workload of the namespace is denied at
// it, and what could not be decided is denied.
//
// # Laws
//
//   - The order of the objects makes no difference (TestOrderMakesNoDifference).
//   - A workload counts once, whether its owner, its pods or both are in the input (TestGrouping).
//   - The level of a namespace is the highest at which the library denies nothing in it (TestLevelsAreTheLibrarys).
//   - Memory follows the number of namespaces, workloads and distinct violations, and not that of pods (TestPodListMemory).
//
// Collecting and reporting do no I/O and know no clock: the same objects give the same bytes.
package survey
