// Package structure holds the shape of the module: which package may import which,
// and what an embedder takes into the build. It has tests alone.
package structure
