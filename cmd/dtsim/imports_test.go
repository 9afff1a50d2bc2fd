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

// floors are the floors of the house with what each may import besides itself.
var floors = map[string][]string{
	"fsm":       nil,
	"sched":     {"fsm"},
	"sim":       nil, // any hashicorp/raft application: it knows none of those here
	"models":    {"sched", "fsm"},
	"scenarios": {"models", "sched", "fsm", "sim"},
	"reports":   {"scenarios", "models", "sched", "fsm", "sim"},
	"cmd":       {"reports", "scenarios", "models", "sched", "fsm", "sim"},
}

// rooms are the packages of each floor from the ground up: a package may import those of
// its floor that stand before it. One that is not listed has no place in the house.
var rooms = map[string][]string{
	"fsm":   {"fsm/internal/canon", "fsm/api", "fsm", "fsm/replica"},
	"sched": {"sched/reconcile", "sched", "sched/schedmock", "sched/distributedtask"},
	"sim": {
		"sim/plan", "sim/trace", "sim/trace/event", "sim/trace/traceedit", "sim/keyed", "sim/pause", "sim/stall/point", "sim/stall", "sim/clock", "sim/network", "sim/disk", "sim/cluster", "sim/raftcheck",
		"sim/coverage", "sim/shrink", "sim/engine/wire", "sim/engine/build", "sim/engine/sealedhost", "sim/engine/bubble", "sim/engine",
		"sim/campaign", "sim/internal/counter", "sim/internal/counter/guest",
	},
	"models": {
		"models/spec", "models/spec/refinement", "models/history",
		"models/explore", "models/explore/twophase", "models/explore/counterexample", "models/explore/logs", "models/explore/tasks",
	},
	"scenarios": {
		"scenarios/tasks/taskplan", "scenarios/tasks/taskevent", "scenarios/tasks/provider", "scenarios/projection", "scenarios/property", "scenarios/tried", "scenarios/goals",
		"scenarios/tasks", "scenarios/tasks/taskstest", "scenarios/tasks/guest", "scenarios/tasks/taskshrink", "scenarios/tracecheck", "scenarios",
		"scenarios/mutation", "scenarios/mutation/search",
	},
	"reports": {"reports/schema", "reports/timeline", "reports/timeline/timelinetest", "reports/html/browsertest", "reports/html", "reports/export"},
	"cmd":     {"cmd/dtsim/internal/cli", "cmd/dtsim"},
}

// formats are the leaves that every floor but the products may use: the formats of files.
// They import nothing of the repository but each other, downwards.
var formats = []string{"sim/plan", "scenarios/tasks/taskplan", "sim/trace", "sim/trace/event", "scenarios/tasks/taskevent", "reports/schema"}

// products are the floors that ship: they must not know that a simulator exists.
var products = []string{"fsm", "sched"}

// pkg is what the rules need to know about a package, as `go list` reports it.
type pkg struct {
	ImportPath     string
	Dir            string
	Imports        []string
	TestImports    []string
	XTestImports   []string
	GoFiles        []string
	IgnoredGoFiles []string
}

// judge returns what is wrong with one import, or nil. A test may import any package of its
// own floor.
func judge(from, to string, test bool) error {
	from, to = strings.TrimPrefix(from, module), strings.TrimPrefix(to, module)
	if from == to { // an external test
		return nil
	}
	place := func(path string) (floor string, room int, err error) {
		floor, _, _ = strings.Cut(path, "/")
		if room = slices.Index(rooms[floor], path); room < 0 {
			return floor, room, fmt.Errorf("%s has no place in the house: add it to the rooms of its floor", path)
		}
		return floor, room, nil
	}
	floor, room, err := place(from)
	if err != nil {
		return err
	}
	below, under, err := place(to)
	switch format := slices.Index(formats, from); {
	case err != nil:
		return fmt.Errorf("%s imports %s: %w", from, to, err)
	case format >= 0:
		if i := slices.Index(formats, to); i < 0 || i >= format {
			return fmt.Errorf("%s is a format and imports %s", from, to)
		}
	case slices.Contains(formats, to) && !slices.Contains(products, floor):
		if floor == "sim" && below != floor {
			return fmt.Errorf("%s imports %s: the simulator knows no application", from, to)
		}
	case floor == below && under >= room && !test:
		return fmt.Errorf("%s imports %s: imports point down only, inside a floor, too", from, to)
	case floor != below && !slices.Contains(floors[floor], below):
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
	check := func(imports []string, test bool) {
		for _, to := range imports {
			if strings.HasPrefix(to, module) {
				if err := judge(strings.TrimSuffix(p.ImportPath, "_test"), to, test); err != nil {
					found = append(found, err)
				}
			}
		}
	}
	check(p.Imports, false)
	check(slices.Concat(p.TestImports, p.XTestImports), true)
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

func TestJudgeOfImports(t *testing.T) {
	for _, c := range []struct {
		from, to string
		wrong    string // part of the complaint; empty: fine
	}{
		{"dtsim/cmd/dtsim", "dtsim/sim/engine", ""},
		{"dtsim/sim/cluster", "dtsim/sim/network", ""},
		{"dtsim/scenarios/tasks", "dtsim/sim/cluster", ""},
		{"dtsim/models/history", "dtsim/scenarios/tasks/taskevent", ""},
		{"dtsim/scenarios/tasks/taskplan", "dtsim/sim/plan", ""},
		{"dtsim/sched", "dtsim/fsm", ""},
		{"dtsim/sched", "dtsim/sched/reconcile", ""},
		{"dtsim/models/history", "dtsim/sim/trace", ""},
		{"dtsim/reports/html", "dtsim/sim/plan", ""},
		{"dtsim/sim/trace", "dtsim/sim/plan", ""},
		{"dtsim/sim/trace", "dtsim/sim/trace", ""},
		{"dtsim/fsm", "dtsim/sched", "imports point down only"},
		{"dtsim/fsm", "dtsim/sim/plan", "imports point down only"},
		{"dtsim/sched/reconcile", "dtsim/sim/trace", "imports point down only"},
		{"dtsim/sched", "dtsim/models/spec", "imports point down only"},
		{"dtsim/models/explore", "dtsim/sim/cluster", "imports point down only"},
		{"dtsim/sim/cluster", "dtsim/scenarios", "imports point down only"},
		{"dtsim/reports/html", "dtsim/cmd/dtsim/internal/cli", "imports point down only"},
		{"dtsim/sim/cluster", "dtsim/sched", "imports point down only"},
		{"dtsim/sim/cluster", "dtsim/models/spec", "imports point down only"},
		{"dtsim/sim/network", "dtsim/sim/cluster", "inside a floor"},
		{"dtsim/fsm/api", "dtsim/fsm", "inside a floor"},
		{"dtsim/sim/cluster", "dtsim/scenarios/tasks/taskplan", "the simulator knows no application"},
		{"dtsim/sim/coverage", "dtsim/reports/schema", "the simulator knows no application"},
		{"dtsim/sim/plan", "dtsim/sim/trace", "is a format and imports"},
		{"dtsim/sim/plan", "dtsim/fsm", "is a format and imports"},
		{"dtsim/sim/trace", "dtsim/sim/keyed", "is a format and imports"},
		{"dtsim/util", "dtsim/fsm", "has no place in the house"},
		{"dtsim/fsm/util", "dtsim/fsm", "has no place in the house"},
		{"dtsim/cmd/dtsim", "dtsim/helpers", "has no place in the house"},
	} {
		err := judge(c.from, c.to, false)
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
