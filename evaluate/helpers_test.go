package evaluate_test

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// equal compares API objects, nil and empty lists told apart by neither side.
func equal(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }

// versions are v1.0 to the newest known one, and latest: 39 spellings of 38.
func versions() []api.Version {
	var list []api.Version
	newest := spec.Newest()
	for minor := 0; minor <= newest.Minor(); minor++ {
		list = append(list, api.MajorMinorVersion(1, minor))
	}
	return append(list, api.LatestVersion())
}

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}
