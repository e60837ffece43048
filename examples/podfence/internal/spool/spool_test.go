package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
)

// TestSpool: an input comes out twice as it went in, in memory and in a file, and
// ends as it ended.
func TestSpool(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 10)
	broken := errors.New("broken pipe")
	for _, tt := range []struct {
		name     string
		inMemory int64
		in       io.Reader
		failed   error
		file     bool
	}{
		{"shorter than the memory", 200, bytes.NewReader(text), nil, false},
		{"as long as the memory", 100, bytes.NewReader(text), nil, true},
		{"longer", 7, iotest.OneByteReader(bytes.NewReader(text)), nil, true},
		{"broken in memory", 200, io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken)), broken, false},
		{"broken in the file", 7, io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken)), broken, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			s, err := newSpool(tt.in, tt.inMemory)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := io.ReadAll(s.Reader())
				if !bytes.Equal(got, text) || !errors.Is(err, tt.failed) {
					t.Errorf("%q with %v", got, err)
				}
			}
			if (s.file != nil) != tt.file {
				t.Errorf("a file: %t", s.file != nil)
			}
			s.Close()
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestNoRoom: where nothing can be kept, that is an error, and no short input.
func TestNoRoom(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/nowhere")
	if _, err := newSpool(bytes.NewReader(make([]byte, 100)), 7); err == nil {
		t.Error("no error without a place for the file")
	}
	if _, err := newSpool(bytes.NewReader(make([]byte, 6)), 7); err != nil {
		t.Error("a short input needs no file: ", err)
	}
}
