package main

import (
	"errors"
	"path"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// inputFlags say which manifests are judged, and by what.
type inputFlags struct {
	files     []string
	exclude   []string
	recursive bool
	namespace string
	policies  []string
	// workloads are places of pod templates: Kind.group=path.
	workloads        []string
	requireWorkloads bool
	strict           bool
	skipPatches      bool
	maxDocumentSize  string
	// at is when it is asked; empty: now.
	at string
	levelFlags
	labels labelFlags
	config configFlags
}

func (f *inputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "manifests, as arguments name them too: a file, a directory (its *.yaml, *.yml and *.json), or - for standard input; repeats")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out manifests and directories whose path or base name matches a pattern, as in 'templates' or 'charts/*/values.yaml' (a star does not cross a slash); repeats")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "read the directories of manifests and --policies with all below them, hidden ones excepted")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "the namespace of manifests that name none; it is never written into them")
	policiesFlag(cmd, &f.policies)
	atFlag(cmd, &f.at)
	flags.StringArrayVar(&f.workloads, "workload", nil, "where objects of a kind hold their pod template, as in Kind.group=spec.pods.*.template; repeats")
	flags.BoolVar(&f.requireWorkloads, "require-workloads", false, "status 2 if the input holds no workload at all")
	flags.BoolVar(&f.skipPatches, "skip-patches", false, "pass over Kustomize patches: workloads that lack containers, an image or a selector, which no API server would create as they are")
	flags.BoolVar(&f.strict, "strict", false, "a workload with a field that its kind does not have could not be decided")
	flags.StringVar(&f.maxDocumentSize, "max-document-size", "8Mi", "the largest document, or item of a list, that is read; a larger one could not be decided")
	f.levelFlags.registerAs(cmd, inputLevels, "level of the Pod Security Standards: privileged, baseline, restricted; or labels, for those that the Namespace documents of the input have")
	f.labels.register(cmd)
	f.config.register(cmd)
}

// parseSize reads a value of --max-document-size.
func parseSize(text string) (int, error) {
	size, err := resource.ParseQuantity(text)
	if n := size.Value(); err == nil && n > 0 && n <= maxSize {
		return int(n), nil
	}
	return 0, errors.New("write a number of bytes up to 1Gi, as in 8Mi")
}

// checkPattern refuses what is no pattern of --exclude.
func checkPattern(text string) error {
	if _, err := path.Match(text, ""); err != nil {
		return errors.New("write * and ? for what may differ, and a backslash before [")
	}
	return nil
}

// maxSize is the largest value of --max-document-size.
const maxSize = 1 << 30

// name takes the arguments of a command as the names of manifests, beside those of -f.
func (f *inputFlags) name(args []string) { f.files = append(f.files, args...) }

func policiesFlag(cmd *cobra.Command, value *[]string) {
	cmd.Flags().StringArrayVar(value, "policies", nil, "policies: a file or a directory (its *.yaml, *.yml and *.json); repeats")
}

// levelFlags name a level and version of the standards.
type levelFlags struct {
	level, version string
	// names are the values of --level.
	names []string
}

func (f *levelFlags) register(cmd *cobra.Command) {
	f.registerAs(cmd, levelNames, "level of the Pod Security Standards: privileged, baseline, restricted")
}

func (f *levelFlags) registerAs(cmd *cobra.Command, names []string, usage string) {
	f.names = names
	cmd.Flags().StringVar(&f.level, "level", "restricted", usage)
	cmd.Flags().StringVar(&f.version, "version", "latest", "version of the standards: latest, or a minor version of Kubernetes as in v1.35")
	_ = cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("version", cobra.FixedCompletions([]string{"latest"}, cobra.ShellCompDirectiveNoFileComp))
}

// parse reads the flags. A version that is yet to come is no error: a cluster may
// be ahead of this program, and says the same until its standards change.
func (a *app) parse(f *levelFlags) (lv api.LevelVersion, err error) {
	if lv.Level, err = api.ParseLevel(f.level); err != nil {
		return lv, levelError(f.level, f.names)
	}
	lv.Version, err = a.parseVersion(f)
	return lv, err
}

func (a *app) parseVersion(f *levelFlags) (api.Version, error) {
	version, err := api.ParseVersion(f.version)
	if err != nil {
		return version, usagef("--version %q: %s", f.version, versionHint)
	}
	if newest := spec.Newest(); !version.Latest() && newest.Older(version) {
		a.say("podfence: --version %s is newer than %s, the newest that this podfence knows: it is judged as %[2]s", f.version, newest.String())
	}
	return version, nil
}

const versionHint = "write latest, or a minor version of Kubernetes as in v1.35"
