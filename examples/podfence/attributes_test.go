//go:build linux

package main

import (
	"os"
	"syscall"
	"testing"
)

// TestInPlaceKeepsAttributes: extended attributes are those of the old file, and
// one that the system sets by itself is no loss.
func TestInPlaceKeepsAttributes(t *testing.T) {
	path := podFile(t, t.TempDir())
	if err := syscall.Setxattr(path, "user.origin", []byte("by hand"), 0); err != nil {
		t.Skipf("the file system of %s takes no attributes: %v", os.TempDir(), err)
	}
	warned := rewrite(t, path)
	if value, err := attribute(path, "user.origin"); err != nil || string(value) != "by hand" || warned != "" {
		t.Errorf("the attribute is %q (%v): %s", value, err, warned)
	}
}

// TestAttributesLost: what cannot be kept is named.
func TestAttributesLost(t *testing.T) {
	dir := t.TempDir()
	path := podFile(t, dir)
	if err := syscall.Setxattr(path, "user.origin", []byte("by hand"), 0); err != nil {
		t.Skipf("the file system of %s takes no attributes: %v", os.TempDir(), err)
	}
	gone, err := os.CreateTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if err := os.Remove(gone.Name()); err != nil { // so that nothing can be set
		t.Fatal(err)
	}
	if lost, err := keepAttributes(gone, path); err != nil || lost != "extended attributes could not be kept: user.origin" {
		t.Errorf("%q (%v)", lost, err)
	}
}
