package embedder

import (
	"encoding/json"
	"strings"
	"testing"
)

const guard = `{"apiVersion":"example.com/v1","kind":"Guard","metadata":{"name":"routes","namespace":"networking"},` +
	`"spec":{"podSelectorLabels":{"app":"routes"},"allow":{"hostNetworkPorts":true,"runAsUser":{"rule":"MustRunAs","ranges":[{"min":400,"max":400}]}}}}`

func decoded(t *testing.T, text string) *Guard {
	t.Helper()
	g := &Guard{}
	if err := json.Unmarshal([]byte(text), g); err != nil {
		t.Fatal(err)
	}
	return g.DeepCopyObject().(*Guard)
}

// TestGuard: a policy in a custom resource is read, selects and grants.
func TestGuard(t *testing.T) {
	set, err := Policies(decoded(t, guard))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app": "routes"}
	governing := set.Governing("networking", labels)
	if len(governing) != 1 || governing[0].Name != "routes" || !governing[0].Allow.HostNetworkPorts {
		t.Errorf("%+v governs, want the guard's policy", governing)
	}
	if elsewhere := set.Governing("shop", labels); len(elsewhere) != 0 {
		t.Errorf("it governs another namespace: %+v", elsewhere)
	}
}

// TestGuardIsWritten: the API server stores what it is given.
func TestGuardIsWritten(t *testing.T) {
	g := decoded(t, guard)
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(decoded(t, string(text)))
	_, spec, _ := strings.Cut(guard, `"spec":`)
	if string(again) != string(text) || !strings.HasSuffix(string(text), `"spec":`+spec) {
		t.Errorf("%s\nis written as %s", guard, text)
	}
}

// TestGuardIsRefused: a policy that is wrong is an error that says how.
func TestGuardIsRefused(t *testing.T) {
	_, err := Policies(decoded(t, strings.Replace(guard, `"min":400`, `"min":401`, 1)))
	if err == nil || !strings.Contains(err.Error(), "allow.runAsUser.ranges[0]") {
		t.Errorf("%v, want an error about the range", err)
	}
}
