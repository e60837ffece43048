// Package policy holds the policy format: what a custom Pod Security Policy
// selects, grants, demands and fills in, and how a file becomes one.
//
// [Parse] turns YAML or JSON into validated policies and reports everything
// that is wrong with a file at once, with line, field and fix; [ReadDir] does so
// for a directory. [NewSet] makes an immutable [Set] of them, which answers
// which policies govern a pod. [Default] is the policy of a pod that no policy
// selects. [Lint] warns of policies that are right and hardly meant so. [Format] has
// what may stand in a policy as data, for schemas.
//
// A policy is additive to a level of the Pod Security Standards: a grant
// excuses single violations, a rule may demand more. Nothing else about a pod
// changes by being governed, and grants of two policies never add up.
package policy
