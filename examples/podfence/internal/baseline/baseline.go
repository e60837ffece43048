// Package baseline reads and writes files of violations that are known and accepted, so that a command fails only on
// what is new.
//
// A baseline is no policy. It changes no verdict and excuses nothing in a cluster: it is a list of what is still to be
// done, which can only grow shorter. So an entry says exactly what it accepts: the object, the check, the field and its
// value. Lines and the order of lists do not matter; a container and a volume go by their names.
//
//	command: evaluate
//	accepted:
//	- {kind: Deployment.apps, namespace: prod, name: web, check: hostNamespaces, field: spec.template.spec.hostPID, value: true}
package baseline

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/spec"
)

// Object is what entries are about. A namespace that the manifest does not name is empty.
type Object struct {
	// Kind is the kind and the API group, "Deployment.apps". The version of the API does not matter.
	Kind            string
	Namespace, Name string
}

// ObjectOf names an object by what its manifest says.
func ObjectOf(apiVersion, kind, namespace, name string) Object {
	if group, _, found := strings.Cut(apiVersion, "/"); found {
		kind += "." + group
	}
	return Object{kind, namespace, name}
}

// String names the object to a person: "Deployment.apps prod/web".
func (o Object) String() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return spec.Printable(o.Kind + " " + name)
}

// Key tells a violation from all others, wherever its object stands.
type Key struct {
	Object
	// Check is the check, or the key of the policy whose own rule it is.
	Check string
	// Field is the path in the object, "*" for the index of a container and of any entry of a list.
	Field string
	// Container and Volume are the names of those that the field belongs to, empty for none.
	Container, Volume string
	// Value is the offending value as JSON, null for a field that is unset.
	Value string
}

// KeyOf is that of a violation in an object.
func KeyOf(o Object, v *evaluate.Violation) Key {
	value, err := json.Marshal(v.Value)
	if err != nil {
		value = fmt.Append(nil, v.Value) // not reached: values are booleans, numbers, texts and lists of them
	}
	return Key{o, v.CheckOrRule(), fieldOf(&v.Location), v.Container.Name, v.Volume, string(value)}
}

// fieldOf is the path of a field without what may change though the field is the same: which of the containers and
// volumes it belongs to, their names say.
func fieldOf(l *spec.Location) string {
	var parts []string
	if root := l.Root.String(); root != "" {
		parts = append(parts, root)
	}
	if l.Container.Kind != 0 {
		parts = append(parts, "spec."+l.Container.Kind.List()+"[*]")
	}
	field := l.Field.String()
	if l.Key != "" {
		field = strings.Replace(field, "[*]", "["+l.Key+"]", 1)
	}
	if field != "" {
		parts = append(parts, field)
	}
	return strings.Join(parts, ".")
}

// What says what an entry accepts, for a message: "hostNamespaces at spec.hostPID, which was true".
func (k *Key) What() string {
	at := ""
	switch {
	case k.Container != "":
		at = fmt.Sprintf(" of container %q", k.Container)
	case k.Volume != "":
		at = fmt.Sprintf(" of volume %q", k.Volume)
	}
	value := k.Value
	if value == unset {
		value = "unset"
	}
	return spec.Printable(fmt.Sprintf("%s at %s%s, which was %s", k.Check, k.Field, at, value))
}

// unset is the Value of a field that is unset.
const unset = "null"
