package policy

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence/spec"
)

// Form is what may stand at one place of a policy, as data: what a schema for
// editors or for custom resources is written from. It is read off the types and
// off the tables that Validate goes by, and is never stricter than Parse. What it
// cannot say, such as that a minimum is not above its maximum, Validate alone says.
type Form struct {
	Kind FormKind
	// Type is the name of the Go type of a block.
	Type string
	// Keys are those that a block may have, in the order of the types. It has no others.
	Keys []FormKey
	// Conditions are what one key of a block demands of another.
	Conditions []FormCondition
	// OneOf are keys of a block of which one must be given, and not be empty; a flag
	// must be true.
	OneOf []string
	// Shorthand are the words that may stand in place of a block or a number.
	Shorthand []string
	// Entry is what each entry of a list is, or the value of each label.
	Entry *Form
	// Label is what the key of each label is.
	Label *Form
	// NotEmpty: a list that is given has an entry.
	NotEmpty bool
	// MaxEntries is how many entries a list has at most. 0: no limit.
	MaxEntries int
	// Words are all that a text may be. Nil: other texts too.
	Words []string
	// Patterns are regular expressions, each of which a text matches, and Never
	// those of which it matches none. RE2, ECMAScript and PCRE read them alike.
	Patterns, Never []string
	// Format is the name that JSON schema has for the form of a text: date. Empty: none.
	Format string
	// Fix says what to write instead of a text that does not match, as Validate says it.
	Fix string
	// MaxLength is how many characters a text has at most. 0: no limit.
	MaxLength int
	// Min and Max bound a number, ends included.
	Min, Max int64
}

// FormKind is the kind of a value.
type FormKind uint8

// The kinds.
const (
	KindBlock  FormKind = iota + 1 // keys that are known
	KindList                       // of entries of one form
	KindLabels                     // keys that are texts, with texts for values
	KindText
	KindFlag   // true or false
	KindNumber // a whole one
)

// FormKey is one key of a block.
type FormKey struct {
	Name string
	// Owner and Field are the Go type and field that the key is, whose comment
	// describes it.
	Owner, Field string
	Required     bool
	// Default is what an absent key means: false, a number, a text, a list of them,
	// or a block of texts. Nil: it depends, as the field's comment says.
	Default any
	Form    *Form
}

// FormCondition is what one key of a block demands of another, its Other.
type FormCondition struct {
	// Key has one of Values, or Unset and is not given. Without Values: any value. Of a
	// flag they are the word true.
	Key    string
	Values []string
	Unset  bool
	Other  string
	Demand FormDemand
}

// FormDemand is what a condition wants of the other key.
type FormDemand uint8

// The demands.
const (
	MustBeFilled  FormDemand = iota + 1 // it is given, and not empty
	MustBeEmpty                         // it is not given, or empty
	MustBeTrue                          // it is given, and true
	MustNotBeLess                       // it is a number, and not below that of Key
)

// Format returns the form of a policy. The result is the caller's.
func Format() *Form { return formOf(reflect.TypeFor[Policy](), "") }

// formOf is the form of a type at a path, without indices.
func formOf(t reflect.Type, path string) *Form {
	switch t.Kind() {
	case reflect.Pointer:
		return formOf(t.Elem(), path)
	case reflect.Struct:
		return blockForm(t, path)
	case reflect.Slice:
		f := &Form{Kind: KindList, Entry: formOf(t.Elem(), path), NotEmpty: slices.Contains(notEmpty[:], path)}
		if path == containersKey {
			f.MaxEntries = MaxContainerEntries
		}
		return f
	case reflect.Map:
		return &Form{Kind: KindLabels, Label: labelKeyForm(), Entry: labelValueForm()}
	case reflect.Bool:
		return &Form{Kind: KindFlag}
	case reflect.Int32: // as the fix of one that does not fit says, see fixRange
		return &Form{Kind: KindNumber, Min: 1, Max: maxPort}
	case reflect.Int64:
		f := &Form{Kind: KindNumber, Min: 0, Max: MaxID}
		if t == reflect.TypeFor[GroupFill]() {
			f.Shorthand = []string{noGroup}
		}
		return f
	default:
		return textForm(path)
	}
}

// notEmpty are the lists that are not given without an entry.
var notEmpty = [...]string{"namespaces", "allow.allowedHostPaths.types"}

func blockForm(t reflect.Type, path string) *Form {
	f := &Form{Kind: KindBlock, Type: t.Name()}
	for _, key := range fieldsOf(t) {
		at := keyPath(path, key.name)
		owner, field := ownerOf(t, key.index)
		f.Keys = append(f.Keys, FormKey{
			Name: key.name, Owner: owner, Field: field, Required: key.required,
			Default: defaultOf(at, key), Form: formOf(key.typ, at),
		})
	}
	for _, r := range (&Allow{}).rules() {
		if r.field == policyPath(path) {
			f.Conditions = ruleConditions(r)
		}
	}
	if t == reflect.TypeFor[IDRange]() || t == reflect.TypeFor[PortRange]() {
		f.Conditions = []FormCondition{{Key: "min", Other: "max", Demand: MustNotBeLess}}
	}
	switch policyPath(path) {
	case "":
		f.OneOf = []string{"podSelectorLabels", "podSelectorExpressions", "default"}
		f.Conditions = []FormCondition{{Key: "namespace", Other: "namespaces", Demand: MustBeEmpty}}
		for _, row := range notInDefault {
			f.Conditions = append(f.Conditions, FormCondition{Key: "default", Values: []string{"true"}, Other: row.field, Demand: MustBeEmpty})
		}
	case "namespaceSelector":
		f.OneOf = []string{"matchLabels", "matchExpressions"}
	case containersKey:
		f.OneOf = []string{"names", "images", "kinds"}
	case "podSelectorExpressions", "namespaceSelector.matchExpressions":
		f.Conditions = operatorConditions()
	case KeyAllowedHostPaths.String():
		f.Conditions = []FormCondition{{Key: "recursiveReadOnly", Values: []string{"true"}, Other: "readOnly", Demand: MustBeTrue}}
	case KeyRunAsUser.String():
		f.Shorthand = words(slices.DeleteFunc(slices.Clone(userRules), Rule.takesRanges))
	}
	return f
}

// ownerOf names the struct that a field stands in, which may be an embedded one.
func ownerOf(t reflect.Type, index []int) (owner, field string) {
	for ; len(index) > 1; index = index[1:] {
		t = t.Field(index[0]).Type
	}
	return t.Name(), t.Field(index[0]).Name
}

func words[S ~string](list []S) []string {
	all := make([]string, len(list))
	for i, w := range list {
		all[i] = string(w)
	}
	return all
}

// ruleConditions: ranges stand under a rule that takes them, and only there.
func ruleConditions(r ruleField) []FormCondition {
	without := slices.DeleteFunc(slices.Clone(r.known), Rule.takesRanges)
	return []FormCondition{
		{Key: "rule", Values: words(ranged(r.known)), Other: "ranges", Demand: MustBeFilled},
		{Key: "rule", Values: words(without), Unset: true, Other: "ranges", Demand: MustBeEmpty},
	}
}

// operatorConditions: values stand beside an operator that compares, and only there.
func operatorConditions() []FormCondition {
	compare := FormCondition{Key: "operator", Other: "values", Demand: MustBeFilled}
	exist := FormCondition{Key: "operator", Other: "values", Demand: MustBeEmpty}
	for _, operator := range slices.Sorted(maps.Keys(takesValues)) {
		if takesValues[operator] {
			compare.Values = append(compare.Values, string(operator))
		} else {
			exist.Values = append(exist.Values, string(operator))
		}
	}
	return []FormCondition{compare, exist}
}

// containersKey is the key of the entries for single containers.
const containersKey = "containers"

// policyPath is the path at which the policy itself has the key of an entry for single
// containers that says the same there.
func policyPath(path string) string {
	if below, ok := strings.CutPrefix(path, containersKey+"."); ok && (strings.HasPrefix(below, "allow") || strings.HasPrefix(below, "mutations")) {
		return below
	}
	return path
}

// defaultOf is what an absent key means.
func defaultOf(path string, key field) any {
	if path != policyPath(path) {
		return defaultOfEntry(path, key)
	}
	for _, r := range (&Allow{}).rules() {
		switch {
		case r.field != path:
		case path == KeyRunAsUser.String():
			return string(r.standard)
		default:
			return map[string]string{"rule": string(r.standard)}
		}
	}
	p := Default()
	switch path {
	case KeyVolumes.String():
		return DefaultVolumes()
	case KeyDropAllCapabilities.String():
		return p.Mutations.DropsAllCapabilities()
	case KeySetDefaultSeccompProfile.String():
		return p.Mutations.SetsSeccompProfile()
	case KeyFillRunAsGroup.String():
		return filled(p.GroupFill())
	case KeyFillFSGroup.String():
		return filled(p.FSGroupFill())
	case KeyFillSupplementalGroups.String():
		return p.SupplementalGroupsFill()
	}
	switch {
	case key.typ.Kind() == reflect.Bool:
		return false
	case key.typ.Kind() == reflect.Slice && key.dropEmpty && parentPath(path) != "":
		return []string{}
	}
	return nil
}

// defaultOfEntry is what an absent key of an entry for single containers means. What
// it does not say, the policy does.
func defaultOfEntry(path string, key field) any {
	switch {
	case parentPath(path) != containersKey+".allow":
		return nil
	case key.typ.Kind() == reflect.Bool:
		return false
	case key.typ.Kind() == reflect.Slice:
		return []string{}
	}
	return nil
}

func filled(id int64, ok bool) any {
	if !ok {
		return nil
	}
	return id
}

// Parts of patterns. A segment of a path is neither . nor .., and holds no
// character that YAML would have to escape.
const (
	dnsLabel   = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	subdomain  = dnsLabel + `(\.` + dnsLabel + `)*`
	labelName  = `[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`
	segment    = `([^/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*|\.[^/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*|\.\.[^/\\\x00-\x1f\x7f]+)`
	windowName = `[^/\\<>:"|?*\x00-\x1f\x7f]*[^/\\<>:"|?*. \x00-\x1f\x7f]`
	// maxLabelKey is that of a prefix, a slash and a name.
	maxLabelKey = validation.DNS1123SubdomainMaxLength + 1 + validation.LabelValueMaxLength
)

func labelKeyForm() *Form {
	return &Form{Kind: KindText, Patterns: []string{`^(` + subdomain + `/)?` + labelName + `$`}, MaxLength: maxLabelKey, Fix: fixLabelKey}
}

func labelValueForm() *Form {
	return &Form{Kind: KindText, Patterns: []string{`^(` + labelName + `)?$`}, MaxLength: validation.LabelValueMaxLength, Fix: fixLabelValue}
}

// noteForm is text for people, on one line.
func noteForm(limit int) *Form {
	return &Form{Kind: KindText, Patterns: []string{`^ *[^ \x00-\x1f\x7f][^\x00-\x1f\x7f]*$`}, MaxLength: limit, Fix: fixNote}
}

// textForm is what a text at a path may be. TestFormsAgreeWithTheChecks holds each
// to the check of validate.go.
func textForm(path string) *Form {
	path = policyPath(path)
	for _, r := range (&Allow{}).rules() {
		if path == r.field+".rule" {
			return &Form{Kind: KindText, Words: words(r.known)}
		}
	}
	f := &Form{Kind: KindText}
	switch path {
	case "name":
		f.Patterns, f.MaxLength, f.Fix = []string{`^` + subdomain + `$`}, validation.DNS1123SubdomainMaxLength, fixName
	case "namespace", "namespaces":
		f.Patterns, f.MaxLength, f.Fix = []string{`^` + dnsLabel + `$`}, validation.DNS1123LabelMaxLength, fixNamespace
	case "reason":
		return noteForm(maxReason)
	case "owner":
		return noteForm(maxOwner)
	case "expires":
		f.Patterns, f.Format, f.Fix = []string{`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`}, "date", fixExpires
	case "podSelectorExpressions.key", "namespaceSelector.matchExpressions.key":
		return labelKeyForm()
	case "podSelectorExpressions.values", "namespaceSelector.matchExpressions.values":
		return labelValueForm()
	case "podSelectorExpressions.operator", "namespaceSelector.matchExpressions.operator":
		f.Words = words(slices.Sorted(maps.Keys(takesValues)))
	case "containers.names":
		f.Patterns, f.MaxLength, f.Fix = []string{`^(` + dnsLabel + `|[a-z0-9][-a-z0-9]*\*)$`}, validation.DNS1123LabelMaxLength, fixContainerName
	case "containers.images":
		f.Patterns, f.Fix = imagePatterns(), fixImage
	case "containers.kinds":
		f.Words = words(ContainerKinds())
	case "allow.supplementalGroups.policy":
		f.Words = []string{string(corev1.SupplementalGroupsPolicyStrict)}
	case KeyUserNamespace.String():
		f.Words = []string{string(UserNamespaceRequired)}
	case KeyFillFSGroupChangePolicy.String():
		f.Words = []string{string(corev1.FSGroupChangeOnRootMismatch)}
	case "allow.allowedHostPaths.types":
		for _, t := range spec.HostPathTypes() {
			f.Words = append(f.Words, t.Name)
		}
	case "allow.allowedHostPaths.pathPrefix":
		f.Fix = `write a clean path: /var/log, or C:\var\lib for nodes of Windows`
		f.Patterns = []string{`^(/|(/` + segment + `)+/?|[A-Za-z]:\\((` + windowName + `\\)*` + windowName + `\\?)?)$`}
	case KeyAllowedCapabilities.String():
		f.Patterns, f.Never, f.Fix = []string{`^(\*|[A-Za-z0-9_]+)$`}, []string{`^[Cc][Aa][Pp]_$`}, fixCapabilityName
	case KeyAllowedUnsafeSysctls.String():
		f.Patterns, f.MaxLength, f.Fix = sysctlPatterns(), maxSysctl, fixSysctl
	case KeyAllowedProbeHosts.String():
		f.Fix = fixHost
		f.Patterns = []string{`^[^\s\x00-\x1f\x7f]+$`}
	default:
		f.Words = listedWords(path)
	}
	return f
}

// imagePatterns is that of a reference, whole or up to a "*". It leaves lengths and what
// is taken for an ID to Validate.
func imagePatterns() []string {
	const (
		registry, tag, digest = ImageRegistryPattern, ImageTagPattern, ImageDigestPattern

		path    = `(` + registry + `/)?` + ImagePathPattern
		begin   = registry + `/(` + imagePart + `/)*([a-z0-9]+((\.|__?|-+)[a-z0-9]+)*(\.|__?|-+)?)?`
		digests = `(s|sh|sha|sha[235]|sha25|sha38|sha51|sha(256|384|512)(:[a-f0-9]*)?)?`
	)
	return []string{`^(` + path + `(:` + tag + `)?(@` + digest + `)?|` + path + `:(` + tag + `)?\*|` + path + `@` + digests + `\*|` + begin + `\*)$`}
}

// sysctlPatterns are that of a name or a prefix, and that the first separator is a dot.
func sysctlPatterns() []string {
	const part = `[a-z0-9]([-_a-z0-9]*[a-z0-9])?`
	return []string{`^(` + part + `[./])*(` + part + `|([a-z0-9][-_a-z0-9]*)?\*)$`, `^[^./]*(\.|$)`}
}

// listedWords are the words of the API, and "*", that a list of words may hold.
func listedWords(path string) (may []string) {
	vocabulary := []string{anyValue, unconfined, "RuntimeDefault", "Localhost", "Unmasked", "Default"}
	for _, t := range spec.VolumeTypes() {
		vocabulary = append(vocabulary, t.Name)
	}
	for _, l := range wordChecks {
		for _, word := range vocabulary {
			if l.key.String() == path && mayList(l.key, word) {
				may = append(may, word)
			}
		}
	}
	return may
}
