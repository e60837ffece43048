package mutate

import (
	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// FillType is a row of the table of what is filled in.
type FillType struct {
	// Field is the field.
	Field spec.Field
	// Check is the check that the value serves; zero where it serves a rule of
	// the policy, or a default of its own.
	Check spec.CheckID
	// Key is the key of the policy that has a say in the value; zero for none.
	Key policy.Key
	// Value says what is filled in, Unless when it is not.
	Value, Unless string
	// Reasons are those for which a report may say that the field was left unset.
	Reasons []Reason
}

// FillTypes returns the table of what is filled in, in the order in which it is:
// the pod's own fields, then those of each container.
func FillTypes() []FillType {
	var rows []FillType
	for _, f := range plan.Fields() {
		row := FillType{Field: f.Path, Check: f.Check, Key: f.Key, Value: f.Value, Unless: f.Unless}
		for _, why := range f.Leaves {
			row.Reasons = append(row.Reasons, reasons[why])
		}
		rows = append(rows, row)
	}
	return rows
}

// FillTypesOf returns the rows whose values serve a control.
func FillTypesOf(c *spec.Control) (rows []FillType) {
	for _, row := range FillTypes() {
		if row.Check != 0 && row.Check.Control() == c {
			rows = append(rows, row)
		}
	}
	return rows
}
