package policies

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const (
	good    = "name: good\npodSelectorLabels: {app: web}\n"
	another = "name: another\nnamespace: shop\npodSelectorLabels: {app: web}\n"
	bad     = "name: bad\npodSelectorLabels: {app: web}\nalow: {}\n"
)

func newStore(t *testing.T, files map[string]string) *Store {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, dir, name, text)
	}
	return New(dir, logr.Discard(), prometheus.NewRegistry())
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReload: which files are read, and what becomes of the set in force.
func TestReload(t *testing.T) {
	for _, row := range []struct {
		name, why string
		files     map[string]string
		inForce   []string
		says      string
	}{
		{"no file", "a cluster without exceptions", nil, []string{}, ""},
		{"files of each kind", "the names say which are policies", map[string]string{"a.yaml": good, "b.yml": another}, []string{"shop/another", "good"}, ""},
		{"other files", "a README is no policy", map[string]string{"a.yaml": good, "README.md": "hello", ".hidden.yaml": bad}, []string{"good"}, ""},
		{"one bad file", "half of the policies would be another set", map[string]string{"a.yaml": good, "b.yaml": bad}, []string{}, "b.yaml:3: alow: unknown key; did you mean allow?"},
		{"all bad files", "everything that is wrong is said at once", map[string]string{"a.yaml": bad, "b.yaml": bad}, []string{}, "a.yaml:3"},
		{"one name twice", "nobody could tell which governs", map[string]string{"a.yaml": good, "b.yaml": good}, []string{}, "b.yaml:1: name: a policy named good stands in "},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStore(t, row.files)
			s.Reload()
			status := s.Status()
			if got := strings.Join(status.Policies, " "); got != strings.Join(row.inForce, " ") || s.Set().Len() != len(row.inForce) {
				t.Errorf("%s: in force are %q and %d in the set, want %v", row.why, got, s.Set().Len(), row.inForce)
			}
			if got := strings.Join(status.Errors, "\n"); !strings.Contains(got, row.says) || (got == "") != (row.says == "") {
				t.Errorf("%s: errors %q, want %q", row.why, got, row.says)
			}
			if ready := s.Ready(nil) == nil; ready != (row.says == "") || ready != status.Ready {
				t.Errorf("%s: ready %v, in the status %v", row.why, ready, status.Ready)
			}
		})
	}
}

// TestOthersAreNamed: what is not read is named, in the status, the metric and, once
// for each change, the log.
func TestOthersAreNamed(t *testing.T) {
	s := newStore(t, map[string]string{"a.yaml": good, ".hidden.txt": bad})
	logged := 0
	s.log = funcr.New(func(_, line string) {
		if strings.Contains(line, "passedOver") {
			logged++
		}
	}, funcr.Options{})
	want := []string{}
	for _, row := range []struct {
		why, add, remove, shown string
		says                    int // lines of the log, until then
	}{
		{"all files are policies", "", "", "", 0},
		{"a key of a ConfigMap has no ending", "another", "", "another", 1},
		{"endings are in small letters", "b.YAML", "", "b.YAML", 2},
		{"a template", "c.yaml.tmpl", "", "c.yaml.tmpl", 3},
		{"a name forges no line", "d\n.txt", "", `d\n.txt`, 4},
		{"directories are not read", "team/", "", "team", 5},
		{"nothing has changed", "", "", "", 5},
		{"it was renamed", "", "another", "", 6},
	} {
		switch {
		case strings.HasSuffix(row.add, "/"):
			if err := os.Mkdir(filepath.Join(s.dir, row.add), 0o700); err != nil {
				t.Fatal(err)
			}
		case row.add != "":
			write(t, s.dir, row.add, another)
		case row.remove != "":
			if err := os.Remove(filepath.Join(s.dir, row.remove)); err != nil {
				t.Fatal(err)
			}
			want = slices.DeleteFunc(want, func(name string) bool { return name == row.remove })
		}
		if row.shown != "" {
			want = append(want, row.shown)
			slices.Sort(want)
		}
		s.Reload()
		if status := s.Status(); !slices.Equal(status.PassedOver, want) || !status.Ready || len(status.Policies) != 1 {
			t.Errorf("%s: passed over are %q, want %q; in force are %q", row.why, status.PassedOver, want, status.Policies)
		}
		if n := testutil.ToFloat64(s.passedOver); n != float64(len(want)) || logged != row.says {
			t.Errorf("%s: %v are counted, want %d; %d lines are logged, want %d", row.why, n, len(want), logged, row.says)
		}
	}
}

// TestAGoodSetStaysInForce: a file that is broken later changes nothing but what
// is reported, and its repair ends the report.
func TestAGoodSetStaysInForce(t *testing.T) {
	s := newStore(t, map[string]string{"a.yaml": good})
	check := func(what string, policies, reported int, successful, failures float64) {
		t.Helper()
		s.Reload()
		if n := s.Set().Len(); n != policies || s.Ready(nil) != nil {
			t.Errorf("%s: %d policies in force, want %d; ready: %v", what, n, policies, s.Ready(nil))
		}
		if n := len(s.Status().Errors); n != reported {
			t.Errorf("%s: %d errors, want %d", what, n, reported)
		}
		if got := testutil.ToFloat64(s.good); got != successful {
			t.Errorf("%s: successful is %v, want %v", what, got, successful)
		}
		if got := testutil.ToFloat64(s.failures); got != failures {
			t.Errorf("%s: %v failures, want %v", what, got, failures)
		}
		if got := testutil.ToFloat64(s.policies); got != float64(policies) {
			t.Errorf("%s: the metric says %v policies, want %d", what, got, policies)
		}
	}
	check("at first", 1, 0, 1, 0)
	write(t, s.dir, "b.yaml", bad)
	check("a bad file", 1, 1, 0, 1)
	check("the same bad file", 1, 1, 0, 1)
	write(t, s.dir, "b.yaml", bad+"too: 1\n")
	check("a worse file", 1, 2, 0, 2)
	write(t, s.dir, "b.yaml", another)
	check("mended", 2, 0, 1, 2)
	write(t, s.dir, "b.yaml", bad)
	check("broken again", 2, 1, 0, 3)
	write(t, s.dir, "b.yaml", another)
	check("taken back", 2, 0, 1, 3)
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	check("the directory is gone", 2, 1, 0, 4)
}

// TestEveryErrorIsShown: a file that cannot be read does not hide what is wrong
// with another, and each is an entry of its own.
func TestEveryErrorIsShown(t *testing.T) {
	s := newStore(t, map[string]string{"b.yaml": bad + "too: 1\n"})
	if err := os.Symlink("nowhere", filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	got := s.Status().Errors
	want := []string{
		"a.yaml: no such file or directory",
		"b.yaml:3: alow: unknown key; did you mean allow?",
		"b.yaml:4: too: unknown key; remove it",
	}
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], s.dir+"/")
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAVolumeIsReadInOneState: a ConfigMap's volume is read through its link.
func TestAVolumeIsReadInOneState(t *testing.T) {
	dir := t.TempDir()
	for _, state := range []string{"..1", "..2"} {
		if err := os.Mkdir(filepath.Join(dir, state), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "..1"), "a.yaml", good)
	write(t, filepath.Join(dir, "..2"), "a.yaml", another)
	if err := os.Symlink("..2", filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	// A link that is not of the state that is shown, as in the middle of a swap.
	if err := os.Symlink(filepath.Join("..1", "a.yaml"), filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s := New(dir, logr.Discard(), prometheus.NewRegistry())
	s.Reload()
	if got := s.Status().Policies; len(got) != 1 || got[0] != "shop/another" {
		t.Errorf("in force: %v, want those of the state that the link shows", got)
	}
}

// TestStartFollowsTheDirectory: a change is seen without being asked for.
func TestStartFollowsTheDirectory(t *testing.T) {
	s := newStore(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Start(ctx) }()
	until(t, "the first set", func() bool { return s.Ready(nil) == nil })
	write(t, s.dir, "a.yaml", good)
	until(t, "the new policy", func() bool { return s.Set().Len() == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestNoticesAreTaken: neither a burst of changes nor the watcher's own faults
// hold up the notices that come after them.
func TestNoticesAreTaken(t *testing.T) {
	s := newStore(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, faults := make(chan fsnotify.Event), make(chan error)
	go s.follow(ctx, changes{events, faults})
	deadline := time.After(time.Minute)
	for i := range 1000 {
		select {
		case events <- fsnotify.Event{}:
		case <-deadline:
			t.Fatalf("notice %d is not taken", i)
		}
		select {
		case faults <- fsnotify.ErrEventOverflow:
		case <-deadline:
			t.Fatalf("fault %d is not taken", i)
		}
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestNothingIsAnsweredBeforeTheFirstSet: a pod must not be judged without the
// policies that its operator wrote, only because they could not be read.
func TestNothingIsAnsweredBeforeTheFirstSet(t *testing.T) {
	s := newStore(t, map[string]string{"a.yaml": bad})
	s.Reload()
	handler := s.Before(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "/validate", nil))
		return w
	}
	if w := ask(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "a.yaml:3: alow") {
		t.Errorf("with a bad file from the start: %d %s", w.Code, w.Body)
	}
	write(t, s.dir, "a.yaml", good)
	s.Reload()
	if w := ask(); w.Code != http.StatusTeapot {
		t.Errorf("mended: %d %s", w.Code, w.Body)
	}
	write(t, s.dir, "a.yaml", bad)
	s.Reload()
	if w := ask(); w.Code != http.StatusTeapot {
		t.Errorf("broken again, with a good set in force: %d %s", w.Code, w.Body)
	}
}

// TestMetricsAreNamedWell: by the conventions of Prometheus, as its linter knows them.
func TestMetricsAreNamedWell(t *testing.T) {
	registry := prometheus.NewRegistry()
	New("", logr.Discard(), registry)
	problems, err := testutil.GatherAndLint(registry)
	if n, _ := testutil.GatherAndCount(registry); err != nil || len(problems) > 0 || n != 5 {
		t.Errorf("%d metrics, %v, %v", n, problems, err)
	}
}

// TestStatusPage: the page says what is in force and what is wrong, in JSON.
func TestStatusPage(t *testing.T) {
	s := newStore(t, map[string]string{"a.yaml": bad})
	s.Reload()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/policies", nil))
	var got Status
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Ready || len(got.Errors) != 1 || got.Policies == nil {
		t.Errorf("%s (%v)", w.Body, err)
	}
	if none := New("", logr.Discard(), prometheus.NewRegistry()); none.Ready(nil) == nil {
		t.Error("ready before anything was read")
	} else if none.Reload(); none.Ready(nil) != nil {
		t.Error("a webhook without a directory has no policies, and is ready")
	}
}
