// Package policies keeps the set of policies that is in force: read from a
// directory, read again when it changes, and replaced only as a whole.
//
// A directory is read in full before anything changes. If one file is wrong, the
// last good set stays in force, the errors are logged, counted and shown by the
// status page, and the next change is awaited. Before the first good set the
// store is not ready: a policy that cannot be read must not turn into a refusal
// that nobody can explain, nor into the lack of one.
package policies

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// pollInterval is how often the directory is read without a notice. Some
// volumes give none.
const pollInterval = 10 * time.Second

// settle is how long changes are collected before the directory is read.
const settle = 100 * time.Millisecond

// Store holds the policies of a directory.
type Store struct {
	dir string
	log logr.Logger
	set atomic.Pointer[policy.Set]

	mu     sync.Mutex
	status Status
	// read are the policies in force, as they were read.
	read []policy.Policy

	policies   prometheus.Gauge
	passedOver prometheus.Gauge
	good       prometheus.Gauge
	failures   prometheus.Counter
	refreshed  prometheus.Gauge
}

// Status is what the status page shows.
type Status struct {
	// Directory is where the policies are read; empty for none.
	Directory string `json:"directory"`
	// Ready reports whether a set is in force.
	Ready bool `json:"ready"`
	// Policies are the names of those in force, as namespace/name or name.
	Policies []string `json:"policies"`
	// PassedOver are what the directory holds beside files of policies: files with
	// other endings, and directories. They may hold policies by mistake.
	PassedOver []string `json:"passedOver,omitempty"`
	// Loaded is when the set in force was read.
	Loaded time.Time `json:"loaded,omitzero"`
	// Errors are what is wrong with the files as they are now; none if the set
	// in force is that of the files.
	Errors []string `json:"errors,omitempty"`
}

// New returns the store of a directory, which has not been read yet. An empty
// name is that of no directory, and of no policies.
func New(dir string, log logr.Logger, registry prometheus.Registerer) *Store {
	s := &Store{
		dir:        dir,
		log:        log,
		policies:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "podfence_policies", Help: "Number of policies in force."}),
		passedOver: prometheus.NewGauge(prometheus.GaugeOpts{Name: "podfence_policy_files_passed_over", Help: "Number of files and directories beside the policy files that are not read, for their names do not end in .yaml, .yml or .json."}),
		good:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "podfence_policy_last_reload_successful", Help: "Whether the policies in force are those of the files (1) or of an earlier, good state of them (0)."}),
		failures:   prometheus.NewCounter(prometheus.CounterOpts{Name: "podfence_policy_reload_failures_total", Help: "Number of times that the policy files were read and were wrong."}),
		refreshed:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "podfence_policy_last_reload_success_timestamp_seconds", Help: "When the policies in force were read."}),
	}
	s.status.Directory, s.status.Policies = dir, []string{}
	registry.MustRegister(s.policies, s.passedOver, s.good, s.failures, s.refreshed)
	return s
}

// Set is the set in force: that of no policies before the first was read.
func (s *Store) Set() policy.Set {
	if set := s.set.Load(); set != nil {
		return *set
	}
	return policy.Set{}
}

// Ready is an error until the first set is in force; it is a health check.
func (s *Store) Ready(*http.Request) error {
	if s.set.Load() != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("no policies were read yet: %s", strings.Join(s.status.Errors, "; "))
}

// Before lets no request through until the first set is in force. A replica that
// is not ready gets none by its Service, but may by other ways, and an answer
// without any policy would be an answer that no operator has asked for.
func (s *Store) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Ready(r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Status tells what is in force and what is wrong.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Policies, status.Errors, status.PassedOver = slices.Clone(status.Policies), slices.Clone(status.Errors), slices.Clone(status.PassedOver)
	return status
}

// ServeHTTP is the status page, in JSON.
func (s *Store) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s.Status()); err != nil {
		s.log.Error(err, "status page")
	}
}

// NeedLeaderElection is false: every replica reads for itself.
func (s *Store) NeedLeaderElection() bool { return false }

// Start reads the directory, and again whenever it changes, until the context
// ends. Wrong files are no reason to stop.
func (s *Store) Start(ctx context.Context) error {
	if s.dir == "" {
		s.Reload()
		<-ctx.Done()
		return nil
	}
	changes, stop := s.watch()
	defer stop()
	s.Reload()
	s.follow(ctx, changes)
	return nil
}

// follow reads the directory whenever there is notice of a change, and at
// intervals, until the context ends.
func (s *Store) follow(ctx context.Context, changes changes) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes.events:
			changes.settle()
		case err := <-changes.errors:
			s.log.Error(err, "changes may have been missed; the directory is read again", "directory", s.dir)
		case <-poll.C:
		}
		s.Reload()
	}
}

// changes are the notices of a directory; both channels are nil where none can
// be had. Both must be read, for each holds up the other.
type changes struct {
	events <-chan fsnotify.Event
	errors <-chan error
}

// settle takes the notices of a moment together: a volume is swapped in several
// steps, and one read sees them all.
func (c changes) settle() {
	over := time.After(settle)
	for {
		select {
		case <-c.events:
		case <-c.errors: // what was missed is read next
		case <-over:
			return
		}
	}
}

// watch gives notice of changes. A ConfigMap is changed by swapping the link
// ..data in its directory, which is an event of the directory.
func (s *Store) watch() (c changes, stop func()) {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		if err = watcher.Add(s.dir); err == nil {
			return changes{watcher.Events, watcher.Errors}, func() { _ = watcher.Close() }
		}
		_ = watcher.Close()
	}
	s.log.Error(err, "no notice of changes; the directory is read at intervals", "directory", s.dir, "interval", pollInterval)
	return changes{}, func() {}
}

// Reload reads the directory. The set in force changes only if all files are good.
func (s *Store) Reload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nameOthers(others(s.dir))
	list, err := read(s.dir)
	if err != nil {
		s.failed(err)
		return
	}
	if s.set.Load() != nil && reflect.DeepEqual(list, s.read) {
		s.recover()
		return
	}
	set, err := policy.NewSet(list...)
	if err != nil {
		s.failed(err)
		return
	}
	s.read = list
	s.replace(set)
}

// recover ends a failure whose cause was taken back.
func (s *Store) recover() {
	s.status.Errors = nil
	s.good.Set(1)
}

func (s *Store) replace(set policy.Set) {
	s.set.Store(&set)
	now := time.Now()
	s.status = Status{Directory: s.dir, Ready: true, Policies: names(set), PassedOver: s.status.PassedOver, Loaded: now}
	s.policies.Set(float64(set.Len()))
	s.good.Set(1)
	s.refreshed.Set(float64(now.Unix()))
	s.log.Info("policies in force", "directory", s.dir, "policies", set.Len())
}

// nameOthers notes what is passed over, in the log once for each change.
func (s *Store) nameOthers(list []string) {
	if len(list) > 0 && !slices.Equal(list, s.status.PassedOver) {
		s.log.Info("these are no policy files by their names, and are not read", "directory", s.dir, "passedOver", list)
	}
	s.status.PassedOver = list
	s.passedOver.Set(float64(len(list)))
}

// failed notes what is wrong, in the log once for each new fault.
func (s *Store) failed(err error) {
	list := messages(err)
	if !slices.Equal(list, s.status.Errors) {
		s.failures.Inc()
		s.log.Error(errors.New("the policy files are wrong"), "the last good policies stay in force", "directory", s.dir, "inForce", len(s.status.Policies), "errors", list)
	}
	s.status.Errors = list
	s.good.Set(0)
}

// messages are the errors one by one, printable: those of policies are so already,
// and have more than one line where they show what to write.
func messages(err error) (all []string) {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, messages(one)...)
		}
		return all
	case policy.Error:
		return []string{e.Error()}
	default:
		return []string{spec.Printable(err.Error())}
	}
}

func names(set policy.Set) []string {
	list := []string{}
	for _, p := range set.Policies() {
		list = append(list, strings.TrimPrefix(cmp.Or(p.Namespace, strings.Join(p.Namespaces, ","))+"/"+p.Name, "/"))
	}
	return list
}

// read returns the policies of a directory; none where no directory is named, or
// where it has no file. A ConfigMap without a policy is one that an operator has
// made: the webhook's manifests come with it.
func read(dir string) ([]policy.Policy, error) {
	if dir == "" {
		return nil, nil
	}
	policies, err := policy.ReadDir(dir)
	var empty policy.NoFilesError
	if errors.As(err, &empty) {
		return nil, nil
	}
	return policies, err
}

// others are what a directory holds beside policy files, printable. What begins with
// a dot is a volume's own. A directory that cannot be read is told by read.
func others(dir string) (list []string) {
	if dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		name := entry.Name()
		info, err := os.Stat(filepath.Join(dir, name))
		isDir := err == nil && info.IsDir()
		if !strings.HasPrefix(name, ".") && (isDir || !policy.IsFileName(name)) {
			list = append(list, spec.Printable(name))
		}
	}
	return list
}
