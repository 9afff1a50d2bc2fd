package tasks_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/engine"
	"dtsim/sim/plan"
)

// A run with faults is a function of its plan and entropy, whatever goes wrong in it.
func TestARunWithFaultsIsAFunction(t *testing.T) {
	native, err := engine.Native(t.Context(), engine.Options{Guest: tasks.Guest})
	require.NoError(t, err)
	defer native.Close()
	files, err := filepath.Glob("../../sim/plan/testdata/*.plan.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, err := taskplan.ReadFile(file)
			require.NoError(t, err)
			hashes := map[string]bool{}
			for entropy := range uint64(3) {
				first, err := native.Run(t.Context(), engine.Job{Plan: p.Encode(), Entropy: entropy})
				require.NoError(t, err)
				require.Empty(t, first.Footer.Verdict.Violations)
				require.Positive(t, first.Footer.Counters["fault-bit"])
				again, err := native.Run(t.Context(), engine.Job{Plan: p.Encode(), Entropy: entropy})
				require.NoError(t, err)
				require.Equal(t, first.Footer.Hash, again.Footer.Hash)
				hashes[first.Footer.Hash] = true
			}
			require.Len(t, hashes, 3, "another entropy is another run")
		})
	}
}

// Many clients wait for a leader and are told of it in an order that is that of the observers of a
// raft instance, which the library numbers by a counter of the process.
func TestTheOrderOfManyObserversIsThatOfTheRun(t *testing.T) {
	native, err := engine.Native(t.Context(), engine.Options{Guest: tasks.Guest})
	require.NoError(t, err)
	defer native.Close()
	p := taskplan.Default()
	at := func(s float64) plan.Duration { return plan.Duration(s * float64(time.Second)) }
	p.Quiescence = at(20)
	p.Faults = []plan.Fault{{Kind: plan.Crash, At: at(3), For: at(12), Nodes: []string{"n2", "n3"}}}
	for i := range 30 {
		p.Workload = append(p.Workload, taskplan.Operation{
			At: at(5 + float64(i)/10), Node: "n1", Do: taskplan.AddTask, OwnClient: true,
			Task: &taskplan.Task{Kind: taskplan.Cleanup, ID: fmt.Sprint("t", i), Files: 1, Parallel: 1},
		})
	}
	require.NoError(t, p.Validate())
	first, err := native.Run(t.Context(), engine.Job{Plan: p.Encode()})
	require.NoError(t, err)
	require.Empty(t, first.Footer.Verdict.Violations)
	for range 5 {
		again, err := native.Run(t.Context(), engine.Job{Plan: p.Encode()})
		require.NoError(t, err)
		require.Equal(t, first.Footer.Hash, again.Footer.Hash)
	}
}
