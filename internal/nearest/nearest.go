// Package nearest guesses which of the known words a misspelt one was meant to
// be: a key of a policy, a field of a manifest.
package nearest

import (
	"slices"
	"strings"
)

// minPrefix is how much of a word suffices to tell which one was meant.
const minPrefix = 4

// Of returns the candidate that a word was probably meant to be, or "": another
// case, a slip per three letters (three at most), or its beginning.
func Of[S ~string](word string, candidates []S) S {
	var best S
	low, bestDistance := strings.ToLower(word), max(1, min(3, len(word)/3))+1
	for _, c := range candidates {
		if d := len(c) - len(word); d >= bestDistance || -d >= bestDistance {
			continue
		}
		if d := distance(low, strings.ToLower(string(c))); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" && len(word) >= minPrefix {
		i := slices.IndexFunc(candidates, func(c S) bool { return strings.HasPrefix(strings.ToLower(string(c)), low) })
		if i >= 0 {
			return candidates[i]
		}
	}
	return best
}

// minSlip is from how many letters on a slip can be told from another word.
const minSlip = 4

// Slip reports whether one word is the other with one letter added, removed,
// replaced or swapped with its neighbour: a slip of the pen. Two words that differ
// in a digit are two of a series, and short words differ by a letter anyway.
func Slip(a, b string) bool {
	if len(a) < minSlip || len(b) < minSlip || a == b {
		return false
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	switch {
	case strings.ContainsAny(a+b, "0123456789"):
		return false
	case len(a) == 2 && len(b) == 2:
		return a[0] == b[1] && a[1] == b[0]
	default:
		return len(a) <= 1 && len(b) <= 1
	}
}

// distance counts the letters to add, remove, replace or swap with their
// neighbour to get from one word to another. Longer than a screen would like:
// it is one table, filled row by row.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
