package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
	"unicode"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// TestLogIsPrintable: neither form of the log passes a name on that ends its line
// or speaks to a terminal.
func TestLogIsPrintable(t *testing.T) {
	const hostile = "x\nallowed\r\x1b[2J\u009b\x7f\u202e\u2066\xff"
	for _, encoder := range []string{"json", "console"} {
		var o options
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		o.bind(flags)
		if err := flags.Parse([]string{"--zap-encoder", encoder}); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		log := zap.New(zap.UseFlagOptions(&o.log), zap.WriteTo(printable{&out})).WithName("a")
		log.Info("decided", "name", hostile)
		log.WithValues("name", hostile).Error(errors.New(hostile), "nothing could be filled in")
		text := strings.NewReplacer("\n", "", "\t", "").Replace(out.String())
		if at := strings.IndexFunc(text, func(r rune) bool { return r != '\ufffd' && !unicode.IsPrint(r) }); at >= 0 || strings.Contains("\n"+out.String(), "\nallowed") {
			t.Errorf("%s: unprintable at %d of %q", encoder, at, text)
		}
		if strings.Count(out.String(), `x\nallowed`) != 3 {
			t.Errorf("%s: %s", encoder, out.String())
		}
	}
}

// TestPrintableWriter: a line counts as written whole, as zap expects, or not at all.
func TestPrintableWriter(t *testing.T) {
	var out bytes.Buffer
	if n, err := (printable{&out}).Write([]byte("\u202e\n")); n != 4 || err != nil || out.String() != "\\u202e\n" {
		t.Errorf("%d bytes, %v: %q", n, err, out.String())
	}
	if n, err := (printable{broken{}}).Write([]byte("a")); n != 0 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }
