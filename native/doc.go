// Package native renders a set of policies as Kubernetes' own objects, so that the
// API server enforces them itself, with no webhook to run: a
// ValidatingAdmissionPolicy that judges pods as package evaluate does, and a
// MutatingAdmissionPolicy that fills in what package mutate does, each with its
// binding.
//
//	objects, err := native.Render(policies, native.Options{})
//
// The expressions are written in CEL, the language of these objects. Most of the
// text is the same whatever the policies are: it is put together from tables, one
// of checks, one of rules, one of fills, whose values come from packages spec and
// policy. The policies themselves are one literal, data for that text.
//
// Render is pure and deterministic: the same set and options give the same objects.
// It fails for what has no form in CEL, and for a server that is too old for the
// objects, rather than leave anything out.
package native
