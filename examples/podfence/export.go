package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/native"
)

// exportFlags say which policies are rendered, and for which cluster.
type exportFlags struct {
	policies  []string
	recursive bool
	at        string
	prefix    string
	// defaults are for namespaces without a label, and fixed for all of them.
	defaults, fixed modeFlags
	cluster         clusterFlags
	name            string
	mutate, static  bool
	only            string
	// verify are the files that are compared, - among them. None: the objects are printed.
	verify []string
	config configFlags
}

// clusterFlags say of a cluster what no manifest says.
type clusterFlags struct {
	kubernetesVersion                                   string
	exemptNamespaces, exemptUsers, exemptRuntimeClasses []string
}

func (f *clusterFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kubernetesVersion, "kubernetes-version", "", "for export: the version of the oldest API server that gets the objects, as in v1.36 (default the newest that podfence knows)")
	flags.StringSliceVar(&f.exemptNamespaces, "exempt-namespaces", nil, "for export: namespaces whose pods are neither judged nor filled in, separated by commas")
	flags.StringSliceVar(&f.exemptUsers, "exempt-users", nil, "for export: user names whose requests are let through")
	flags.StringSliceVar(&f.exemptRuntimeClasses, "exempt-runtime-classes", nil, "for export: runtime classes whose pods are let through")
}

// modeFlags are three levels, each as LEVEL or LEVEL:VERSION.
type modeFlags struct{ enforce, audit, warn string }

// The flags of the two groups of levels, in the order of modeFlags.
var (
	defaultFlagNames = [...]string{"default-level", "default-audit-level", "default-warn-level"}
	fixedFlagNames   = [...]string{"enforce", "audit", "warn"}
)

// parse reads the values of the flags. One that is not given is privileged.
func (f *modeFlags) parse(flags [3]string) (p api.Policy, err error) {
	into := [...]*api.LevelVersion{&p.Enforce, &p.Audit, &p.Warn}
	for i, value := range [...]string{f.enforce, f.audit, f.warn} {
		if *into[i], err = parseLevelVersion(cmp.Or(value, string(api.LevelPrivileged)), api.LatestVersion()); err != nil {
			return p, usagef("--%s %q: %v", flags[i], value, err)
		}
	}
	return p, nil
}

// The values of --only: an API server reads the files of the two from different folders.
const (
	onlyValidating = "validating"
	onlyMutating   = "mutating"
)

func (a *app) exportCommand() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export [--policies FILE|DIR] [--verify FILE|-]",
		Short: "Print policies as objects by which the API server enforces them itself",
		Long: `Export prints a ValidatingAdmissionPolicy that judges pods as podfence does, others
that warn and audit, and a MutatingAdmissionPolicy that fills in what was left
unset, each with its binding. An API server that has them needs no webhook. They
answer as the library does; docs/native.md has what remains different.

Each namespace says its levels by labels, podfence.dev/enforce and so on, unless
--enforce, --audit or --warn name one for all. A policy that has expired grants
nothing in what is printed; the comment at the top says when the next one does.

With --verify the objects are not printed but compared with those of a file, a
directory or standard input, as kubectl prints them: each field that differs, each
object that is missing, and each that would not be rendered. What an API server
adds to an object is no difference.

Exit status: 0 if the objects are printed, or all are as rendered; 1 if one differs;
2 if the policies cannot be rendered, or the input cannot be read.`,
		Example: `  podfence export --policies policies/ | kubectl apply --server-side -f -
  podfence export --policies policies/ --static --only validating
  kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings -o yaml |
    podfence export --policies policies/ --verify -`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.export(f) },
	}
	f.register(cmd)
	return cmd
}

func (f *exportFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	policiesFlag(cmd, &f.policies)
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "read the directories of --policies with all below them, hidden ones excepted")
	atFlag(cmd, &f.at)
	flags.StringVar(&f.prefix, "level-label-prefix", "podfence.dev", "the prefix of the namespaces' labels enforce, audit, warn and their -version")
	flags.StringVar(&f.defaults.enforce, defaultFlagNames[0], "privileged", "the level, as LEVEL or LEVEL:VERSION, that is enforced where a namespace has no label for it")
	flags.StringVar(&f.defaults.audit, defaultFlagNames[1], "privileged", "the same for audit annotations")
	flags.StringVar(&f.defaults.warn, defaultFlagNames[2], "privileged", "the same for warnings")
	flags.StringVar(&f.fixed.enforce, fixedFlagNames[0], "", "the level, as LEVEL or LEVEL:VERSION, that is enforced in every namespace, whatever its labels say")
	flags.StringVar(&f.fixed.audit, fixedFlagNames[1], "", "the same for audit annotations")
	flags.StringVar(&f.fixed.warn, fixedFlagNames[2], "", "the same for warnings")
	f.cluster.register(cmd)
	flags.StringVar(&f.name, "name", "podfence", "what the names of the objects begin with")
	flags.BoolVar(&f.mutate, "mutate", true, "render the MutatingAdmissionPolicy too; without it pods are judged as they come")
	flags.BoolVar(&f.static, "static", false, "for files that an API server reads when it starts: names end in .static.k8s.io")
	flags.StringVar(&f.only, "only", "", "only the objects of one folder of such files: "+onlyValidating+", "+onlyMutating)
	flags.StringArrayVar(&f.verify, "verify", nil, "compare the objects of a file, a directory, or - for standard input; repeats")
	f.config.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{onlyValidating, onlyMutating}, cobra.ShellCompDirectiveNoFileComp))
}

// options are the flags as the renderer wants them.
func (f *exportFlags) options() (o native.Options, err error) {
	if !slices.Contains([]string{"", onlyValidating, onlyMutating}, f.only) {
		return o, usagef("--only %q: write %s or %s", f.only, onlyValidating, onlyMutating)
	}
	if err := checkPrefix(f.prefix); err != nil {
		return o, usagef("--level-label-prefix %q: %v", f.prefix, err)
	}
	o = native.Options{
		Name: f.name, LabelPrefix: strings.TrimSuffix(f.prefix, "/") + "/", Static: f.static, WithoutMutation: !f.mutate,
		Exempt: native.Exemptions{Namespaces: f.cluster.exemptNamespaces, Usernames: f.cluster.exemptUsers, RuntimeClasses: f.cluster.exemptRuntimeClasses},
	}
	if o.KubernetesVersion, err = f.cluster.version(); err != nil {
		return o, err
	}
	if o.Defaults, err = f.defaults.parse(defaultFlagNames); err != nil || f.fixed == (modeFlags{}) {
		return o, err
	}
	fixed, err := f.fixed.parse(fixedFlagNames)
	o.Levels = &fixed
	return o, err
}

// version is that of the oldest API server; latest is the newest that is known.
func (f *clusterFlags) version() (api.Version, error) {
	if f.kubernetesVersion == "" {
		return native.NewestServer(), nil
	}
	v, err := api.ParseVersion(f.kubernetesVersion)
	if err != nil || v.Latest() {
		return v, usagef("--kubernetes-version %q: %s", f.kubernetesVersion, kubernetesVersionHint)
	}
	return v, nil
}

const (
	kubernetesVersionPattern = `^v1\.(0|[1-9][0-9]*)$`
	kubernetesVersionHint    = "write a minor version of Kubernetes as in v1.36"
)

func (a *app) export(f *exportFlags) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	moment, err := momentOf(f.at)
	if err != nil {
		return err
	}
	read, err := readPolicies(f.policies, f.recursive)
	if err != nil {
		return err
	}
	set, err := a.setOf(read)
	if err != nil {
		return err
	}
	objects, err := native.Render(set.At(moment), options)
	if err != nil {
		return byFlag(err)
	}
	a.sayUnexempt(&options)
	list, err := renderedOf(&objects, f.only)
	if err != nil {
		return err
	}
	if len(f.verify) > 0 {
		return a.verify(list, f)
	}
	// The comment is a part of the first document: an API server takes none that is empty.
	if err := writeHeader(a.out, &read, &options, &objects); err != nil {
		return err
	}
	for i := range list {
		if i > 0 {
			fmt.Fprintln(a.out, "---")
		}
		if err := writeManifest(a.out, list[i].typed); err != nil {
			return err
		}
	}
	return nil
}

// optionFlags are the flags of the options, which errors name.
var optionFlags = map[string]string{
	"Name": "--name", "KubernetesVersion": "--kubernetes-version", "LabelPrefix": "--level-label-prefix",
	"WithoutMutation": "--mutate", "Static": "--static",
}

// byFlag is an error of the renderer, with a flag in the place of an option.
func byFlag(err error) error {
	wrong := (*native.Error)(nil)
	if !errors.As(err, &wrong) || optionFlags[wrong.Key] == "" || wrong.Policy != "" {
		return err
	}
	told := *wrong
	told.Key = optionFlags[wrong.Key]
	return &told
}

// sayUnexempt speaks of what a level for every namespace does to the one whose pods
// the cluster cannot do without.
func (a *app) sayUnexempt(o *native.Options) {
	const system = "kube-system"
	if o.Levels != nil && o.Levels.Enforce.Level != api.LevelPrivileged && !slices.Contains(o.Exempt.Namespaces, system) {
		a.say("podfence: --enforce holds the pods of %s to %s too, without which a cluster does not work: --exempt-namespaces %[1]s lets them be", system, o.Levels.Enforce.String())
	}
}

// renderedObject is an object that was rendered.
type renderedObject struct {
	// typed has its keys in the order in which they are printed, content is its JSON.
	typed   any
	content map[string]any
}

// text is a text of the object, empty if there is none at the path.
func (r *renderedObject) text(path ...string) string { return textAt(r.content, path...) }

func textAt(object map[string]any, path ...string) string {
	var value any = object
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	text, _ := value.(string)
	return text
}

// renderedOf are the objects, or those of one folder.
func renderedOf(objects *native.Objects, only string) (list []renderedObject, err error) {
	for _, typed := range objects.List() {
		data, err := json.Marshal(typed)
		if err != nil {
			return nil, err
		}
		r := renderedObject{typed: typed}
		if err := json.Unmarshal(data, &r.content); err != nil {
			return nil, err
		}
		if belongs(r.text("kind"), only) {
			list = append(list, r)
		}
	}
	return list, nil
}

// folders are the kinds of the objects, by the value of --only for them.
var folders = map[string]string{
	native.KindValidatingPolicy: onlyValidating, native.KindValidatingBinding: onlyValidating,
	native.KindMutatingPolicy: onlyMutating, native.KindMutatingBinding: onlyMutating,
}

// belongs reports whether objects of a kind are asked for.
func belongs(kind, only string) bool {
	folder, known := folders[kind]
	return known && (only == "" || only == folder)
}

// writeHeader says of what the objects were made. It says nothing of the day, so that
// the same policies give the same bytes.
func writeHeader(w io.Writer, read *policyFiles, o *native.Options, objects *native.Objects) error {
	lines := []string{
		fmt.Sprintf("Rendered by podfence export from %s in %s: change those, and render again.", policiesCounted(len(read.policies)), counted(len(read.names), "file")),
		fmt.Sprintf("SHA-256 of the files, one behind the other: %x", read.digest),
		fmt.Sprintf("For Kubernetes %s and newer. %s", o.OldestServer().String(), levelsText(o)),
	}
	if !objects.NextExpiry.IsZero() {
		lines = append(lines, fmt.Sprintf("On %s a policy expires: render again then.", objects.NextExpiry.UTC().Format("2006-01-02 at 15:04 UTC")))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, oneLine("# %s", line)); err != nil {
			return err
		}
	}
	return nil
}

func levelsText(o *native.Options) string {
	if o.Levels == nil {
		return fmt.Sprintf("Levels by the labels %[1]senforce, %[1]saudit and %[1]swarn of namespaces.", o.LabelPrefix)
	}
	return fmt.Sprintf("In every namespace: enforce %s, audit %s, warn %s.", o.Levels.Enforce, o.Levels.Audit, o.Levels.Warn)
}

// writeManifest writes an object as a document of YAML.
func writeManifest(w io.Writer, object any) error {
	return encodeYAML(w, object, func(doc *yaml.Node) {
		unstyle(doc)
		for _, root := range doc.Content {
			apiVersionFirst(root)
		}
		unquote(doc)
	})
}

// apiVersionFirst puts the two keys that say what an object is into the usual order.
func apiVersionFirst(root *yaml.Node) {
	if c := root.Content; len(c) >= 4 && c[0].Value == "kind" && c[2].Value == "apiVersion" {
		c[0], c[1], c[2], c[3] = c[2], c[3], c[0], c[1]
	}
}

// unquote writes texts with quotes in them, which expressions are full of, as blocks:
// there none is doubled and nothing is escaped.
func unquote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && strings.ContainsAny(n.Value, `'"`) {
		n.Style = yaml.LiteralStyle
	}
	for _, c := range n.Content {
		unquote(c)
	}
}
