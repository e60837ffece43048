// Package usage uses podfence as its documentation tells: with Helm, Kustomize,
// pre-commit and CI, and by every command on its pages.
//
//	tools.go       the programs that are built for it, at pinned versions
//	scratch.go     a copy of the repository in which commands are run
//	commands.go    the commands of a page
//	commands_test  runs them, or says why not
//	charts_test    what docs/charts.md says of Helm and Kustomize
//	ci_test        the files of examples/ci
package usage
