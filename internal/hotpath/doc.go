// Package hotpath writes out what the table of package spec says, where it is
// asked for every pod and a look into the table would cost too much.
// TestCodeAgreesWithTheTable holds it to the table.
package hotpath
