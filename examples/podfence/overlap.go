package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// demand is what selectors together ask of one label. The labels of a pod are
// independent of each other, so that selectors can be met together if and only
// if the demand on each key can.
type demand struct {
	// mayBeAbsent and mayBePresent say whether the pod may lack the label, and
	// whether it may have it.
	mayBeAbsent, mayBePresent bool
	// only are the values that it may have; nil for any.
	only []string
	// not are the values that it may not have. They are finitely many, so that
	// without only there is always another one.
	not []string
}

// possible reports whether some pod meets the demand.
func (d *demand) possible() bool {
	if d.mayBeAbsent {
		return true
	}
	if !d.mayBePresent {
		return false
	}
	return d.only == nil || slices.ContainsFunc(d.only, func(v string) bool { return !slices.Contains(d.not, v) })
}

// in allows no value but these.
func (d *demand) in(values ...string) {
	d.mayBeAbsent = false
	if d.only == nil {
		d.only = slices.Clone(values)
		return
	}
	d.only = slices.DeleteFunc(d.only, func(v string) bool { return !slices.Contains(values, v) })
}

// expression adds what an expression asks, as apimachinery matches it: NotIn
// also holds for a pod without the label.
func (d *demand) expression(e *metav1.LabelSelectorRequirement) {
	switch e.Operator {
	case metav1.LabelSelectorOpIn:
		d.in(e.Values...)
	case metav1.LabelSelectorOpNotIn:
		d.not = append(d.not, e.Values...)
	case metav1.LabelSelectorOpExists:
		d.mayBeAbsent = false
	case metav1.LabelSelectorOpDoesNotExist:
		d.mayBePresent = false
	}
}

// selectable reports whether some pod is selected by all the policies.
func selectable(policies ...*policy.Policy) bool {
	demands := map[string]*demand{}
	on := func(key string) *demand {
		if demands[key] == nil {
			demands[key] = &demand{mayBeAbsent: true, mayBePresent: true}
		}
		return demands[key]
	}
	for _, p := range policies {
		for key, value := range p.PodSelectorLabels {
			on(key).in(value)
		}
		for i := range p.PodSelectorExpressions {
			e := &p.PodSelectorExpressions[i]
			on(e.Key).expression(e)
		}
	}
	for _, d := range demands {
		if !d.possible() {
			return false
		}
	}
	return true
}

// overlap reports whether two policies can select one pod.
func overlap(a, b *policy.Policy) bool {
	if a.Namespace != "" && b.Namespace != "" && a.Namespace != b.Namespace {
		return false
	}
	return selectable(a, b)
}
