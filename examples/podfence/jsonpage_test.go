package main

import (
	"encoding"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"

	"github.com/podfence/podfence"
)

// jsonForms are the forms of which docs/json.md has a table, by its heading.
var jsonForms = map[string]reflect.Type{
	"`podfence evaluate`":                 reflect.TypeFor[evaluateRecord](),
	"`podfence admit`":                    reflect.TypeFor[admitRecord](),
	"The stored view":                     reflect.TypeFor[storedRecord](),
	"A violation":                         reflect.TypeFor[violationRecord](),
	"A container":                         reflect.TypeFor[evaluate.ContainerRecord](),
	"A change":                            reflect.TypeFor[mutate.ChangeRecord](),
	"A field left unset":                  reflect.TypeFor[mutate.UnsetRecord](),
	"An advice":                           reflect.TypeFor[podfence.AdviceRecord](),
	"A policy that nearly selects":        reflect.TypeFor[nearRecord](),
	"The levels of a namespace":           reflect.TypeFor[levelsRecord](),
	"The answer at another level":         reflect.TypeFor[observedRecord](),
	"A label that it misses by":           reflect.TypeFor[nearLabelRecord](),
	"`--summary`":                         reflect.TypeFor[tallyRecord](),
	"`podfence compare`":                  reflect.TypeFor[compareRecord](),
	"A part of a policy's pods":           reflect.TypeFor[partRecord](),
	"A difference of policies":            reflect.TypeFor[differenceRecord](),
	"A witness":                           reflect.TypeFor[author.WitnessRecord](),
	"A value that is filled in otherwise": reflect.TypeFor[author.FillDifference](),
	"A workload whose verdict changes":    reflect.TypeFor[changedRecord](),
	"`podfence lint`":                     reflect.TypeFor[lintRecord](),
	"`podfence mutate -o patch`":          reflect.TypeFor[patchRecord](),
	"`podfence controls`":                 reflect.TypeFor[control](),
	"A check":                             reflect.TypeFor[controlCheck](),
	"Allowed values":                      reflect.TypeFor[controlAllowed](),
	"A value that is filled in":           reflect.TypeFor[controlFill](),
	"`podfence version`":                  reflect.TypeFor[versionRecord](),
	"A warning of `policy.Lint`":          reflect.TypeFor[policy.Warning](),
	"A policy that a warning is about":    reflect.TypeFor[policy.Reference](),
	"A notice":                            reflect.TypeFor[policy.Notice](),
	"`podfence test`":                     reflect.TypeFor[testRecord](),
	"A workload of a case":                reflect.TypeFor[testedRecord](),
	"A difference":                        reflect.TypeFor[mismatchRecord](),
	"A fact":                              reflect.TypeFor[author.Fact](),
	"`podfence review`":                   reflect.TypeFor[author.Exposure](),
	"An opening":                          reflect.TypeFor[author.Opening](),
	"An implication":                      reflect.TypeFor[author.Implication](),
	"`podfence suggest`":                  reflect.TypeFor[author.SuggestionRecord](),
	"A suggested policy":                  reflect.TypeFor[author.SuggestedRecord](),
	"A workload":                          reflect.TypeFor[author.Reference](),
	"A grant and what needs it":           reflect.TypeFor[author.GrantRecord](),
	"A field that needs a grant":          reflect.TypeFor[author.ReasonRecord](),
	"A rule that is not pinned":           reflect.TypeFor[author.UnpinnedRecord](),
	"A remark about manifests":            reflect.TypeFor[author.RemarkRecord](),
	"A workload that no policy allows":    reflect.TypeFor[author.UnmetRecord](),
	"The proof":                           reflect.TypeFor[author.ProofRecord](),
	"A smaller policy that was tried":     reflect.TypeFor[author.StepRecord](),
	"`podfence usage`":                    reflect.TypeFor[author.PolicyUseRecord](),
	"The pods of an owner":                reflect.TypeFor[author.OwnerUseRecord](),
	"A grant and what uses it":            reflect.TypeFor[author.EntryUseRecord](),
}

// jsonField is a row of a table.
type jsonField struct{ Name, Type, Always string }

// fieldsOf are the fields that encoding/json writes of a type, in their order. A
// field that a nearer one hides is not written.
func fieldsOf(t reflect.Type) []jsonField {
	var list []jsonField
	at := map[string]int{}
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		always := "yes"
		if strings.Contains(f.Tag.Get("json"), ",omit") {
			always = "no"
		}
		field := jsonField{tag, typeName(f.Type), always}
		if i, hidden := at[tag]; hidden {
			if len(f.Index) == 1 {
				list[i] = field // the nearer one, in the place of the first
			}
			continue
		}
		at[tag] = len(list)
		list = append(list, field)
	}
	return list
}

// typeName is a type as the page names it.
func typeName(t reflect.Type) string {
	for heading, of := range jsonForms {
		if of == t {
			return heading
		}
	}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return "JSON Patch"
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()), t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list: " + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "map: " + typeName(t.Elem())
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Interface:
		return "any"
	default:
		return "number"
	}
}

var jsonRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\| (yes|no) \\| ([^|]+) \\|$")

// TestJSONPage: docs/json.md has every field of every form with its type, and no
// other, in the order in which they are written.
func TestJSONPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{}
	for section := range strings.SplitSeq(string(page), "\n#") {
		heading, rest, _ := strings.Cut(strings.TrimLeft(section, "# "), "\n")
		tables[heading] = rest
	}
	for heading, form := range jsonForms {
		rows := jsonRow.FindAllStringSubmatch(tables[heading], -1)
		var got []jsonField
		for _, m := range rows {
			got = append(got, jsonField{m[1], m[2], m[3]})
		}
		if diff := cmp.Diff(fieldsOf(form), got); diff != "" {
			t.Errorf("the section %q (-%s +page):\n%s", heading, form, diff)
		}
	}
	if rows := len(jsonRow.FindAllString(string(page), -1)); rows < 100 {
		t.Errorf("%d fields, want 100 at least", rows)
	}
}

// TestFieldsOfAreWritten: what the page lists is what encoding/json writes, for a
// workload that has something under each key.
func TestFieldsOfAreWritten(t *testing.T) {
	for _, record := range []any{evaluateRecord{}, admitRecord{}, patchRecord{Patch: json.RawMessage("[]")}, versionRecord{}, control{}, tallyRecord{}, lintRecord{}, policy.Warning{}, compareRecord{}, partRecord{}, differenceRecord{}, author.WitnessRecord{}, changedRecord{}, testRecord{}, testedRecord{}, mismatchRecord{}, author.Exposure{}, author.Opening{}, author.Implication{}} {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		var written map[string]json.RawMessage
		if err := json.Unmarshal(text, &written); err != nil {
			t.Fatal(err)
		}
		for _, f := range fieldsOf(reflect.TypeOf(record)) {
			if _, is := written[f.Name]; f.Always == "yes" && !is {
				t.Errorf("%T: %s is not always written: %s", record, f.Name, text)
			}
			delete(written, f.Name)
		}
		for name := range written {
			t.Errorf("%T: %s is written and not listed", record, name)
		}
	}
}
