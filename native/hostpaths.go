package native

import (
	"strings"

	"github.com/podfence/podfence/policy"
)

// A host path of a policy is a word of the literal: how it must be mounted, the types
// that it admits, and its prefix, divided by bars.
const (
	mountedAnyhow        = "w"
	mountedReadOnly      = "r"
	mountedRecursiveOnly = "R"
)

func hostPathWord(h *policy.HostPath) string {
	mount := mountedAnyhow
	switch {
	case h.RecursiveReadOnly:
		mount = mountedRecursiveOnly
	case h.ReadOnly:
		mount = mountedReadOnly
	}
	return mount + "|" + strings.Join(h.Types, ",") + "|" + plainPath(h.PathPrefix)
}

// plainPath is a prefix in the form in which paths are compared: without a slash at
// its end, of Windows in lower case and with slashes.
func plainPath(prefix string) string {
	if len(prefix) >= 2 && prefix[1] == ':' {
		prefix = strings.ReplaceAll(lowerASCII(prefix), `\`, "/")
	}
	return strings.TrimSuffix(prefix, "/")
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// admitsPath holds of the hostPath of a volume o that an entry a of a policy admits.
func admitsPath(a, o string) string {
	return "[" + a + ".split('|', 3)].exists(h, (h[0] == '" + mountedAnyhow + "' || h[0] == '" + mountedReadOnly + "' && !" + o + ".writable || h[0] == '" + mountedRecursiveOnly + "' && !" + o + ".submounts) && " +
		"(h[1] == '' || " + o + ".type != '' && " + o + ".type in h[1].split(',')) && " +
		o + ".path != '' && (h[2].contains(':') && !h[2].startsWith('/')) == variables.windows && (" + o + ".path == h[2] + '/' || " + o + ".path.startsWith(h[2] + '/')))"
}

// comparedPath is the path of a hostPath volume o in the form in which paths are
// compared, with a slash at its end; empty for one that is not clean, which no prefix
// covers.
var comparedPath = "variables.windows ? " + windowsPath + " : " + linuxPath

const linuxPath = `[o.?hostPath.?path.orValue('')].map(h, !h.startsWith('/') || h.contains('\\') || h.contains('//') || h.matches('(^|/)[.][.]?(/|$)') ? '' : h.endsWith('/') ? h : h + '/')[0]`

// windowsPath follows policy.CoversWindows: a path that begins with one slash is of
// drive C, and names that Windows takes for something else are clean in none.
const windowsPath = `[o.?hostPath.?path.orValue('').lowerAscii().replace('\\', '/')].map(h, h.startsWith('/') ? 'c:' + h : h).map(h, ` +
	`!h.matches('^[a-z]:/') || h.contains('//') || h.substring(2).matches('[<>:"|?*\\x00-\\x1f]|[. ](/|$)|/(con|prn|aux|nul|conin[$]|conout[$]|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *([.][^/]*)?(/|$)') ? '' : h.endsWith('/') ? h : h + '/')[0]`
