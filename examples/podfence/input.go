package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/policy"
)

// inputFlags say which manifests are judged, and by what.
type inputFlags struct {
	files     []string
	recursive bool
	namespace string
	policies  []string
	levelFlags
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "manifests: a file, a directory (its *.yaml, *.yml and *.json), or - for standard input; repeats")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "read the directories of -f and --policies with all below them")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "the namespace of manifests that name none; it is never written into them")
	policiesFlag(cmd, &f.policies)
	f.levelFlags.register(cmd)
}

func policiesFlag(cmd *cobra.Command, value *[]string) {
	cmd.Flags().StringArrayVar(value, "policies", nil, "policies: a file or a directory (its *.yaml, *.yml and *.json); repeats")
}

// levelFlags name a level and version of the standards.
type levelFlags struct{ level, version string }

func (f *levelFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.level, "level", "restricted", "level of the Pod Security Standards: privileged, baseline, restricted")
	cmd.Flags().StringVar(&f.version, "version", "latest", "version of the standards: latest, or a minor version of Kubernetes as in v1.35")
	_ = cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions([]string{"privileged", "baseline", "restricted"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("version", cobra.FixedCompletions([]string{"latest"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *levelFlags) parse() (lv api.LevelVersion, err error) {
	if lv.Level, err = api.ParseLevel(f.level); err != nil {
		return lv, usagef("--level %q: write privileged, baseline or restricted", f.level)
	}
	if lv.Version, err = api.ParseVersion(f.version); err != nil {
		return lv, usagef("--version %q: write latest, or a minor version of Kubernetes as in v1.35", f.version)
	}
	return lv, nil
}

// scan is a pass over the manifests that the flags name.
type scan struct {
	*app
	tally
	paths     []string
	namespace string
	level     api.LevelVersion
	policies  policy.Set
}

// errPolicies ends a command whose policies have errors, which are printed by then.
var errPolicies = errors.New("nothing was judged: the policies have errors")

// newScan reads the flags and the policies. A file that does not exist is
// reported and does not keep the others from being judged; an error in a policy
// does, for a security policy is never half-loaded.
func (a *app) newScan(f *inputFlags) (*scan, error) {
	s := &scan{app: a, namespace: f.namespace}
	var err error
	if s.level, err = f.parse(); err != nil {
		return nil, err
	}
	if wrong := validation.IsDNS1123Label(f.namespace); f.namespace != "" && len(wrong) > 0 {
		return nil, usagef("--namespace %q is no namespace: write lower-case letters, digits and -, at most 63 of them", f.namespace)
	}
	if len(f.files) == 0 {
		return nil, usagef("no manifests are named: write -f FILE, -f DIRECTORY, or -f - for standard input")
	}
	if s.policies, err = a.policySet(f.policies, f.recursive); err != nil {
		return nil, err
	}
	var missing error
	s.paths, missing = manifest.Files(f.files, f.recursive)
	for _, err := range parts(missing) {
		s.problem("podfence: %v", err)
	}
	return s, nil
}

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

// walk shows the visitor every chunk of every file.
func (s *scan) walk(v visitor) error {
	for _, path := range s.paths {
		if err := s.file(path, v); err != nil {
			return err
		}
	}
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
	whole := true
	for c, err := range manifest.Read(r, path) {
		if err != nil {
			whole = false
			s.problem("podfence: %s: %v", manifest.Display(path), err)
			continue
		}
		if c.Err != nil {
			s.unreadable++
			s.problem("%v", c.Err)
		}
		if err := v.chunk(path, &c); err != nil {
			return err
		}
		if err := s.out.Flush(); err != nil {
			return err
		}
		s.progress.tick(manifest.Display(path), &s.tally)
	}
	return v.end(path, whole)
}

func (s *scan) open(path string) (io.ReadCloser, error) {
	if path == manifest.Stdin {
		return io.NopCloser(s.in), nil
	}
	return os.Open(path)
}

// subject is one workload of the input.
type subject struct {
	file string // as messages show it
	*manifest.Object
	workload podfence.Workload
}

// examine finds the workload in an object of a chunk. found is false for an
// object of another kind, which is counted, and for one that cannot be decided,
// which is also reported: err says why.
func (s *scan) examine(path string, o *manifest.Object) (w *subject, found bool, err error) {
	w = &subject{file: manifest.Display(path), Object: o}
	s.inNamespace(o)
	switch {
	case o.Err != nil:
		err = o.Err
	case o.Typed == nil:
		s.others++
		return w, false, nil
	default:
		w.workload, err = w.find()
	}
	if err != nil {
		s.undecided++
		s.problem("%v", err)
	}
	return w, err == nil, err
}

// inNamespace gives the object the namespace of -n, if it names none. The text
// of the manifest is not touched.
func (s *scan) inNamespace(o *manifest.Object) {
	if o.Namespace != "" || s.namespace == "" || o.Kind == "" {
		return
	}
	o.Namespace = s.namespace
	if object, ok := o.Typed.(metav1.Object); ok {
		object.SetNamespace(s.namespace)
	}
}

// find is the workload in the object. A pod without containers would be
// allowed, having no field that breaks a rule, and the API server would refuse
// it: somebody misspelt a key (spec.templates for spec.template), and what
// stands under it was not looked at.
func (s *subject) find() (podfence.Workload, error) {
	w, ok := podfence.WorkloadOf(s.Typed)
	if ok && hasContainers(&w) {
		return w, nil
	}
	path := strings.Join(append(slices.Clip(w.Root), "spec", "containers"), ".")
	return w, &manifest.Error{
		File: s.file, Line: s.Line, Object: s.Object.String(),
		Problem: "it has no containers", Fix: "look for a misspelt key on the way to " + path,
	}
}

func hasContainers(w *podfence.Workload) bool {
	if w.Pod != nil {
		return len(w.Pod.Spec.Containers) > 0
	}
	return len(w.Template.Spec.Containers) > 0
}

// root is where the pod stands in the object, "spec.template" in a Deployment.
func (s *subject) root() string { return strings.Join(s.workload.Root, ".") }

// title names the workload: "Deployment/prod/web".
func (s *subject) title() string {
	return strings.Join(present(s.Kind, s.Namespace, s.Name), "/")
}

func (s *subject) where() string { return fmt.Sprintf("%s:%d", s.file, s.Line) }

// present are the strings that are not empty.
func present(list ...string) (kept []string) {
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// slashed is a path as a diff shows it: without a leading slash, which patch
// and git would refuse.
func slashed(path string) string {
	if path == manifest.Stdin {
		return "stdin"
	}
	return strings.TrimLeft(filepath.ToSlash(filepath.Clean(path)), "/")
}
