// Command findings writes what is wrong with the published task manager, as far as it was found: it
// runs the plans of the findings on every version that they name, and on the task manager of this
// repository, and writes FINDINGS.md from what comes of that. Run it in this module:
//
//	go run ./findings
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"dtsim/scenarios"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
)

const (
	module = "github.com/weaviate/weaviate"
	// required is the version that go.mod requires.
	required = "v1.38.0-rc.0"
)

func main() {
	if err := write(context.Background(), "testdata", "FINDINGS.md"); err != nil {
		fmt.Fprintln(os.Stderr, "findings:", err)
		os.Exit(1)
	}
}

// open returns the native engine of a system, of a published one in a version; root is the folder
// of this module.
func open(ctx context.Context, root, system, version string, log func(string)) (engine.Engine, error) {
	app, err := scenarios.SystemNamed(system)
	if err != nil {
		return nil, err
	}
	o := app.Options(engine.Options{Dir: root, Log: log})
	switch {
	case app.Module == "":
		o.Dir = filepath.Join(root, "../..")
	case version != required:
		o.With = []build.Replacement{{Module: module, Version: version}}
	}
	return engine.Native(ctx, o)
}
