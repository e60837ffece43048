package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// link is a link of Markdown to a place in the repository: no scheme, no host.
	link         = regexp.MustCompile(`\]\(([^):\s]*)\)`)
	headingLine  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fencedBlocks = regexp.MustCompile("(?s)```.*?```")
)

// anchors are the fragments by which a page's headings are named.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range headingLine.FindAllStringSubmatch(fencedBlocks.ReplaceAllString(text, ""), -1) {
		found[headingAnchor(m[1])] = true
	}
	return found
}

// headingAnchor is the fragment of a heading as GitHub makes it.
func headingAnchor(title string) string {
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(title))
}

// TestLinksLead: every link of a document to a place in the repository leads to one.
func TestLinksLead(t *testing.T) {
	links := 0
	for _, file := range walk(t).documents {
		if path.Ext(file) != ".md" {
			continue
		}
		text := fencedBlocks.ReplaceAllString(read(t, file), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			links++
			to, fragment, _ := strings.Cut(m[1], "#")
			target := path.Join(path.Dir(file), to)
			if to == "" {
				target = file
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %s leads nowhere", file, m[1])
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s: %s has no heading #%s", file, target, fragment)
			}
		}
	}
	if links < 70 {
		t.Errorf("%d links, want 70 at least", links)
	}
}
