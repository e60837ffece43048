package survey

import (
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
)

const (
	bare    = "securityContext: {}"
	hostPID = "hostPID: true"
	full    = `securityContext: {runAsNonRoot: true, runAsUser: 7, seccompProfile: {type: RuntimeDefault}}`
)

// compliantPod is one that restricted allows.
const compliantPod = `{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: a}, spec: {` + full + `, containers: [{name: c, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}`

// TestRollOut: warn and audit first, then a dry run, then enforce; and no label is ever lowered.
func TestRollOut(t *testing.T) {
	none := map[string]string(nil)
	for _, test := range []struct {
		name, reason string
		in           string
		labels       map[string]string
		version      string
		want         []string
	}{
		{"restricted", "there is no stricter one to warn of", compliantPod, none, "latest", []string{
			"warn: kubectl label --overwrite ns ns P/warn=restricted P/audit=restricted",
			"dryRun: kubectl label --dry-run=server --overwrite ns ns P/enforce=restricted",
			"enforce: kubectl label --overwrite ns ns P/enforce=restricted",
		}},
		{"baseline", "restricted is next, and only warned of", pod("a", "", bare), none, "latest", []string{
			"warn: kubectl label --overwrite ns ns P/warn=baseline P/audit=baseline",
			"dryRun: kubectl label --dry-run=server --overwrite ns ns P/enforce=baseline",
			"enforce: kubectl label --overwrite ns ns P/enforce=baseline P/warn=restricted P/audit=restricted",
		}},
		{"privileged", "nothing can be enforced yet", pod("a", "", hostPID), none, "latest", []string{
			"warn: kubectl label --overwrite ns ns P/warn=baseline P/audit=baseline",
		}},
		{"a version", "it is pinned", compliantPod, none, "v1.30", []string{
			"warn: kubectl label --overwrite ns ns P/warn=restricted P/warn-version=v1.30 P/audit=restricted P/audit-version=v1.30",
			"dryRun: kubectl label --dry-run=server --overwrite ns ns P/enforce=restricted P/enforce-version=v1.30",
			"enforce: kubectl label --overwrite ns ns P/enforce=restricted P/enforce-version=v1.30",
		}},
		{"enforced already", "the next one is warned of", pod("a", "", bare), map[string]string{"enforce": "baseline"}, "latest", []string{
			"warn: kubectl label --overwrite ns ns P/warn=restricted P/audit=restricted",
		}},
		{"enforced and warned", "nothing is left to do", pod("a", "", bare), map[string]string{"enforce": "baseline", "warn": "restricted", "audit": "restricted"}, "latest", nil},
		{"restricted already", "there is no next one", compliantPod, map[string]string{"enforce": "restricted"}, "latest", nil},
		{"enforced beyond", "it is not lowered", pod("a", "", bare), map[string]string{"enforce": "restricted"}, "latest", nil},
		{"warned already", "only what is missing", pod("a", "", bare), map[string]string{"warn": "restricted", "audit": "baseline"}, "latest", []string{
			"dryRun: kubectl label --dry-run=server --overwrite ns ns P/enforce=baseline",
			"enforce: kubectl label --overwrite ns ns P/enforce=baseline P/audit=restricted",
		}},
		{"a wrong label", "the API server takes it for restricted", pod("a", "", bare), map[string]string{"enforce": "strict"}, "latest", nil},
		{"no workload", "there is nothing to judge", "", map[string]string{}, "latest", nil},
		{"no name", "no namespace is named so", strings.ReplaceAll(compliantPod, "namespace: ns", "namespace: 'x; reboot'"), none, "latest", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			version, err := api.ParseVersion(test.version)
			if err != nil {
				t.Fatal(err)
			}
			c := NewCollector(version, policy.Set{})
			for _, o := range objects(t, test.in) {
				c.Add(o)
			}
			if test.labels != nil {
				labels := map[string]string{}
				for mode, level := range test.labels {
					labels[AdmissionPrefix+mode] = level
				}
				c.AddNamespace("ns", labels)
			}
			n := c.Report().Namespaces[0]
			var got []string
			for _, command := range n.AsIs.Commands {
				got = append(got, string(command.Step)+": "+strings.ReplaceAll(command.Command, AdmissionPrefix, "P/"))
			}
			if have, want := strings.Join(got, "\n"), strings.Join(test.want, "\n"); have != want {
				t.Errorf("%s: got\n%s\nwant\n%s", test.reason, have, want)
			}
			for _, command := range n.Filled.Commands {
				if strings.Contains(command.Command, AdmissionPrefix) {
					t.Errorf("Pod Security Admission knows nothing of what is filled in: %s", command.Command)
				}
			}
		})
	}
}
