// Package mutate fills in what a pod's author left unset, so that the pod may
// run under its policy.
//
// [Mutate] fills a pod, [Template] a pod template, [Spec] a pod given by its parts,
// and [EphemeralContainers] the new ephemeral containers of a pod that runs already.
// Each returns the result and a [Report] of every change, which renders an RFC 6902
// patch and says what was left unset and why. [Plan] returns the report alone. What
// nothing that is filled in can mend, [Advise] says: allowed may not mean that it starts.
//
// What is filled in and what is left is decided by package internal/plan; apply.go
// writes it into a pod, and patch.go into a patch.
//
// The laws, each held by the test in brackets:
//
//  1. Only unset fields are filled, and unset means that the effective value
//     is: what a container inherits from its pod is set [TestMutate].
//  2. Mutate is idempotent and deterministic, keeps every order, and never
//     changes its input. The result shares what did not change and owns what
//     did [TestLaws, TestSharesAndOwns].
//  3. The patch applied to the pod's JSON gives the result's JSON [TestPatch].
//  4. A pod that needs nothing comes back as it is, without an allocation
//     [TestNoopAllocatesNothing].
//  5. What API validation forbids is not set: nothing but runAsNonRoot on
//     Windows, no allowPrivilegeEscalation beside privileged or SYS_ADMIN, no
//     seccomp profile against a legacy annotation, nothing on mirror pods; nor
//     runAsNonRoot beside UID 0 or ContainerAdministrator, which the kubelet
//     would refuse [TestMutate].
package mutate
