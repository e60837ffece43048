package policy

import "strings"

// image is a reference to a container image in its parts, normalised as container
// runtimes do (github.com/distribution/reference, ParseNormalizedNamed and
// TagNameOnly): without a registry it is of docker.io, there without a folder in
// library/, and without a tag and a digest the tag is latest. Its parts are parts of
// the text, so that reading it allocates nothing.
type image struct {
	registry string
	// library: the path lacks the folder library/, which it has all the same.
	library bool
	path    string
	tag     string
	digest  string
}

const (
	dockerRegistry    = "docker.io"
	oldDockerRegistry = "index.docker.io"
	library           = "library/"
	latest            = "latest"

	// maxImagePath is how long a repository's path may be, with its registry.
	maxImagePath = 255
	maxTag       = 128
	hexID        = 64
)

// parseImage reads a reference. ok is false for text that no runtime reads as one.
func parseImage(text string) (ref image, ok bool) {
	name := text
	if name, ref.digest, ok = strings.Cut(name, "@"); ok && !isDigest(ref.digest) {
		return image{}, false
	}
	name, tag, tagged := cutTag(name)
	if tagged && !isTag(tag) {
		return image{}, false
	}
	ref.tag = tag
	if ref.tag == "" && ref.digest == "" {
		ref.tag = latest
		if isHexID(name) {
			return image{}, false // it would be taken for the ID of an image
		}
	}
	ref.setName(name)
	ref.foldLibrary()
	if !isRegistry(ref.registry) || !isImagePath(ref.path) || ref.nameLength() > maxImagePath {
		return image{}, false
	}
	return ref, true
}

// cutTag cuts the tag off, which a colon divides from a name. A colon before a slash
// is that of a registry's port.
func cutTag(text string) (name, tag string, tagged bool) {
	if i := strings.LastIndexByte(text, ':'); i >= 0 && strings.IndexByte(text[i:], '/') < 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

// setName divides a name into the registry and the path.
func (ref *image) setName(name string) {
	first, rest, found := strings.Cut(name, "/")
	if found && namesRegistry(first) {
		ref.registry, ref.path = first, rest
	} else {
		ref.registry, ref.path = dockerRegistry, name
	}
	if ref.registry == oldDockerRegistry {
		ref.registry = dockerRegistry
	}
}

// foldLibrary gives what is in the folder library/ of docker.io one form, with the
// folder written and without it.
func (ref *image) foldLibrary() {
	if ref.registry != dockerRegistry {
		return
	}
	path := strings.TrimPrefix(ref.path, library)
	if ref.library = strings.IndexByte(path, '/') < 0; ref.library {
		ref.path = path
	}
}

// namesRegistry reports whether the first part of a name is a registry and not a folder.
func namesRegistry(first string) bool {
	return strings.ContainsAny(first, ".:") || first == "localhost" || hasUpper(first)
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}

// nameLength is the length of the path with its registry.
func (ref *image) nameLength() int {
	n := len(ref.registry) + 1 + len(ref.path)
	if ref.library {
		n += len(library)
	}
	return n
}

// sameName reports whether both are of one repository.
func (ref *image) sameName(other *image) bool {
	return ref.registry == other.registry && ref.library == other.library && ref.path == other.path
}

// String is the reference with all of its parts.
func (ref *image) String() string {
	text := ref.name()
	if ref.tag != "" {
		text += ":" + ref.tag
	}
	if ref.digest != "" {
		text += "@" + ref.digest
	}
	return text
}

func (ref *image) name() string {
	if ref.library {
		return ref.registry + "/" + library + ref.path
	}
	return ref.registry + "/" + ref.path
}

// imagePattern is an entry of a policy's images: a reference, or the beginning of one.
type imagePattern struct {
	image
	// open says which part may go on where the pattern ends.
	open openPart
}

// openPart is the part of a reference before which a pattern's "*" stands.
type openPart uint8

const (
	openNone openPart = iota
	openPath
	openTag
	openDigest
)

// parseImagePattern reads an entry of a policy's images.
func parseImagePattern(text string) (p imagePattern, ok bool) {
	begin, isOpen := strings.CutSuffix(text, anyValue)
	if !isOpen {
		p.image, ok = parseImage(text)
		return p, ok
	}
	name, digest, atDigest := strings.Cut(begin, "@")
	name, tag, tagged := cutTag(name)
	switch {
	case atDigest:
		// A tag beside a digest says nothing.
		p.open, p.digest = openDigest, digest
		ok = !tagged && isDigestBeginning(digest)
	case tagged:
		p.open, p.tag = openTag, tag
		ok = tag == "" || isTag(tag)
	default:
		p.open = openPath
		// The registry must be whole: without it anybody's would do.
		first, _, found := strings.Cut(name, "/")
		ok = found && first != ""
	}
	if !ok {
		return imagePattern{}, false
	}
	p.setName(name)
	if p.open == openPath {
		ok = isImagePathBeginning(p.path)
	} else {
		p.foldLibrary()
		ok = isImagePath(p.path)
	}
	return p, ok && isRegistry(p.registry) && p.nameLength() <= maxImagePath
}

// text is the pattern with all of its parts.
func (p *imagePattern) text() string {
	switch p.open {
	case openPath:
		return p.registry + "/" + p.path + anyValue
	case openTag:
		return p.name() + ":" + p.tag + anyValue
	case openDigest:
		return p.name() + "@" + p.digest + anyValue
	default:
		return p.String()
	}
}

// matches reports whether the pattern holds a reference. The digest alone says what
// is run, so that a reference with one is held by patterns that name it, or that
// hold every image of a repository.
func (p *imagePattern) matches(ref *image) bool {
	if p.open == openPath {
		return p.registry == ref.registry && ref.hasPathPrefix(p.path)
	}
	if !p.sameName(ref) {
		return false
	}
	switch {
	case p.open == openTag && p.tag == "":
		return true
	case p.open == openTag:
		return ref.digest == "" && strings.HasPrefix(ref.tag, p.tag)
	case p.open == openDigest:
		return ref.digest != "" && strings.HasPrefix(ref.digest, p.digest)
	case p.digest != "":
		return ref.digest == p.digest
	default:
		return ref.digest == "" && ref.tag == p.tag
	}
}

// hasPathPrefix reports whether the whole path, library/ included, begins so.
func (ref *image) hasPathPrefix(prefix string) bool {
	if !ref.library {
		return strings.HasPrefix(ref.path, prefix)
	}
	if len(prefix) <= len(library) {
		return strings.HasPrefix(library, prefix)
	}
	rest, ok := strings.CutPrefix(prefix, library)
	return ok && strings.HasPrefix(ref.path, rest)
}

// The functions below know the grammar of references, in grammar and regexp of
// github.com/distribution/reference.

func isLowerOrDigit(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' }

func isWord(b byte) bool { return isLowerOrDigit(b) || 'A' <= b && b <= 'Z' || b == '_' }

// isTag: a word character, then up to 127 of them, dots and dashes.
func isTag(tag string) bool {
	if tag == "" || len(tag) > maxTag || !isWord(tag[0]) {
		return false
	}
	for i := 1; i < len(tag); i++ {
		if !isWord(tag[i]) && tag[i] != '.' && tag[i] != '-' {
			return false
		}
	}
	return true
}

// isHexID reports whether text is 64 hexadecimal digits, which runtimes take for the
// ID of an image.
func isHexID(text string) bool { return len(text) == hexID && isHex(text) }

func isHex(text string) bool {
	for i := range len(text) {
		if b := text[i]; ('0' > b || b > '9') && ('a' > b || b > 'f') {
			return false
		}
	}
	return true
}

// digests are the algorithms that runtimes know (github.com/opencontainers/go-digest),
// with the length of their values.
var digests = [...]struct {
	prefix string
	length int
}{{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}}

func isDigest(text string) bool {
	for _, d := range digests {
		if value, ok := strings.CutPrefix(text, d.prefix); ok {
			return len(value) == d.length && isHex(value)
		}
	}
	return false
}

// isDigestBeginning reports whether a digest may begin so.
func isDigestBeginning(text string) bool {
	for _, d := range digests {
		if value, ok := strings.CutPrefix(text, d.prefix); ok {
			return len(value) <= d.length && isHex(value)
		}
		if strings.HasPrefix(d.prefix, text) {
			return true
		}
	}
	return false
}

// isRegistry: a host name or an address, and maybe a port.
func isRegistry(registry string) bool {
	host, port := registry, ""
	if strings.HasPrefix(registry, "[") {
		end := strings.IndexByte(registry, ']')
		if end < 0 || !isIPv6(registry[1:end]) {
			return false
		}
		rest := registry[end+1:]
		return rest == "" || rest[0] == ':' && isDigits(rest[1:])
	}
	if i := strings.IndexByte(registry, ':'); i >= 0 {
		if host, port = registry[:i], registry[i+1:]; !isDigits(port) {
			return false
		}
	}
	for {
		label, rest, more := strings.Cut(host, ".")
		if !isHostLabel(label) {
			return false
		}
		if !more {
			return true
		}
		host = rest
	}
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func isIPv6(text string) bool {
	for i := range len(text) {
		if b := text[i]; !isHex(text[i:i+1]) && ('A' > b || b > 'F') && b != ':' {
			return false
		}
	}
	return text != ""
}

func isHostLabel(label string) bool {
	for i := range len(label) {
		if b := label[i]; (!isWord(b) || b == '_') && (b != '-' || i == 0 || i == len(label)-1) {
			return false
		}
	}
	return label != ""
}

// isImagePath: parts of lower-case letters and digits, between which stand one dot,
// one or two underscores, or dashes.
func isImagePath(path string) bool {
	for {
		part, rest, more := strings.Cut(path, "/")
		if !isPathPart(part) {
			return false
		}
		if !more {
			return true
		}
		path = rest
	}
}

func isPathPart(part string) bool {
	for i := 0; i < len(part); {
		if !isLowerOrDigit(part[i]) {
			return false
		}
		for i < len(part) && isLowerOrDigit(part[i]) {
			i++
		}
		begin := i
		for i < len(part) && !isLowerOrDigit(part[i]) {
			i++
		}
		if i == begin {
			return true
		}
		if i == len(part) || !isPathSeparator(part[begin:i]) {
			return false
		}
	}
	return false
}

func isPathSeparator(text string) bool {
	return text == "." || text == "_" || text == "__" || strings.Trim(text, "-") == ""
}

// isImagePathBeginning reports whether a path may begin so.
func isImagePathBeginning(path string) bool {
	return path == "" || isImagePath(path+"a")
}

// CoversImage reports whether each image that an entry of a policy's images matches is
// matched by another entry as well. An entry that is none covers what is the same text.
func CoversImage(entry, other string) bool {
	p, ok := parseImagePattern(entry)
	o, okOther := parseImagePattern(other)
	if !ok || !okOther {
		return entry == other
	}
	return p.covers(&o)
}

// covers reports whether the pattern holds each reference that another one does.
func (p *imagePattern) covers(o *imagePattern) bool {
	switch {
	case p.open == openPath && o.open == openPath:
		return p.registry == o.registry && strings.HasPrefix(o.path, p.path)
	case o.open == openPath:
		return false
	case o.open == openNone:
		return p.matches(&o.image)
	case p.open == openPath:
		return p.registry == o.registry && o.hasPathPrefix(p.path)
	case !p.sameName(&o.image):
		return false
	case p.open == openTag && p.tag == "":
		return true
	default: // what one tag or digest begins with, of the same kind
		return p.open == o.open && strings.HasPrefix(o.tag, p.tag) && strings.HasPrefix(o.digest, p.digest)
	}
}
