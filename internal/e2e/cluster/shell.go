package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Shell runs a command line as the documentation has it, in the root of the
// repository: podfence and kubectl are those of this clone, and kubectl speaks to this
// control plane. It returns what is printed, and an error with what standard error says.
func (c *Cluster) Shell(command string) (string, error) {
	c.t.Helper()
	cmd := exec.Command("bash", "-c", "set -o pipefail\n"+command)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "HOME="+c.dir,
		"PATH="+filepath.Dir(c.bin.Podfence)+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", command, err, &stderr)
	}
	return stdout.String(), nil
}

// Metrics is the text of the API server's metrics.
func (c *Cluster) Metrics() (string, error) {
	text, err := c.Client.RESTClient().Get().AbsPath("/metrics").DoRaw(context.Background())
	return string(text), err
}

// staticFolders names a folder of files to the two plugins that enforce policies of
// Kubernetes' own, as their part of the plugins' configuration.
func staticFolders(dir string) string {
	var text strings.Builder
	for plugin, folder := range map[string]string{"ValidatingAdmissionPolicy": "validating", "MutatingAdmissionPolicy": "mutating"} {
		fmt.Fprintf(&text, "  - name: %s\n    configuration:\n      apiVersion: apiserver.config.k8s.io/v1\n      kind: %[1]sConfiguration\n      staticManifestsDir: %s\n",
			plugin, filepath.Join(dir, folder))
	}
	return text.String()
}
