package podfencetest_test

import (
	"fmt"
	"os"
	"testing/fstest"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/podfencetest"
	"github.com/podfence/podfence/policy"
)

// printer stands for the *testing.T of a test, and prints what would fail it.
type printer struct{}

func (printer) Helper()                           {}
func (printer) Errorf(format string, args ...any) { fmt.Printf("FAIL: "+format+"\n", args...) }
func (printer) Fatalf(format string, args ...any) { fmt.Printf("FAIL: "+format+"\n", args...) }

var t printer

const agent = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: monitoring}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostPID: true
      containers: [{name: agent, image: registry.example.com/agent:1}]
`

// At baseline a namespace refuses the host's PID namespace, and nothing else of this.
func ExampleCluster_Allows() {
	cluster := podfencetest.Cluster{Level: api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}}
	cluster.Allows(t, podfencetest.Decode(t, "agent.yaml", []byte(agent)))
	// Output:
	// FAIL: baseline:latest denies 1 of 1 workload as given:
	//
	// agent.yaml: DaemonSet monitoring/agent
	//     spec.template.spec.hostPID is true, must be false or unset [hostNamespaces]
	//         a policy could allow it: allow.hostPID: true
}

// A policy that grants it has the test pass.
func ExampleCluster_Admits() {
	policies, err := policy.Parse([]byte("{name: agent, namespace: monitoring, podSelectorLabels: {app: agent}, allow: {hostPID: true}}"), "agent.yaml")
	if err != nil {
		fmt.Println(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		fmt.Println(err)
	}
	podfencetest.Cluster{Policies: set}.Admits(t, podfencetest.Decode(t, "agent.yaml", []byte(agent)))
	fmt.Println("done")
	// Output:
	// done
}

// A policy that selects namespaces by their labels needs to know those of the cluster's
// namespaces. Without them it selects nothing, and the test says so.
func ExampleCluster_namespaces() {
	policies, err := policy.Parse([]byte("{name: agent, namespaceSelector: {matchLabels: {team: platform}}, podSelectorLabels: {app: agent}, allow: {hostPID: true}}"), "agent.yaml")
	if err != nil {
		fmt.Println(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		fmt.Println(err)
	}
	baseline := api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
	podfencetest.Cluster{Level: baseline, Policies: set}.Admits(t, podfencetest.Decode(t, "agent.yaml", []byte(agent)))

	labels := map[string]map[string]string{"monitoring": {"team": "platform"}}
	set = set.WithNamespaces(func(namespace string) (map[string]string, bool) {
		of, known := labels[namespace]
		return of, known
	})
	podfencetest.Cluster{Level: baseline, Policies: set}.Admits(t, podfencetest.Decode(t, "agent.yaml", []byte(agent)))
	fmt.Println("done")
	// Output:
	// FAIL: baseline:latest denies 1 of 1 workload once filled in:
	//
	// agent.yaml: DaemonSet monitoring/agent
	//     spec.template.spec.hostPID is true, must be false or unset [hostNamespaces]
	//         a policy could allow it: allow.hostPID: true
	//     policy agent selects namespaces by label, and the labels of the pod's namespace are not known: it does not govern the pod
	//
	// done
}

// A pattern that matches no file does not pass for manifests that are fine.
func ExampleRead() {
	files := fstest.MapFS{"deploy/agent.yaml": {Data: []byte(agent)}} // os.DirFS("deploy") in a test
	fmt.Println(len(podfencetest.Read(t, files, "deploy/*.yaml")))
	podfencetest.Read(t, files, "delpoy/*.yaml")
	// Output:
	// 1
	// FAIL: podfencetest: delpoy/*.yaml: no file matches it
}

// What a golden file holds, which UPDATE_GOLDEN=1 writes.
func ExampleCluster_Golden() {
	podfencetest.Cluster{}.Golden(t, "testdata/agent.golden", podfencetest.Decode(t, "agent.yaml", []byte(agent)))
	golden, err := os.ReadFile("testdata/agent.golden")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(string(golden))
	// Output:
	// At restricted:latest, filled in:
	//
	// agent.yaml: DaemonSet monitoring/agent: denied
	//     + spec.template.spec.securityContext.fsGroup: 1
	//     + spec.template.spec.securityContext.supplementalGroups: [1]
	//     + spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: false
	//     + spec.template.spec.containers[0].securityContext.capabilities.drop: [ALL]
	//     + spec.template.spec.containers[0].securityContext.privileged: false
	//     + spec.template.spec.containers[0].securityContext.runAsGroup: 1
	//     + spec.template.spec.containers[0].securityContext.runAsNonRoot: true
	//     + spec.template.spec.containers[0].securityContext.seccompProfile.type: RuntimeDefault
	//     - spec.template.spec.hostPID is true, must be false or unset [hostNamespaces]
	//     ! container "agent": runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0
}
