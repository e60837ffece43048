package author

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// YAML renders the policies as one file: in their canonical form, with a comment behind
// each grant that says what needs it, and one above each policy that says for which
// workloads it is. It is empty where no policy is needed.
func (s *Suggestion) YAML() ([]byte, error) {
	var out bytes.Buffer
	for i := range s.Policies {
		if i > 0 {
			out.WriteString("---\n")
		}
		if err := s.Policies[i].writeYAML(&out); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func (s *Suggested) writeYAML(out *bytes.Buffer) error {
	text, err := policy.Marshal(s.Policy)
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	root := doc.Content[0]
	for i := range s.Grants {
		g := &s.Grants[i]
		if n := scalarOf(nodeAt(root, stepsOf(g.Entry))); n != nil {
			n.LineComment = "# " + g.comment()
		}
	}
	root.HeadComment = strings.Join(s.heading(), "\n")
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	return encoder.Encode(root)
}

// heading are the comments above a policy.
func (s *Suggested) heading() (lines []string) {
	lines = append(lines, "# For "+some(s.Governs)+".")
	if len(s.Others) > 0 {
		lines = append(lines, "# No label tells these from "+some(s.Others)+", which it selects too.")
	}
	if s.Policy.Namespace == "" {
		lines = append(lines, "# It governs every namespace: its workloads name none. Name the one that they are meant for.")
	}
	for _, u := range s.Unpinned {
		lines = append(lines, "# "+u.String()+".")
	}
	return lines
}

// String says what is not pinned, and why.
func (u *Unpinned) String() string {
	who := "the pod"
	if u.Container.Kind != 0 {
		who = fmt.Sprintf("%s %q", u.Container.Kind, u.Container.Name)
	}
	return spec.Printable(fmt.Sprintf("%s is not pinned: %s of %s sets none", u.Key, who, u.Workload))
}

// maxNamed is how many workloads a comment names.
const maxNamed = 3

// some names the first of some workloads, and counts the others.
func some(refs []Reference) string {
	var names []string
	for _, r := range refs[:min(len(refs), maxNamed)] {
		names = append(names, r.String())
	}
	text := strings.Join(names, ", ")
	if more := len(refs) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// comment says what needs a grant, in a line.
func (g *Grant) comment() string {
	first := &g.Reasons[0]
	who := first.Workloads[0].String()
	if more := len(first.Workloads) - 1; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	text := who + ": " + first.String()
	if more := len(g.Reasons) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// stepsOf are the names and indices on the way to an entry.
func stepsOf(e policy.Entry) (steps []string) {
	if e.Container > 0 {
		steps = append(steps, "containers", strconv.Itoa(int(e.Container)-1))
	}
	steps = append(steps, strings.Split(e.Key.String(), ".")...)
	if e.Index >= 0 {
		steps = append(steps, strconv.Itoa(int(e.Index)))
	}
	return steps
}

// nodeAt is the node at the end of some steps, nil for none.
func nodeAt(n *yaml.Node, steps []string) *yaml.Node {
	for _, step := range steps {
		if n = child(n, step); n == nil {
			return nil
		}
	}
	return n
}

func child(n *yaml.Node, step string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}

// scalarOf is the node behind which a comment about a value stands: itself, or the first
// value of a mapping.
func scalarOf(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.MappingNode && len(n.Content) > 1 {
		return n.Content[1]
	}
	return n
}
