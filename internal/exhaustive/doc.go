// Package exhaustive holds the library against the laws for small domains, whole:
// every pod and every policy that can be made of a few fields which are decided
// together, at every version around a change. What the laws are is said by package
// laws, what they rest on by package restated.
//
// The domains are [Groups], which others may hold to something else. The number of
// cases is asserted, so that no domain shrinks without a word.
package exhaustive
