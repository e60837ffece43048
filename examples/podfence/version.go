package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/spec"
)

func (a *app) versionCommand() *cobra.Command {
	form := ""
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the newest Kubernetes that it knows",
		Long: `Version prints the version of podfence, the Go version that built it, and the
newest version of Kubernetes whose Pod Security Standards it knows. Built in a
clone, it also names the commit, and reports whether files differed from it.

With -o json it is one line, with -o yaml one document, with the keys version,
revision, modified, go and kubernetes. Where the build has no version it is
(devel), and where it has no commit revision is empty.`,
		Example: `  podfence version
  podfence version -o json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.version(form) },
	}
	outputFlag(cmd, &form, recordForms...)
	return cmd
}

func (a *app) version(form string) error {
	v := buildVersion()
	switch form {
	case "json":
		return writeJSON(a.out, v)
	case "yaml":
		return writeYAML(a.out, v)
	default:
		_, err := a.out.WriteString(v.text())
		return err
	}
}

// buildVersion is what this binary says of itself.
func buildVersion() versionRecord {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionRecord is what a binary says of itself.
type versionRecord struct {
	// Version is that of this module: a release, a version that the go command
	// made of a commit, or (devel).
	Version string `json:"version"`
	// Revision is the commit of the clone in which it was built, if known.
	Revision string `json:"revision"`
	// Modified: the clone had changes that are in no commit.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	// Kubernetes is the newest version whose standards are known.
	Kubernetes string `json:"kubernetes"`
}

// devel is what the go command calls a build that has no version.
const devel = "(devel)"

// versionOf reads what the go command wrote into the binary; nil if it wrote
// nothing.
func versionOf(info *debug.BuildInfo) versionRecord {
	v := versionRecord{Version: devel, Go: runtime.Version(), Kubernetes: spec.Newest().String()}
	if info == nil {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v *versionRecord) text() string {
	from := ""
	if v.Revision != "" {
		from = " from commit " + v.Revision + only(v.Modified, " and changes to it")
	}
	return fmt.Sprintf("podfence %s\nbuilt with %s%s\nknows the Pod Security Standards up to Kubernetes %s\n",
		v.Version, v.Go, from, v.Kubernetes)
}
