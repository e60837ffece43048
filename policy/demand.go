package policy

import "github.com/podfence/podfence/spec"

// Demand is a row of the table of own rules: what a policy may demand of its
// pods beyond the level.
type Demand struct {
	// Key is the rule.
	Key Key
	// Fields are those that it rules over, the pod's own before those of its
	// containers.
	Fields []spec.Field
	// Condition says what the fields must hold.
	Condition DemandCondition
	// OnWindows: it holds for Windows pods too. API validation forbids those to
	// carry the fields of the other rules.
	OnWindows bool
}

// DemandCondition is how a rule decides about a field.
type DemandCondition uint8

// The conditions.
const (
	// InUserRanges: the effective user ID is set, and lies in the ranges of
	// MustRunAs.
	InUserRanges DemandCondition = iota + 1
	// InGroupRanges: the effective group ID lies in the ranges of MustRunAs or
	// MayRunAs. Only the latter leaves it unset.
	InGroupRanges
	// EachInGroupRanges is InGroupRanges for every entry of a list.
	EachInGroupRanges
	// SourcesListed: the list holds every source of every volume. A hostPath goes
	// by the paths that the policy grants.
	SourcesListed
	// True: the field is set, and true.
	True
	// Strict: the field is set, and Strict, where the rule says so.
	Strict
	// False: the field is set, and false, where the rule says so.
	False
)

// demandTable is the table, in the order of reports.
var demandTable = [...]Demand{
	{Key: KeyRunAsUser, Condition: InUserRanges, Fields: []spec.Field{spec.FieldPodRunAsUser, spec.FieldRunAsUser}},
	{Key: KeyRunAsGroup, Condition: InGroupRanges, Fields: []spec.Field{spec.FieldPodRunAsGroup, spec.FieldRunAsGroup}},
	{Key: KeyFSGroup, Condition: InGroupRanges, Fields: []spec.Field{spec.FieldPodFSGroup}},
	{
		Key: KeySupplementalGroups, Condition: EachInGroupRanges,
		Fields: []spec.Field{spec.FieldSupplementalGroups, spec.FieldSupplementalGroup},
	},
	{Key: KeySupplementalGroups, Condition: Strict, Fields: []spec.Field{spec.FieldSupplementalGroupsPolicy}},
	{Key: KeyVolumes, Condition: SourcesListed, OnWindows: true, Fields: []spec.Field{spec.FieldVolume}},
	{Key: KeyReadOnlyRootFilesystem, Condition: True, Fields: []spec.Field{spec.FieldReadOnlyRootFilesystem}},
	{Key: KeyUserNamespace, Condition: False, Fields: []spec.Field{spec.FieldHostUsers}},
}

// Demands returns the table of a policy's own rules. The result is shared and
// must not be changed.
func Demands() []Demand { return demandTable[:] }
