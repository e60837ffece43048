package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podfence/podfence/examples/podfence/internal/settings"
	"github.com/podfence/podfence/policy"
)

// The configuration file has what a project would have on every command line. Its
// table is below; what a key does is its flag's to do.

const (
	levelPattern        = `(privileged|baseline|restricted)`
	versionPattern      = `(latest|v1\.(0|[1-9][0-9]*))`
	levelVersionPattern = `^` + levelPattern + `(:` + versionPattern + `)?$`
	namespacePattern    = `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
)

// settingsTable has a row for each key of the configuration file. A command takes
// those of whose flags it has one.
var settingsTable = []settings.Setting{
	{
		Key: "level", Flag: "level", Values: inputLevels,
		Doc: "The level of the Pod Security Standards at which workloads are judged, or labels, for those that the Namespace documents of the input have.",
	},
	{
		Key: "version", Flag: "version", Pattern: `^` + versionPattern + `$`, PatternHint: versionHint,
		Doc: "The version of the standards: latest, or a minor version of Kubernetes.",
	},
	{
		Key: "policies", Flag: "policies", Kind: settings.List, Form: settings.Path,
		Doc: "Files and directories of policies.",
	},
	{
		Key: "exclude", Flag: "exclude", Kind: settings.List, Form: settings.Glob, Check: checkPattern,
		Doc: "Patterns of manifests and directories that are left out. One without a slash is held against base names, and one with a slash is relative to this file.",
	},
	{
		Key: "recursive", Flag: "recursive", Kind: settings.Bool,
		Doc: "Directories of manifests and policies are read with all below them, hidden ones excepted.",
	},
	{
		Key: "workloads", Flag: "workload", Kind: settings.List, Check: checkPlace,
		Doc: "Where objects of other kinds hold their pod template, as in Kind.group=spec.pods.*.template.",
	},
	{
		Key: "namespace", Flag: "namespace", Pattern: namespacePattern, PatternHint: namespaceHint,
		Doc: "The namespace of manifests that name none: it decides which policies govern them, and which level they have by labels.",
	},
	{
		Key: "requireWorkloads", Flag: "require-workloads", Kind: settings.Bool,
		Doc: "Input that holds no workload at all is exit status 2.",
	},
	{
		Key: "strict", Flag: "strict", Kind: settings.Bool,
		Doc: "A workload with a field that its kind does not have could not be decided.",
	},
	{
		Key: "skipPatches", Flag: "skip-patches", Kind: settings.Bool,
		Doc: "Kustomize patches are passed over.",
	},
	{
		Key: "maxDocumentSize", Flag: "max-document-size", Check: checkSize,
		Doc: "The largest document, or item of a list, that is read, as in 8Mi.",
	},
	{
		Key: "baseline", Flag: "baseline", Form: settings.Path,
		Doc: "A file of violations that are known and accepted, for the command that wrote it: evaluate or admit.",
	},
	{
		Key: "failOn", Flag: "fail-on", Values: []string{failOnDenied, failOnMayNotStart, failOnNever},
		Doc: "What makes the exit status 1: a workload that is denied; also one that is allowed and may not start, for admit; or nothing.",
	},
	{
		Key: "levelLabelPrefix", Flag: "level-label-prefix", Check: checkPrefix,
		Doc: "With level labels: the prefix of the labels enforce, audit and warn of namespaces, and of those of their versions.",
	},
	{
		Key: "defaultLevel", Flag: "default-level", Pattern: levelVersionPattern, PatternHint: levelVersionHint,
		Doc: "With level labels: the level, as LEVEL or LEVEL:VERSION, that is enforced where a Namespace document has no label for it.",
	},
	{
		Key: "defaultAuditLevel", Flag: "default-audit-level", Pattern: levelVersionPattern, PatternHint: levelVersionHint,
		Doc: "The same for audit violations.",
	},
	{
		Key: "defaultWarnLevel", Flag: "default-warn-level", Pattern: levelVersionPattern, PatternHint: levelVersionHint,
		Doc: "The same for warnings.",
	},
	{
		Key: "levelWithoutNamespace", Flag: "level-without-namespace", Pattern: levelVersionPattern, PatternHint: levelVersionHint,
		Doc: "With level labels: the level of workloads whose namespace no document of the input describes.",
	},
	{
		Key: "kubernetesVersion", Flag: "kubernetes-version", Pattern: kubernetesVersionPattern, PatternHint: kubernetesVersionHint,
		Doc: "For export: the version of the oldest API server that gets the objects.",
	},
	{
		Key: "exemptNamespaces", Flag: "exempt-namespaces", Kind: settings.List, Pattern: namespacePattern, PatternHint: namespaceHint,
		Doc: "For export: namespaces whose pods are neither judged nor filled in.",
	},
	{
		Key: "exemptUsers", Flag: "exempt-users", Kind: settings.List,
		Doc: "For export: user names whose requests are let through.",
	},
	{
		Key: "exemptRuntimeClasses", Flag: "exempt-runtime-classes", Kind: settings.List,
		Doc: "For export: runtime classes whose pods are let through.",
	},
}

func checkPlace(text string) error {
	_, err := parsePlace(text)
	return err
}

func checkSize(text string) error {
	_, err := parseSize(text)
	return err
}

// errConfig ends a command whose configuration file has errors, which are printed by then.
var errConfig = errors.New("nothing was done: the configuration file has errors")

// configFlags name the configuration file. A command that has them takes its other
// flags from that file, where the command line does not give them.
type configFlags struct {
	name string
	none bool
	// file is what was read; the zero File where there is none.
	file settings.File
}

func (f *configFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "config", "", "the configuration file (default "+settings.Name+", here or in a directory above, within the Git repository)")
	cmd.Flags().BoolVar(&f.none, "no-config", false, "read no configuration file")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.read(cmd.ErrOrStderr()); err != nil {
			return err
		}
		return f.adopt(cmd.Flags())
	}
}

// read finds and reads the file. One that is found elsewhere than in the working
// directory is named: whoever runs the command may not know of it.
func (f *configFlags) read(stderr io.Writer) (err error) {
	name := f.name
	switch {
	case f.none && name != "":
		return usagef("--config names a configuration file, and --no-config wants none: leave one of them out")
	case f.none:
		return nil
	case name == "":
		if name, err = settings.Find("."); err != nil || name == "" {
			return err
		}
		if name != settings.Name {
			fmt.Fprintln(stderr, oneLine("podfence: settings from %s", name))
		}
	}
	f.file, err = settings.Read(name, settingsTable)
	if wrong := (policy.Errors)(nil); errors.As(err, &wrong) {
		fmt.Fprintln(stderr, wrong.Error())
		return errConfig
	}
	return err
}

// adopt gives the flags that the command line does not give the values of the file.
func (f *configFlags) adopt(flags *pflag.FlagSet) error {
	for i := range settingsTable {
		row := &settingsTable[i]
		value, given := f.file.Value(row.Key)
		flag := flags.Lookup(row.Flag)
		if !given || flag == nil || flag.Changed {
			continue
		}
		if err := setFlag(flag, value.Set); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", f.file.Name, value.Line, row.Key, err)
		}
	}
	return nil
}

func setFlag(flag *pflag.Flag, texts []string) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.Replace(texts)
	}
	return flag.Value.Set(texts[0])
}

// schemaAddress is where editors find the schema.
const schemaAddress = "https://raw.githubusercontent.com/podfence/podfence/main/docs/podfence-config.schema.json"

func (a *app) configCommand() *cobra.Command {
	flags, answers, cluster, form, schema := &inputFlags{}, answerFlags{}, clusterFlags{}, "", false
	cmd := &cobra.Command{
		Use:   "config [the flags of evaluate]",
		Short: "Print the settings in force, and where each is from",
		Long: `Config prints every setting that a configuration file can have with the value that
is in force and where that is from: a flag, a line of the file, or the default. It
takes the flags of evaluate, and those of export that a file may have, so that a
command line can be tried.

The file is ` + settings.Name + `, in the working directory or in one above it, up to the
root of the Git repository; --config names another, and --no-config wants none. A
flag wins over the file, a list as a whole. Paths in the file are relative to it. It
is read strictly: everything that is wrong with it is reported at once, with line,
key and what to write instead.

With -o json it is one line, with -o yaml one document, with the keys file (empty
where there is none) and settings, each of these with the keys key, value and from,
which is flag, file or default, and with flag, or file and line. --schema prints the
JSON schema of the file, for editors.`,
		Example: `  podfence config
  podfence config --level baseline -o json
  podfence config --schema > podfence-config.schema.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				return a.configSchema(cmd.Flags())
			}
			if _, err := a.readFlags(flags); err != nil {
				return err
			}
			if _, err := cluster.version(); err != nil {
				return err
			}
			return a.config(settingsInForce(cmd.Flags(), &flags.config.file), form)
		},
	}
	flags.register(cmd)
	answers.register(cmd, []string{failOnDenied, failOnMayNotStart, failOnNever})
	cluster.register(cmd)
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of the configuration file")
	outputFlag(cmd, &form, "text", "json", "yaml")
	return cmd
}

func (a *app) configSchema(flags *pflag.FlagSet) error {
	text, err := settings.Schema(schemaAddress, settingsTable, func(s *settings.Setting) any { return defaultOf(flags, s) })
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// defaultOf is the value of a setting that nobody gives, nil for none.
func defaultOf(flags *pflag.FlagSet, s *settings.Setting) any {
	switch value := flags.Lookup(s.Flag).DefValue; {
	case s.Kind == settings.Bool:
		return value == "true"
	case s.Kind == settings.List, value == "":
		return nil
	default:
		return value
	}
}

// configRecord is what is in force.
type configRecord struct {
	File     string          `json:"file"`
	Settings []settingRecord `json:"settings"`
}

// settingRecord is one setting. Value is a string, a bool or a list of strings.
type settingRecord struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
	// From is flag, file or default.
	From string `json:"from"`
	Flag string `json:"flag,omitempty"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

func settingsInForce(flags *pflag.FlagSet, file *settings.File) configRecord {
	r := configRecord{File: file.Name}
	for i := range settingsTable {
		s := &settingsTable[i]
		if flag := flags.Lookup(s.Flag); flag != nil {
			r.Settings = append(r.Settings, settingInForce(s, flag, file))
		}
	}
	return r
}

func settingInForce(s *settings.Setting, flag *pflag.Flag, file *settings.File) settingRecord {
	r := settingRecord{Key: s.Key, From: "default"}
	texts := flagTexts(flag)
	switch value, given := file.Value(s.Key); {
	case flag.Changed:
		r.From, r.Flag = "flag", "--"+flag.Name
	case given:
		r.From, r.File, r.Line, texts = "file", file.Name, value.Line, value.Shown
	}
	switch s.Kind {
	case settings.Bool:
		r.Value = texts[0] == "true"
	case settings.List:
		r.Value = append([]string{}, texts...)
	default:
		r.Value = texts[0]
	}
	return r
}

func flagTexts(flag *pflag.Flag) []string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{flag.Value.String()}
}

func (a *app) config(r configRecord, form string) error {
	switch form {
	case "json":
		return writeJSON(a.out, r)
	case "yaml":
		return writeYAML(a.out, r)
	default:
		return r.writeText(a.out)
	}
}

// writeText prints a line for each setting, in columns.
func (r *configRecord) writeText(w io.Writer) error {
	if r.File == "" {
		fmt.Fprintln(w, "no configuration file")
	} else {
		fmt.Fprintln(w, oneLine("configuration file: %s", r.File))
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range r.Settings {
		s := &r.Settings[i]
		fmt.Fprintf(columns, "%s\t%s\t%s\n", s.Key, oneLine("%s", s.text()), oneLine("%s", s.origin()))
	}
	return columns.Flush()
}

func (s *settingRecord) text() string {
	text := fmt.Sprint(s.Value)
	if list, ok := s.Value.([]string); ok {
		text = strings.Join(list, ", ")
	}
	return cmp.Or(text, "-")
}

func (s *settingRecord) origin() string {
	switch s.From {
	case "flag":
		return s.Flag
	case "file":
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	default:
		return s.From
	}
}
