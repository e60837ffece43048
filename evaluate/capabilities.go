package evaluate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

func (w *walk) capabilities(sc *corev1.SecurityContext) {
	id := w.either(spec.CheckCapabilitiesBaseline, spec.CheckCapabilitiesRestricted)
	if id == 0 {
		return
	}
	if id == spec.CheckCapabilitiesRestricted && !dropsAll(sc.Capabilities) {
		if v := w.note(id, spec.FieldCapabilitiesDrop); v != nil {
			v.Value = dropped(sc.Capabilities)
		}
	}
	if sc.Capabilities == nil {
		return
	}
	for i, c := range sc.Capabilities.Add {
		if !hotpath.CapabilityAddable(id, string(c)) {
			addElement(w, id, spec.FieldCapabilitiesAdd, i, string(c))
		}
	}
}

func dropsAll(c *corev1.Capabilities) bool {
	return c != nil && slices.ContainsFunc(c.Drop, func(c corev1.Capability) bool { return hotpath.DropsAll(string(c)) })
}

// dropped is the value of a drop list that does not drop ALL: nil where it is
// unset, for nil and empty lists are one thing to the API.
func dropped(c *corev1.Capabilities) any {
	if c == nil || len(c.Drop) == 0 {
		return nil
	}
	list := make([]string, len(c.Drop))
	for i, d := range c.Drop {
		list[i] = string(d)
	}
	return list
}

func isDrop(v *Violation) bool { return v.Field == spec.FieldCapabilitiesDrop }
func isAdd(v *Violation) bool  { return v.Field == spec.FieldCapabilitiesAdd }

// capabilitiesDetail serves both checks: baseline has no violation about drop.
func capabilitiesDetail(b *strings.Builder, vs []Violation) {
	missing := selects(isDrop).in(vs)
	if missing {
		writeContainers(b, vs, isDrop)
		b.WriteString(` must set securityContext.capabilities.drop=["ALL"]`)
	}
	if !selects(isAdd).in(vs) {
		return
	}
	if missing {
		b.WriteString("; ")
	}
	writeContainers(b, vs, isAdd)
	b.WriteString(" must not include ")
	writeQuoted(b, values(vs, isAdd))
	b.WriteString(" in securityContext.capabilities.add")
}
