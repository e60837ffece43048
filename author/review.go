package author

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Exposure is what a policy opens, for whoever accepts it: facts with their sources,
// and no score.
type Exposure struct {
	// Policy is the policy.
	Policy policy.Reference `json:"policy"`
	// Selector are the labels that pods must have, as kubectl writes them. Whoever
	// writes a pod sets its labels.
	Selector string `json:"selector"`
	// EveryNamespace: the policy has no namespace, so that the labels alone decide.
	EveryNamespace bool `json:"everyNamespace"`
	// Openings are what its grants open, the heaviest first.
	Openings []Opening `json:"openings"`
	// Implied are grants that others give already.
	Implied []Implication `json:"implied"`
	// Demands are rules by which it demands more than the level does.
	Demands []policy.Key `json:"demands"`
}

// Opening is one thing that a grant opens.
type Opening struct {
	Weight Weight `json:"weight"`
	// Grant is the entry of the policy that opens it.
	Grant policy.Entry `json:"grant"`
	// Position is where the policy's file has that entry.
	policy.Position
	// Value is the entry of a list, as the policy writes it; empty where the key holds none.
	Value string `json:"value,omitempty"`
	// With are other grants of the policy, of which it takes one.
	With []policy.Key `json:"with,omitempty"`
	// Opens says what a pod may do with it.
	Opens string `json:"opens"`
	// Places are known places of the node that the entry reaches.
	Places []string `json:"places,omitempty"`
	// Attack is the shortest known way from the grant to what it opens; empty
	// where none is known, or where the grant is the way.
	Attack string `json:"attack,omitempty"`
	// Control is the title of the control of the standard that forbids it.
	Control string `json:"control"`
	// Page is the control's place on the standard's page.
	Page string `json:"page"`
	// Sources are pages that say so.
	Sources []string `json:"sources"`
}

// Weight is how far what a policy opens reaches. What reaches further is greater.
type Weight uint8

// The weights.
const (
	// ThisPod: the pod itself, or a layer of its own defence.
	ThisPod Weight = iota + 1
	// OtherTenants: other pods, their traffic, or what all pods of a node share.
	OtherTenants
	// NodeFiles: files, memory or settings of the node.
	NodeFiles
	// NodeTakeover: whoever holds the pod holds the node.
	NodeTakeover

	weightEnd
)

// Weights returns all of them, the heaviest first.
func Weights() []Weight { return []Weight{NodeTakeover, NodeFiles, OtherTenants, ThisPod} }

var weightNames = [weightEnd + 1]string{
	ThisPod: "thisPod", OtherTenants: "otherTenants", NodeFiles: "nodeFiles", NodeTakeover: "nodeTakeover",
}

var weightTitles = [weightEnd + 1]string{
	ThisPod:      "this pod only",
	OtherTenants: "other pods and their traffic",
	NodeFiles:    "files, memory and settings of the node",
	NodeTakeover: "takeover of the node",
}

// String says in a few words what is reached; nothing for what is no weight.
func (w Weight) String() string { return weightTitles[min(w, weightEnd)] }

// MarshalText renders the name of the weight: "nodeTakeover".
func (w Weight) MarshalText() ([]byte, error) { return []byte(weightNames[min(w, weightEnd)]), nil }

// Implication is that a grant gives what others give too.
type Implication struct {
	// By is the grant.
	By policy.Entry `json:"by"`
	// Implies are the grants whose effect it has.
	Implies []policy.Key `json:"implies"`
	// Given are those entries of them that the policy grants as well.
	Given []policy.Entry `json:"given"`
	// Why says how.
	Why string `json:"why"`
}

// standardPage is the page of the Pod Security Standards. It has an anchor for each
// level, and none for a control.
const standardPage = sourceStandard + "#"

// Expose says what a policy opens beyond plain restricted. The policy must not be
// nil, and should be valid.
func Expose(p *policy.Policy) Exposure {
	e := Exposure{
		Policy:         p.Reference(),
		EveryNamespace: p.Namespace == "",
		Selector:       selectorText(p),
		Openings:       []Opening{}, Implied: []Implication{}, Demands: []policy.Key{},
	}
	for i := range openings {
		e.Openings = append(e.Openings, openings[i].of(p)...)
	}
	slices.SortStableFunc(e.Openings, func(a, b Opening) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), compareEntries(a.Grant, b.Grant))
	})
	for i := range implications {
		if by, is := implications[i].by(p); is {
			e.Implied = append(e.Implied, implications[i].of(by, e.Openings))
		}
	}
	e.Implied = append(e.Implied, coveredPaths(p)...)
	for i := range demands {
		if demands[i].is(p) {
			e.Demands = append(e.Demands, demands[i].key)
		}
	}
	return e
}

func compareEntries(a, b policy.Entry) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Index, b.Index))
}

// selectorText is the selector as kubectl writes one.
func selectorText(p *policy.Policy) string {
	return metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: p.PodSelectorLabels, MatchExpressions: p.PodSelectorExpressions})
}

// opening is a row of the table of openings: what of a policy opens something.
type opening struct {
	key    policy.Key
	weight Weight
	// check is one of the control that forbids it.
	check spec.CheckID
	// with are other keys, of which it takes one. Empty: it takes none.
	with []policy.Key
	// find are what of the policy opens it.
	find          func(*policy.Policy) []found
	opens, attack string
	sources       []string
}

// found is an entry that opens something: its index, -1 for a key that holds no list.
type found struct {
	index  int
	value  string
	places []string
}

// of are the openings of a row in a policy.
func (o *opening) of(p *policy.Policy) (list []Opening) {
	with := slices.DeleteFunc(slices.Clone(o.with), func(key policy.Key) bool { return !grants(p, key) })
	if len(o.with) > 0 && len(with) == 0 {
		return nil
	}
	for _, f := range o.find(p) {
		grant := policy.Entry{Key: o.key, Index: int32(f.index)}
		list = append(list, Opening{
			Weight: o.weight, Grant: grant, Position: p.Source.At(grant.String()), Value: f.value, Places: f.places,
			With: slices.Clone(with), Opens: o.opens, Attack: o.attack, Sources: slices.Clone(o.sources),
			Control: o.check.Control().Title, Page: pageOf(o.check),
		})
	}
	return list
}

// pageOf is where the standard's page has a check.
func pageOf(check spec.CheckID) string {
	if check.Level() == api.LevelBaseline {
		return standardPage + "baseline"
	}
	return standardPage + "restricted"
}

// flagged finds a key that holds no list, where a predicate holds.
func flagged(is func(*policy.Policy) bool) func(*policy.Policy) []found {
	return func(p *policy.Policy) []found {
		if is(p) {
			return []found{{index: -1}}
		}
		return nil
	}
}

// turnedOff finds a key that is true by default, where it is false.
func turnedOff(is func(*policy.Policy) bool) func(*policy.Policy) []found {
	return func(p *policy.Policy) []found {
		if is(p) {
			return nil
		}
		return []found{{index: -1, value: "false"}}
	}
}

// listedIn finds those entries of a list that a predicate wants.
func listedIn(of func(*policy.Allow) []string, is func(entry string) bool) func(*policy.Policy) []found {
	return func(p *policy.Policy) (list []found) {
		for i, entry := range of(&p.Allow) {
			if is(entry) {
				list = append(list, found{index: i, value: entry})
			}
		}
		return list
	}
}

// implication is a row of the table of implications.
type implication struct {
	// by is the grant that implies others.
	by      func(*policy.Policy) (policy.Entry, bool)
	implies []policy.Key
	why     string
}

// of is the implication of a grant, given what else the policy opens.
func (i *implication) of(by policy.Entry, opened []Opening) Implication {
	result := Implication{By: by, Implies: slices.Clone(i.implies), Given: []policy.Entry{}, Why: i.why}
	for _, o := range opened {
		if slices.Contains(i.implies, o.Grant.Key) && !slices.Contains(result.Given, o.Grant) {
			result.Given = append(result.Given, o.Grant)
		}
	}
	slices.SortFunc(result.Given, compareEntries)
	return result
}

// coveredPaths are the implications between host paths: an entry covers another one
// that admits no more. Of two that say the same the first covers the second.
func coveredPaths(p *policy.Policy) (list []Implication) {
	paths := p.Allow.AllowedHostPaths
	for i := range paths {
		for j := range paths {
			if i == j || !wider(&paths[i], &paths[j]) || i > j && wider(&paths[j], &paths[i]) {
				continue
			}
			list = append(list, Implication{
				By:      policy.Entry{Key: policy.KeyAllowedHostPaths, Index: int32(i)},
				Implies: []policy.Key{policy.KeyAllowedHostPaths},
				Given:   []policy.Entry{{Key: policy.KeyAllowedHostPaths, Index: int32(j)}},
				Why:     fmt.Sprintf("%s covers %s, and admits all that the other entry does.", paths[i].PathPrefix, paths[j].PathPrefix),
			})
		}
	}
	return list
}

// wider reports whether a host path admits all that another one does.
func wider(a, b *policy.HostPath) bool {
	return covers(a.PathPrefix, b.PathPrefix) &&
		(!a.ReadOnly || b.ReadOnly) && (!a.RecursiveReadOnly || b.RecursiveReadOnly) && widerTypes(a.Types, b.Types)
}

func widerTypes(a, b []string) bool {
	if a == nil || b == nil {
		return a == nil
	}
	return !slices.ContainsFunc(b, func(t string) bool { return !slices.Contains(a, t) })
}

// covers reports whether a prefix covers a path of nodes of the same system. A path
// with a drive letter covers itself there, and no other path does.
func covers(prefix, path string) bool {
	if policy.CoversWindows(path, path) {
		return policy.CoversWindows(prefix, path)
	}
	return policy.Covers(prefix, path)
}
