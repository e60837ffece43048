package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSettings is how long a file of settings may be.
const maxSettings = 1 << 20

// HoldsSettings reports whether a file is JSON with comments or trailing commas, as tsconfig.json and an editor's
// settings are, and holds neither an API object nor a container. Only a *.json is looked at.
func HoldsSettings(path string) bool {
	if strings.ToLower(filepath.Ext(path)) != ".json" {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSettings+1))
	return err == nil && len(text) <= maxSettings && isSettings(text)
}

// isSettings reports whether a text is JSON, but for comments and trailing commas, and holds nothing that is Kubernetes':
// no object or list element at its root with a kind or an apiVersion, and at no depth an apiVersion or a list of containers.
func isSettings(text []byte) bool {
	text = withoutComments(bytes.TrimPrefix(text, byteOrderMark))
	if !json.Valid(text) {
		return false
	}
	w := walk(text)
	for {
		if _, err := w.ReadToken(); err != nil {
			return errors.Is(err, io.EOF)
		}
		if !w.atKey() {
			continue
		}
		outer, _ := w.StackIndex(1)
		key := strings.ToLower(string(w.StackPointer().LastToken()))
		atRoot := w.StackDepth() == 1 || w.StackDepth() == 2 && outer == '['
		if key == "apiversion" || key == "kind" && atRoot || strings.HasSuffix(key, "containers") {
			return false
		}
	}
}

// withoutComments returns a text with spaces for what JSON does not have: comments, and a comma before a closing bracket.
func withoutComments(text []byte) []byte {
	out := bytes.Clone(text)
	comma := -1 // the last comma, if only space and comments came since
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			i, comma = stringEnd(out, i)-1, -1
		case c == '/':
			if n := commentLength(out[i:]); n > 0 {
				copy(out[i:i+n], bytes.Repeat([]byte{' '}, n))
				i += n - 1
			}
		case c == ',':
			comma = i
		case (c == '}' || c == ']') && comma >= 0:
			out[comma], comma = ' ', -1
		case c > ' ':
			comma = -1
		}
	}
	return out
}

// commentLength is the length of the comment with which a text begins, 0 if there is none or if it has no end.
func commentLength(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("//")):
		return len(bytes.TrimSuffix(text[:lineLength(text)], []byte("\n")))
	case bytes.HasPrefix(text, []byte("/*")):
		if end := bytes.Index(text[2:], []byte("*/")); end >= 0 {
			return end + 4
		}
	}
	return 0
}

// stringEnd returns the end of the string that starts at start.
func stringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
