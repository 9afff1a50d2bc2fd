package fsm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAcks holds the state that a sequence of acks leads to. Node n1 owns u1 and n2 owns
// u2; n3 owns nothing.
func TestAcks(t *testing.T) {
	done := []any{completion("u1", "n1"), completion("u2", "n2")}
	sequence := func(parts ...[]any) (all []any) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, tc := range map[string]struct {
		history []any
		want    TaskStatus
	}{
		"one owner does not lift the barrier":               {append(clip(preparing), prepared("n1", "")), TaskStatusPreparing},
		"all owners lift the barrier":                       {append(clip(preparing), prepared("n1", ""), prepared("n2", "")), TaskStatusSwapping},
		"a node without units lifts no barrier":             {append(clip(preparing), prepared("n1", ""), prepared("n3", "")), TaskStatusPreparing},
		"one failed preparation fails the task":             {append(clip(preparing), prepared("n1", ""), prepared("n2", "x")), TaskStatusFailed},
		"the first preparation ack wins over a failure":     {append(clip(preparing), prepared("n1", ""), prepared("n1", "x")), TaskStatusPreparing},
		"an early preparation of all lifts the barrier":     {sequence(barrierStarted, []any{prepared("n1", ""), prepared("n2", "")}, done), TaskStatusSwapping},
		"an early preparation of one waits for the other":   {sequence(barrierStarted, []any{prepared("n1", "")}, done), TaskStatusPreparing},
		"an early preparation and a late one lift it":       {sequence(barrierStarted, []any{prepared("n1", "")}, done, []any{prepared("n2", "")}), TaskStatusSwapping},
		"an early failed preparation fails it on entering":  {sequence(barrierStarted, []any{prepared("n1", "x")}, done), TaskStatusFailed},
		"an early failed preparation does nothing before":   {sequence(barrierStarted, []any{prepared("n1", "x")}), TaskStatusStarted},
		"a preparation ack is no matter without barrier":    {sequence(started, []any{prepared("n1", "x")}, done), TaskStatusSwapping},
		"an early failed swap fails it on entering":         {sequence(started, []any{swapped("n1", "x")}, done), TaskStatusFailed},
		"an early failed swap fails it behind the barrier":  {sequence(barrierStarted, []any{swapped("n1", "x")}, done, []any{prepared("n1", ""), prepared("n2", "")}), TaskStatusFailed},
		"an early failed swap leaves the preparation alone": {sequence(barrierStarted, []any{swapped("n1", "x")}, done), TaskStatusPreparing},
		"early preparations and a failed swap fail at once": {sequence(barrierStarted, []any{prepared("n1", ""), prepared("n2", ""), swapped("n1", "x")}, done), TaskStatusFailed},
		"an early swap counts":                              {sequence(barrierStarted, []any{swapped("n1", "")}, done, []any{prepared("n1", ""), prepared("n2", ""), swapped("n2", ""), finalization()}), TaskStatusFinished},
		"swaps alone finish nothing":                        {append(clip(barrierSwapping), swapped("n1", ""), swapped("n2", "")), TaskStatusSwapping},
		"one failed swap fails the task":                    {append(clip(barrierSwapping), swapped("n1", ""), swapped("n2", "x")), TaskStatusFailed},
		"the first swap ack wins over a failure":            {append(clip(barrierSwapping), swapped("n1", ""), swapped("n1", "x")), TaskStatusSwapping},
		"a failed swap of a node without units fails it":    {append(clip(barrierSwapping), swapped("n3", "x")), TaskStatusFailed},
		"a repeated failure after all swaps is a repeat":    {append(clip(barrierCommitted), swapped("n1", "x")), TaskStatusSwapping},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, at(t, tc.history).task("ns", "a").Status)
		})
	}

	t.Run("an ack is kept as it was sent", func(t *testing.T) {
		got := at(t, append(clip(preparing), prepared("n3", ""), prepared("n1", "x"))).task("ns", "a")
		require.Equal(t, map[string]PostCompletionAck{
			"n1": {Error: "x", AckedAt: second(6)},
			"n3": {Success: true, AckedAt: second(6)},
		}, got.PreparationCompletionAcks)
		require.Nil(t, got.PostCompletionAcks)
	})
	t.Run("an ack that is stored wakes the scheduler, a repeat does not", func(t *testing.T) {
		for _, ack := range []any{prepared("n1", ""), swapped("n1", "")} {
			r := at(t, barrierStarted)
			wakes := r.wakes
			r.must(ack)
			require.Equal(t, wakes+1, r.wakes)
			r.must(ack)
			require.Equal(t, wakes+1, r.wakes)
		}
	})
	t.Run("an ack that comes too late is not stored", func(t *testing.T) {
		for _, history := range [][]any{finished, failed, cancelled} {
			got := at(t, append(clip(history), prepared("n1", ""), swapped("n1", ""))).task("ns", "a")
			require.Nil(t, got.PreparationCompletionAcks)
			require.Nil(t, got.PostCompletionAcks)
		}
		require.NotContains(t, at(t, append(clip(barrierSwapping), prepared("n3", "x"))).task("ns", "a").PreparationCompletionAcks, "n3")
	})
	t.Run("a lone owner of every unit is enough", func(t *testing.T) {
		r := at(t, []any{barrierRequest("u1", "u2"), completion("u1", "n1"), completion("u2", "n1"), prepared("n1", ""), swapped("n1", ""), finalization()})
		require.Equal(t, TaskStatusFinished, r.task("ns", "a").Status)
	})
}
