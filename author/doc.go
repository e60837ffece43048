// Package author helps those who write policies and those who accept them. It
// answers from the same tables as packages evaluate and mutate, does no I/O, and
// changes no input:
//
//   - the least policy that pods need, with the reason for each grant
//   - the order between two policies: [Compare], and [CompareSets] for sets of them
//   - the use of grants: which pod needs which entry, and what nothing needs
//   - the review of a policy: what it opens, in plain sentences
//   - the tests of policies: pods, and what is to be said of them
//
// What is claimed is shown: a policy that is said to be wider than another comes
// with a pod that the one allows and the other denies, and that pod was judged
// before it is shown.
package author
