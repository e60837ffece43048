//go:build race

package main

// underRace: the parsers of YAML are then fifty times slower.
const underRace = true
