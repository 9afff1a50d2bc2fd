package mutation

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
	"dtsim/sim/trace"
)

// protections are mutants without one protection each against a defect of the Raft library, and the
// plan that meets the defect.
var protections = []struct{ mutant, plan string }{
	{"heartbeats-past-the-main-loop", "leader-held-up-over-a-partition"},
	{"transfer-behind-one-that-waits", "transfer-to-a-node-out-of-reach"},
	{"append-before-the-snapshot", "refused-behind-a-snapshot"},
}

// TestVersionsOfRaftShowTheirDefects runs plans that meet defects of the Raft library on other versions
// of it; DTSIM_VERSIONS names others, "1.5.0,1.6.0". The table in FOUND.md is from there.
func TestVersionsOfRaftShowTheirDefects(t *testing.T) {
	if os.Getenv("DTSIM_LONG") == "" {
		t.Skip("builds two guests for each version: make test-long runs it")
	}
	versions := []string{"1.6.1", "1.7.0", "1.7.1", "1.8.0"}
	if named := os.Getenv("DTSIM_VERSIONS"); named != "" {
		versions = strings.Split(named, ",")
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			promise := func(v trace.Violation) bool { return v.Property == "operations-end" }
			shown := showing(t, withVersion(t, version, nil), "pre-votes-that-nobody-wins", promise)
			require.Equal(t, version == "1.7.0", shown > 0, "1.7.0 brought pre-vote, 1.7.1 mended this of it")

			all, err := Historic()
			require.NoError(t, err)
			bare := make(build.Edits)
			for _, p := range protections {
				m := all[slices.IndexFunc(all, func(m *Mutant) bool { return m.Name == p.mutant })]
				files, err := m.Apply(func(file string) ([]byte, error) {
					if text, ok := bare[file]; ok {
						return []byte(text), nil
					}
					return sources(t)(file)
				})
				require.NoError(t, err)
				maps.Copy(bare, files)
			}
			unprotected := withVersion(t, version, bare)
			for _, p := range protections {
				showing(t, unprotected, p.plan, func(v trace.Violation) bool { return mayKill(v.Property) })
			}
		})
	}
}

// withVersion returns an engine whose guest is built with a version of the Raft library.
func withVersion(t *testing.T, version string, edits build.Edits) engine.Engine {
	t.Helper()
	with := []build.Replacement{{Module: Library, Version: "v" + version}}
	if version == "1.7.2" || version == "1.7.3" { // they need a package that later versions lack
		with = append(with, build.Replacement{Module: "github.com/hashicorp/go-metrics", Version: "v0.5.4"})
	}
	e, err := engine.Native(t.Context(), scenarios.Application().Options(engine.Options{Edits: edits, With: with}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// showing returns how many of 20 seeds of a regression plan violate something, and logs the first run that
// violates each property.
func showing(t *testing.T, e engine.Engine, plan string, violates func(trace.Violation) bool) (n int) {
	t.Helper()
	p, err := taskplan.ReadFile(filepath.Join("..", "testdata", "regressions", plan+".plan.json"))
	require.NoError(t, err)
	first := make(map[string]int)
	for run := range 20 {
		encoded := p.Encode()
		result, err := e.Run(t.Context(), engine.Job{Plan: encoded, Entropy: campaign.Entropy(encoded)})
		if failed := new(engine.GuestError); errors.As(err, &failed) && failed.How == engine.Refused {
			t.Logf("%s: not for this version: %s", plan, err) // a function that is held up is not there
			return 0
		}
		require.NoError(t, err)
		found := slices.DeleteFunc(result.Footer.Verdict.Violations, func(v trace.Violation) bool { return !violates(v) })
		for _, v := range found {
			if first[v.Property] == 0 {
				first[v.Property] = run + 1
			}
		}
		if len(found) > 0 {
			n++
		}
		p.Seed++
	}
	var words []string
	for _, property := range sorted(first) {
		words = append(words, fmt.Sprintf("%s in run %d", property, first[property]))
	}
	t.Logf("%s: %d of 20 %v", plan, n, words)
	return n
}
