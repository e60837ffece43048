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

// Shell runs a command line as the documentation has it: see [Binaries.Shell]. There
// kubectl speaks to this control plane.
func (c *Cluster) Shell(command string) (string, error) {
	return c.bin.Shell(command, "KUBECONFIG="+c.Kubeconfig, "HOME="+c.dir)
}

// Shell runs a command line in the root of the repository, where podfence and kubectl
// are those of this clone. It returns what is printed, and an error with what standard
// error says.
func (b Binaries) Shell(command string, env ...string) (string, error) {
	cmd := exec.Command("bash", "-c", "set -o pipefail\n"+command)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(b.Podfence)+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
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
