// Package spec is the Pod Security Standards as data, for every version from
// v1.0 to [Newest]: the controls, the checks under them with the history of
// their revisions, the values that each allows, and the effective values of a
// pod's security fields.
//
// It knows pods and knows no policies. What a pod violates is package
// evaluate's to say, what is filled in is package mutate's; both read their
// values, field paths and inheritance here, so that one cannot disagree with
// the other. [Controls] is the table for documentation, [For] what is in force
// at a level and version.
//
// A control is a row of the standard's page
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/), a
// check is one control's test at one level under the ID that
// k8s.io/pod-security-admission gives it, and a revision is a check's
// behaviour since one minor version. Revisions are only ever appended. Each
// control has a file of its own, but that nonroot.go has both that are about
// running as non-root. TestTotality of internal/conformance holds the table
// against that module's own.
package spec
