package fsm

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// populated is a snapshot of tasks that run, with as many units each, and the
// commands that complete all units but the last of every task, task by task.
func populated(b *testing.B, tasks, units int) (snapshot []byte, completions []*api.ApplyRequest) {
	m := NewManager(ManagerParameters{})
	ids := make([]string, units)
	for i := range ids {
		ids[i] = "unit-" + strconv.Itoa(i)
	}
	for i := range tasks {
		q := &api.AddDistributedTaskRequest{Namespace: "ns", Id: fmt.Sprintf("task-%d", i), UnitIds: ids, SubmittedAtUnixMillis: 1}
		require.NoError(b, m.Apply(command(b, q), uint64(i+1)))
		for j, unit := range ids[:units-1] {
			completions = append(completions, command(b, &api.RecordDistributedTaskUnitCompletionRequest{
				Namespace: "ns", Id: q.Id, Version: uint64(i + 1), UnitId: unit, NodeId: "n" + strconv.Itoa(j%3), FinishedAtUnixMillis: 2,
			}))
		}
	}
	snapshot, err := m.Snapshot()
	require.NoError(b, err)
	return snapshot, completions
}

func command(t require.TestingT, request any) *api.ApplyRequest {
	c, err := api.NewApplyRequest(commandOf(request), request)
	require.NoError(t, err)
	return c
}

// BenchmarkApplyUnitCompletion must cost the same for small and large tasks. Both
// Managers hold as many units in all.
func BenchmarkApplyUnitCompletion(b *testing.B) {
	const all = 100_000
	for _, units := range []int{10, all} {
		b.Run(fmt.Sprintf("units=%d", units), func(b *testing.B) {
			snapshot, completions := populated(b, all/units, units)
			m := NewManager(ManagerParameters{})
			next := len(completions)
			b.ReportAllocs()
			for b.Loop() {
				if next == len(completions) {
					b.StopTimer()
					require.NoError(b, m.Restore(snapshot))
					next = 0
					b.StartTimer()
				}
				if err := m.Apply(completions[next], all); err != nil {
					b.Fatal(err)
				}
				next++
			}
		})
	}
}

// large is a Manager with 1,000 tasks of 100 units.
func large(b *testing.B) (*Manager, []byte) {
	snapshot, _ := populated(b, 1000, 100)
	m := NewManager(ManagerParameters{})
	require.NoError(b, m.Restore(snapshot))
	return m, snapshot
}

func BenchmarkList(b *testing.B) {
	m, _ := large(b)
	b.ReportAllocs()
	for b.Loop() {
		tasks, err := m.ListDistributedTasks(context.Background())
		if err != nil || len(tasks["ns"]) != 1000 {
			b.Fatal(len(tasks["ns"]), err)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	m, snapshot := large(b)
	b.SetBytes(int64(len(snapshot)))
	for b.Loop() {
		if _, err := m.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRestore(b *testing.B) {
	m, snapshot := large(b)
	b.SetBytes(int64(len(snapshot)))
	for b.Loop() {
		if err := m.Restore(snapshot); err != nil {
			b.Fatal(err)
		}
	}
}
