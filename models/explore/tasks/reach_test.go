package tasks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/models/explore"
	"dtsim/sched/reconcile"
)

// TestWhatTheStatesReach: situations that a defect may hide in are among the states that are
// visited, and not only thought to be.
func TestWhatTheStatesReach(t *testing.T) {
	two := Config{Nodes: 2, Units: 2, Barrier: true}
	with := func(change func(*Config)) Config {
		c := two
		change(&c)
		return c
	}
	down := func(p *part) bool { return !p.passes.Listed }
	for name, c := range map[string]struct {
		config Config
		// at looks at the first task, and at the second or the same once more; spent: a fault
		// has happened.
		at func(spent bool, r, other *record, parts []*part) bool
	}{
		"a provider asks to have its callbacks again after a restart": {
			with(func(c *Config) { c.Crashes = 1 }),
			func(_ bool, r, _ *record, parts []*part) bool {
				p := parts[0]
				return p.replay == r.version() && p.decides.UnderWay != nil && p.decides.UnderWay.Kind == reconcile.CompleteTask
			},
		},
		"a callback that was interrupted runs again": {
			with(func(c *Config) { c.Interrupts = 1 }),
			func(spent bool, _, _ *record, parts []*part) bool {
				p := parts[0]
				return spent && p.decides.UnderWay != nil && p.decides.UnderWay.Kind == reconcile.Swap && len(p.calls) == 1 && p.calls[0].kind == reconcile.Prepare
			},
		},
		"OnTaskCompleted has failed on a task that can only finish, and fails again": {
			with(func(c *Config) { c.NeverCompletes = true }),
			func(_ bool, r, _ *record, parts []*part) bool {
				p := parts[0]
				return r.status() == fsm.TaskStatusSwapping && len(missing(r.task, r.task.PostCompletionAcks)) == 0 &&
					p.decides.UnderWay != nil && p.decides.UnderWay.Kind == reconcile.CompleteTask
			},
		},
		"two records have ended at one instant": {
			Config{Nodes: 1, Units: 1, Tasks: 2},
			func(_ bool, r, other *record, _ []*part) bool {
				return r.status() == fsm.TaskStatusFinished && other.status() == fsm.TaskStatusFinished && r.task.TerminalAt.Equal(other.task.TerminalAt)
			},
		},
		"a node is down over the end of a run and all of the next": {
			with(func(c *Config) { c.Crashes, c.Reruns, c.Cancels, c.UnitFailures = 1, 1, 1, 1 }),
			func(_ bool, r, _ *record, parts []*part) bool {
				p := parts[1]
				return r.version() == 2*stride && r.status().IsTerminal() && down(p) && len(p.disk.runs) == 1 && p.disk.runs[0] == stride
			},
		},
		"a node without units is down over two runs that finish": {
			Config{Nodes: 2, Units: 1, Crashes: 1, Reruns: 1},
			func(_ bool, r, _ *record, parts []*part) bool {
				return r.version() == 2*stride && r.status() == fsm.TaskStatusFinished && down(parts[1])
			},
		},
		"a node rests on the first run, as a list that lags shows it, when the second has ended": {
			with(func(c *Config) { c.Lag, c.Reruns, c.Cancels, c.UnitFailures = 1, 1, 1, 1 }),
			func(_ bool, r, _ *record, parts []*part) bool {
				return r.version() == 2*stride && r.status().IsTerminal() && parts[1].known.version == stride && parts[1].known.phase < 4
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen := met(t, c.config, explore.Options{}, func(m *Model, s *State) uint64 {
				r := m.records.at(s.tasks[0].record)
				other := m.records.at(s.tasks[m.Tasks-1].record)
				var parts []*part
				for node := range m.Nodes {
					parts = append(parts, m.parts.at(s.tasks[0].parts[node]))
				}
				if c.at(s.budget != m.budget(), r, other, parts) {
					return 1
				}
				return 0
			})
			require.True(t, seen[1])
			require.True(t, seen[0], "and it is not always so")
		})
	}
}

// TestATaskThatCannotComplete: an operator ends it until every node has swapped. After that
// nothing that is modelled does: it may be finalized by hand, which says FINISHED of a schema
// that has not changed. The day there is a way out this test says so.
func TestATaskThatCannotComplete(t *testing.T) {
	for _, barrier := range []bool{false, true} {
		m, err := New(Config{Nodes: 2, Units: 2, Barrier: barrier, NeverCompletes: true})
		require.NoError(t, err)
		r, err := explore.Check(t.Context(), explore.Model[State](m), explore.Options{Liveness: true})
		require.NoError(t, err)
		require.Len(t, r.Violations, 1)
		v := r.Violations[0]
		require.Equal(t, "P17", v.Property)
		require.Equal(t, "no settled state can be reached any more", v.Message)
		require.Positive(t, r.Graph.Settled, "an operator has given it up earlier")
		at := m.initial
		for _, a := range v.Path.Actions[:v.Path.Loop] {
			at, _ = m.Step(&at, a)
		}
		record := m.records.at(at.tasks[0].record)
		require.Equal(t, fsm.TaskStatusSwapping, record.status())
		require.Empty(t, missing(record.task, record.task.PostCompletionAcks))
	}
}
