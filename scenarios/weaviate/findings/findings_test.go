package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// engineOf opens an engine and closes it after the test.
func engineOf(t *testing.T, system, version string) engine.Engine {
	t.Helper()
	e, err := open(t.Context(), "..", system, version, func(m string) { t.Log(m) })
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, e.Close()) })
	return e
}

// run runs a plan.
func run(t *testing.T, e engine.Engine, p *plan.Plan) engine.Result {
	t.Helper()
	r, err := e.Run(t.Context(), engine.Job{Plan: p, Entropy: campaign.Entropy(p)})
	require.NoError(t, err)
	return r
}

// plans is the folder of the plans.
const plans = "../testdata"

// all returns the findings.
func all(t *testing.T) []Finding {
	t.Helper()
	found, err := readFindings(plans)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func planOf(t *testing.T, f Finding) *plan.Plan {
	t.Helper()
	p, err := f.planIn(plans)
	require.NoError(t, err)
	return p
}

// Whatever is found is there again, byte for byte, in another process, and is not there in the
// task manager of this repository, which is judged by more.
func TestFindings(t *testing.T) {
	own := engineOf(t, property.Own.Name, "")
	type guest struct{ system, version string }
	engines := make(map[guest][2]engine.Engine)
	for _, f := range all(t) {
		p := planOf(t, f)
		t.Run(f.Name, func(t *testing.T) {
			verdict := run(t, own, p).Footer.Verdict
			assert.True(t, verdict.Passed, "the task manager of this repository: %v", verdict.Violations)
		})
		for _, version := range slices.Concat(f.Versions, f.Without) {
			if version != required && os.Getenv("DTSIM_LONG") == "" {
				continue
			}
			g := guest{f.System, version}
			if engines[g][0] == nil {
				engines[g] = [2]engine.Engine{engineOf(t, f.System, version), engineOf(t, f.System, version)}
			}
			t.Run(f.Name+" in "+version, func(t *testing.T) {
				first, second := run(t, engines[g][0], p), run(t, engines[g][1], p)
				assert.Equal(t, first.Footer.Hash, second.Footer.Hash)
				assert.Equal(t, first.Trace, second.Trace)
				assert.Equal(t, slices.Contains(f.Versions, version), f.violation(first.Footer.Verdict) != nil, "%v", first.Footer.Verdict.Violations)
			})
		}
	}
}

// Plans need nothing that the published contract forbids, and each finding is told.
func TestFindingsAreTold(t *testing.T) {
	files, err := filepath.Glob(plans + "/*.plan.json")
	require.NoError(t, err)
	assert.Len(t, files, len(all(t)), "a plan without a finding, or a finding without a plan")
	for _, f := range all(t) {
		assert.NotEmpty(t, f.Title, f.Name)
		assert.NotEmpty(t, f.Harm, f.Name)
		assert.NotEmpty(t, f.Legal, f.Name)
		assert.NotEmpty(t, f.Versions, f.Name)
		p, err := taskplan.Of(planOf(t, f))
		require.NoError(t, err)
		assert.Nil(t, p.Inherited, f.Name)
		assert.Empty(t, p.Promises, "%s violates what it promises at best", f.Name)
		for _, op := range p.Workload {
			if op.Task != nil {
				assert.Empty(t, op.Task.Flaw, f.Name)
			}
		}
	}
}

// Journeys are what the documentation tells of: they go well, and the same run twice is the same.
func TestJourneys(t *testing.T) {
	for _, profile := range []*property.Profile{property.Weaviate, property.WeaviateReindex} {
		e, again := engineOf(t, profile.Name, required), engineOf(t, profile.Name, required)
		for _, s := range scenarios.Scripted() {
			if !strings.HasPrefix(s.Name, "journey-") {
				continue
			}
			p := s.Plan(1, scenarios.Options{Published: true}).Encode()
			r := run(t, e, p)
			assert.True(t, r.Footer.Verdict.Passed, "%s: %v", s.Name, r.Footer.Verdict.Violations)
			assert.Equal(t, r.Trace, run(t, again, p).Trace, s.Name)
			whole, err := trace.NewReader(strings.NewReader(string(r.Trace)))
			require.NoError(t, err)
			assert.Equal(t, profile.Name, whole.Header().Profile)
		}
	}
}
