package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/examples/podfence/internal/levels"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/settings"
	"github.com/podfence/podfence/examples/podfence/internal/spool"
	"github.com/podfence/podfence/policy"
)

// With --level labels the Namespace documents of the input say at which levels their
// pods are judged, and where a policy has a namespaceSelector, which namespaces that
// selects. A document may stand behind the pods, so that the input is read once for the
// documents before anything is judged.

// fromLabels is the value of --level for levels by the labels of namespaces.
const fromLabels = "labels"

// levelNames are the levels, and inputLevels the values of --level where there are
// manifests.
var (
	levelNames  = []string{string(api.LevelPrivileged), string(api.LevelBaseline), string(api.LevelRestricted)}
	inputLevels = append(slices.Clip(levelNames), fromLabels)
)

// labelFlags say what the labels of namespaces leave open.
type labelFlags struct {
	prefix string
	// enforce, audit and warn are LEVEL or LEVEL:VERSION.
	enforce, audit, warn string
	missing              string
	set                  *pflag.FlagSet
}

// labelFlagNames are the flags that mean nothing without --level labels.
var labelFlagNames = []string{
	"level-label-prefix", "default-level", "default-audit-level", "default-warn-level", "level-without-namespace",
}

func (f *labelFlags) register(cmd *cobra.Command) {
	f.set = cmd.Flags()
	f.set.StringVar(&f.prefix, "level-label-prefix", levels.UpstreamPrefix, "with --level labels: the prefix of the labels enforce, audit, warn and their -version")
	f.set.StringVar(&f.enforce, "default-level", "privileged", "with --level labels: the level, as LEVEL or LEVEL:VERSION, that is enforced where a Namespace document has no label for it")
	f.set.StringVar(&f.audit, "default-audit-level", "privileged", "the same for audit violations")
	f.set.StringVar(&f.warn, "default-warn-level", "privileged", "the same for warnings")
	f.set.StringVar(&f.missing, "level-without-namespace", "restricted", "with --level labels: the level, as LEVEL or LEVEL:VERSION, of workloads whose namespace no document of the input describes")
}

// config reads the flags. version is what they mean where they name none.
func (f *labelFlags) config(version api.Version) (c levels.Config, err error) {
	for _, one := range []struct {
		flag, value string
		into        *api.LevelVersion
	}{
		{"default-level", f.enforce, &c.Defaults.Enforce},
		{"default-audit-level", f.audit, &c.Defaults.Audit},
		{"default-warn-level", f.warn, &c.Defaults.Warn},
		{"level-without-namespace", f.missing, &c.Missing},
	} {
		if *one.into, err = parseLevelVersion(one.value, version); err != nil {
			return c, usagef("--%s %q: %v", one.flag, one.value, err)
		}
	}
	c.Prefix = strings.TrimSuffix(f.prefix, "/")
	return c, usageOf("--level-label-prefix %q: %v", f.prefix, checkPrefix(f.prefix))
}

// usageOf is a wrong command line, if an error says that it is one.
func usageOf(format string, value string, err error) error {
	if err == nil {
		return nil
	}
	return usagef(format, value, err)
}

// unused refuses flags of this group on a command line that has another level.
func (f *labelFlags) unused(level string) error {
	for _, name := range labelFlagNames {
		if f.set.Changed(name) {
			return usagef("--%s is for --level labels, and the level here is %s: leave one of them out", name, level)
		}
	}
	return nil
}

// levelError is about a value of --level.
func levelError(text string, names []string) error {
	return usagef("--level %q: write %s", text, settings.Either(names))
}

const levelVersionHint = "write a level, or a level and a version, as in baseline:v1.35"

// parseLevelVersion reads LEVEL or LEVEL:VERSION.
func parseLevelVersion(text string, version api.Version) (api.LevelVersion, error) {
	word, number, given := strings.Cut(text, ":")
	level, err := api.ParseLevel(word)
	if err == nil && given {
		version, err = api.ParseVersion(number)
	}
	if err != nil {
		err = errors.New(levelVersionHint)
	}
	return api.LevelVersion{Level: level, Version: version}, err
}

func checkPrefix(text string) error {
	if len(validation.IsDNS1123Subdomain(strings.TrimSuffix(text, "/"))) > 0 {
		return fmt.Errorf("write the part of a label before its slash, as in %s", levels.UpstreamPrefix)
	}
	return nil
}

// book is the levels that the flags name: one for all, or those of Namespace documents.
func (a *app) book(f *inputFlags) (*levels.Book, error) {
	if f.level != fromLabels {
		lv, err := a.parse(&f.levelFlags)
		if err == nil {
			err = f.labels.unused(f.level)
		}
		return levels.NewFixed(lv), err
	}
	version, err := a.parseVersion(&f.levelFlags)
	if err != nil {
		return nil, err
	}
	config, err := f.labels.config(version)
	return levels.NewBook(config), err
}

// selectNamespaces tells policies of the namespaces that the documents of the input
// describe, if one of them asks for their labels.
func (s *scan) selectNamespaces(policies policy.Set) policy.Set {
	if !slices.ContainsFunc(policies.Policies(), func(p *policy.Policy) bool { return p.NamespaceSelector != nil }) {
		return policies
	}
	s.levels.WantLabels()
	return policies.WithNamespaces(s.levels.LabelsOf)
}

// collectLevels reads the input once for its Namespace documents. What cannot be
// read is reported when it is judged.
func (s *scan) collectLevels() error {
	if !s.levels.Collects() {
		return nil
	}
	s.kept = map[string]*spool.Spool{}
	for _, path := range s.paths {
		if err := s.keep(path); err != nil {
			s.release()
			return fmt.Errorf("%s cannot be kept to be read twice: %w", manifest.Display(path), err)
		}
		if s.mayHoldNamespace(path) {
			s.collectFrom(path)
		}
	}
	return nil
}

func (s *scan) mayHoldNamespace(path string) bool {
	r, err := s.open(path)
	if err != nil {
		return false
	}
	defer r.Close()
	return levels.MayHold(r)
}

// keep reads what can be read once, as standard input and pipes are, into a spool.
func (s *scan) keep(path string) error {
	if path != manifest.Stdin && !isPipe(path) {
		return nil
	}
	r, err := s.open(path)
	if err != nil {
		return nil // it fails again where it is judged, which reports it
	}
	defer r.Close()
	kept, err := spool.New(r)
	if err == nil {
		s.kept[path] = kept
	}
	return err
}

// isPipe reports whether a path is of something that may be read but once.
func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular()
}

// release gives up what was kept.
func (s *scan) release() {
	for _, k := range s.kept {
		k.Close()
	}
}

func (s *scan) collectFrom(path string) {
	r, err := s.open(path)
	if err != nil {
		return
	}
	defer r.Close()
	for c, err := range manifest.ReadWithin(r, path, s.maxSize) {
		if err != nil {
			return
		}
		for i := range c.Objects {
			for _, err := range s.levels.Add(path, &c.Objects[i]) {
				s.reportLevels(err)
			}
		}
		s.progress.tick(manifest.Display(path), &s.tally)
	}
}

func (s *scan) reportLevels(err error) {
	if e, ok := err.(*manifest.Error); ok && e.Warning {
		s.say("%v", err)
		return
	}
	s.problem("%v", err)
}
