package policy

import "strings"

// Paths of Windows nodes. A pod that names Windows as its OS (spec.os.name) is
// held to prefixes with a drive letter, C:\var\lib, and any other pod to those
// with slashes, so that neither opens what the other was written for. Windows
// takes a slash for a backslash, and no case for another; of what else it does
// with a path, below, no part is followed: such a path is clean for nobody.

// isWindowsPath reports whether a path begins with a drive letter.
func isWindowsPath(path string) bool { return len(path) >= 2 && isLetter(path[0]) && path[1] == ':' }

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func isSeparator(b byte) bool { return b == '\\' || b == '/' }

// CoversWindows is [Covers] for the nodes of Windows: the prefix begins with a
// drive letter, as in C:\var\lib, and neither the case of ASCII letters nor which
// of the two slashes divides segments makes a difference. A path without a drive
// letter that begins with one slash is one of the drive C, as the kubelet has it.
// A segment that ends in a dot or space, that has a character which no file name
// may have, or that names a device, is clean in neither.
func CoversWindows(prefix, path string) bool {
	if !isWindowsPath(prefix) {
		return false
	}
	ofPrefix, rest, ok := cutDrive(prefix)
	if !ok || !areNames(rest) {
		return false
	}
	ofPath, within, ok := cutDrive(path)
	if !ok || !areNames(within) || ofPrefix != ofPath {
		return false
	}
	for rest != "" {
		var want, have string
		want, rest = cutName(rest)
		if have, within = cutName(within); !sameName(want, have) {
			return false
		}
	}
	return true
}

// cutDrive takes the drive, in lower case, and the slash behind it off a path.
func cutDrive(path string) (drive byte, rest string, ok bool) {
	switch {
	case isWindowsPath(path) && len(path) > 2 && isSeparator(path[2]):
		return path[0] | 0x20, path[3:], true
	case path != "" && isSeparator(path[0]) && (len(path) == 1 || !isSeparator(path[1])):
		return 'c', path[1:], true
	default:
		return 0, "", false
	}
}

// cutName takes the first name off a path without a drive; empty for the root.
func cutName(path string) (name, rest string) {
	if i := strings.IndexAny(path, `\/`); i >= 0 {
		return path[:i], path[i+1:]
	}
	return path, ""
}

// areNames reports whether every segment of a path without a drive is the name of
// a file. One slash may end it.
func areNames(path string) bool {
	for path != "" {
		var name string
		if name, path = cutName(path); !isName(name) {
			return false
		}
	}
	return true
}

// isName reports whether a segment is the name of a file, as Windows has it: it
// drops dots and spaces at the end, takes what follows a colon for a stream of
// the file, and opens devices by names that stand in every directory.
func isName(segment string) bool {
	if segment == "" || strings.ContainsAny(segment, `<>:"|?*`) {
		return false
	}
	for i := range len(segment) {
		if segment[i] < ' ' {
			return false
		}
	}
	last := segment[len(segment)-1]
	return last != '.' && last != ' ' && !isDevice(segment)
}

// isDevice reports whether a name is one of a device, whatever follows its first dot.
func isDevice(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	name = strings.TrimRight(name, " ")
	for _, device := range [...]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} {
		if sameName(name, device) {
			return true
		}
	}
	if len(name) < 4 || !sameName(name[:3], "COM") && !sameName(name[:3], "LPT") {
		return false
	}
	switch name[3:] {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u00b9", "\u00b2", "\u00b3":
		return true
	}
	return false
}

// sameName reports whether two names are one but for the case of ASCII letters.
// Windows has tables for others too, and to go by them here would cover more.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && (a[i]|0x20 != b[i]|0x20 || !isLetter(a[i])) {
			return false
		}
	}
	return true
}

// cleanWindows is the form in which a prefix writes a path of Windows, with its
// drive and backslashes and none at its end; "" for one that is not clean.
func cleanWindows(path string) string {
	drive, rest, ok := cutDrive(path)
	if !ok || !areNames(rest) {
		return ""
	}
	letter := string(drive &^ 0x20)
	if isWindowsPath(path) {
		letter = path[:1]
	}
	rest = strings.ReplaceAll(rest, "/", `\`)
	return letter + `:\` + strings.TrimSuffix(rest, `\`)
}
