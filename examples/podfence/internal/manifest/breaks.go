package manifest

import "bytes"

// exotic are the line breaks of YAML 1.1 that no editor counts: NEL, LS and PS, as a minified script in a ConfigMap may
// hold them. A lone "\r" is another one.
var exotic = [][]byte{[]byte("\u0085"), []byte("\u2028"), []byte("\u2029")}

// breaks maps lines as the YAML library counts them, from 1, to lines as editors do. It is empty if they are the same.
type breaks []int

func (b breaks) line(n int) int {
	if len(b) == 0 {
		return max(n, 1)
	}
	return b[min(max(n, 1), len(b))-1]
}

func breaksOf(text []byte) breaks {
	if !hasExotic(text) {
		return nil
	}
	b, line := breaks{1}, 1
	for i := 0; i < len(text); i++ {
		if size := breakAt(text[i:]); size > 0 {
			line += lines(text[i:], size)
			i += size - 1
			b = append(b, line)
		}
	}
	return b
}

func hasExotic(text []byte) bool {
	for _, e := range exotic {
		if bytes.Contains(text, e) {
			return true
		}
	}
	return bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n"))
}

// breakAt returns the length of the line break, in the library's eyes, at the start of text.
func breakAt(text []byte) int {
	switch {
	case text[0] == '\n':
		return 1
	case text[0] == '\r':
		return max(1, 2*bytes.Count(text[:min(2, len(text))], []byte("\r\n")))
	case text[0] < 0x80:
		return 0
	}
	for _, e := range exotic {
		if bytes.HasPrefix(text, e) {
			return len(e)
		}
	}
	return 0
}
