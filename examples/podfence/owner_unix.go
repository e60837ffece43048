//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// keepOwner gives a new file the owner and the group of the one that it replaces.
// Only root may give a file away, and others only to a group of their own: lost
// says what could not be kept.
func keepOwner(f *os.File, old os.FileInfo) (lost string, err error) {
	now, err := f.Stat()
	if err != nil {
		return "", err
	}
	was, is := old.Sys().(*syscall.Stat_t), now.Sys().(*syscall.Stat_t)
	group := is.Gid
	switch {
	case was.Uid == is.Uid && was.Gid == is.Gid, f.Chown(int(was.Uid), int(was.Gid)) == nil:
		return "", nil
	case f.Chown(-1, int(was.Gid)) == nil:
		group = was.Gid
	}
	if was.Uid == is.Uid {
		return fmt.Sprintf("its group could not be kept: it was %d and is %d", was.Gid, group), nil
	}
	return fmt.Sprintf("its owner could not be kept: it was %d:%d and is %d:%d", was.Uid, was.Gid, is.Uid, group), nil
}

// names is how many names a file has: hard links, of which a rename replaces one.
func names(info os.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Nlink) }
