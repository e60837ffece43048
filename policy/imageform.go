package policy

// Regular expressions of the parts of a reference to an image, for those who read
// references elsewhere as this package does.
const (
	// ImageRegistryPattern is a host name or an address, and maybe a port.
	ImageRegistryPattern = `(` + imageLabel + `(\.` + imageLabel + `)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?`
	// ImagePathPattern is the path of a repository.
	ImagePathPattern = imagePart + `(/` + imagePart + `)*`
	// ImageTagPattern is a tag.
	ImageTagPattern = `[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}`
	// ImageDigestPattern is a digest.
	ImageDigestPattern = `sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128})`
	// MaxImagePath is how long a repository's path may be, with its registry.
	MaxImagePath = maxImagePath

	imageLabel = `[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?`
	imagePart  = `[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*`
)

// ImageForms writes an entry of the images of a [ContainerEntry] for those who compare
// text: a reference matches if its own form is one of these, or begins like one that
// ends in "*". The form of a reference has its registry and all of its path, then its
// digest or, without one, its tag: docker.io/library/nginx:latest. The forms are nil
// for an entry that Validate refuses.
func ImageForms(entry string) []string {
	p, ok := parseImagePattern(entry)
	switch {
	case !ok:
		return nil
	case p.open == openPath:
		return []string{p.registry + "/" + p.path + anyValue}
	case p.open == openTag && p.tag == "":
		return []string{p.name() + ":" + anyValue, p.name() + "@" + anyValue}
	case p.open == openTag:
		return []string{p.name() + ":" + p.tag + anyValue}
	case p.open == openDigest:
		return []string{p.name() + "@" + p.digest + anyValue}
	case p.digest != "":
		return []string{p.name() + "@" + p.digest}
	default:
		return []string{p.name() + ":" + p.tag}
	}
}
