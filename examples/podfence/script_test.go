package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts, to be read before it is kept")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"podfence": main})
}

// scripts is how many there are: a glob that finds none passes.
const scripts = 84

func TestScripts(t *testing.T) {
	found, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(found) != scripts {
		t.Errorf("%d scripts, want %d (%v)", len(found), scripts, err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":   status,
			"contains": contains,
			"onlyadds": onlyAdds,
		},
	})
}
