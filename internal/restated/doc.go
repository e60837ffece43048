// Package restated writes the design's tables down a second time: what a grant
// excuses, what a policy demands, what is filled in and when a field is left
// unset. Its point is to be a second opinion. The laws and the exhaustive tests
// hold the library against it, and two tables that were written twice seldom
// have the same mistake.
//
// So it shares no code with what it judges. It imports neither mutate nor
// evaluate, from spec and policy it takes types and names of checks alone, and
// the fields, rules and reasons stand here as text, as the design has them.
// Where the library is made faster or its data is arranged anew, this package
// stays as it is; it changes only when the design does.
//
// A new check, field or reason is unknown here until it has its row: [Case.Grants]
// panics for a check without one, and [Case.Fill] and [Case.Leaves] refuse a field
// and a reason without one.
package restated
