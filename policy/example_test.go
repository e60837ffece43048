package policy_test

import (
	"errors"
	"fmt"
	"testing/fstest"

	"github.com/podfence/podfence/policy"
)

// Two files, as an embed.FS would hold them. A program that reads a directory of
// the machine, or a mounted ConfigMap, calls ReadDir.
func ExampleReadFS() {
	files := fstest.MapFS{
		"policies/node-agent.yaml": {Data: []byte(`
namespace: monitoring
podSelectorLabels: {app: node-agent}
allow:
  hostPID: true
  allowedHostPaths:
  - {pathPrefix: /proc, readOnly: true}
  - {pathPrefix: /sys, readOnly: true}
`)},
		"policies/web.yaml": {Data: []byte("podSelectorLabels: {app: web}\nalow: {hostPID: true}\n")},
	}
	_, err := policy.ReadFS(files, "policies")
	fmt.Println(err)

	var list policy.Errors
	if errors.As(err, &list) {
		fmt.Println(list[0].Line, list[0].Field)
	}

	delete(files, "policies/web.yaml")
	policies, err := policy.ReadFS(files, "policies")
	if err != nil {
		fmt.Println(err)
		return
	}
	agent := &policies[0]
	fmt.Println(agent.Name, "stands at", agent.Source)
	fmt.Println(agent.Allow.AllowedHostPaths[1].PathPrefix, "is granted at", agent.Source.At("allow.allowedHostPaths[1]"))
	// Output:
	// policies/web.yaml:2: alow: unknown key; did you mean allow?
	// 2 alow
	// node-agent stands at policies/node-agent.yaml:2
	// /sys is granted at policies/node-agent.yaml:8
}

func ExampleLint() {
	policies, err := policy.Parse([]byte(`
name: debug
podSelectorLabels: {debug: "true"}
allow: {allowedCapabilities: [SYS_PTRACE]}
---
name: web
podSelectorLabels: {app: web}
allow: {allowedCapabilities: [NET_BIND_SERVICE]}
`), "policies.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range policy.Lint(policies...) {
		fmt.Println(w.Reason, w.Policy)
		fmt.Println(w)
	}
	fmt.Println(policy.Overlap(&policies[0], &policies[1]))
	// Output:
	// EveryNamespace debug (policies.yaml:2)
	// policies.yaml:2: warning: policy debug opens the node in every namespace, by allow.allowedCapabilities: whoever may create a pod in any of them can write the labels that it selects; write namespace
	// Overlap web (policies.yaml:6)
	// policies.yaml:6: warning: policy web and policy debug (policies.yaml:2) can select one pod: debug is tried first, in order of name, and their grants never add up
	// true
}
