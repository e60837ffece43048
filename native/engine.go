package native

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// pod says which pod an engine judges.
type pod struct {
	// metadata and spec are those of the pod, and ephemeral is where its ephemeral
	// containers stand.
	metadata, spec, ephemeral string
	// appArmor is the profile of a container c beside its own, as an optional value:
	// the one that the API server will set.
	appArmor string
	// ports are the ports of a container c.
	ports string
	// running are the names of the ephemeral containers that cannot change any more,
	// or of a request that may not fill in anything else; see update.
	running string
	// added are the volumes that others will add, each with its name and type, and
	// mounts the mounts. Empty: none.
	added, mounts string
}

// update holds of a request that changes the ephemeral containers of a pod.
const update = "(has(request.subResource) && request.subResource == 'ephemeralcontainers')"

// variables are the parts of a pod that the engine reads.
func (s *pod) variables() []Variable {
	allTypes, restrictedTypes := volumeTypes()
	mounts := mountsOf
	if s.mounts != "" {
		mounts = sum(mounts, s.mounts)
	}
	list := []Variable{
		// A list that is empty has a type here, and an empty literal has an open one,
		// of which the type checker takes much longer.
		{"none", "[{'n': dyn(0)}].filter(v, false)"},
		{"noWords", "[''].filter(v, false)"},
		{"metadata", s.metadata},
		{"spec", s.spec},
		{"podContext", "variables.spec.?securityContext.orValue({})"},
		{"annotations", "variables.metadata.?annotations.orValue({})"},
		{"windows", "variables.spec.?os.?name.orValue('') == 'windows'"},
		{"userNamespace", "!" + ofPod(spec.FieldHostUsers) + ".orValue(true)"},
		{"mirror", word(corev1.MirrorPodAnnotationKey) + " in variables.annotations"},
		{"frozen", "variables.windows || variables.mirror"},
		{"running", s.running},
		{"containers", s.containers()},
		{"images", "variables.containers.map(x, " + let("c", "x.c", imageOf) + ")"},
		{"volumeTypes", allTypes},
		{"restrictedTypes", restrictedTypes},
		{"tokenVolumes", tokenVolumes},
		{"addedVolumes", s.added},
		{"mounts", mounts},
		{"volumes", volumesOf},
		{"forbidsUserNamespace", forbidsUserNamespace},
	}
	return slices.DeleteFunc(list, func(v Variable) bool { return v.Expression == "" || v.Name == "tokenVolumes" && s.added == "" })
}

// forbidsUserNamespace names the first thing about the pod beside which the API
// refuses hostUsers: false, as spec.ForbidsUserNamespace does.
var forbidsUserNamespace = "(['hostNetwork', 'hostPID', 'hostIPC'].filter(f, f in variables.spec && variables.spec[f]) + " +
	"(variables.containers.exists(x, x.c.?" + spec.VolumeDevices + ".orValue([]).size() > 0) ? ['" + spec.VolumeDevices + "'] : variables.noWords) + [''])[0]"

// containers lists the containers of all kinds: each c with where it stands, its kind
// in words, its AppArmor profile and its ports.
func (s *pod) containers() string {
	var lists []string
	for _, kind := range spec.ContainerKinds() {
		from := "variables.spec"
		if kind == spec.EphemeralContainer {
			from = s.ephemeral
		}
		ports := s.ports
		if kind == spec.EphemeralContainer {
			ports = "c.?ports.orValue([])"
		}
		lists = append(lists, "["+from+".?"+kind.List()+".orValue([])].map(l, l == null ? variables.noWords : l)[0].transformList(j, c, {'c': dyn(c), 'index': dyn(j), 'list': dyn('"+kind.List()+"'), 'kind': dyn('"+kind.String()+"'), "+
			"'entryKind': dyn("+entryKinds[kind.List()]+"), 'appArmor': dyn("+s.appArmor+"), 'ports': dyn("+ports+")})")
	}
	return strings.Join(lists, " + ")
}

// ownAppArmor is the profile of a container c itself.
const ownAppArmor = "c.?securityContext.?appArmorProfile.?type"

// standard are the violations of the standard, whatever policies grant.
func standard() (list []Variable) {
	for _, id := range checkIDs() {
		list = append(list, Variable{variableOf("found", id), violations(id)})
	}
	return list
}

// trialsOf hold what was found against each trial, and count what is left.
// at is the pod that is judged, and filling says whether something is filled into it.
func trialsOf(filling bool, at *pod) (list []Variable) {
	var counts []string
	list = append(list, Variable{"nothing", "variables.trials.map(p, variables.none)"}) // what each trial leaves of a check that finds nothing
	for _, id := range checkIDs() {
		name := variableOf("left", id)
		list = append(list, Variable{name, left(id, filling)})
		counts = append(counts, ifFound(id, "variables."+name+"[i].size()", "0"))
	}
	for _, r := range rules() {
		name := r.variable("leftRule")
		list = append(list, Variable{name, r.violations(at)})
		counts = append(counts, "variables."+name+"[i].size()")
	}
	return append(list, Variable{"counts", "variables.trials.transformList(i, p, " + strings.Join(counts, " + ") + ")"})
}

// ifFound reads a variable about the violations of a check where there are any, and is
// something else where there are none. To evaluate a variable costs much more than to
// read one that was.
func ifFound(id spec.CheckID, value, none string) string {
	return "(variables." + variableOf("found", id) + ".size() == 0 ? " + none + " : " + value + ")"
}

// messages are what is said of each check and rule in the trial that counts: variables,
// and for each of them an expression that reads it where it says something.
func messages() (list []Variable, texts []string) {
	for _, id := range checkIDs() {
		c := &checks[id]
		text := "(" + c.reason + ")"
		if id == spec.CheckSysctls { // the detail of a sysctl without a name is empty
			text += " + " + let("d", c.detail, "d == '' ? '' : ' (' + d + ')'")
		} else {
			text += " + ' (' + (" + c.detail + ") + ')'"
		}
		name := variableOf("say", id)
		texts = append(texts, ifFound(id, "variables."+name, "variables.noWords"))
		list = append(list, Variable{name, let("L", "variables."+variableOf("left", id)+"[variables.best]", "L.size() == 0 ? variables.noWords : ["+text+"]")})
	}
	for _, r := range rules() {
		name := r.variable("sayRule")
		texts = append(texts, "variables."+name)
		list = append(list, Variable{name, r.say()})
	}
	return list, texts
}
