package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (a *app) controlsCommand() *cobra.Command {
	flags, form := &levelFlags{}, ""
	cmd := &cobra.Command{
		Use:   "controls [--level LEVEL] [--version VERSION]",
		Short: "Print the controls of the standards: fields, values, grants, fills",
		Long: `Controls prints the checks that are in force at a level and version of the Pod
Security Standards: the fields that each reads, the values that it allows, since
when, the field of a policy that excuses a violation, and what is filled in where
it is unset.

A field that begins with spec or metadata is the pod's; any other is a container's,
and holds for init, regular and ephemeral containers alike. With -o json a control
is one line, with -o yaml one document.`,
		Example: `  podfence controls
  podfence controls --level baseline --version v1.24
  podfence controls -o json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			lv, err := a.parse(flags)
			if err != nil {
				return err
			}
			return a.controls(lv, form)
		},
	}
	flags.register(cmd)
	outputFlag(cmd, &form, recordForms...)
	return cmd
}

// control is a control as far as it is in force.
type control struct {
	Control string         `json:"control"`
	Why     string         `json:"why"`
	Checks  []controlCheck `json:"checks"`
	Grants  []string       `json:"grants"`
	Fills   []controlFill  `json:"fills"`
	// NoFill says why nothing is filled in.
	NoFill string `json:"noFill,omitempty"`
}

type controlCheck struct {
	ID      string           `json:"id"`
	Since   string           `json:"since"`
	Change  string           `json:"change"`
	Allowed []controlAllowed `json:"allowed"`
	Exempt  []string         `json:"exempt,omitempty"`
}

type controlAllowed struct {
	Fields []spec.Field `json:"fields"`
	Values []string     `json:"values"`
	// Unset: the field may also be left unset.
	Unset bool `json:"unset"`
}

type controlFill struct {
	Field  spec.Field `json:"field"`
	Value  string     `json:"value"`
	Unless string     `json:"unless"`
}

func (a *app) controls(lv api.LevelVersion, form string) error {
	list := controlsInForce(lv)
	checks, l := 0, lookOf(a.stdout)
	for i := range list {
		c := &list[i]
		checks += len(c.Checks)
		var err error
		switch form {
		case "json":
			err = writeJSON(a.out, c)
		case "yaml":
			err = writeYAML(a.out, c)
		default:
			_, err = a.out.Write(c.text(l))
		}
		if err != nil {
			return err
		}
	}
	if form == "text" {
		fmt.Fprintf(a.out, "%s: %s, %s\n", lv.String(), counted(len(list), "control"), counted(checks, "check"))
	}
	return nil
}

func controlsInForce(lv api.LevelVersion) (list []control) {
	rules := spec.For(lv, false, false)
	for _, c := range spec.Controls() {
		var checks []controlCheck
		for i := range c.Checks {
			if rules.Checks.Has(c.Checks[i].ID) {
				checks = append(checks, checkInForce(&c.Checks[i], lv.Version))
			}
		}
		if len(checks) == 0 {
			continue
		}
		row := control{Control: c.Title, Why: c.Why, Checks: checks, Fills: []controlFill{}, NoFill: c.NoFill}
		for _, grant := range policy.GrantTypesOf(c) {
			row.Grants = append(row.Grants, grant.String())
		}
		for _, f := range mutate.FillTypesOf(c) {
			row.Fills = append(row.Fills, controlFill{f.Field, f.Value, f.Unless})
		}
		list = append(list, row)
	}
	return list
}

func checkInForce(c *spec.Check, version api.Version) controlCheck {
	rev := revisionAt(c, version)
	check := controlCheck{
		ID:     c.ID.String(),
		Since:  fmt.Sprintf("v1.%d", rev.Since),
		Change: rev.Change,
	}
	for _, allowed := range rev.Allowed {
		row := controlAllowed{Fields: allowed.Fields, Values: []string{}, Unset: allowed.Unset}
		for _, v := range allowed.Values {
			row.Values = append(row.Values, valueText(v))
		}
		check.Allowed = append(check.Allowed, row)
	}
	if rev.ExemptWindows {
		check.Exempt = append(check.Exempt, "pods on Windows (spec.os.name)")
	}
	if rev.ExemptUserNamespace {
		check.Exempt = append(check.Exempt, "pods in a user namespace of their own (spec.hostUsers=false)")
	}
	return check
}

// revisionAt is the last revision that is not younger than the version. The
// check is in force, so that there is one.
func revisionAt(c *spec.Check, version api.Version) *spec.Revision {
	for i, rev := range slices.Backward(c.Revisions) {
		if !version.Older(api.MajorMinorVersion(1, rev.Since)) {
			return &c.Revisions[i]
		}
	}
	return &c.Revisions[0]
}

// valueColumn is where the values of the table stand, behind its keys.
const valueColumn = len(indent + "allowed  ")

// text is a block of the table: a headline, and a line for each property.
func (c *control) text(l look) []byte {
	p := &page{look: l, column: valueColumn}
	p.line(bold, "%s", c.Control)
	row := func(key, value string) { p.line("", indent+"%-*s%s", valueColumn-len(indent), key, value) }
	for _, check := range c.Checks {
		row("check", fmt.Sprintf("%s, since %s", check.ID, check.Since))
		for _, allowed := range check.Allowed {
			for i, f := range allowed.Fields {
				row(only(i == 0, "fields"), f.String())
			}
			row("allowed", strings.Join(allowed.values(), ", "))
		}
		if len(check.Exempt) > 0 {
			row("exempt", strings.Join(check.Exempt, ", "))
		}
	}
	row("grant", strings.Join(c.Grants, ", "))
	for i, f := range c.Fills {
		row(only(i == 0, "filled"), fmt.Sprintf("%s: %s", f.Field, f.Value))
		if f.Unless != "" {
			row("", "unless "+f.Unless)
		}
	}
	if len(c.Fills) == 0 {
		row("filled", "nothing: "+c.NoFill)
	}
	p.WriteByte('\n')
	return p.Bytes()
}

// valueText is an allowed value in words.
func valueText(v spec.Value) string {
	if v == (spec.Value{Op: spec.Is}) {
		return `""`
	}
	return v.String()
}

// values are the allowed values in words, with whether none is one.
func (a *controlAllowed) values() []string {
	if a.Unset {
		return append(slices.Clip(a.Values), "unset")
	}
	return a.Values
}

// only is the text, if it is to be shown.
func only(show bool, text string) string {
	if show {
		return text
	}
	return ""
}
