// Package cases reads files of tests of policies: pods, the policies that are to govern them, and what is expected of
// the answer.
//
// A file has a form (form.go), which is read three times: Parse holds a file to it, Schema writes it down for editors,
// and docs/testing-policies.md is held to it by a test. A file is read strictly, for a test that is passed over passes:
// an unknown key, a key given twice, a value of another type and a case that expects nothing are errors with file, line,
// field and what to write instead, all of them at once.
package cases

import (
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
)

// Suffixes are the endings of the names of files of tests.
var Suffixes = []string{".podfence-test.yaml", ".podfence-test.yml"}

// File is a file of tests.
type File struct {
	// Name is its path.
	Name  string
	Cases []Case
	lines map[string]int
}

// Case is a test, as a file describes it: with the paths of what it is about, which are yet to be read.
type Case struct {
	Name string
	// Pods and Policies are what the case is about.
	Pods, Policies []Input
	Level          api.LevelVersion
	// Namespace is that of pods that name none.
	Namespace string
	// NamespaceLabels are the labels of the namespaces, by their names.
	NamespaceLabels map[string]map[string]string
	// At is the time of the answer; zero for none.
	At     time.Time
	Expect author.Expectation
	// at is the path of the case in its file.
	at   string
	file *File
}

// Input is a pod or a policy, in the file or in another one.
type Input struct {
	// Path is that of another file or a directory; empty for what stands in this one.
	Path string
	// Text is what stands in this file, on the lines on which it does.
	Text []byte
	// Position is where the file names it.
	policy.Position
	// Field is the path of it in the file: cases[0].pods[1].
	Field string
}

// Line is the line of a key of the case, by its path below it: "expect.violations[1]". Of one that the file does not
// have it is that of what is nearest above it.
func (c *Case) Line(field string) int {
	if field != "" {
		field = "." + field
	}
	source := policy.Source{Lines: c.file.lines}
	return source.At(c.at + field).Line
}

// Position is where the case begins.
func (c *Case) Position() policy.Position {
	return policy.Position{File: c.file.Name, Line: c.Line("")}
}

// written is a file as it is decoded, once its form is known to be right.
type written struct {
	Defaults settings      `yaml:",inline"`
	Cases    []writtenCase `yaml:"cases"`
}

// settings are what a case has of its own, or has from its file.
type settings struct {
	Policies        []yaml.Node                  `yaml:"policies"`
	Level           string                       `yaml:"level"`
	Version         string                       `yaml:"version"`
	Namespace       string                       `yaml:"namespace"`
	NamespaceLabels map[string]map[string]string `yaml:"namespaceLabels"`
	At              string                       `yaml:"at"`
}

type writtenCase struct {
	Name   string      `yaml:"name"`
	Pods   []yaml.Node `yaml:"pods"`
	Own    settings    `yaml:",inline"`
	Expect struct {
		Verdict    author.Verdict  `yaml:"verdict"`
		Policy     *string         `yaml:"policy"`
		Violations []yaml.Node     `yaml:"violations"`
		Excused    []yaml.Node     `yaml:"excused"`
		Filled     []author.Filled `yaml:"filled"`
		Unchanged  bool            `yaml:"unchanged"`
	} `yaml:"expect"`
}

// writtenID is an expected violation.
type writtenID struct{ ID, Field string }
