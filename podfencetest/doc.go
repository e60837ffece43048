// Package podfencetest lets the tests of a chart, an operator or a folder of
// manifests say what their pods may do: that a cluster allows them, that it would
// once podfence has filled in what they leave unset, and what that would be.
//
//	func TestDeployment(t *testing.T) {
//		manifests := podfencetest.Read(t, os.DirFS("deploy"), "*.yaml")
//		var cluster podfencetest.Cluster // restricted, at the latest version, without policies
//		cluster.Allows(t, manifests)
//	}
//
// [Read], [Decode], [Rendered] and [Objects] make [Manifests] of files, of text, of a
// rendered chart and of Go objects. A [Cluster] has three assertions:
//
//   - [Cluster.Allows]: every workload may run as it is. This is what holds where a
//     namespace enforces a level with Pod Security Admission, or with a webhook of
//     podfence that only judges.
//   - [Cluster.Admits]: every workload may run once its unset fields are filled in, as
//     podfence's mutating webhook does.
//   - [Cluster.Golden]: what is filled in, and what is denied, is what a file says. With
//     UPDATE_GOLDEN=1 in the environment the file is written anew.
//
// A failure names each workload that is denied and where it was read; each field with
// what it must be, and the grant of a policy that would excuse it; and whether filling
// it in would mend it.
//
// What is judged is the pod as the API server would store it. Objects that hold no pod
// are passed over, but where there is no workload at all the test fails: a glob that
// matches nothing must not pass for manifests that are fine.
package podfencetest
