package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module is the path every package of the repository starts with.
const module = "dtsim/"

// floors lists the house from the ground up: a package may import its own floor
// and those below it.
var floors = []string{"fsm", "sched", "models", "sim", "scenarios", "reports", "cmd"}

// formats are the leaves that models and reports may use although they stand on
// the floor of sim or scenarios; they import nothing of the repository but each other,
// downwards.
var formats = []string{"sim/plan", "scenarios/tasks/taskplan", "sim/trace", "sim/trace/event", "scenarios/tasks/taskevent"}

// products are the floors that ship: they must not know that a simulator exists.
var products = []string{"fsm", "sched"}

// pkg is what the rules need to know about a package, as `go list` tells it.
type pkg struct {
	ImportPath     string
	Dir            string
	Imports        []string
	TestImports    []string
	XTestImports   []string
	GoFiles        []string
	IgnoredGoFiles []string
}

// importError returns what is wrong with one import, or nil.
func importError(from, to string) error {
	from, to = strings.TrimPrefix(from, module), strings.TrimPrefix(to, module)
	floorOf := func(path string) int {
		top, _, _ := strings.Cut(path, "/")
		return slices.Index(floors, top)
	}
	switch f, t := floorOf(from), floorOf(to); {
	case f < 0:
		return fmt.Errorf("%s stands on no floor of the house (%s)", from, strings.Join(floors, ", "))
	case t < 0:
		return fmt.Errorf("%s imports %s, which stands on no floor of the house", from, to)
	case from == to: // an external test
		return nil
	case slices.Contains(formats, from):
		if i := slices.Index(formats, to); i < 0 || i >= slices.Index(formats, from) {
			return fmt.Errorf("%s is a format and imports %s", from, to)
		}
	case slices.Contains(formats, to) && !slices.Contains(products, floors[f]):
		return nil
	case strings.HasPrefix(from, "sim/") && strings.HasPrefix(to, "scenarios/"):
		return nil // transitional: these were one floor until now, and part ways package by package
	case t > f:
		return fmt.Errorf("%s imports %s: imports point down only", from, to)
	}
	return nil
}

// faults returns every broken rule of a package's imports, its tests' included.
func (p pkg) faults() []error {
	var found []error
	shipped := slices.ContainsFunc(products, func(floor string) bool {
		return strings.HasPrefix(p.ImportPath, module+floor)
	})
	for _, to := range p.Imports {
		if shipped && (to == "testing" || strings.HasPrefix(to, "testing/")) {
			found = append(found, fmt.Errorf("%s imports %s outside of its tests", p.ImportPath, to))
		}
	}
	for _, to := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		if strings.HasPrefix(to, module) {
			if err := importError(strings.TrimSuffix(p.ImportPath, "_test"), to); err != nil {
				found = append(found, err)
			}
		}
	}
	if shipped {
		for _, name := range p.IgnoredGoFiles {
			found = append(found, fmt.Errorf("%s: %s is built only sometimes", p.ImportPath, name))
		}
	}
	return found
}

// backdoors returns what in a shipped file's source could make it behave another
// way under a test or a simulator: build constraints and linkname.
func backdoors(name string, src any) ([]error, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []error
	for _, group := range file.Comments {
		for _, c := range group.List {
			if isDirective(c, "//go:build ") || isDirective(c, "// +build ") || isDirective(c, "//go:linkname ") {
				found = append(found, fmt.Errorf("%s: %s", name, c.Text))
			}
		}
	}
	return found, nil
}

func isDirective(c *ast.Comment, prefix string) bool { return strings.HasPrefix(c.Text, prefix) }

// packages lists the repository's packages.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,GoFiles,IgnoredGoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	}
	require.NoError(t, err)

	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
}

func TestImportsPointDownOnly(t *testing.T) {
	all := packages(t)
	require.Greater(t, len(all), 10, "go list saw the repository")
	for _, p := range all {
		for _, err := range p.faults() {
			t.Error(err)
		}
	}
}

func TestEveryTestKnowsTheFlagsOfRapid(t *testing.T) {
	// A test that does not would refuse go test ./... -rapid.seed=N.
	cmd := exec.Command("go", "list", "-test", "-f", `{{if .ForTest}}{{else}}{{.ImportPath}} {{join .Deps " "}}{{end}}`, "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	require.NoError(t, err)
	tests := 0
	for line := range strings.Lines(string(out)) {
		deps := strings.Fields(line)
		if len(deps) == 0 || !strings.HasSuffix(deps[0], ".test") {
			continue
		}
		tests++
		assert.True(t, slices.Contains(deps, "pgregory.net/rapid"), "%s: give it a test file that imports rapid", deps[0])
	}
	require.Greater(t, tests, 10, "go list saw the tests")
}

func TestShippedCodeHasNoBackdoors(t *testing.T) {
	read := 0
	for _, p := range packages(t) {
		if !slices.ContainsFunc(products, func(floor string) bool { return strings.HasPrefix(p.ImportPath, module+floor) }) {
			continue
		}
		for _, name := range p.GoFiles {
			found, err := backdoors(filepath.Join(p.Dir, name), nil)
			require.NoError(t, err)
			read++
			for _, err := range found {
				t.Error(err)
			}
		}
	}
	assert.Greater(t, read, 10, "files were read")
}

func TestImportError(t *testing.T) {
	for _, c := range []struct {
		from, to string
		wrong    string // part of the complaint; empty: fine
	}{
		{"dtsim/cmd/dtsim", "dtsim/sim/engine", ""},
		{"dtsim/sim/cluster", "dtsim/sched", ""},
		{"dtsim/sim/cluster", "dtsim/models/spec", ""},
		{"dtsim/sched", "dtsim/fsm", ""},
		{"dtsim/sched", "dtsim/sched/reconcile", ""},
		{"dtsim/models/history", "dtsim/sim/trace", ""},
		{"dtsim/reports/html", "dtsim/sim/plan", ""},
		{"dtsim/sim/trace", "dtsim/sim/plan", ""},
		{"dtsim/sim/trace", "dtsim/sim/trace", ""},
		{"dtsim/models/history", "dtsim/scenarios/tasks/taskevent", ""},
		{"dtsim/scenarios/tasks/taskevent", "dtsim/sim/trace/event", ""},
		{"dtsim/fsm", "dtsim/sched", "imports point down only"},
		{"dtsim/fsm", "dtsim/sim/plan", "imports point down only"},
		{"dtsim/sched/reconcile", "dtsim/sim/trace", "imports point down only"},
		{"dtsim/sched", "dtsim/models/spec", "imports point down only"},
		{"dtsim/models/explore", "dtsim/sim/cluster", "imports point down only"},
		{"dtsim/sim/cluster", "dtsim/scenarios", "imports point down only"},
		{"dtsim/reports/html", "dtsim/cmd/dtsim/internal/cli", "imports point down only"},
		{"dtsim/sim/plan", "dtsim/sim/trace", "is a format and imports"},
		{"dtsim/sim/plan", "dtsim/fsm", "is a format and imports"},
		{"dtsim/sim/trace", "dtsim/sim/keyed", "is a format and imports"},
		{"dtsim/sim/trace/event", "dtsim/scenarios/tasks/taskevent", "is a format and imports"},
		{"dtsim/sched", "dtsim/scenarios/tasks/taskevent", "imports point down only"},
		{"dtsim/util", "dtsim/fsm", "stands on no floor"},
		{"dtsim/cmd/dtsim", "dtsim/helpers", "stands on no floor"},
	} {
		err := importError(c.from, c.to)
		if c.wrong == "" {
			assert.NoError(t, err, "%s -> %s", c.from, c.to)
		} else {
			assert.ErrorContains(t, err, c.wrong, "%s -> %s", c.from, c.to)
		}
	}
}

func TestFaultsOfDoctoredPackages(t *testing.T) {
	for name, c := range map[string]struct {
		pkg   pkg
		wrong string
	}{
		"a test of fsm that uses the simulator": {
			pkg{ImportPath: "dtsim/fsm", TestImports: []string{"dtsim/sim/cluster"}}, "imports point down only"},
		"an external test of sched that uses a scenario": {
			pkg{ImportPath: "dtsim/sched", XTestImports: []string{"dtsim/scenarios"}}, "imports point down only"},
		"fsm that knows about bubbles": {
			pkg{ImportPath: "dtsim/fsm", Imports: []string{"testing/synctest"}}, "outside of its tests"},
		"sched that is built in two ways": {
			pkg{ImportPath: "dtsim/sched", IgnoredGoFiles: []string{"hooks.go"}}, "built only sometimes"},
	} {
		found := c.pkg.faults()
		if assert.Len(t, found, 1, name) {
			assert.ErrorContains(t, found[0], c.wrong, name)
		}
	}
	assert.Empty(t, pkg{ImportPath: "dtsim/fsm", TestImports: []string{"testing/synctest", "dtsim/fsm/api"}}.faults())
}

func TestBackdoorsOfDoctoredSources(t *testing.T) {
	for src, count := range map[string]int{
		"// Package x says \"go:build\" in prose.\npackage x\n":           0,
		"//go:build dtsim\n\npackage x\n":                                 1,
		"// +build dtsim\n\npackage x\n":                                  1,
		"package x\n\n//go:linkname now runtime.nanotime\nfunc now() int": 1,
	} {
		found, err := backdoors("x.go", src)
		require.NoError(t, err)
		assert.Len(t, found, count, src)
	}
}
