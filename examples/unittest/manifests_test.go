package unittest

import (
	"os"
	"testing"

	"github.com/podfence/podfence/podfencetest"
)

// TestManifests: manifests in a folder may run once they are filled in.
func TestManifests(t *testing.T) {
	manifests := podfencetest.Read(t, os.DirFS("../manifests"), "nginx-*.yaml", "windows-*.yaml")
	podfencetest.Cluster{}.Admits(t, manifests)
}
