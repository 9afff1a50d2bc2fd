package timeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "pgregory.net/rapid" // go test ./... -rapid.seed=N reaches every package

	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

func TestEventsAreDescribed(t *testing.T) {
	whole, err := trace.ReadFile("../html/testdata/barrier-on-first-ack.trace.jsonl.zst")
	require.NoError(t, err)
	s, err := timeline.New(whole)
	require.NoError(t, err)
	d := s.Describer()
	all := make(map[string]bool)
	for i := range s.Trace.Events {
		words := d.Event(&s.Trace.Events[i])
		assert.NotEmpty(t, words)
		assert.NotContains(t, words, "  ")
		assert.Equal(t, strings.TrimSpace(words), words)
		all[words] = true
	}
	for _, words := range []string{
		"starts, incarnation 1", "is Leader in term 2", "leader is n2", "append to n1 with 2 to 3", "4: create collection on Articles",
		"calls add-task reindex/a", "answer to add-task of reindex/a: ok", "runs reindex/a@6", "works on s2__n2 of reindex/a@6",
		"18: preparation ack of n1 for reindex/a", "applies 18: preparation ack of n1", "OnSwapRequested of reindex/a@6 begins",
		"shard Articles/s2 is swapped (title=trigram)", "reindex/a@6 is STARTED (s2__n2 in_progress) through 8",
	} {
		assert.True(t, all[words], "an event is described as %q", words)
	}
}
