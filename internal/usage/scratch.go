package usage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// scratch is a copy of the repository, in which a page's commands may write.
type scratch struct {
	dir string
	// cwd is the directory in which the next command runs, and old where "cd -" leads.
	cwd, old string
	// env is what its commands see beside the environment of the test.
	env []string
}

// newScratch copies the files of the repository, those too that are not committed
// yet, and what testdata/site has for commands that name the reader's own files.
func newScratch(dir, bin string) (*scratch, error) {
	tracked, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(tracked), "\x00"), "\x00") {
		err := copyFile(filepath.Join(root, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // one that was removed and is not committed
			return nil, err
		}
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "site"))); err != nil {
		return nil, err
	}
	home := filepath.Join(dir, ".home")
	// Two programs are called helm: each has a directory for the PATH.
	for _, helm := range []string{"helm3", "helm4"} {
		if err := os.MkdirAll(filepath.Join(home, helm), 0o777); err != nil {
			return nil, err
		}
		if err := os.Symlink(filepath.Join(bin, helm), filepath.Join(home, helm, "helm")); err != nil {
			return nil, err
		}
	}
	stubs, err := filepath.Abs(filepath.Join("testdata", "bin"))
	if err != nil {
		return nil, err
	}
	return &scratch{dir: dir, cwd: dir, env: []string{
		"PATH=" + strings.Join(append([]string{stubs, bin}, others()...), string(os.PathListSeparator)),
		"GOBIN=" + filepath.Join(home, "gobin"),
		"HELM_CONFIG_HOME=" + home, "HELM_CACHE_HOME=" + home, "HELM_DATA_HOME=" + home,
		"PRE_COMMIT_HOME=" + filepath.Join(home, "pre-commit"),
		"NO_COLOR=1",
		// Packages that were built in the clone need not be built again in its copy.
		"GOFLAGS=-trimpath -buildvcs=false",
	}}, nil
}

// others are the directories of the test's own PATH, without those that have a
// podfence of another version.
func others() (dirs []string) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "podfence")); err != nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

// result is what a command did.
type result struct {
	status         int
	stdout, stderr string
}

func (r result) String() string {
	return fmt.Sprintf("status %d\n[stdout]\n%s[stderr]\n%s", r.status, r.stdout, r.stderr)
}

// shell runs a command by bash where the one before it ended.
func (s *scratch) shell(command string, env ...string) (result, error) {
	where := filepath.Join(s.dir, ".home", "cwd")
	// The exit status is the command's, and of a pipe the first that is not 0.
	script := "set -o pipefail\nOLDPWD=" + s.old + "\n" + command + "\nstatus=$?\npwd >" + where + "\nexit $status\n"
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = s.cwd
	cmd.Env = append(append(os.Environ(), s.env...), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return result{}, err
	}
	if cwd, err := os.ReadFile(where); err == nil {
		if now := strings.TrimSpace(string(cwd)); now != s.cwd {
			s.cwd, s.old = now, s.cwd
		}
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}
