package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// keepAttributes gives a new file the extended attributes of the one that it
// replaces, its access control list among them. lost names those that could not
// be kept.
func keepAttributes(f *os.File, old string) (lost string, err error) {
	list, err := attributes(func(to []byte) (int, error) { return syscall.Listxattr(old, to) })
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			err = nil
		}
		return "", err
	}
	var left []string
	for name := range strings.SplitSeq(string(list), "\x00") {
		if name == "" {
			continue
		}
		value, err := attribute(old, name)
		if err == nil && !hasAttribute(f.Name(), name, value) { // as it may have a security label
			err = syscall.Setxattr(f.Name(), name, value, 0)
		}
		if err != nil {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		return "", nil
	}
	return fmt.Sprintf("extended attributes could not be kept: %s", strings.Join(left, ", ")), nil
}

func hasAttribute(path, name string, value []byte) bool {
	has, err := attribute(path, name)
	return err == nil && bytes.Equal(has, value)
}

func attribute(path, name string) ([]byte, error) {
	return attributes(func(to []byte) (int, error) { return syscall.Getxattr(path, name, to) })
}

// attributes asks for the length and then for the text, as the system wants it.
func attributes(get func(to []byte) (int, error)) ([]byte, error) {
	n, err := get(nil)
	if err != nil || n == 0 {
		return nil, err
	}
	text := make([]byte, n)
	n, err = get(text)
	return text[:max(n, 0)], err
}
