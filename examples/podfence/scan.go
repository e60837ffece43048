package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/levels"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/spool"
	"github.com/podfence/podfence/policy"
	"k8s.io/apimachinery/pkg/util/validation"
)

// scan is a pass over the manifests that the flags name.
type scan struct {
	*app
	tally
	paths []string
	// named are the arguments, of which files are paths too.
	named     []string
	namespace string
	// levels says at which levels the workloads of a namespace are judged.
	levels   *levels.Book
	policies policy.Set
	// moment is when it is asked.
	moment time.Time
	// places are those of --workload.
	places   []podfence.Place
	warnings warnings
	// strict: unknown fields are not decided. requireWorkloads: one is demanded.
	strict, requireWorkloads bool
	// skipPatches: Kustomize patches are passed over.
	skipPatches bool
	// maxSize is the largest document that is read, in bytes.
	maxSize int
	// kept are inputs that can be read once and were read already.
	kept map[string]*spool.Spool
}

// errPolicies ends a command whose policies have errors, which are printed by then.
var errPolicies = errors.New("nothing was judged: the policies have errors")

// newScan reads the flags and the policies. A file that does not exist is
// reported and does not keep the others from being judged; an error in a policy
// does, for a security policy is never half-loaded. Other policies are those that the
// workloads are judged by as well: they may ask for the labels of namespaces.
func (a *app) newScan(f *inputFlags, others ...policy.Policy) (*scan, error) {
	s, err := a.readFlags(f)
	if err != nil {
		return nil, err
	}
	if len(f.files) == 0 {
		return nil, usagef("no manifests are named: write FILE, DIRECTORY, or - for standard input")
	}
	if s.policies, err = a.policySet(f.policies, f.recursive); err != nil {
		return nil, err
	}
	s.policies = s.selectNamespaces(s.policies).At(s.moment)
	if slices.ContainsFunc(others, func(p policy.Policy) bool { return p.NamespaceSelector != nil }) {
		s.levels.WantLabels()
	}
	var missing error
	s.paths, missing = manifest.Files(f.files, f.recursive, append(f.exclude, notInput...)...)
	for _, err := range parts(missing) {
		if dangling := (*manifest.DanglingError)(nil); errors.As(err, &dangling) {
			s.say("podfence: %v", err)
			continue
		}
		s.problem("podfence: %v", err)
	}
	return s, s.collectLevels()
}

// readFlags is a scan that has yet to read policies and to find manifests.
func (a *app) readFlags(f *inputFlags) (s *scan, err error) {
	s = &scan{app: a, named: f.files, namespace: f.namespace, strict: f.strict, requireWorkloads: f.requireWorkloads, skipPatches: f.skipPatches}
	if s.places, err = parsePlaces(f.workloads); err != nil {
		return nil, err
	}
	if s.maxSize, err = parseSize(f.maxDocumentSize); err != nil {
		return nil, usagef("--max-document-size %q: %v", f.maxDocumentSize, err)
	}
	if s.moment, err = momentOf(f.at); err != nil {
		return nil, err
	}
	if s.levels, err = a.book(f); err != nil {
		return nil, err
	}
	if wrong := validation.IsDNS1123Label(f.namespace); f.namespace != "" && len(wrong) > 0 {
		return nil, usagef("--namespace %q is no namespace: %s", f.namespace, namespaceHint)
	}
	for _, pattern := range f.exclude {
		if err := checkPattern(pattern); err != nil {
			return nil, usagef("--exclude %q is no pattern: %v", pattern, err)
		}
	}
	return s, nil
}

const namespaceHint = "write lower-case letters, digits and -, at most 63 of them"

// parts are the errors that errors.Join joined, however deep.
func parts(err error) (list []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case ok:
		for _, e := range joined.Unwrap() {
			list = append(list, parts(e)...)
		}
	case err != nil:
		list = append(list, err)
	}
	return list
}

// visitor is told what the files hold. Its errors are those of writing, and end
// the scan: what is wrong with the input is the scan's to report.
type visitor interface {
	begin(path string) error
	chunk(path string, c *manifest.Chunk) error
	// end: whole is false if reading stopped before the file's end.
	end(path string, whole bool) error
}

// visit shows the visitor every chunk of every file.
func (s *scan) visit(v visitor) error {
	defer s.release()
	for _, path := range s.paths {
		if err := s.file(path, v); err != nil {
			return err
		}
	}
	s.closing()
	return nil
}

func (s *scan) file(path string, v visitor) error {
	s.files++
	r, err := s.open(path)
	if err != nil {
		s.unreadable++
		s.problem("podfence: %v", err)
		return nil
	}
	defer r.Close()
	if err := v.begin(path); err != nil {
		return err
	}
	whole, settings := true, false
	for c, err := range manifest.ReadWithin(r, path, s.maxSize) {
		if err != nil {
			whole = false
			s.problem("podfence: %s: %v", manifest.Display(path), err)
			continue
		}
		if c.Err != nil && !settings {
			settings = s.passSettings(path)
		}
		switch {
		case settings:
			c.Err = nil
		case c.Err != nil:
			s.unreadable++
			s.problem("%v", c.Err)
		}
		if err := v.chunk(path, &c); err != nil {
			return err
		}
		flush := s.out.Flush
		if c.Last {
			flush = s.flush
		}
		if err := flush(); err != nil {
			return err
		}
		s.progress.tick(manifest.Display(path), &s.tally)
	}
	return v.end(path, whole)
}

// passSettings reports whether an unreadable file is one that somebody else reads,
// and says so. One that was named is to be read all the same.
func (s *scan) passSettings(path string) bool {
	if slices.Contains(s.named, path) || !manifest.HoldsSettings(path) {
		return false
	}
	s.others.pass("")
	s.say("podfence: %s: JSON with comments, which holds no Kubernetes object: passed over", path)
	return true
}

func (s *scan) open(path string) (io.ReadCloser, error) {
	if k := s.kept[path]; k != nil {
		return io.NopCloser(k.Reader()), nil
	}
	return s.app.open(path)
}

// open opens a file, or standard input for a dash.
func (a *app) open(path string) (io.ReadCloser, error) {
	if path == manifest.Stdin {
		return io.NopCloser(a.in), nil
	}
	return os.Open(path)
}

// examine finds the workloads in an object of a chunk. An object of another kind
// has none, and is counted; for one that cannot be decided, which is also
// reported, err says why.
func (s *scan) examine(path string, o *manifest.Object) (found []*workload, err error) {
	o.GiveNamespace(s.namespace)
	if o.Err == nil && s.skipPatches && (&workload{file: manifest.Display(path), Object: o}).isPatch() {
		s.patches++
		return nil, nil
	}
	found, err = s.find(path, o)
	if err == nil && s.strict {
		err = s.strictly(found)
	}
	switch {
	case err != nil:
		s.undecided++
		s.problem("%v", err)
		return nil, err
	case len(found) == 0:
		s.others.pass(o.Kind)
	}
	return found, nil
}

// find finds the workloads in an object of a chunk. It counts and reports nothing.
func (s *scan) find(path string, o *manifest.Object) ([]*workload, error) {
	switch file := manifest.Display(path); {
	case o.Err != nil:
		return nil, o.Err
	case o.Typed == nil:
		return s.byPlace(file, o)
	default:
		return known(file, o)
	}
}

// known is the workload in an object of a kind that Kubernetes has.
func known(file string, o *manifest.Object) ([]*workload, error) {
	w := &workload{file: file, Object: o}
	var err error
	if w.held, err = w.find(); err != nil {
		return nil, err
	}
	w.unknown = o.Unknown()
	if err := w.unknownSource(); err != nil {
		return nil, err
	}
	return []*workload{w}, nil
}
