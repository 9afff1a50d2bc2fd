package fsm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusPredicates(t *testing.T) {
	for _, tc := range []struct {
		status                         TaskStatus
		active, terminal, coordination bool
	}{
		{TaskStatusStarted, true, false, false},
		{TaskStatusPreparing, true, false, true},
		{TaskStatusSwapping, true, false, true},
		{TaskStatusFinished, false, true, false},
		{TaskStatusCancelled, false, true, false},
		{TaskStatusFailed, false, true, false},
		{"PONDERING", true, false, false},
		{"finished", true, false, false},
		{"", true, false, false},
	} {
		t.Run("task status "+tc.status.String(), func(t *testing.T) {
			require.Equal(t, tc.active, tc.status.IsActive())
			require.Equal(t, tc.terminal, tc.status.IsTerminal())
			require.Equal(t, tc.coordination, tc.status.IsCoordinationPhase())
		})
	}
	for status, terminal := range map[UnitStatus]bool{
		UnitStatusPending: false, UnitStatusInProgress: false, UnitStatusCompleted: true, UnitStatusFailed: true, "PONDERING": false,
	} {
		require.Equal(t, terminal, status.IsTerminal(), status)
	}
}

func TestTaskPredicates(t *testing.T) {
	units := func(list ...Unit) *Task {
		task := &Task{Units: map[string]*Unit{}}
		for _, u := range list {
			task.Units[u.ID] = &u
		}
		return task
	}
	none := &Task{}
	mixed := units(
		Unit{ID: "c", NodeID: "n2", GroupID: "g1", Status: UnitStatusCompleted},
		Unit{ID: "a", NodeID: "n1", GroupID: "g1", Status: UnitStatusInProgress},
		Unit{ID: "b", NodeID: "n1", GroupID: "g1", Status: UnitStatusCompleted},
		Unit{ID: "d", NodeID: "n1", GroupID: "g2", Status: UnitStatusFailed},
		Unit{ID: "e", GroupID: "", Status: UnitStatusPending},
	)
	ended := units(Unit{ID: "a", NodeID: "n1", Status: UnitStatusCompleted}, Unit{ID: "b", NodeID: "n2", Status: UnitStatusFailed})

	t.Run("AllUnitsTerminal", func(t *testing.T) {
		require.True(t, none.AllUnitsTerminal())
		require.False(t, mixed.AllUnitsTerminal())
		require.True(t, ended.AllUnitsTerminal())
	})
	t.Run("AnyUnitFailed", func(t *testing.T) {
		require.False(t, none.AnyUnitFailed())
		require.True(t, mixed.AnyUnitFailed())
		require.False(t, units(Unit{ID: "a", Status: UnitStatusCompleted}).AnyUnitFailed())
	})
	t.Run("Groups", func(t *testing.T) {
		require.Empty(t, none.Groups())
		require.Equal(t, []string{"", "g1", "g2"}, mixed.Groups())
	})
	t.Run("AllGroupUnitsTerminal", func(t *testing.T) {
		require.False(t, mixed.AllGroupUnitsTerminal("g1"))
		require.True(t, mixed.AllGroupUnitsTerminal("g2"))
		require.False(t, mixed.AllGroupUnitsTerminal(""))
		require.True(t, mixed.AllGroupUnitsTerminal("unknown"))
	})
	t.Run("LocalGroupUnitIDs", func(t *testing.T) {
		require.Equal(t, []string{"a", "b"}, mixed.LocalGroupUnitIDs("g1", "n1"))
		require.Equal(t, []string{"e"}, mixed.LocalGroupUnitIDs("", ""))
		require.Nil(t, mixed.LocalGroupUnitIDs("g2", "n2"))
	})
	t.Run("LocalUnitIDs", func(t *testing.T) {
		require.Equal(t, []string{"a", "b", "d"}, mixed.LocalUnitIDs("n1"))
		require.Equal(t, []string{"e"}, mixed.LocalUnitIDs(""))
		require.Nil(t, mixed.LocalUnitIDs("n3"))
	})
	t.Run("NodeHasNonTerminalUnits", func(t *testing.T) {
		require.True(t, mixed.NodeHasNonTerminalUnits("n1"), "it owns one")
		require.True(t, mixed.NodeHasNonTerminalUnits("n2"), "one is unclaimed")
		require.False(t, ended.NodeHasNonTerminalUnits("n1"))
		require.False(t, units(Unit{ID: "a", NodeID: "n1"}).NodeHasNonTerminalUnits("n2"))
		require.False(t, none.NodeHasNonTerminalUnits("n1"))
	})
	t.Run("NodesWithLocalUnits", func(t *testing.T) {
		require.Equal(t, []string{"n1", "n2"}, mixed.NodesWithLocalUnits())
		require.Empty(t, none.NodesWithLocalUnits())
	})
	t.Run("acks", func(t *testing.T) {
		yes, no := PostCompletionAck{Success: true}, PostCompletionAck{}
		for name, tc := range map[string]struct {
			acks      map[string]PostCompletionAck
			missing   []string
			succeeded bool
			anyFailed bool
		}{
			"none":                                  {nil, []string{"n1", "n2"}, false, false},
			"one has":                               {map[string]PostCompletionAck{"n1": yes}, []string{"n2"}, false, false},
			"one has, one failed":                   {map[string]PostCompletionAck{"n1": yes, "n2": no}, nil, false, true},
			"both have":                             {map[string]PostCompletionAck{"n1": yes, "n2": yes}, nil, true, false},
			"both and a node without units failed":  {map[string]PostCompletionAck{"n1": yes, "n2": yes, "n3": no}, nil, true, true},
			"a node without units does not replace": {map[string]PostCompletionAck{"n1": yes, "n3": yes}, []string{"n2"}, false, false},
		} {
			t.Run(name, func(t *testing.T) {
				task := ended.Clone()
				task.PostCompletionAcks = tc.acks
				require.Equal(t, tc.missing, task.MissingPostCompletionAckNodes())
				require.Equal(t, tc.anyFailed, task.AnyPostCompletionAckFailed())
				require.Equal(t, tc.succeeded, task.AllPostCompletionAcksSucceeded())
				require.False(t, task.AllPreparationAcksSucceeded())
				task.PreparationCompletionAcks, task.PostCompletionAcks = tc.acks, nil
				require.Equal(t, tc.succeeded, task.AllPreparationAcksSucceeded())
				require.False(t, task.AllPostCompletionAcksSucceeded())
			})
		}
		require.Nil(t, none.MissingPostCompletionAckNodes())
		require.True(t, none.AllPostCompletionAcksSucceeded(), "no node owes one")
	})
}

func TestClone(t *testing.T) {
	t.Run("shares nothing that changes", func(t *testing.T) {
		original := everything(t).task("ns", "a")
		clone := original.Clone()
		require.Equal(t, original, clone)
		clone.Units["u1"].Progress = 0.1
		delete(clone.Units, "u2")
		clone.PreparationCompletionAcks["n1"] = PostCompletionAck{}
		clone.PostCompletionAcks["n1"] = PostCompletionAck{}
		require.Equal(t, everything(t).task("ns", "a"), original)
	})
	t.Run("nil maps stay nil, empty ones stay empty", func(t *testing.T) {
		require.Equal(t, &Task{}, (&Task{}).Clone())
		empty := &Task{Units: map[string]*Unit{}, PostCompletionAcks: map[string]PostCompletionAck{}}
		require.Equal(t, empty, empty.Clone())
	})
}
