// Package structure holds the shape of the module: which package may import which,
// what an embedder takes into the build, and where a check, a field, a key and a
// fill stand. It has tests alone.
package structure
