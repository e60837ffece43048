package policy

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxReason and maxOwner are the lengths of a reason and an owner, in characters.
	maxReason = 1024
	maxOwner  = 253

	fixExpires = "write the last day on which the policy grants anything, as in 2026-12-31"
	fixNote    = "write printable text on one line; in YAML, >- folds several lines into one"
)

// ExpiresAt is the first moment at which the policy has expired: midnight UTC after
// the day that Expires names. ok is false for a policy that does not expire, and for
// one whose date Validate refuses.
func (p *Policy) ExpiresAt() (at time.Time, ok bool) {
	day, err := time.Parse(time.DateOnly, p.Expires)
	if err != nil {
		return time.Time{}, false
	}
	return day.AddDate(0, 0, 1), true
}

// AsExpired is the policy once it has expired, as a [Set] that knows the time answers
// with it: it selects what it selected and demands what it demanded, and excuses
// nothing. What it would leave unset is filled in, no container gets user ID 0, and
// its entries for single containers hold no more.
//
// The ranges of runAsUser and the list of volumes stay, since they demand; that
// they excuse nothing either is what Expired says.
func (p *Policy) AsExpired() *Policy {
	e := p.DeepCopy()
	e.Expired = true
	for i := range grantTypes {
		e.withdraw(&grantTypes[i])
	}
	if id := e.Mutations.RunAsUser; id != nil && *id == 0 {
		e.Mutations.RunAsUser = nil
	}
	e.Containers = nil // what they fill in may need what they grant
	return e
}

// withdraw takes away what the policy grants by a row of the table of grants, unless
// it demands by the same key.
func (p *Policy) withdraw(g *GrantType) {
	switch g.Condition {
	case Given:
		p.setBool(g.Key, false)
	case TurnedOff, NotInherited:
		p.setBool(g.Key, true)
	case Listed, ListedInherited, ListedCapability, ListedSysAdmin, ListedSysctl:
		if list := p.Allow.wordList(g.Key); list != nil {
			*list = nil
		}
	case InPortRange:
		p.Allow.AllowedHostPorts = nil
	case PathCovered, SourcesCovered:
		p.Allow.AllowedHostPaths = nil
	case AnyUser:
		if p.Allow.RunAsUser.Rule == RunAsAny {
			p.Allow.RunAsUser = UserRule{}
		}
	case ListedSources, RootInRange: // these demand too
	}
}

// current is the policy of a selector at the time of the set.
func (s *Set) current(sel *selector) *Policy {
	if s.hasExpired(sel) {
		return sel.expired
	}
	return sel.policy
}

func (s *Set) hasExpired(sel *selector) bool {
	return sel.expired != nil && s.timed && s.now >= sel.expiresAt
}

// InForce returns the policies as they are at the time of the set, in order of name:
// those that have expired as [Policy.AsExpired] has them. next is when the next one
// expires, zero if none does. The policies must not be changed.
func (s Set) InForce() (policies []*Policy, next time.Time) {
	for _, p := range s.policies {
		if at, ok := p.ExpiresAt(); ok {
			switch {
			case s.timed && s.now >= at.Unix():
				p = p.AsExpired()
			case next.IsZero() || at.Before(next):
				next = at
			}
		}
		policies = append(policies, p)
	}
	return policies, next
}

// expires makes a selector ready for the day on which its policy expires.
func (s *Set) expires(sel *selector) {
	at, ok := sel.policy.ExpiresAt()
	if !ok {
		return
	}
	sel.expired, sel.expiresAt = sel.policy.AsExpired(), at.Unix()
	s.notable = true
}

// expiryNotices is what is to be said of the day on which a policy expires.
func (s *Set) expiryNotices(sel *selector) []Notice {
	if sel.expired == nil {
		return nil
	}
	notice := Notice{Policy: sel.policy.Reference(), Expires: sel.policy.Expires}
	switch {
	case s.hasExpired(sel):
		notice.Reason = NoticeExpired
	case s.timed:
		return nil
	default:
		notice.Reason = NoticeExpiryUnchecked
	}
	return []Notice{notice}
}

// Expiring warns, with [WarnExpires] and [WarnExpired], of the policies that expire
// within a time from now, and of those that have expired, in order of file and line.
func Expiring(now time.Time, within time.Duration, policies ...Policy) (all []Warning) {
	for i := range policies {
		p := &policies[i]
		at, ok := p.ExpiresAt()
		if !ok || at.After(now.Add(within)) {
			continue
		}
		w := Warning{Reason: WarnExpires, Policy: p.Reference(), Field: "expires", Position: p.Source.At("expires"), Value: p.Expires}
		if !now.Before(at) {
			w.Reason = WarnExpired
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, compareWarnings)
	return all
}

// about checks what a policy says to people, and the day on which it expires.
func (c *checker) about(p *Policy) {
	c.note("reason", p.Reason, maxReason)
	c.note("owner", p.Owner, maxOwner)
	if _, ok := p.ExpiresAt(); p.Expires != "" && !ok {
		c.add("expires", fixDate(p.Expires), "%s is no date", quote(p.Expires))
	}
}

func (c *checker) note(field, text string, limit int) {
	switch n := utf8.RuneCountInString(text); {
	case text == "":
	case n > limit:
		c.add(field, "shorten it, and link to what is longer", "has %d characters, more than %d", n, limit)
	case strings.ContainsFunc(text, isUnprintable):
		c.add(field, fixNote, "%s has an unprintable character", quote(text))
	case strings.TrimSpace(text) == "":
		c.add(field, "write text, or remove the key", "is blank")
	}
}

// dates are other ways to write a day, none of which can be taken for another day.
var dates = [...]string{time.RFC3339, "2006-01-02 15:04:05", "2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2.1.2006", "2 Jan 2006", "Jan 2, 2006"}

// fixDate says how to write a day that is written in another way.
func fixDate(text string) string {
	for _, layout := range dates {
		if day, err := time.Parse(layout, text); err == nil {
			return "write " + day.UTC().Format(time.DateOnly)
		}
	}
	return fixExpires
}
