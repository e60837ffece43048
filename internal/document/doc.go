// Package document tries podfence on the examples of the document that it
// implements, Welkin's "Enforcing restricted privileges": its pods are refused in
// the document's words, filled into what it prints, and admitted under its
// policies. The package has tests alone.
package document
