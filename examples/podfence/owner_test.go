//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// rewrite runs mutate -i over a file, which is to be rewritten, and returns what
// it says but for its summary.
func rewrite(t *testing.T, path string) string {
	t.Helper()
	var stderr bytes.Buffer
	if status := run([]string{"mutate", "-i", path}, nil, io.Discard, &stderr); status != statusAllowed {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	return said(t, stderr.String())
}

func said(t *testing.T, stderr string) string {
	t.Helper()
	warned, summary, _ := strings.Cut(stderr, "rewrote ")
	if !strings.HasPrefix(summary, "1 of 1 file;") {
		t.Fatalf("stderr %q", stderr)
	}
	var kept strings.Builder
	for line := range strings.Lines(warned) {
		if !strings.Contains(line, "may not start") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func podFile(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "pod.yaml")
	if err := os.WriteFile(path, []byte(barePod), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInPlaceKeepsMode: every bit of the mode, whatever the umask would leave.
func TestInPlaceKeepsMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o640, 0o644, 0o664, 0o666, 0o755, 0o444, 0o400, 0o644 | os.ModeSticky, 0o755 | os.ModeSetuid, 0o755 | os.ModeSetgid} {
		path := podFile(t, t.TempDir())
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		warned := rewrite(t, path)
		after, err := os.Stat(path)
		if err != nil || after.Mode() != before.Mode() || after.Size() == before.Size() || warned != "" {
			t.Errorf("mode %v has become %v, size %d (%v): %s", before.Mode(), after.Mode(), after.Size(), err, warned)
		}
	}
}

// TestInPlaceHardLink: the other name of the file keeps the old text, as is said.
func TestInPlaceHardLink(t *testing.T) {
	path := podFile(t, t.TempDir())
	other := path + ".other"
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("podfence: warning: %s was written, but its other hard links (1) keep the old text\n", path)
	if warned := rewrite(t, path); warned != want {
		t.Errorf("%q, want %q", warned, want)
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != barePod {
		t.Errorf("the other name holds %q (%v)", text, err)
	}
}

// TestInPlaceKeepsOwner: root may give the file back to its owner, also behind a
// symbolic link, which stays one.
func TestInPlaceKeepsOwner(t *testing.T) {
	needsRoot(t)
	dir := t.TempDir()
	path, link := podFile(t, dir), filepath.Join(dir, "link.yaml")
	err := errors.Join(os.Symlink("pod.yaml", link), os.Chown(path, 1234, 2345), os.Chmod(path, 0o640|os.ModeSetgid))
	if err != nil {
		t.Fatal(err)
	}
	if warned := rewrite(t, link); warned != "" {
		t.Error(warned)
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 2345 || info.Mode() != 0o640|os.ModeSetgid {
		t.Errorf("owner %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v (%v)", info, err)
	}
}

// TestInPlaceOwnerLost: another user gets a file of their own, is told so, and
// keeps the group where it is one of theirs.
func TestInPlaceOwnerLost(t *testing.T) {
	needsRoot(t)
	dir := sharedDir(t)
	self := filepath.Join(dir, "podfence")
	if err := copyExecutable(t, self); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		why      string
		uid, gid int
		mode     os.FileMode
		want     string // owner and mode
		warning  string
	}{
		{"somebody else's", 5678, 5678, 0o644, "1234:1234 -rw-r--r--", "its owner could not be kept: it was 5678:5678 and is 1234:1234"},
		{"somebody else's, of a group of ours", 5678, 4321, 0o664, "1234:4321 -rw-rw-r--", "its owner could not be kept: it was 5678:4321 and is 1234:4321"},
		{"ours, of a group that is not", 1234, 5678, 0o640, "1234:1234 -rw-r-----", "its group could not be kept: it was 5678 and is 1234"},
		{"ours, of another group of ours", 1234, 4321, 0o640, "1234:4321 -rw-r-----", ""},
		{"no program becomes ours", 5678, 5678, 0o755 | os.ModeSetuid, "1234:1234 -rwxr-xr-x", "its owner could not be kept: it was 5678:5678 and is 1234:1234"},
	}
	for _, row := range rows {
		path := podFile(t, dir)
		if err := errors.Join(os.Chown(path, row.uid, row.gid), os.Chmod(path, row.mode)); err != nil {
			t.Fatal(err)
		}
		out, err := rewriteAs1234(self, path)
		if err != nil {
			t.Fatalf("%s: %v: %s", row.why, err, out)
		}
		want := ""
		if row.warning != "" {
			want = fmt.Sprintf("podfence: warning: %s was written, but %s\n", path, row.warning)
		}
		if warned := said(t, string(out)); warned != want {
			t.Errorf("%s: %q, want %q", row.why, warned, want)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		s := info.Sys().(*syscall.Stat_t)
		if got := fmt.Sprintf("%d:%d %v", s.Uid, s.Gid, info.Mode()); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInPlaceForbidden: in a directory into which nothing may be written the file
// stays as it is.
func TestInPlaceForbidden(t *testing.T) {
	needsRoot(t)
	dir := sharedDir(t)
	self := filepath.Join(dir, "podfence")
	if err := errors.Join(copyExecutable(t, self), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	path := podFile(t, dir)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := rewriteAs1234(self, path)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != statusUndecided || !strings.Contains(string(out), "podfence: "+path+" is left as it was: ") {
		t.Errorf("%v: %s", err, out)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != barePod {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}

// rewriteAs1234 runs mutate -i as the user 1234, who is in the group 4321 too.
func rewriteAs1234(command, path string) ([]byte, error) {
	cmd := exec.Command(command, "mutate", "-i", path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234, Groups: []uint32{4321}}}
	cmd.Dir = filepath.Dir(path)
	return cmd.CombinedOutput()
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away, and run as somebody else: run this test as root")
	}
	if err := os.Chown(podFile(t, t.TempDir()), 1234, 4321); err != nil {
		t.Skipf("this root cannot give files away, as in a user namespace of its own: %v", err)
	}
}

// sharedDir is a temporary directory into which every user may write.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "podfence")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// copyExecutable copies the running test, which is the command by another name.
func copyExecutable(t *testing.T, to string) error {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Chmod(0o755), f.Close())
}
