// Package anchor knows how rendered Markdown names its headings, for links to pages of docs/.
package anchor

import "strings"

// Of is the fragment by which rendered Markdown names a heading.
func Of(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
