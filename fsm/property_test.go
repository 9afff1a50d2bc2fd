package fsm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm/api"
)

// A small world, so that random commands meet the same tasks, units and nodes.
var (
	someNamespaces = rapid.SampledFrom([]string{"ns", "other"})
	someIDs        = rapid.SampledFrom([]string{"a", "b"})
	someUnits      = rapid.SampledFrom([]string{"u1", "u2", "u3"})
	someNodes      = rapid.SampledFrom([]string{"n1", "n2", "n3"})
	someMillis     = rapid.Int64Range(1, 60_000)
)

// Kinds of commands, as a generator draws them.
const (
	kindAdd = iota
	kindCancel
	kindComplete
	kindProgress
	kindPrepared
	kindSwapped
	kindFinalize
	kindGiveUp
	kindCleanUp
	kinds
)

// fitting are the kinds that take a task on; drawn most of the time, so that tasks
// get through all their phases.
var fitting = map[TaskStatus][]int{
	"":                  {kindAdd},
	TaskStatusStarted:   {kindComplete, kindComplete, kindComplete, kindProgress, kindPrepared, kindSwapped},
	TaskStatusPreparing: {kindPrepared},
	TaskStatusSwapping:  {kindSwapped, kindSwapped, kindFinalize},
	TaskStatusFinished:  {kindAdd, kindCleanUp},
	TaskStatusFailed:    {kindAdd, kindCleanUp},
	TaskStatusCancelled: {kindAdd, kindCleanUp},
}

// mostly is true three times out of four.
func mostly(t *rapid.T, what string) bool { return rapid.IntRange(0, 3).Draw(t, what) > 0 }

// drawRequest draws a command that mostly makes sense for some task of m.
func drawRequest(t *rapid.T, m *Manager) any {
	namespace, id := someNamespaces.Draw(t, "namespace"), someIDs.Draw(t, "id")
	node, unit := someNodes.Draw(t, "node"), someUnits.Draw(t, "unit")
	task := &Task{}
	if r := m.records[namespace][id]; r != nil {
		task = r.task
	}
	kind := rapid.IntRange(0, kinds-1).Draw(t, "kind")
	if mostly(t, "fitting") {
		kind = rapid.SampledFrom(fitting[task.Status]).Draw(t, "kind")
	}
	if u := task.Units[unit]; u != nil && u.NodeID != "" && mostly(t, "owner") {
		node = u.NodeID
	}
	version, millis := task.Version, someMillis.Draw(t, "millis")
	switch rapid.IntRange(0, 99).Draw(t, "oddity") {
	case 0:
		version++
	case 1:
		unit = ""
	case 2:
		node = ""
	case 3:
		millis = maxMillis + 1
	case 4:
		id = "none"
	}
	failure := ""
	if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
		failure = "boom"
	}
	switch kind {
	case kindAdd:
		q := &api.AddDistributedTaskRequest{
			Namespace: namespace, Id: id, SubmittedAtUnixMillis: millis, Payload: []byte(failure),
			NeedsPreparationBarrier: rapid.Bool().Draw(t, "barrier"), AcksRequired: rapid.Bool().Draw(t, "acks"),
		}
		q.UnitIds = rapid.SliceOfNDistinct(someUnits, 1, 3, rapid.ID[string]).Draw(t, "units")
		if rapid.Bool().Draw(t, "grouped") {
			for i, u := range q.UnitIds {
				q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: u, GroupId: fmt.Sprint(i % 2)})
			}
		}
		return q
	case kindCancel:
		return &api.CancelDistributedTaskRequest{Namespace: namespace, Id: id, Version: version, CancelledAtUnixMillis: millis}
	case kindComplete:
		return &api.RecordDistributedTaskUnitCompletionRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Error: failure, FinishedAtUnixMillis: millis,
		}
	case kindProgress:
		return &api.UpdateDistributedTaskUnitProgressRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, UpdatedAtUnixMillis: millis,
			Progress: rapid.SampledFrom([]float32{0, 0.1, 0.5, 1, 1.5}).Draw(t, "progress"),
		}
	case kindPrepared:
		return &api.RecordDistributedTaskPreparationCompleteAckRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, Success: failure == "", Error: failure, AckedAtUnixMillis: millis,
		}
	case kindSwapped:
		return &api.RecordDistributedTaskPostCompletionAckRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, Success: failure == "", Error: failure, AckedAtUnixMillis: millis,
		}
	case kindFinalize:
		return &api.MarkTaskFinalizedRequest{Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: millis}
	case kindGiveUp:
		return &api.MarkTaskFailedRequest{Namespace: namespace, Id: id, Version: version, Error: failure, FailedAtUnixMillis: millis}
	}
	return &api.CleanUpDistributedTaskRequest{
		Namespace: namespace, Id: id, Version: version, CleanedUpAtUnixMillis: millis, CompletedTaskTtlMillis: rapid.Int64Range(0, 1000).Draw(t, "ttl"),
	}
}

// TestReplicasAgree is P1: a replica that goes through a snapshot after every
// command, under another clock, time to live and time zone, has the same bytes and
// gave the same answers.
func TestReplicasAgree(t *testing.T) {
	defer func(zone *time.Location) { time.Local = zone }(time.Local)
	zones := []*time.Location{time.UTC, time.FixedZone("west", -8*3600), time.FixedZone("east", 9*3600+1800)}
	rapid.Check(t, func(t *rapid.T) {
		time.Local = zones[0]
		steady := newRig(t)
		steady.Manager = NewManager(ManagerParameters{Clock: clockwork.NewFakeClockAt(second(1)), CompletedTaskTTL: time.Nanosecond})
		restored := newRig(t)
		for i := range rapid.IntRange(1, 60).Draw(t, "commands") {
			request := drawRequest(t, steady.Manager)
			time.Local = zones[0]
			err := steady.do(request)

			time.Local = zones[1+i%2]
			before := restored.snapshot()
			restored.Manager = NewManager(ManagerParameters{
				Clock: clockwork.NewFakeClockAt(second(1e9)), CompletedTaskTTL: 1000 * time.Hour,
			})
			require.NoError(t, restored.Restore([]byte(before)))
			again := restored.do(request)

			require.Equal(t, fmt.Sprint(err), fmt.Sprint(again), "%+v", request)
			require.Equal(t, steady.snapshot(), restored.snapshot(), "%+v", request)
		}
	})
}

// transitions are the steps that a task may take (P3). AddTask starts a new run, and
// one command may take two steps.
var transitions = map[TaskStatus][]TaskStatus{
	TaskStatusStarted:   {TaskStatusPreparing, TaskStatusSwapping, TaskStatusCancelled, TaskStatusFailed},
	TaskStatusPreparing: {TaskStatusSwapping, TaskStatusFailed},
	TaskStatusSwapping:  {TaskStatusFinished, TaskStatusFailed},
}

// TestLifecycle is P3, P4, P5, P7, P8, P10 and P12 for random commands. It also
// holds that they get everywhere.
func TestLifecycle(t *testing.T) {
	reached := map[TaskStatus]bool{}
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t)
		highest := map[string]uint64{}
		for range rapid.IntRange(1, 200).Draw(t, "commands") {
			request := drawRequest(t, r.Manager)
			before := r.list()
			err := r.do(request)
			after := r.list()
			for _, namespace := range []string{"ns", "other"} {
				for _, id := range []string{"a", "b"} {
					old, now := byID(before[namespace], id), byID(after[namespace], id)
					step(t, request, err, old, now)
					if now != nil {
						name := namespace + "/" + id
						require.GreaterOrEqual(t, now.Version, highest[name], "a version never goes back")
						highest[name] = now.Version
						alone(t, now)
						reached[now.Status] = true
					}
				}
			}
		}
	})
	require.Len(t, reached, 6, "a status was never reached: %v", reached)
}

func byID(tasks []*Task, id string) *Task {
	i := slices.IndexFunc(tasks, func(task *Task) bool { return task.ID == id })
	if i < 0 {
		return nil
	}
	return tasks[i]
}

// step holds what one command may do to one task.
func step(t *rapid.T, request any, err error, old, now *Task) {
	switch {
	case old == nil && now == nil:
		return
	case old == nil:
		require.IsType(t, &api.AddDistributedTaskRequest{}, request)
		require.Equal(t, TaskStatusStarted, now.Status)
		return
	case now == nil:
		require.IsType(t, &api.CleanUpDistributedTaskRequest{}, request)
		require.True(t, old.Status.IsTerminal(), "an active task is never cleaned up")
		return
	case old.Version != now.Version:
		require.IsType(t, &api.AddDistributedTaskRequest{}, request)
		require.True(t, old.Status.IsTerminal(), "an active task is never replaced")
		require.Greater(t, now.Version, old.Version)
		return
	case err != nil || old.Status.IsTerminal():
		require.Equal(t, old, now, "a refused command changes nothing, and terminal is for ever")
		return
	}
	if old.Status != now.Status {
		require.Contains(t, transitions[old.Status], now.Status)
		require.False(t, old.Status == TaskStatusSwapping && now.Status == TaskStatusFailed && old.AllPostCompletionAcksSucceeded(),
			"a task that may have changed the schema does not fail")
	}
	for id, u := range old.Units {
		v := now.Units[id]
		if u.NodeID != "" {
			require.Equal(t, u.NodeID, v.NodeID, "a claim is for ever")
		}
		require.GreaterOrEqual(t, v.Progress, u.Progress, "progress does not fall")
		if u.Status.IsTerminal() || old.Status != TaskStatusStarted {
			require.Equal(t, u, v, "units that are done, and units of tasks that have left STARTED, are frozen")
		}
		if *u != *v {
			require.Contains(t, []string{v.NodeID}, reporter(request), "only the owner reports")
		}
	}
}

func reporter(request any) string {
	switch q := request.(type) {
	case *api.RecordDistributedTaskUnitCompletionRequest:
		return q.NodeId
	case *api.UpdateDistributedTaskUnitProgressRequest:
		return q.NodeId
	}
	return "nobody"
}

// alone holds what is true of a task at any time.
func alone(t *rapid.T, task *Task) {
	for _, u := range task.Units {
		require.Equal(t, u.NodeID == "", u.Status == UnitStatusPending, "a unit is pending until it has an owner")
		require.True(t, u.Progress >= 0 && u.Progress <= 1)
	}
	require.Equal(t, task.Status.IsTerminal(), !task.TerminalAt.IsZero())
	require.Equal(t, task.Status != TaskStatusStarted, !task.FinishedAt.IsZero())
	if task.Status != TaskStatusFailed {
		require.Empty(t, task.Error)
		require.False(t, task.AnyUnitFailed(), "one failed unit fails the task")
	}
	switch task.Status {
	case TaskStatusStarted:
		require.False(t, task.AllUnitsTerminal())
	case TaskStatusPreparing, TaskStatusSwapping, TaskStatusFinished:
		require.True(t, task.AllUnitsTerminal())
	}
	if task.Status == TaskStatusSwapping || task.Status == TaskStatusFinished {
		require.False(t, task.AnyPostCompletionAckFailed(), "one failed swap fails the task")
		require.True(t, !task.NeedsPreparationBarrier || task.AllPreparationAcksSucceeded(), "no node swaps before all have prepared")
	}
	if task.Status == TaskStatusPreparing {
		require.True(t, task.NeedsPreparationBarrier)
		require.False(t, task.AllPreparationAcksSucceeded(), "a barrier that can lift has lifted")
	}
	if task.Status == TaskStatusFinished && task.AcksRequired {
		require.True(t, task.AllPostCompletionAcksSucceeded(), "no task finishes before all have swapped")
	}
}
