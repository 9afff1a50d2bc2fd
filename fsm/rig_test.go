package fsm

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// rig is a Manager with a log: every command gets the next index, and what is true
// after every apply is checked after every apply.
type rig struct {
	*Manager
	t     require.TestingT
	index uint64
	wakes int
}

func newRig(t require.TestingT) *rig {
	r := &rig{Manager: NewManager(ManagerParameters{}), t: t}
	r.SetSchedulerNotifier(r)
	return r
}

// Wake counts, and lists to show that no lock is held.
func (r *rig) Wake() {
	r.wakes++
	_ = r.list()
}

// do applies request at the next index.
func (r *rig) do(request any) error {
	c, err := api.NewApplyRequest(commandOf(request), request)
	require.NoError(r.t, err)
	return r.apply(c)
}

// must applies a request that is to be accepted.
func (r *rig) must(request any) {
	require.NoError(r.t, r.do(request), "%+v", request)
}

func (r *rig) apply(c *api.ApplyRequest) error {
	r.index++
	before, wakes := r.snapshot(), r.wakes
	err := r.Apply(c, r.index)
	after := r.snapshot()
	if err != nil {
		require.Equal(r.t, before, after, "a rejected command changes nothing")
	}
	if before == after {
		require.Equal(r.t, wakes, r.wakes, "what changes nothing wakes nothing")
	}
	requireTallies(r.t, r.Manager)
	return err
}

func (r *rig) snapshot() string {
	b, err := r.Snapshot()
	require.NoError(r.t, err)
	return string(b)
}

// task returns the record of an ID in whatever version, or nil.
func (r *rig) task(namespace, id string) *Task {
	for _, task := range r.list()[namespace] {
		if task.ID == id {
			return task
		}
	}
	return nil
}

// requireTallies holds every record's counters against a walk over its task.
func requireTallies(t require.TestingT, m *Manager) {
	for _, records := range m.records {
		require.NotEmpty(t, records, "no namespace is empty")
		for _, r := range records {
			require.Equal(t, tallyOf(r.task), r.tally, "counters of %s", r.name())
		}
	}
}

// commandOf is the command that a request struct belongs to.
func commandOf(request any) api.CommandType {
	switch request.(type) {
	case *api.AddDistributedTaskRequest:
		return api.CommandAddTask
	case *api.CancelDistributedTaskRequest:
		return api.CommandCancelTask
	case *api.CleanUpDistributedTaskRequest:
		return api.CommandCleanUpTask
	case *api.RecordDistributedTaskUnitCompletionRequest:
		return api.CommandRecordUnitCompletion
	case *api.UpdateDistributedTaskUnitProgressRequest:
		return api.CommandUpdateUnitProgress
	case *api.MarkTaskFinalizedRequest:
		return api.CommandMarkTaskFinalized
	case *api.RecordDistributedTaskPostCompletionAckRequest:
		return api.CommandRecordPostAck
	case *api.RecordDistributedTaskPreparationCompleteAckRequest:
		return api.CommandRecordPreparationAck
	case *api.MarkTaskFailedRequest:
		return api.CommandMarkTaskFailed
	}
	panic(fmt.Sprintf("no command for %T", request))
}

// second is the instant of a command sent s seconds into 1970.
func second(s int64) time.Time { return time.Unix(s, 0).UTC() }

// The requests below are about run 1 of task ns/a unless a test changes them.

func addRequest(units ...string) *api.AddDistributedTaskRequest {
	return &api.AddDistributedTaskRequest{Namespace: "ns", Id: "a", UnitIds: units, SubmittedAtUnixMillis: 1000}
}

func barrierRequest(units ...string) *api.AddDistributedTaskRequest {
	q := addRequest(units...)
	q.NeedsPreparationBarrier, q.AcksRequired = true, true
	return q
}

func completion(unit, node string) *api.RecordDistributedTaskUnitCompletionRequest {
	return &api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: "ns", Id: "a", Version: 1, UnitId: unit, NodeId: node, FinishedAtUnixMillis: 5000,
	}
}

func failure(unit, node, message string) *api.RecordDistributedTaskUnitCompletionRequest {
	q := completion(unit, node)
	q.Error = message
	return q
}

func progress(unit, node string, value float32) *api.UpdateDistributedTaskUnitProgressRequest {
	return &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: "ns", Id: "a", Version: 1, UnitId: unit, NodeId: node, Progress: value, UpdatedAtUnixMillis: 3000,
	}
}

func cancellation() *api.CancelDistributedTaskRequest {
	return &api.CancelDistributedTaskRequest{Namespace: "ns", Id: "a", Version: 1, CancelledAtUnixMillis: 4000}
}

func prepared(node, failure string) *api.RecordDistributedTaskPreparationCompleteAckRequest {
	return &api.RecordDistributedTaskPreparationCompleteAckRequest{
		Namespace: "ns", Id: "a", Version: 1, NodeId: node, Success: failure == "", Error: failure, AckedAtUnixMillis: 6000,
	}
}

func swapped(node, failure string) *api.RecordDistributedTaskPostCompletionAckRequest {
	return &api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: "ns", Id: "a", Version: 1, NodeId: node, Success: failure == "", Error: failure, AckedAtUnixMillis: 7000,
	}
}

func finalization() *api.MarkTaskFinalizedRequest {
	return &api.MarkTaskFinalizedRequest{Namespace: "ns", Id: "a", Version: 1, FinalizedAtUnixMillis: 8000}
}

func giveUp(reason string) *api.MarkTaskFailedRequest {
	return &api.MarkTaskFailedRequest{Namespace: "ns", Id: "a", Version: 1, Error: reason, FailedAtUnixMillis: 9000}
}

func cleanUp(at, ttl int64) *api.CleanUpDistributedTaskRequest {
	return &api.CleanUpDistributedTaskRequest{
		Namespace: "ns", Id: "a", Version: 1, CleanedUpAtUnixMillis: at, CompletedTaskTtlMillis: ttl,
	}
}

// rejection is the error that a table test expects; the zero value is none.
type rejection struct {
	sentinel  error  // nil: a plain error without sentinel
	text      string // part of the text
	retryable bool   // not permanent
}

func (want rejection) check(t *testing.T, err error) {
	t.Helper()
	if want == (rejection{}) {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, want.text)
	require.Equal(t, !want.retryable, errors.Is(err, ErrPermanentRejection), "is %q permanent?", err)
	for _, m := range markers {
		require.Equal(t, m.sentinel == want.sentinel, errors.Is(err, m.sentinel), "does %q match %q?", err, m.sentinel)
	}
}

// The states that a task goes through, as the commands that lead there. Node n1
// owns u1, node n2 owns u2.
var (
	started          = []any{addRequest("u1", "u2")}
	swapping         = append(clip(started), completion("u1", "n1"), completion("u2", "n2"))
	halfAcked        = append(clip(swapping), swapped("n1", ""))
	finished         = append(clip(swapping), finalization())
	cancelled        = append(clip(started), cancellation())
	failed           = append(clip(started), failure("u1", "n1", "boom"))
	barrierStarted   = []any{barrierRequest("u1", "u2")}
	preparing        = append(clip(barrierStarted), completion("u1", "n1"), completion("u2", "n2"))
	barrierSwapping  = append(clip(preparing), prepared("n1", ""), prepared("n2", ""))
	barrierCommitted = append(clip(barrierSwapping), swapped("n1", ""), swapped("n2", ""))
)

func clip(s []any) []any { return s[:len(s):len(s)] }

// newer is a record that only a later version of this binary can write.
const newer = `{"tasks":{"ns":[{"namespace":"ns","ID":"a","version":1,"payload":null,"needsPreparationBarrier":false,` +
	`"status":"PONDERING","startedAt":"1970-01-01T00:00:01Z","finishedAt":"0001-01-01T00:00:00Z",` +
	`"units":{"u1":{"id":"u1","nodeId":"n1","status":"COMPLETED","progress":1,` +
	`"updatedAt":"0001-01-01T00:00:00Z","finishedAt":"1970-01-01T00:00:05Z"}}}]}}`

// at returns a rig in the state that the commands lead to.
func at(t require.TestingT, history []any) *rig {
	r := newRig(t)
	for _, request := range history {
		r.must(request)
	}
	return r
}

// atNewer returns a rig whose task has a status from the future.
func atNewer(t require.TestingT) *rig {
	r := newRig(t)
	require.NoError(t, r.Restore([]byte(newer)))
	r.index = 1
	return r
}
