package policy

import (
	"encoding/json"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/internal/nearest"
)

// GroupFill is a group ID to fill in, 0 to 2147483647, or [NoGroup]. YAML and JSON
// have the number, or the word none.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Minimum=0
// +kubebuilder:validation:Maximum=2147483647
// +kubebuilder:validation:Pattern=`^none$`
type GroupFill int64

// NoGroup fills no group in, where the default would be one.
const NoGroup GroupFill = -1

// noGroup is NoGroup as a file has it.
const noGroup = "none"

// String renders the ID, or none.
func (g GroupFill) String() string {
	if g == NoGroup {
		return noGroup
	}
	return strconv.FormatInt(int64(g), 10)
}

// MarshalJSON writes the number, or the word.
func (g GroupFill) MarshalJSON() ([]byte, error) {
	if g == NoGroup {
		return json.Marshal(noGroup)
	}
	return json.Marshal(int64(g))
}

// UnmarshalJSON reads a number or the word, as strictly as Parse. A negative number
// is an error, for it would not be the ID that it looks like.
func (g *GroupFill) UnmarshalJSON(data []byte) error {
	var read GroupFill
	if err := unmarshalNode(data, &read); err != nil {
		return err
	}
	*g = read
	return nil
}

// groupToFill reads a group ID or the word none.
func groupToFill(n *yaml.Node) (GroupFill, complaint) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		switch {
		case n.Value == noGroup:
			return NoGroup, complaint{}
		case nearest.Of(n.Value, []string{noGroup}) != "":
			return 0, complain("did you mean "+noGroup+"?", "%s is no group", written(n))
		}
	}
	id, wrong := number(n, 64, fixID)
	switch {
	case wrong.fix == wholeNumber:
		wrong.fix += ", or " + noGroup
	case wrong == complaint{} && id < 0: // NoGroup among them, which is written as a word
		wrong = complain(fixID, "%d is out of range", id)
	}
	return GroupFill(id), wrong
}
