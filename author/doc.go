// Package author helps those who write policies and those who accept them.
package author
