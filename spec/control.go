package spec

import "fmt"

// Control is a row of the Pod Security Standards page.
type Control struct {
	// Title is the row's title on the page.
	Title string
	// Why says in one sentence what the control guards against.
	Why string
	// Checks test the control, baseline first.
	Checks []Check
	// NoFill says why nothing needs to be filled in where the fields are unset.
	// Empty: package mutate fills something in.
	NoFill string
}

// Fields are the fields that the control's checks read, in order of first mention.
func (c *Control) Fields() []Field {
	var fields []Field
	seen := map[Field]bool{}
	for _, check := range c.Checks {
		for _, rev := range check.Revisions {
			for _, allowed := range rev.Allowed {
				for _, f := range allowed.Fields {
					if !seen[f] {
						seen[f] = true
						fields = append(fields, f)
					}
				}
			}
		}
	}
	return fields
}

// Controls returns the controls in the order of the standard's page. The
// result is the caller's own list of shared controls, which must not be changed.
func Controls() []*Control {
	return append([]*Control(nil), controls[:]...)
}

// controls is the table, in the order of the standard's page. Each row stands in
// the file that is named for it, the last two in nonroot.go.
var controls = [...]*Control{
	&hostProcess,
	&hostNamespaces,
	&privilegedContainers,
	&capabilities,
	&hostPathVolumes,
	&hostPorts,
	&hostProbes,
	&appArmor,
	&seLinux,
	&procMount,
	&seccomp,
	&sysctls,
	&volumeTypes,
	&privilegeEscalation,
	&nonRoot,
	&nonRootUser,
}

// controlOf finds a check's control.
var controlOf = func() (of [checkEnd]*Control) {
	for _, control := range controls {
		for _, check := range control.Checks {
			of[check.ID] = control
		}
	}
	return of
}()

// checks are the checks of all controls, in the order of reports. It panics for
// an ID that no control tests: the library would pass what the check forbids.
func checks() []*Check {
	list := make([]*Check, checkEnd)
	for _, control := range controls {
		for i := range control.Checks {
			list[control.Checks[i].ID] = &control.Checks[i]
		}
	}
	for id := CheckID(1); id < checkEnd; id++ {
		if list[id] == nil {
			panic(fmt.Sprintf("check %d, %q, has no control among controls in spec/control.go", id, id.String()))
		}
	}
	return list[1:]
}
