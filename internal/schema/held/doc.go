// Package held holds the schemas that package schema writes to what reads policies:
// the one for editors to the parser, the one for custom resources to the parser and
// to the code with which the API server checks objects. It has tests only, in a
// module of its own, so that nobody who embeds the library meets what they need.
package held
