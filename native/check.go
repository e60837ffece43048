package native

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// check is what the file of a control says of one of its checks.
type check struct {
	// found is the list of the pod's violations by one revision, whatever a policy
	// grants: those of the pod, then those of its containers.
	found func(r *spec.Revision) string
	// reason and detail are Pod Security Admission's, for violations L, of which
	// there is at least one. The reason is an expression only for AppArmor.
	reason, detail string
	// inherits says of a container x whether a field of the pod that breaks the check,
	// as v has it, speaks for it. Empty: no field of the pod does.
	inherits string
	// podFacts are the facts about a field of the pod that breaks the check.
	podFacts map[spec.Facts]string
}

// checks is indexed by check ID.
var checks = [...]check{
	spec.CheckAppArmorProfile:            appArmor,
	spec.CheckCapabilitiesBaseline:       {found: addedCapabilities, reason: word("non-default capabilities"), detail: capabilitiesDetail},
	spec.CheckHostNamespaces:             hostNamespaces,
	spec.CheckHostPathVolumes:            hostPathVolumes,
	spec.CheckHostPorts:                  hostPorts,
	spec.CheckHostProbesAndHostLifecycle: hostProbes,
	spec.CheckPrivileged:                 privileged,
	spec.CheckProcMount:                  procMount,
	spec.CheckSELinuxOptions:             seLinux,
	spec.CheckSeccompProfileBaseline:     seccomp,
	spec.CheckSysctls:                    sysctls,
	spec.CheckWindowsHostProcess:         hostProcess,
	spec.CheckAllowPrivilegeEscalation:   escalation,
	spec.CheckCapabilitiesRestricted:     {found: restrictedCapabilities, reason: word("unrestricted capabilities"), detail: capabilitiesDetail},
	spec.CheckProcMountRestricted:        procMount,
	spec.CheckRestrictedVolumes:          restrictedVolumes,
	spec.CheckRunAsNonRoot:               nonRoot,
	spec.CheckRunAsUser:                  rootUser,
	spec.CheckSeccompProfileRestricted:   seccomp,
}

// revisions are those of a check, in order.
func revisions(id spec.CheckID) []spec.Revision {
	for _, c := range id.Control().Checks {
		if c.ID == id {
			return c.Revisions
		}
	}
	return nil
}

// checkIDs are all checks, in the order of reports.
func checkIDs() (ids []spec.CheckID) {
	for id := range checks[1:] {
		ids = append(ids, spec.CheckID(id+1))
	}
	return ids
}

// variableOf names the variable of a check, among those that begin with a word.
func variableOf(prefix string, id spec.CheckID) string { return prefix + "_" + id.String() }

// violations is the list of a check's violations at the level and version of the
// namespace; of revisions that differ, the one in force.
func violations(id spec.CheckID) string {
	list, last := "", ""
	for i := range revisions(id) {
		r := &revisions(id)[i]
		switch text := checks[id].found(r); {
		case i == 0:
			list, last = text, text
		case text != last:
			list, last = since(r.Since)+" ? "+text+" : "+list, text
		}
	}
	if when := inForce(id); when != all() {
		return "!(" + when + ") ? variables.none : " + list
	}
	return list
}

// since holds from a minor version on.
func since(minor int) string { return fmt.Sprintf("variables.minor >= %d", minor) }

// span is a range of minor versions, to below end; an end of 0 is open.
type span struct{ begin, end int }

// condition holds for the versions of the span.
func (s span) conditions() (list []string) {
	if s.begin > 0 {
		list = append(list, since(s.begin))
	}
	if s.end > 0 {
		list = append(list, fmt.Sprintf("variables.minor < %d", s.end))
	}
	return list
}

// spans are the versions whose revisions are such.
func spans(id spec.CheckID, such func(*spec.Revision) bool) (list []span) {
	rs := revisions(id)
	for i := range rs {
		if !such(&rs[i]) {
			continue
		}
		s := span{begin: rs[i].Since}
		if i+1 < len(rs) {
			s.end = rs[i+1].Since
		}
		if n := len(list); n > 0 && list[n-1].end == s.begin {
			list[n-1].end = s.end
		} else {
			list = append(list, s)
		}
	}
	return list
}

// inForce holds where a check is tested: at its level, since the first of its
// revisions, where no other check overrides it and the pod is not exempt from it.
func inForce(id spec.CheckID) string {
	var conditions []string
	if id.Level() == api.LevelRestricted {
		conditions = append(conditions, "variables.restricted")
	}
	for _, s := range spans(id, func(*spec.Revision) bool { return true }) {
		conditions = append(conditions, s.conditions()...)
	}
	for _, other := range checkIDs() {
		overrides := func(r *spec.Revision) bool {
			for _, o := range r.Overrides {
				if o == id {
					return true
				}
			}
			return false
		}
		for _, s := range spans(other, overrides) {
			conditions = append(conditions, not(all(append([]string{"variables.restricted"}, s.conditions()...)...)))
		}
	}
	for _, s := range spans(id, func(r *spec.Revision) bool { return r.ExemptWindows }) {
		conditions = append(conditions, not(all(append(s.conditions(), "variables.windows")...)))
	}
	for _, s := range spans(id, exemptUserNamespace) {
		conditions = append(conditions, not(all(append(s.conditions(), "variables.userNamespace")...)))
	}
	return all(conditions...)
}

func exemptUserNamespace(r *spec.Revision) bool { return r.ExemptUserNamespace }

// allows holds of a value that a row of the standard allows a field to have.
func allows(r *spec.Revision, f spec.Field, value string) string {
	allowed := r.AllowedFor(f)
	if allowed == nil {
		return "false"
	}
	typed := quote
	switch f.Type() {
	case spec.Bool, spec.ID, spec.Port: // the table has their text
		typed = func(text string) string { return text }
	}
	var is, others []string
	for _, v := range allowed.Values {
		switch v.Op {
		case spec.Is:
			is = append(is, typed(v.Text))
		case spec.Begins:
			others = append(others, value+".startsWith("+typed(v.Text)+")")
		case spec.Not:
			others = append(others, value+" != "+typed(v.Text))
		case spec.Contains:
			others = append(others, typed(v.Text)+" in "+value)
		}
	}
	switch len(is) {
	case 0:
	case 1:
		others = append([]string{value + " == " + is[0]}, others...)
	default:
		others = append([]string{value + " in [" + strings.Join(is, ", ") + "]"}, others...)
	}
	return either(others...)
}

// violation is one by a field that is set, in container n or, where n is -1, in the
// pod. more are further members.
func violation(n, at, value string, more ...string) string {
	members := []string{"'n': dyn(" + n + ")", "'f': dyn(" + at + ")"}
	if value != "" {
		members = append(members, "'v': dyn("+value+")")
	}
	return "{" + strings.Join(append(members, more...), ", ") + "}"
}

// unset is a violation by a field that is not set.
func unset(n, at string) string { return violation(n, at, "") }

// inPod lists the violation by a field of the pod whose value, o, is bad.
func inPod(f spec.Field, bad string) string {
	return "[" + ofPod(f) + "].filter(o, o.hasValue() && " + bad + ").map(o, " + violation("-1", path(f, ""), "o.value()") + ")"
}

// inContainers lists a violation for each container x for which a condition holds.
func inContainers(condition, found string) string {
	return "variables.containers.transformList(n, x, " + condition + ", " + found + ")"
}

// ofContainers lists what each container x has in a list.
func ofContainers(found string) string {
	return "variables.containers.transformList(n, x, " + found + ").flatten()"
}

// when is a list of one violation, or of none.
func when(condition, found string) string {
	return "(" + condition + " ? [" + found + "] : variables.none)"
}
