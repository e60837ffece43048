package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// windowsSegments splits a path as a Windows node would read it, its drive first
// and all in lower case, and reports whether it is one that a prefix may cover.
func windowsSegments(path string) (list []string, clean bool) {
	path = strings.ToLower(strings.ReplaceAll(path, "/", `\`))
	if strings.HasPrefix(path, `\`) {
		path = "c:" + path
	}
	drive, rest, found := strings.Cut(path, `:\`)
	if !found || len(drive) != 1 || drive < "a" || drive > "z" {
		return nil, false
	}
	list = []string{drive}
	if rest == "" {
		return list, true
	}
	for _, s := range strings.Split(strings.TrimSuffix(rest, `\`), `\`) {
		if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, " ") || strings.Contains(s, ":") {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// TestCoversWindowsExhaustively: a prefix with a drive letter covers a path
// exactly if both are clean and its segments begin the path's, but for case and
// which slash it is, for every prefix and path over a few characters.
func TestCoversWindowsExhaustively(t *testing.T) {
	cases, covered := 0, 0
	var prefixes, paths []string
	eachString(`\.aA`, 4, func(s string) { prefixes = append(prefixes, "a:"+s, "C:"+s) })
	eachString(`\/.aA:`, 4, func(s string) { paths = append(paths, s, "A:"+s, "c:"+s) })
	for _, prefix := range prefixes {
		begin, prefixClean := windowsSegments(prefix)
		for _, path := range paths {
			list, clean := windowsSegments(path)
			want := prefixClean && clean && len(list) >= len(begin) && slices.Equal(list[:len(begin)], begin)
			cases++
			if want {
				covered++
			}
			if got := policy.CoversWindows(prefix, path); got != want {
				t.Errorf("CoversWindows(%q, %q) = %v, want %v", prefix, path, got, want)
			}
		}
	}
	if cases != 682*4665 || covered != 2198 {
		t.Errorf("%d cases, %d covered, want %d and 2198", cases, covered, 682*4665)
	}
}

// TestCoversWindows: what Windows does with paths, of which no part is followed.
func TestCoversWindows(t *testing.T) {
	const prefix = `C:\data`
	for _, row := range []struct {
		name, why, path string
		want            bool
	}{
		{"below", "whole segments", `C:\data\logs`, true},
		{"another case", "Windows knows no case", `c:\DATA\Logs`, true},
		{"slashes", "Windows takes them for backslashes", `C:/data/logs/`, true},
		{"no drive", "the kubelet takes it for one of drive C", `/data/logs`, true},
		{"no drive and backslashes", "the same", `\data\logs`, true},
		{"another drive", "another disk", `D:\data`, false},
		{"look-alike", "whole segments", `C:\database`, false},
		{"dot dot", "Windows would resolve it", `C:\data\..\Windows`, false},
		{"dot dot by slash", "either slash divides", `C:\data\../Windows`, false},
		{"dot dot and a space", "Windows drops the space", `C:\data\.. \Windows`, false},
		{"a dot at the end", "Windows drops it", `C:\data\logs.`, false},
		{"the prefix and a space", "Windows drops it", `C:\data `, false},
		{"relative to the drive", "to wherever it happens to be", `C:data`, false},
		{"relative", "to wherever the kubelet is", `data`, false},
		{"a share", "another machine", `\\server\data`, false},
		{"a device path", "it leads anywhere", `\\?\C:\data`, false},
		{"a pipe", "it is no file of the drive", `\\.\pipe\data`, false},
		{"a stream", "another file in the file", `C:\data\a:b`, false},
		{"a pattern", "no file has such a name", `C:\data\*`, false},
		{"a device", "it stands in every directory", `C:\data\con`, false},
		{"a device with an extension", "which does not matter", `C:\data\Com1.txt`, false},
		{"a device with a digit above", "they count too", "C:\\data\\LPT\u00b2", false},
		{"no device", "it only begins like one", `C:\data\console\com10\lpt`, true},
		{"a control character", "no file has such a name", "C:\\data\\a\nb", false},
		{"empty", "no path", "", false},
	} {
		if got := policy.CoversWindows(prefix, row.path); got != row.want {
			t.Errorf("%s: %q is covered: %v, want %v: %s", row.name, row.path, got, row.want, row.why)
		}
	}
	for _, other := range []struct{ prefix, path string }{
		{"C:\\disk", "C:\\di\u017fk"}, {"C:\\k", "C:\\\u212a"}, // fold to ASCII in Unicode, and not on Windows
		{`\data`, `\data`}, {"/data", "/data"}, {"C:", `C:\`}, {"", `C:\data`},
		{`C:\da\..\data`, `C:\data`}, {`C:\a[`, `C:\a{`},
	} {
		if policy.CoversWindows(other.prefix, other.path) {
			t.Errorf("%q covers %q", other.prefix, other.path)
		}
	}
	if n := testing.AllocsPerRun(100, func() { policy.CoversWindows(`C:\data\logs`, `c:/Data/LOGS/a/b/`) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestBackslashIsNotClean: where the node is one of Windows it divides segments,
// so that no prefix with slashes covers a path with one.
func TestBackslashIsNotClean(t *testing.T) {
	for _, path := range []string{`/data\..\etc`, `/data/a\b`, `/data\`, `\data`, `C:\data`} {
		for _, prefix := range []string{"/data", "/", `/data\..`, path} {
			if policy.Covers(prefix, path) {
				t.Errorf("%q covers %q", prefix, path)
			}
		}
	}
}

// TestPathsOfOneSystem: an entry speaks of pods of one operating system, whatever
// their paths look like.
func TestPathsOfOneSystem(t *testing.T) {
	for _, row := range []struct {
		prefix, path   string
		linux, windows bool
	}{
		{"/data", "/data/x", true, false},
		{"/", "/Windows", true, false},
		{`C:\data`, "/data/x", false, true},
		{`C:\data`, `C:\data\x`, false, true},
		{`C:\data`, "c:/data/x", false, true},
		{`C:\`, "/etc", false, true},
		{"/", `C:\data`, false, false},
	} {
		a := policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: row.prefix}}}
		if linux, windows := a.HostPath(row.path, 0), a.HostPath(row.path, spec.OnWindows); linux != row.linux || windows != row.windows {
			t.Errorf("%q covers %q: %v on Linux and %v on Windows, want %v and %v", row.prefix, row.path, linux, windows, row.linux, row.windows)
		}
	}
}
