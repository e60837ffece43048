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
	// writes a pod sets its labels. Empty for a default policy.
	Selector string `json:"selector"`
	// NamespaceSelector are the labels that their namespace must have, beside being one
	// of those that the policy names; empty where any will do.
	NamespaceSelector string `json:"namespaceSelector,omitempty"`
	// EveryNamespace: the policy names no namespace, nor a label that one must have, so
	// that the labels of pods alone decide.
	EveryNamespace bool `json:"everyNamespace"`
	// Default: the policy is for the pods that no policy selects, and opens nothing.
	Default bool `json:"default,omitempty"`
	// Expires is the last day on which it opens anything; empty if there is none.
	Expires string `json:"expires,omitempty"`
	// Reason and Owner are what the policy says to people.
	Reason string `json:"reason,omitempty"`
	Owner  string `json:"owner,omitempty"`
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
	// Containers are those that an entry for single containers matches, in words: "init
	// containers named istio-init". Empty for what the policy grants all containers.
	Containers string `json:"containers,omitempty"`
	// Chosen: whoever writes the pod can make any container one of these, for the entry
	// asks for no image.
	Chosen bool `json:"chosen,omitempty"`
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

// Expose says what a policy opens beyond plain restricted, as long as it has not
// expired. What entries for single containers open is said of each. The policy must not
// be nil, and should be valid.
func Expose(p *policy.Policy) Exposure {
	e := Exposure{
		Policy:         p.Reference(),
		EveryNamespace: !p.PicksNamespaces(),
		Selector:       selectorText(p),
		Default:        p.Default,
		Expires:        p.Expires, Reason: p.Reason, Owner: p.Owner,
		Openings: []Opening{}, Implied: []Implication{}, Demands: []policy.Key{},
	}
	if p.NamespaceSelector != nil {
		e.NamespaceSelector = metav1.FormatLabelSelector(p.NamespaceSelector)
	}
	for _, of := range grantersOf(p) {
		for i := range openings {
			e.Openings = append(e.Openings, openings[i].of(&of)...)
		}
	}
	slices.SortStableFunc(e.Openings, func(a, b Opening) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), compareEntries(a.Grant, b.Grant))
	})
	for _, of := range grantersOf(p) {
		for i := range implications {
			if by, is := implications[i].by(&of.part); is {
				by.Container = of.container
				e.Implied = append(e.Implied, implications[i].of(by, e.Openings))
			}
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
	return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Index, b.Index))
}

// granter is a policy, or one of its entries for single containers.
type granter struct {
	*policy.Policy
	// part is what it grants.
	part policy.Policy
	// container counts the entries from 1; 0 for the policy itself.
	container uint8
}

// grantersOf are the policy, and each of its entries as a policy of its own.
func grantersOf(p *policy.Policy) []granter {
	list := []granter{{Policy: p, part: *p}}
	for i := range p.Containers {
		list = append(list, granter{p, p.Containers[i].Part(), uint8(i) + 1})
	}
	return list
}

// matched says which containers an entry matches, and whether whoever writes the pod
// can make any container one of them.
func (g *granter) matched() (containers string, chosen bool) {
	if g.container == 0 {
		return "", false
	}
	e := &g.Containers[g.container-1]
	return matchedContainers(e), len(e.Images) == 0
}

// selectorText is the selector as kubectl writes one.
func selectorText(p *policy.Policy) string {
	if !p.Selects() {
		return ""
	}
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

// of are the openings of a row in a policy, or in an entry of it. What a row takes
// beside them is the policy's to grant: no entry for containers grants it.
func (o *opening) of(g *granter) (list []Opening) {
	with := slices.DeleteFunc(slices.Clone(o.with), func(key policy.Key) bool { return !grants(g.Policy, key) })
	if len(o.with) > 0 && len(with) == 0 {
		return nil
	}
	containers, chosen := g.matched()
	for _, f := range o.find(&g.part) {
		grant := policy.Entry{Key: o.key, Container: g.container, Index: int32(f.index)}
		list = append(list, Opening{
			Weight: o.weight, Grant: grant, Position: g.Source.At(grant.String()), Value: f.value, Places: f.places,
			Containers: containers, Chosen: chosen,
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

// of is the implication of a grant, given what else the policy opens. What an entry for
// single containers grants implies nothing of other containers.
func (i *implication) of(by policy.Entry, opened []Opening) Implication {
	result := Implication{By: by, Implies: slices.Clone(i.implies), Given: []policy.Entry{}, Why: i.why}
	for _, o := range opened {
		if by.Container != 0 && o.Grant.Container != by.Container {
			continue
		}
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
