package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/cmd/dtsim/internal/cli"
	"dtsim/reports/schema"
	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
	"dtsim/sim/plan"
)

// dtsim runs a command line with the real engines and decodes the document it
// prints. The engines' guests come from the cache that the command itself uses.
func dtsim(t *testing.T, doc any, args ...string) (status int) {
	t.Helper()
	return edited(t, nil, doc, args...)
}

// edited is dtsim with guests that are compiled with edits.
func edited(t *testing.T, edits build.Edits, doc any, args ...string) (status int) {
	t.Helper()
	editing := func(open func(context.Context, engine.Options) (engine.Engine, error)) func(context.Context, engine.Options) (engine.Engine, error) {
		return func(ctx context.Context, o engine.Options) (engine.Engine, error) {
			o.Edits = edits
			return open(ctx, o)
		}
	}
	if args[0] == "run" && !slices.Contains(args, "--out") && !slices.Contains(args, "--resume") {
		args = append(args, "--out", t.TempDir())
	}
	var stdout, stderr bytes.Buffer
	status = cli.Main(t.Context(), cli.Environment{
		Stdout: &stdout, Stderr: &stderr, Jobs: 2, Now: time.Now,
		Native: editing(engine.Native), Sealed: editing(engine.Sealed),
	}, append(args, "--json"))
	require.NoError(t, json.Unmarshal(stdout.Bytes(), doc), "%v: %s", args, stderr.String())
	t.Logf("%v: exit status %d\n%s", args, status, stderr.String())
	return status
}

// long skips a test, or a part of one, that takes long, unless DTSIM_LONG is set: make
// test-long sets it, and so does .ci/run.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("DTSIM_LONG") == "" {
		t.Skip("takes long: make test-long runs it")
	}
}

func TestSameCommandTwiceGivesTheSameHash(t *testing.T) {
	for _, name := range []string{"native", "sealed"} {
		t.Run(name, func(t *testing.T) {
			if name == "sealed" {
				long(t)
			}
			var first, second schema.Campaign
			args := []string{"run", "--scenario", "journey-3*", "--seeds", "2", "--engine", name}
			assert.Equal(t, 0, dtsim(t, &first, args...))
			assert.Equal(t, 0, dtsim(t, &second, append(args, "--jobs", "1")...))
			assert.Equal(t, 4, first.Runs)
			assert.Len(t, first.Hash, 64)
			assert.Equal(t, first.Hash, second.Hash)
			assert.Equal(t, first.RunHashes, second.RunHashes)
		})
	}
}

func TestKeptTraceReplaysUnderBothEngines(t *testing.T) {
	out := t.TempDir()
	var run schema.Campaign
	require.Equal(t, 0, dtsim(t, &run, "run", "--scenario", "unit-failure", "--seeds", "5..5", "--keep", "--out", out))
	assert.Equal(t, 1, run.Compared)

	traces, err := filepath.Glob(filepath.Join(out, "held-unit-failure-seed-5-*", campaign.TraceFile))
	require.NoError(t, err)
	require.Len(t, traces, 2, "one of each engine")
	engines := map[string]bool{}
	for _, file := range traces {
		var again cli.ReplayDocument
		assert.Equal(t, 0, dtsim(t, &again, "replay", file))
		assert.True(t, again.Identical)
		engines[again.Engine] = true
	}
	assert.Equal(t, map[string]bool{"native": true, "sealed": true}, engines)
}

// brokenPromise is a plan that promises what will not be.
func brokenPromise(t *testing.T) *taskplan.Plan {
	t.Helper()
	journey, err := scenarios.ByName("journey-2")
	require.NoError(t, err)
	p := journey.Plan(1, scenarios.Options{})
	edited := 0
	for i := range p.Promises {
		if p.Promises[i].Expect == taskplan.TaskEnds {
			p.Promises[i].Status = "CANCELLED"
			edited++
		}
	}
	require.NotZero(t, edited)
	return p
}

func TestBrokenPromiseIsFoundKeptAndReplayed(t *testing.T) {
	long(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "my.plan.json")
	require.NoError(t, os.WriteFile(file, plan.Encode(brokenPromise(t).Encode()), 0o644))

	var run schema.Campaign
	require.Equal(t, 1, dtsim(t, &run, "run", "--plan", file, "--engine", "native", "--out", dir))
	require.NotEmpty(t, run.Violations)
	for range 2 {
		var again cli.ReplayDocument
		assert.Equal(t, 1, dtsim(t, &again, "replay", run.Violations[0].Trace))
		assert.True(t, again.Identical)
		assert.Equal(t, run.Violations[0].Property, again.Property)
	}
	var sealed cli.ReplayDocument
	assert.Equal(t, 1, dtsim(t, &sealed, "replay", run.Violations[0].Trace, "--engine", "sealed"))
	assert.False(t, sealed.Identical)
	assert.Equal(t, run.Violations[0].Property, sealed.Property)
}

func TestPlanOfTheReadmeRuns(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, after, found := bytes.Cut(readme, []byte("```json\n"))
	require.True(t, found)
	doc, _, found := bytes.Cut(after, []byte("```\n"))
	require.True(t, found)
	file := filepath.Join(t.TempDir(), "readme.plan.json")
	require.NoError(t, os.WriteFile(file, doc, 0o644))

	var run schema.Campaign
	assert.Equal(t, 0, dtsim(t, &run, "run", "--plan", file, "--engine", "native"))
	assert.Equal(t, 1, run.Runs)
}
