package levels

import (
	"bytes"
	"io"
)

// kind is how a Namespace says what it is, also within "NamespaceList".
const kind = "Namespace"

// MayHold reports whether an input may hold a Namespace, at a glance: it has the word,
// or something by which the word may be written without standing there. That is a
// backslash, which begins an escape in JSON and YAML, or a NUL, as UTF-16 has them. A
// folder of manifests is mostly files that hold none, and to read all of them as
// manifests takes far longer. An error in reading is the reader's to report.
func MayHold(r io.Reader) bool {
	buffer := make([]byte, 64<<10)
	kept := 0 // bytes of the block before, in which the word may have begun
	for {
		n, err := r.Read(buffer[kept:])
		text := buffer[:kept+n]
		if bytes.Contains(text, []byte(kind)) || bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, 0) >= 0 {
			return true
		}
		if err != nil {
			return false
		}
		kept = copy(buffer, text[max(0, len(text)-len(kind)+1):])
	}
}
