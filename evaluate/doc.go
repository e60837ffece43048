// Package evaluate judges pods: it finds every violation of a level of the Pod
// Security Standards that no policy excuses, and what a policy's own rules
// demand beyond the level.
//
// [Evaluate] judges a pod, [Template] a pod template; both look up which
// policies govern it. [Under] judges under one policy that the caller chose.
// None of them does I/O, keeps state, or changes what it is given, and a pod
// that violates nothing is judged without an allocation.
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
//     first that allows the pod answers, else the one that comes closest
//     [TestGoverning].
//
// A file is named for the control that it holds: how a violation of it is
// found, what excuses it, and how Pod Security Admission words it.
package evaluate
