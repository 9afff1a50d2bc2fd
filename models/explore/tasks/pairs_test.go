package tasks

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
)

var rewrite = flag.Bool("rewrite", false, "count all pairs of flags and write pairs.txt")

// TestPairsHold: every pair of flags is exhausted, nothing is violated, and there are as
// many states and steps as ever. Without DTSIM_LONG those are left out that take more than a
// moment.
func TestPairsHold(t *testing.T) {
	long := os.Getenv("DTSIM_LONG") != ""
	var lines []string
	for _, p := range Pairs() {
		if p.Senseless != "" || !*rewrite && !long && p.Transitions > 2_000 {
			continue
		}
		t.Run(p.Name(), func(t *testing.T) {
			m, err := New(p.Config)
			require.NoError(t, err)
			r := explored(t, m, explore.Options{Symmetry: true, Reduction: true})
			lines = append(lines, fmt.Sprintln(p.Name(), r.States, r.Transitions))
			if !*rewrite {
				require.Equal(t, []uint64{p.States, p.Transitions}, []uint64{r.States, r.Transitions})
			}
		})
	}
	if *rewrite && !t.Failed() {
		require.NoError(t, os.WriteFile("pairs.txt", []byte(strings.Join(lines, "")), 0o644))
	}
}

// TestPairsArePairsOfAllFlags: every flag meets every other one, with the barrier and
// without, or there is a reason; and every field of a configuration is some flag's.
func TestPairsArePairsOfAllFlags(t *testing.T) {
	all := Pairs()
	n := len(switches)
	require.Len(t, all, n+n*(n-1))
	searched, configs := map[string]bool{}, map[Config]bool{}
	for _, p := range all {
		if p.Senseless != "" {
			require.Zero(t, p.States, p.Name())
			continue
		}
		require.NoError(t, p.Config.Validate())
		require.Positive(t, p.States, "%s is not counted", p.Name())
		searched[p.Name()] = true
		c := p.Config
		c.Name = ""
		require.False(t, configs[c], p.Name())
		configs[c] = true
	}
	for _, p := range all {
		if by, same := strings.CutPrefix(p.Senseless, "is "); same {
			require.True(t, searched[by], p.Name())
		}
	}
	require.Len(t, knownCounts(), len(searched), "pairs.txt counts what there is")

	var on Config
	for _, f := range switches {
		f.set(&on)
	}
	on.Barrier = true
	for _, b := range on.budgets() {
		require.Positive(t, b.n, b.name)
	}
	require.True(t, on.AcksOptional && on.Compete && on.Conflict && on.Overlap && on.Lag > 0 && on.Drops && on.NeverCompletes && on.Tasks > 1 && on.Groups > 1)
	names := FlagNames()
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names))
}
