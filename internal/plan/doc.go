// Package plan decides what is filled into a pod under a policy, field by field,
// and changes nothing. Package mutate makes pods, patches and reports of a plan;
// package evaluate asks only whether there would be one, to choose between
// policies.
package plan
