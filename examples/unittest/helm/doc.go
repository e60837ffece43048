// Package helm shows how a Helm chart is tested: rendered by Helm's own engine, with
// the values that its users set, and held to what clusters allow. It has tests only.
package helm
