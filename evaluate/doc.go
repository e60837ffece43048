// Package evaluate judges pods: it finds every violation of a level of the Pod
// Security Standards that no policy excuses, and what a policy's own rules
// demand beyond the level.
//
// [Evaluate] judges a pod, [Template] a pod template and [EphemeralContainers] an
// update of a running pod; each looks up which policies govern it. [Spec] judges
// under one policy that the caller chose. None of them does I/O, keeps state, or
// changes what it is given, and a pod that violates nothing is judged without an
// allocation.
//
// The contract, each point held by the test in brackets:
//
//  1. At level privileged nothing is looked at. Version zero is the latest
//     version and an unknown level is restricted [TestNormalizes].
//  2. Without exceptions the verdict and [Result.Message] are those of
//     k8s.io/pod-security-admission, byte for byte, at every level and version
//     [internal/conformance: TestConformance].
//  3. Result.Violations holds every violation in that module's order, those
//     included that its text leaves out when worse ones are present
//     [TestStructureSaysMoreThanText].
//  4. A policy's grants move the violations that they cover to Result.Excused
//     and touch no other [TestGrants]; its own rules add what they name
//     [TestOwnRules].
//  5. Of several governing policies each is tried alone, in order of name: the
//     first under which the pod is allowed and nothing would be filled in
//     answers, else the first that allows it, else the one that comes closest
//     [TestGoverning, TestCompletePodsGoFirst].
//
// How a violation is found and how Pod Security Admission words it stands in the
// file that is named like the control's file in package spec; hostPath volumes
// stand in volumes.go, with the other volumes. walk.go visits a pod and asks each
// of them, and what excuses a violation is in package policy's table of grants.
// [TestFindsWhatTheTableForbids] holds what is found to package spec.
package evaluate
