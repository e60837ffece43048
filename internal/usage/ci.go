package usage

import (
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// action is what is read of a composite action of GitHub.
type action struct {
	Inputs map[string]struct {
		Default  string `json:"default"`
		Required bool   `json:"required"`
	} `json:"inputs"`
	Runs struct {
		Using string       `json:"using"`
		Steps []actionStep `json:"steps"`
	} `json:"runs"`
}

type actionStep struct {
	Name  string            `json:"name"`
	Uses  string            `json:"uses"`
	Shell string            `json:"shell"`
	Env   map[string]string `json:"env"`
	Run   string            `json:"run"`
}

// workflow is what is read of a workflow that uses the action.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Uses string            `json:"uses"`
			With map[string]string `json:"with"`
		} `json:"steps"`
	} `json:"jobs"`
}

// gitlabJob is what is read of a job of GitLab.
type gitlabJob struct {
	Image     string            `json:"image"`
	Variables map[string]string `json:"variables"`
	Script    []string          `json:"script"`
}

// environment is that of a step, with the inputs that a workflow gives in place of
// their expressions, and the defaults of the others.
func (a *action) environment(step *actionStep, with map[string]string) (env []string) {
	for name, value := range step.Env {
		for input, of := range a.Inputs {
			given, ok := with[input]
			if !ok {
				given = of.Default
			}
			value = strings.ReplaceAll(value, "${{ inputs."+input+" }}", given)
		}
		env = append(env, name+"="+value)
	}
	return env
}

// readYAML reads a file of the repository.
func readYAML(file string, into any) error {
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return err
	}
	return yaml.Unmarshal(data, into)
}
