package helm

import (
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/podfence/podfence/podfencetest"
	"github.com/podfence/podfence/policy"
)

// render is what "helm template" prints for the chart: a chart with dependencies wants
// util.ProcessDependencies of helm.sh/helm/v4/pkg/chart/v2/util in between.
func render(t *testing.T, values map[string]any) podfencetest.Manifests {
	t.Helper()
	chart, err := loader.Load("chart")
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "sessions", Namespace: "shop", IsInstall: true, Revision: 1}
	all, err := util.ToRenderValues(chart, values, release, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		t.Fatal(err)
	}
	return podfencetest.Rendered(t, files)
}

// TestChartMeetsRestricted: with its own values the chart runs in any namespace that
// enforces restricted.
func TestChartMeetsRestricted(t *testing.T) {
	podfencetest.Cluster{Namespace: "shop"}.Allows(t, render(t, nil))
}

// TestChartFilledIn: what changes where podfence's mutating webhook runs.
func TestChartFilledIn(t *testing.T) {
	podfencetest.Cluster{Namespace: "shop"}.Golden(t, "testdata/filled.golden", render(t, nil))
}

// TestHostPortNeedsItsPolicy: users who set hostPort need the policy that the chart's
// documentation gives them, and no more than that.
func TestHostPortNeedsItsPolicy(t *testing.T) {
	policies, err := policy.ReadDir("testdata/policies")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	manifests := render(t, map[string]any{"hostPort": 6379})
	podfencetest.Cluster{Namespace: "shop", Policies: set}.Allows(t, manifests)
	podfencetest.Cluster{Namespace: "shop"}.Golden(t, "testdata/hostport.golden", manifests)
}
