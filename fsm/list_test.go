package fsm

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

func TestListOrder(t *testing.T) {
	r := newRig(t)
	require.Empty(t, r.list())
	add := func(id string, at int64) uint64 {
		q := addNamed(id)
		q.SubmittedAtUnixMillis = at
		r.must(q)
		return r.index
	}
	cancel := func(id string, version uint64, at int64) {
		r.must(&api.CancelDistributedTaskRequest{Namespace: "ns", Id: id, Version: version, CancelledAtUnixMillis: at})
	}
	add("same time, by ID: b", 50)
	add("same time, by ID: a", 50)
	add("latest start", 60)
	cancel("ended early", add("ended early", 90), 100)
	cancel("ended late", add("ended late", 70), 200)
	swappingVersion := add("its units ended last", 1)
	r.must(&api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: "ns", Id: "its units ended last", Version: swappingVersion, UnitId: "u1", NodeId: "n1", FinishedAtUnixMillis: 80,
	})

	var ids []string
	for _, task := range r.list()["ns"] {
		ids = append(ids, task.ID)
	}
	require.Equal(t, []string{
		"its units ended last", "latest start", "same time, by ID: a", "same time, by ID: b", "ended late", "ended early",
	}, ids)
}

func TestListIsACopy(t *testing.T) {
	r := at(t, append(clip(barrierSwapping), swapped("n1", "")))
	before := r.snapshot()
	list, err := r.ListDistributedTasks(context.Background())
	require.NoError(t, err)
	one, err := r.Task("ns", "a", 1)
	require.NoError(t, err)
	for _, task := range []*Task{list["ns"][0], one} {
		task.Status = TaskStatusFailed
		task.Units["u1"].NodeID = "other"
		delete(task.Units, "u2")
		task.PostCompletionAcks["n9"] = PostCompletionAck{}
		task.PreparationCompletionAcks["n9"] = PostCompletionAck{}
	}
	require.Equal(t, before, r.snapshot())
}

func TestListPayload(t *testing.T) {
	payload, err := newRig(t).ListDistributedTasksPayload(context.Background())
	require.NoError(t, err)
	require.JSONEq(t, `{"tasks":{}}`, string(payload))

	payload, err = at(t, []any{addRequest("u1")}).ListDistributedTasksPayload(context.Background())
	require.NoError(t, err)
	require.JSONEq(t, `{"tasks":{"ns":[{"namespace":"ns","ID":"a","version":1,"payload":null,"needsPreparationBarrier":false,
		"status":"STARTED","startedAt":"1970-01-01T00:00:01Z","finishedAt":"0001-01-01T00:00:00Z",
		"units":{"u1":{"id":"u1","nodeId":"","status":"PENDING","progress":0,
			"updatedAt":"0001-01-01T00:00:00Z","finishedAt":"0001-01-01T00:00:00Z"}}}]}}`, string(payload))
}

func TestTask(t *testing.T) {
	r := at(t, started)
	got, err := r.Task("ns", "a", 1)
	require.NoError(t, err)
	require.Equal(t, r.task("ns", "a"), got)
	for _, run := range []struct {
		namespace, id string
		version       uint64
	}{{"ns", "a", 2}, {"ns", "b", 1}, {"other", "a", 1}} {
		_, err := r.Task(run.namespace, run.id, run.version)
		rejection{sentinel: ErrTaskDoesNotExist, text: "does not exist"}.check(t, err)
	}
}

func TestUnit(t *testing.T) {
	r := at(t, append(clip(started), progress("u1", "n1", 0.5)))
	before := r.snapshot()
	status, u, err := r.Unit("ns", "a", 1, "u1")
	require.NoError(t, err)
	require.Equal(t, TaskStatusStarted, status)
	require.Equal(t, r.task("ns", "a").Units["u1"], u)
	u.NodeID = "other"
	require.Equal(t, before, r.snapshot(), "it is a copy")

	status, u, err = r.Unit("ns", "a", 1, "u9")
	require.NoError(t, err)
	require.Equal(t, TaskStatusStarted, status)
	require.Nil(t, u)

	_, _, err = r.Unit("ns", "a", 2, "u1")
	rejection{sentinel: ErrTaskDoesNotExist, text: "does not exist"}.check(t, err)
}

// TestListsWhileApplying is for the race detector, and holds that what a list shows
// was true between two applies: a task has as many completed units as its acks imply.
func TestListsWhileApplying(t *testing.T) {
	m := NewManager(ManagerParameters{})
	apply := func(index uint64, request any) {
		c, err := api.NewApplyRequest(commandOf(request), request)
		require.NoError(t, err)
		require.NoError(t, m.Apply(c, index))
	}
	stop := make(chan struct{})
	var listing, readers sync.WaitGroup
	for range 4 {
		listing.Add(1)
		readers.Go(func() {
			last := 0
			for first := true; ; first = false {
				select {
				case <-stop:
					return
				default:
				}
				tasks, _ := m.ListDistributedTasks(context.Background())
				_, err := m.Snapshot()
				if err != nil {
					t.Error(err)
				}
				if err := m.CheckClassMutation("C"); err != nil {
					t.Error(err)
				}
				for _, task := range tasks["ns"] {
					done := 0
					for _, u := range task.Units {
						if u.Status.IsTerminal() {
							done++
						}
						u.Status = "SCRIBBLED"
					}
					if acks := len(task.PostCompletionAcks); acks != done && acks != done-1 {
						t.Errorf("%d units are done, %d are acknowledged", done, acks)
					}
					if done < last {
						t.Errorf("%d units were done, then %d", last, done)
					}
					last = done
				}
				if first {
					listing.Done()
				}
			}
		})
	}
	listing.Wait()
	units := make([]string, 300)
	for i := range units {
		units[i] = strconv.Itoa(i)
	}
	apply(1, addRequest(units...))
	for i, u := range units[:len(units)-1] {
		apply(uint64(2*i+2), completion(u, u))
		apply(uint64(2*i+3), swapped(u, ""))
	}
	close(stop)
	readers.Wait()
}
