package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// Notice is something about a policy whose labels select a pod, beside what the
// policy itself says of it: why it does not govern the pod, or not as it is written.
type Notice struct {
	// Reason says what it is.
	Reason NoticeReason `json:"reason"`
	// Policy is the policy that it is about.
	Policy Reference `json:"policy"`
	// Expires is the day on which the policy expires or expired, 2026-12-31; empty
	// for other notices.
	Expires string `json:"expires,omitempty"`
}

// NoticeReason is a kind of notice.
type NoticeReason string

// The kinds.
const (
	// NoticeNamespaceUnknown: the policy selects namespaces by their labels, and those
	// of the pod's namespace are not known. It does not govern the pod.
	NoticeNamespaceUnknown NoticeReason = "NamespaceUnknown"
	// NoticeExpired: the policy has expired. It grants nothing any more.
	NoticeExpired NoticeReason = "Expired"
	// NoticeExpiryUnchecked: the policy expires on a day, and nobody said which time
	// it is. It grants what it is written to grant.
	NoticeExpiryUnchecked NoticeReason = "ExpiryUnchecked"
)

// String renders the notice on one line.
func (n Notice) String() string {
	switch n.Reason {
	case NoticeNamespaceUnknown:
		return fmt.Sprintf("policy %s selects namespaces by label, and the labels of the pod's namespace are not known: it does not govern the pod", n.Policy.Name)
	case NoticeExpired:
		return fmt.Sprintf("policy %s expired on %s: it grants nothing any more", n.Policy.Name, n.Expires)
	default:
		return fmt.Sprintf("policy %s expires on %s: whether it has was not checked", n.Policy.Name, n.Expires)
	}
}

// Notices returns what is to be said of the policies whose labels select a pod in a
// namespace, in order of name. Most sets have nothing to say, and look at nothing.
func (s Set) Notices(namespace string, podLabels map[string]string) (notices []Notice) {
	if !s.notable {
		return nil
	}
	around := surroundings{name: namespace, labelsOf: s.labelsOf}
	for _, in := range [...]string{"", namespace} {
		s.byNamespace[in].selecting(podLabels, func(sel *selector) {
			switch sel.selects(&around) {
			case undecided:
				notices = append(notices, Notice{Reason: NoticeNamespaceUnknown, Policy: sel.policy.Reference()})
			case selected:
				notices = append(notices, s.expiryNotices(sel)...)
			}
		})
		if namespace == "" {
			break
		}
	}
	slices.SortStableFunc(notices, func(a, b Notice) int {
		return cmp.Or(a.Policy.compare(&b.Policy), cmp.Compare(a.Reason, b.Reason))
	})
	return notices
}

// selecting visits the selectors whose labels select a pod, in no order.
func (in *index) selecting(podLabels map[string]string, visit func(*selector)) {
	if in == nil {
		return
	}
	look := func(selectors []*selector) {
		for _, s := range selectors {
			if s.matches(podLabels) {
				visit(s)
			}
		}
	}
	for k, v := range podLabels {
		look(in.byLabel[label{k, v}])
	}
	look(in.others)
}
