package spec

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable is text from a manifest or a policy as a line of a message may show
// it: what is printable stays, and all else is escaped as Go does, "\n", "\x1b",
// "\u202e". So no name begins a line of its own, speaks to a terminal or turns
// the direction of what stands beside it. Escaped are control characters (C0 and
// C1), characters that only format (those that turn the direction, and those of
// no width), every space but the ASCII one, and bytes that are no UTF-8.
//
// The result is for reading and cannot be read back: a backslash stays one.
func Printable(text string) string {
	at := strings.IndexFunc(text, unprintable)
	if at < 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text[:at])
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		part := text[at : at+size]
		if size == 1 && r == utf8.RuneError || !unicode.IsPrint(r) {
			quoted := strconv.Quote(part)
			part = quoted[1 : len(quoted)-1]
		}
		b.WriteString(part)
		at += size
	}
	return b.String()
}

// unprintable reports whether a character must be looked at: the replacement
// character may be one of the text's own, or stand for what is no UTF-8.
func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// PrintableJSON is JSON in which all that [Printable] would escape is escaped as
// JSON does, "\u009b": encoders leave much of it as it is. The value stays the
// same. White space between values stays too; so do bytes that are no UTF-8,
// which no encoder writes. Without anything to escape it is text itself.
func PrintableJSON(text []byte) []byte {
	if plainASCII(text) || bytes.IndexFunc(text, oddInJSON) < 0 {
		return text
	}
	var b []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if oddInJSON(r) {
			for _, unit := range utf16.AppendRune(nil, r) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		} else {
			b = append(b, text[:size]...)
		}
		text = text[size:]
	}
	return b
}

// plainASCII reports whether there is nothing odd in a text, of which most have
// ASCII alone.
func plainASCII(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c >= 0x7f {
			return false
		}
	}
	return true
}

func oddInJSON(r rune) bool {
	return !unicode.IsPrint(r) && r != utf8.RuneError && r != '\n' && r != '\t' && r != '\r'
}
