package native

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence/spec"
)

// volumesOf are the pod's volumes: their names, their types, and of a hostPath its
// path, its type and how it is mounted.
var volumesOf = "variables.spec.?volumes.orValue([]).transformList(j, o, has(o.hostPath) ? " +
	"{'i': dyn(j), 'name': dyn(o.name), 'types': dyn(" + typesOf + "), 'hostPath': dyn(o.hostPath.path), 'path': dyn(" + comparedPath + "), 'type': dyn(" + hostPathType + "), " +
	"'writable': dyn('w/' + o.name in variables.mounts), 'submounts': dyn('w/' + o.name in variables.mounts || 's/' + o.name in variables.mounts)} : " +
	"{'i': dyn(j), 'name': dyn(o.name), 'types': dyn(" + typesOf + ")})"

// typesOf are the types of a volume o. Validation lets it have one. More have the
// order of the table, for a map has none.
var typesOf = let("names", "o.filter(k, k in variables.volumeTypes)", "names.size() < 2 ? names : names.map(k, variables.volumeTypes[k] + k).sort().map(k, k.substring(2))")

// hostPathType is the type of a hostPath as a policy names it, empty for one that the
// API does not know.
var hostPathType = func() string {
	known, unset := []string{}, ""
	for _, t := range spec.HostPathTypes() {
		if t.Type == "" {
			unset = t.Name
		} else {
			known = append(known, string(t.Type))
		}
	}
	return "[o.?hostPath.?type.orValue('')].map(t, t == '' ? " + word(unset) + " : t in " + words(known) + " ? t : '')[0]"
}()

// mountsOf are the names of the volumes that containers mount so that they may be
// written to, after w/, or so that what the node mounted below them may be, after s/.
// A device is always writable.
const mountsOf = "variables.containers.map(x, x.c.?volumeMounts.orValue([]).map(m, (!m.?readOnly.orValue(false) ? 'w/' : m.?recursiveReadOnly.orValue('') != 'Enabled' ? 's/' : 'r/') + m.name) + " +
	"x.c.?volumeDevices.orValue([]).map(m, 'w/' + m.name)).flatten()"

// volumeTypes is a map from the names of all types to their places, of two digits,
// in the table of spec; restrictedTypes one with the names of those that restricted
// allows.
func volumeTypes() (all, restricted string) {
	var names, some []string
	for place, t := range spec.VolumeTypes() {
		names = append(names, fmt.Sprintf("%s: '%02d'", quote(t.Name), place))
		if t.Restricted {
			some = append(some, quote(t.Name)+": true")
		}
	}
	return "{" + strings.Join(names, ", ") + "}", "{" + strings.Join(some, ", ") + "}"
}

// volumeViolation is one by a volume o, under the type by which it is named.
const volumeViolation = "{'n': dyn(-1), 'f': dyn('spec.volumes[' + string(o.i) + ']' + (t == '" + spec.UnknownVolumeType + "' ? '' : '.' + t)), 'v': dyn(t == '" + spec.HostPath + "' ? o.hostPath : t), 'volume': dyn(o)}"

var hostPathVolumes = check{
	found: func(*spec.Revision) string {
		return "variables.volumes.filter(o, '" + spec.HostPath + "' in o.types).map(o, " + let("t", "'"+spec.HostPath+"'", volumeViolation) + ")"
	},
	reason: word("hostPath volumes"),
	detail: volumeNames,
}

const volumeNames = "(L.size() == 1 ? 'volume' : 'volumes') + ' \"' + L.map(v, string(v.volume.name)).join('\", \"') + '\"'"

var restrictedVolumes = check{
	found: func(r *spec.Revision) string {
		allowed := r.AllowedFor(spec.FieldVolume)
		var names []string
		for _, v := range allowed.Values {
			names = append(names, v.Text)
		}
		return "variables.volumes.filter(o, !o.types.exists(t, t in " + words(names) + ")).map(o, " +
			let("t", "o.types.size() == 0 ? '"+spec.UnknownVolumeType+"' : string(o.types[0])", volumeViolation) + ")"
	},
	reason: word("restricted volume types"),
	detail: volumeNames + " + " + uses("L") + " + " +
		let("w", "L.map(v, v.volume.types.size() == 0 ? '"+spec.UnknownVolumeType+"' : string(v.volume.types[0])).distinct().sort()",
			"("+plural("restricted volume type", "w")+") + ' ' + "+quoted("w")),
}
