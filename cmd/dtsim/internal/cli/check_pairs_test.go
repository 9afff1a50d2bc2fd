package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore/tasks"
	"dtsim/reports/schema"
)

// somePairs are a few small pairs and those that are not searched.
func somePairs(n uint64) (all []tasks.Pair) {
	for _, p := range tasks.Pairs() {
		if p.Senseless != "" || p.Transitions < n {
			all = append(all, p)
		}
	}
	return all
}

func searched(t *testing.T, ctx context.Context, f checkFlags, all []tasks.Pair) *schema.Pairs {
	t.Helper()
	f.jobs, f.out = 1, t.TempDir()
	var progress bytes.Buffer
	env := &Environment{Stderr: &progress, Now: time.Now}
	show := newProgress(env.Stderr, false, env.Now)
	defer show.Stop()
	d, err := f.searchPairs(ctx, env, all, show)
	require.NoError(t, err)
	return d
}

func TestPairsAreOneTable(t *testing.T) {
	d := searched(t, t.Context(), checkFlags{}, somePairs(200))
	require.Zero(t, pairsStatus(d))
	require.Equal(t, d.Clusters, len(d.Pairs))
	require.NotEmpty(t, d.Pairs)
	require.NotEmpty(t, d.Senseless)
	sum := uint64(0)
	for _, p := range d.Pairs {
		sum += p.States
	}
	require.Equal(t, sum, d.States)
	var text strings.Builder
	pairsWords(&text, d)
	for line := range strings.Lines(text.String()) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 80, line)
	}
	assert.Contains(t, text.String(), "a unit of a barrier task has its place")
	assert.Contains(t, text.String(), "Passed: every state of all")
}

func TestPairsThatAreNotExhaustedDoNotPass(t *testing.T) {
	d := searched(t, t.Context(), checkFlags{maxStates: 50}, somePairs(200))
	require.Equal(t, statusHarness, pairsStatus(d))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d = searched(t, ctx, checkFlags{}, somePairs(200))
	require.Empty(t, d.Pairs)
	require.Equal(t, statusHarness, pairsStatus(d))
	var text strings.Builder
	pairsWords(&text, d)
	assert.Contains(t, text.String(), "Not exhausted: 0 of")
	d.Pairs = append(d.Pairs, schema.Pair{Violations: []schema.CheckViolation{{Property: "P5"}}})
	require.Equal(t, statusViolated, pairsStatus(d))
}

// TestArgumentsAskForTheConfiguration: they are flags of check, and put the same cluster
// together.
func TestArgumentsAskForTheConfiguration(t *testing.T) {
	all := []tasks.Config{}
	for _, c := range tasks.Configs() {
		all = append(all, c)
	}
	for _, p := range tasks.Pairs() {
		if p.Senseless == "" {
			all = append(all, p.Config)
		}
	}
	for _, c := range all {
		var f checkFlags
		flags := pflag.NewFlagSet("check", pflag.ContinueOnError)
		f.clusterFlags(flags)
		require.NoError(t, flags.Parse(strings.Fields(strings.Join(c.Arguments(), " "))))
		c.Name = ""
		require.Equal(t, c, f.cluster)
	}
}
