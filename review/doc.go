// Package review reads what podfence looks at, and nothing else, from the JSON of
// a pod.
package review
