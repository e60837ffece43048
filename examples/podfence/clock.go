package main

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

// Policies expire on a day. Which day it is the library does not know: the clock says
// it here, or --at, for a pipeline that asks about tomorrow.

func atFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "at", "", "when it is asked, for policies that expire: a day as in 2026-12-31, or a time as in 2026-12-31T08:00:00Z; without it, now")
}

// momentOf is the time that --at names, the present one where it names none. A day is
// its beginning, in UTC as the days on which policies expire.
func momentOf(at string) (time.Time, error) {
	if at == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if moment, err := time.Parse(layout, at); err == nil {
			return moment, nil
		}
	}
	return time.Time{}, usagef("--at %q is no time: write a day as in 2026-12-31, or a time as in 2026-12-31T08:00:00Z", at)
}

// expiryFlags ask lint for the policies that expire soon.
type expiryFlags struct{ within, at string }

func (f *expiryFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.within, "expires-within", "", "also warn of policies that expire within so many days, as in 30 or 30d, or have expired")
	atFlag(cmd, &f.at)
}

var days = regexp.MustCompile(`^([0-9]{1,5})d?$`)

// warnings are those of policies that expire, none without --expires-within.
func (f *expiryFlags) warnings(policies []policy.Policy) ([]policy.Warning, error) {
	moment, err := momentOf(f.at)
	if err != nil || f.within == "" {
		return nil, err
	}
	n, err := f.days()
	if err != nil {
		return nil, usagef("--expires-within %q: %v", f.within, err)
	}
	return policy.Expiring(moment, time.Duration(n)*24*time.Hour, policies...), nil
}

func (f *expiryFlags) days() (int, error) {
	m := days.FindStringSubmatch(f.within)
	if m == nil {
		return 0, errors.New("write a number of days, as in 30 or 30d")
	}
	return strconv.Atoi(m[1])
}

// writePolicy writes what the governing policy says of itself.
func writePolicy(p *page, r *evaluate.Result) {
	if said := saysOfItself(r.Policy); said != "" {
		p.line("", indent+"%s", said)
	}
}

// saysOfItself is a policy with its owner, the day of its expiry and its reason; empty
// for none, and for one that says nothing.
func saysOfItself(p *policy.Policy) string {
	if p == nil || p.Reason == "" && p.Owner == "" && p.Expires == "" {
		return ""
	}
	expires := listed("expires on ", "", p.Expires)
	if p.Expired {
		expires = "expired on " + p.Expires
	}
	about := listed(" (", ", ", listed("owner ", "", p.Owner), expires)
	return "policy " + p.Name + about + only(about != "", ")") + listed(": ", "", p.Reason)
}
