package survey

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"
)

// Step is a step of the roll-out.
type Step string

// The steps, in their order: https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-namespace-labels/
// has audit and warn set before anything is enforced, and enforcing tried by a dry run.
const (
	// Warn: nothing is refused; whoever makes a workload is warned, and the audit log says so too.
	Warn Step = "warn"
	// DryRun: the cluster says which of its pods would violate the level, and nothing is changed.
	DryRun Step = "dryRun"
	// Enforce: pods that violate the level are refused from now on. Those that run go on running.
	Enforce Step = "enforce"
)

// Command is a command of kubectl.
type Command struct {
	Step    Step   `json:"step"`
	Command string `json:"command"`
	// labels are what it sets.
	labels []string
}

// Prefixes are the prefixes of the labels: those of Pod Security Admission, and those that podfence's webhook looks at.
const (
	AdmissionPrefix = "pod-security.kubernetes.io/"
	WebhookPrefix   = "podfence.dev/"
)

// prefixOf is the prefix of the labels for a way. What is filled in or excused is so by podfence, and Pod Security Admission
// knows nothing of it.
func prefixOf(way Way) string {
	if way == AsIs {
		return AdmissionPrefix
	}
	return WebhookPrefix
}

// rollOut are the commands that bring a namespace to the level of an answer. There are none where nothing was judged, or
// for a name that no namespace can have. Of a namespace in which not even baseline is free, they only warn, and so
// they do of the next level where this one is enforced already. What its labels demand is not said again, and none of them
// is lowered.
func rollOut(n *Namespace, way Way, a Answer) []Command {
	commands := []Command{}
	if len(n.Workloads) == 0 || len(validation.IsDNS1123Label(n.Name)) > 0 {
		return commands
	}
	l := labeller{version: n.Version, prefix: prefixOf(way), now: Now{api.LevelPrivileged, api.LevelPrivileged, api.LevelPrivileged}}
	if way == AsIs && n.Now != nil {
		l.now = *n.Now
	}
	add := func(step Step, labels ...string) {
		if len(labels) > 0 {
			commands = append(commands, Command{step, labelCommand(step, []string{n.Name}, labels), labels})
		}
	}
	if a.Level == api.LevelPrivileged {
		add(Warn, l.watch(api.LevelBaseline)...)
		return commands
	}
	enforce := l.raise("enforce", l.now.Enforce, a.Level)
	switch {
	case len(enforce) > 0:
	case l.now.Enforce == a.Level && a.Next != nil:
		add(Warn, l.watch(a.Next.Level)...)
		return commands
	default:
		return commands
	}
	add(Warn, l.watch(a.Level)...)
	add(DryRun, enforce...)
	if a.Next != nil {
		enforce = append(enforce, l.watch(a.Next.Level)...)
	}
	add(Enforce, enforce...)
	return commands
}

// labeller makes the labels of a namespace.
type labeller struct {
	version, prefix string
	now             Now
}

// watch are the labels that warn and audit at a level.
func (l *labeller) watch(level api.Level) []string {
	return append(l.raise("warn", l.now.Warn, level), l.raise("audit", l.now.Audit, level)...)
}

// raise is the label of a mode, and of its version, none where the namespace has that level already, or a higher one.
func (l *labeller) raise(mode string, now, to api.Level) []string {
	if api.CompareLevels(now, to) >= 0 {
		return nil
	}
	labels := []string{l.prefix + mode + "=" + string(to)}
	if l.version != api.VersionLatest {
		labels = append(labels, l.prefix+mode+"-version="+l.version)
	}
	return labels
}

// labelCommand is the command of a step. Names and labels need no quotes in any shell.
func labelCommand(step Step, namespaces, labels []string) string {
	words := []string{"kubectl", "label", "--overwrite", "ns"}
	if step == DryRun {
		words = []string{"kubectl", "label", "--dry-run=server", "--overwrite", "ns"}
	}
	return strings.Join(slices.Concat(words, namespaces, labels), " ")
}
