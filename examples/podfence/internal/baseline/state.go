package baseline

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// Baseline is what a file accepts, and what of it was met.
type Baseline struct {
	file    string
	entries map[Key]*state
	objects map[Object][]*state
}

// state is an entry and what became of it.
type state struct {
	key  Key
	line int
	// asked: the object was judged, at a level at which the check is asked. met: it broke it.
	asked, met bool
}

// File is the name of the file.
func (b *Baseline) File() string { return b.file }

// Len is the number of entries.
func (b *Baseline) Len() int { return len(b.entries) }

// Accepts reports whether a violation is in the baseline, and remembers that it was met. A nil Baseline has none.
func (b *Baseline) Accepts(k Key) bool {
	if b == nil {
		return false
	}
	s := b.entries[k]
	if s != nil {
		s.met = true
	}
	return s != nil
}

// Judged remembers that an object was judged at a level.
func (b *Baseline) Judged(o Object, level api.Level) {
	if b == nil {
		return
	}
	for _, s := range b.objects[o] {
		s.asked = s.asked || asks(level, s.key.Check)
	}
}

// asks reports whether a level asks for a check. A policy's own rules are asked at every level but privileged.
func asks(level api.Level, id string) bool {
	if level == api.LevelPrivileged {
		return false
	}
	var check spec.CheckID
	if check.UnmarshalText([]byte(id)) != nil {
		return true
	}
	return level == api.LevelRestricted || check.Level() == api.LevelBaseline
}

// Gone is an entry whose object was judged and has the violation no more.
type Gone struct {
	Key
	Line int // in the file
}

// Gone returns the entries that accept what no longer occurs, in the order of the file.
func (b *Baseline) Gone() (list []Gone) {
	for _, s := range b.inOrder() {
		if s.asked && !s.met {
			list = append(list, Gone{s.key, s.line})
		}
	}
	return list
}

// NotAsked counts the entries of objects that were not judged, and those objects.
func (b *Baseline) NotAsked() (entries, objects int) {
	if b == nil {
		return 0, 0
	}
	for _, of := range b.objects {
		n := 0
		for _, s := range of {
			if !s.asked && !s.met {
				n++
			}
		}
		if entries += n; n > 0 {
			objects++
		}
	}
	return entries, objects
}

func (b *Baseline) inOrder() []*state {
	if b == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(b.entries), func(a, z *state) int { return cmp.Compare(a.line, z.line) })
}
