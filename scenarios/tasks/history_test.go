package tasks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/models/history"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
)

func TestTheHistoryOfARunIsLinearizable(t *testing.T) {
	p := reindex(true)
	events, _, _ := play(t, p, at(6*time.Second+10*time.Millisecond, crash("n2")), at(12*time.Second, start("n2")),
		at(15*time.Second, crash("n1")), at(17*time.Second, start("n1")))
	c := history.NewCollector()
	for _, e := range events {
		c.Observe(e)
	}
	h, err := c.History()
	require.NoError(t, err)

	seen := make(map[history.Kind]int)
	shown := 0
	for _, o := range h.Ops {
		seen[o.Kind]++
		shown += len(o.Shows)
		require.NotEmpty(t, o.Client, "%s at %d: every command of the log has a caller", o.Kind, o.Index)
	}
	for _, kind := range []history.Kind{history.CreateCollection, history.Add, history.Progress, history.CompleteUnit,
		history.AckPreparation, history.AckSwap, history.Finalize, history.List} {
		require.Positive(t, seen[kind], kind)
	}
	require.Positive(t, shown)

	set := provider.NewSet(provider.Env{})
	rules := refinement.Rules(set.ConflictDetectors(), set.SchemaMutationDetectors(), set.Extractors())
	r, err := history.Judge(h, rules)
	require.NoError(t, err)
	require.Equal(t, history.Legal, r.CommitOrder, "%v", r.Findings)
	require.Equal(t, history.Legal, r.Porcupine)
	require.Positive(t, r.Ambiguous)

	for i := range h.Ops {
		if o := &h.Ops[i]; len(o.Shows) > 0 {
			o.Shows[0].Digest = "1"
			break
		}
	}
	r, err = history.Judge(h, rules)
	require.NoError(t, err)
	require.Equal(t, history.Illegal, r.CommitOrder)
	require.True(t, r.Agree())
}
