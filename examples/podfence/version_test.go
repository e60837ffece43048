package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/spec"
)

// TestVersion: what the go command writes into a binary, by the way in which it
// was built.
func TestVersion(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, row := range []struct {
		name string
		info *debug.BuildInfo
		want versionRecord
		line string // the second of the text
	}{
		{
			"a release, installed", &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}},
			versionRecord{Version: "v0.1.0"}, "built with GO",
		},
		{
			"a clone", &debug.BuildInfo{
				Main:     debug.Module{Version: "v0.1.1-0.20260102030405-0123456789ab"},
				Settings: []debug.BuildSetting{setting("vcs", "git"), setting("vcs.revision", "0123456789ab"), setting("vcs.modified", "false")},
			},
			versionRecord{Version: "v0.1.1-0.20260102030405-0123456789ab", Revision: "0123456789ab"}, "built with GO from commit 0123456789ab",
		},
		{
			"a clone with changes", &debug.BuildInfo{
				Main:     debug.Module{Version: "(devel)"},
				Settings: []debug.BuildSetting{setting("vcs.revision", "0123456789ab"), setting("vcs.modified", "true")},
			},
			versionRecord{Version: "(devel)", Revision: "0123456789ab", Modified: true}, "built with GO from commit 0123456789ab and changes to it",
		},
		{"a test, whose module has no version", &debug.BuildInfo{}, versionRecord{Version: "(devel)"}, "built with GO"},
		{"another build system, which writes nothing", nil, versionRecord{Version: "(devel)"}, "built with GO"},
	} {
		row.want.Go, row.want.Kubernetes = runtime.Version(), spec.Newest().String()
		got := versionOf(row.info)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		want := "podfence " + row.want.Version + "\n" + strings.Replace(row.line, "GO", runtime.Version(), 1) +
			"\nknows the Pod Security Standards up to Kubernetes " + spec.Newest().String() + "\n"
		if text := got.text(); text != want {
			t.Errorf("%s: %q, want %q", row.name, text, want)
		}
	}
}
