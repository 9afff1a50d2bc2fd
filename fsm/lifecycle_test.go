package fsm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

func TestAddTask(t *testing.T) {
	with := func(change func(*api.AddDistributedTaskRequest)) *api.AddDistributedTaskRequest {
		q := addRequest("u1")
		change(q)
		return q
	}
	type spec = api.UnitSpec
	for name, tc := range map[string]struct {
		history []any
		request *api.AddDistributedTaskRequest
		want    rejection
	}{
		"a new task is added":                 {request: addRequest("u1")},
		"a finished task is run again":        {history: finished, request: addRequest("u1")},
		"a failed task is run again":          {history: failed, request: addRequest("u1")},
		"a cancelled task is run again":       {history: cancelled, request: addRequest("u1")},
		"a started task is not replaced":      {started, addRequest("u1"), rejection{text: "already running with version 1", retryable: true}},
		"a preparing task is not replaced":    {preparing, addRequest("u1"), rejection{text: "already running", retryable: true}},
		"a swapping task is not replaced":     {swapping, addRequest("u1"), rejection{text: "already running", retryable: true}},
		"an ID of another namespace is free":  {started, with(func(q *api.AddDistributedTaskRequest) { q.Namespace = "other" }), rejection{}},
		"a task without units is refused":     {nil, addRequest(), rejection{sentinel: ErrInvalidCommand, text: "must have at least one unit"}},
		"a task without namespace is refused": {nil, with(func(q *api.AddDistributedTaskRequest) { q.Namespace = "" }), rejection{sentinel: ErrInvalidCommand, text: "missing namespace"}},
		"a task without ID is refused":        {nil, with(func(q *api.AddDistributedTaskRequest) { q.Id = "" }), rejection{sentinel: ErrInvalidCommand, text: "missing task id"}},
		"a unit without ID is refused":        {nil, addRequest("u1", ""), rejection{sentinel: ErrInvalidCommand, text: "missing unit id"}},
		"a unit that stands twice is refused": {nil, addRequest("u1", "u1"), rejection{sentinel: ErrInvalidCommand, text: `unit "u1" stands twice in task ns/a`}},
		"a spec that stands twice is refused": {nil, with(func(q *api.AddDistributedTaskRequest) {
			q.UnitSpecs = []*spec{{Id: "x", GroupId: "1"}, {Id: "x", GroupId: "2"}}
		}), rejection{sentinel: ErrInvalidCommand, text: `unit "x" stands twice`}},
		"a null spec is refused":                 {nil, with(func(q *api.AddDistributedTaskRequest) { q.UnitSpecs = []*spec{{Id: "x"}, nil} }), rejection{sentinel: ErrInvalidCommand, text: "unit_specs[1] of task ns/a is null"}},
		"a time before year 0 is refused":        {nil, with(func(q *api.AddDistributedTaskRequest) { q.SubmittedAtUnixMillis = math.MinInt64 }), rejection{sentinel: ErrInvalidCommand, text: "outside of the years 0 to 9999"}},
		"a time after year 9999 is refused":      {nil, with(func(q *api.AddDistributedTaskRequest) { q.SubmittedAtUnixMillis = maxMillis + 1 }), rejection{sentinel: ErrInvalidCommand, text: "outside of the years 0 to 9999"}},
		"the last instant of year 9999 is taken": {nil, with(func(q *api.AddDistributedTaskRequest) { q.SubmittedAtUnixMillis = maxMillis }), rejection{}},
		"the first instant of year 0 is taken":   {nil, with(func(q *api.AddDistributedTaskRequest) { q.SubmittedAtUnixMillis = minMillis }), rejection{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := at(t, tc.history)
			wakes := r.wakes
			err := r.do(tc.request)
			tc.want.check(t, err)
			if err != nil {
				return
			}
			require.Equal(t, wakes+1, r.wakes)
			got := r.task(tc.request.Namespace, "a")
			require.Equal(t, r.index, got.Version)
			require.Equal(t, TaskStatusStarted, got.Status)
			require.Equal(t, map[string]*Unit{"u1": {ID: "u1", Status: UnitStatusPending}}, got.Units)
			require.Zero(t, got.FinishedAt)
			require.Zero(t, got.TerminalAt)
			require.Empty(t, got.Error)
			require.Nil(t, got.PreparationCompletionAcks)
			require.Nil(t, got.PostCompletionAcks)
		})
	}

	t.Run("every field of the request is kept", func(t *testing.T) {
		r := newRig(t)
		r.must(&api.AddDistributedTaskRequest{
			Namespace: "ns", Id: "a", Payload: []byte("p"), SubmittedAtUnixMillis: 1500,
			UnitIds:                 []string{"ignored"},
			UnitSpecs:               []*spec{{Id: "x", GroupId: "g"}},
			NeedsPreparationBarrier: true, AcksRequired: true,
		})
		require.Equal(t, &Task{
			Namespace: "ns", TaskDescriptor: TaskDescriptor{ID: "a", Version: 1}, Payload: []byte("p"),
			NeedsPreparationBarrier: true, AcksRequired: true, Status: TaskStatusStarted,
			StartedAt: second(1).Add(500e6),
			Units:     map[string]*Unit{"x": {ID: "x", GroupID: "g", Status: UnitStatusPending}},
		}, r.task("ns", "a"))
	})

	t.Run("an index that is not beyond the old version is refused", func(t *testing.T) {
		r := at(t, finished)
		r.index = 0
		rejection{text: "already finished with version 1", retryable: true}.check(t, r.do(addRequest("u1")))
		require.Equal(t, TaskStatusFinished, r.task("ns", "a").Status)
	})

	t.Run("a record whose status is unknown is not replaced", func(t *testing.T) {
		rejection{text: "already running", retryable: true}.check(t, atNewer(t).do(addRequest("u1")))
	})

	t.Run("bad input is refused before the state is looked at", func(t *testing.T) {
		r := at(t, started)
		rejection{sentinel: ErrInvalidCommand, text: "at least one unit"}.check(t, r.do(addRequest()))
	})
}

// TestStatusGates holds the verdict of every command about a task in each status.
func TestStatusGates(t *testing.T) {
	var (
		ok         = rejection{}
		notRunning = rejection{sentinel: ErrTaskNotRunning, text: "is no longer running"}
		never      = rejection{sentinel: ErrTaskNotInFinalizingState, text: "from status"}
		notYet     = rejection{sentinel: ErrTaskNotInFinalizingState, text: "from status", retryable: true}
		committed  = rejection{sentinel: ErrTaskNotInFinalizingState, text: "every owning node has acknowledged its swap"}
		running    = rejection{text: "still running", retryable: true}
		noAcks     = rejection{text: "no successful post-completion ack from", retryable: true}
	)
	states := []struct {
		name    string
		history []any
	}{
		{"STARTED", started}, {"PREPARING", preparing}, {"SWAPPING", swapping}, {"SWAPPING with acks required", barrierSwapping},
		{"SWAPPING with all acks", barrierCommitted}, {"FINISHED", finished}, {"CANCELLED", cancelled}, {"FAILED", failed}, {"PONDERING", nil},
	}
	for _, tc := range []struct {
		command string
		request any
		// in the order of states
		want [9]rejection
		// after is the status that an accepted command leaves; "" is the same status
		after [9]TaskStatus
	}{
		{"cancel", cancellation(),
			[9]rejection{ok, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning},
			[9]TaskStatus{TaskStatusCancelled}},
		{"finalize", finalization(),
			[9]rejection{notYet, notYet, ok, noAcks, ok, ok, never, never, notYet},
			[9]TaskStatus{2: TaskStatusFinished, 4: TaskStatusFinished}},
		{"mark failed", giveUp("lost"),
			[9]rejection{ok, ok, ok, ok, committed, never, never, ok, notYet},
			[9]TaskStatus{TaskStatusFailed, TaskStatusFailed, TaskStatusFailed, TaskStatusFailed}},
		{"preparation ack", prepared("n3", ""),
			[9]rejection{ok, ok, ok, ok, ok, ok, ok, ok, notYet}, [9]TaskStatus{}},
		{"failed preparation ack", prepared("n3", "disk full"),
			[9]rejection{ok, ok, ok, ok, ok, ok, ok, ok, notYet}, [9]TaskStatus{1: TaskStatusFailed}},
		{"post-completion ack", swapped("n3", ""),
			[9]rejection{ok, notYet, ok, ok, ok, ok, ok, ok, notYet}, [9]TaskStatus{}},
		{"failed post-completion ack", swapped("n3", "disk full"),
			[9]rejection{ok, notYet, ok, ok, committed, ok, ok, ok, notYet},
			[9]TaskStatus{2: TaskStatusFailed, 3: TaskStatusFailed}},
		{"clean up", cleanUp(0, 0),
			[9]rejection{running, running, running, running, running, ok, ok, ok, running},
			[9]TaskStatus{5: "none", 6: "none", 7: "none"}},
		{"complete a unit", completion("u2", "n2"),
			[9]rejection{ok, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning}, [9]TaskStatus{}},
		{"fail a unit", failure("u2", "n2", "boom"),
			[9]rejection{ok, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning},
			[9]TaskStatus{TaskStatusFailed}},
		{"report progress", progress("u2", "n2", 0),
			[9]rejection{ok, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning, notRunning}, [9]TaskStatus{}},
	} {
		for i, state := range states {
			t.Run(tc.command+" in "+state.name, func(t *testing.T) {
				r := atNewer(t)
				if state.history != nil {
					r = at(t, state.history)
				}
				before := r.task("ns", "a").Status
				tc.want[i].check(t, r.do(tc.request))
				want := tc.after[i]
				switch task := r.task("ns", "a"); {
				case want == "none":
					require.Nil(t, task)
				case want == "":
					require.Equal(t, before, task.Status)
				default:
					require.Equal(t, want, task.Status)
				}
			})
		}
	}
}

// TestLookup holds for all commands about a task.
func TestLookup(t *testing.T) {
	for name, request := range map[string]any{
		"cancel": cancellation(), "finalize": finalization(), "mark failed": giveUp(""), "preparation ack": prepared("n1", ""),
		"post-completion ack": swapped("n1", ""), "clean up": cleanUp(0, 0), "completion": completion("u1", "n1"), "progress": progress("u1", "n1", 0),
	} {
		missing := rejection{sentinel: ErrTaskDoesNotExist, text: "task ns/a/1 does not exist"}
		t.Run(name+" of an unknown task is refused", func(t *testing.T) {
			missing.check(t, newRig(t).do(request))
		})
		t.Run(name+" of an older run is refused", func(t *testing.T) {
			r := newRig(t)
			r.index = 1
			r.must(addRequest("u1"))
			missing.check(t, r.do(request))
		})
	}
}

func TestEndOfATask(t *testing.T) {
	for name, tc := range map[string]struct {
		history              []any
		finishedAt, terminal int64
		err                  string
	}{
		"a cancelled task ended when it was cancelled":      {cancelled, 4, 4, ""},
		"a failed unit ends work and task at once":          {failed, 5, 5, "unit u1 failed: boom"},
		"a finished task keeps the end of its units' work":  {finished, 5, 8, ""},
		"a failed preparation names its node":               {append(clip(preparing), prepared("n1", "no space")), 5, 6, "prep failed on node n1: no space"},
		"a failed swap names its node":                      {append(clip(swapping), swapped("n2", "no space")), 5, 7, "post-completion swap failed on node n2: no space"},
		"a task given up while it worked ended then":        {append(clip(started), giveUp("n1 is gone")), 9, 9, "n1 is gone"},
		"a task given up while swapping had done its work":  {append(clip(halfAcked), giveUp("n2 is gone")), 5, 9, "n2 is gone"},
		"a task given up without a reason has no error":     {append(clip(started), giveUp("")), 9, 9, ""},
		"giving up what has failed adds nothing":            {append(clip(failed), giveUp("again")), 5, 5, "unit u1 failed: boom"},
		"finalizing what is finished adds nothing":          {append(clip(finished), &api.MarkTaskFinalizedRequest{Namespace: "ns", Id: "a", Version: 1, FinalizedAtUnixMillis: 99000}), 5, 8, ""},
		"early failures of both nodes are all in the error": {append(clip(barrierStarted), prepared("n2", "two"), prepared("n1", "one"), completion("u1", "n1"), completion("u2", "n2")), 5, 5, "prep failed on node n1: one; prep failed on node n2: two"},
	} {
		t.Run(name, func(t *testing.T) {
			got := at(t, tc.history).task("ns", "a")
			require.Equal(t, second(tc.finishedAt), got.FinishedAt)
			require.Equal(t, second(tc.terminal), got.TerminalAt)
			require.Equal(t, tc.err, got.Error)
		})
	}

	t.Run("reasons are joined to what the error said before", func(t *testing.T) {
		r := newRecord(&Task{Status: TaskStatusSwapping, Error: "old"})
		r.fail(second(1), "one", "", "two")
		require.Equal(t, "old; one; two", r.task.Error)
	})

	t.Run("units of a task that ends stay as they are", func(t *testing.T) {
		r := at(t, started)
		r.must(progress("u1", "n1", 0.5))
		before := r.task("ns", "a").Units
		r.must(cancellation())
		require.Equal(t, before, r.task("ns", "a").Units)
	})
}

func TestFinalizeNamesTheMissingNodes(t *testing.T) {
	r := at(t, barrierSwapping)
	require.ErrorContains(t, r.do(finalization()), "task ns/a/1 cannot be finalized yet: no successful post-completion ack from n1, n2")
	r.must(swapped("n1", ""))
	require.ErrorContains(t, r.do(finalization()), "ack from n2")
	r.must(swapped("n2", ""))
	r.must(finalization())
	require.Equal(t, TaskStatusFinished, r.task("ns", "a").Status)
}

func TestCleanUpTask(t *testing.T) {
	fresh := rejection{text: "too fresh", retryable: true}
	for name, tc := range map[string]struct {
		at, ttl int64 // milliseconds; the task was finished at 8000, its work at 5000
		want    rejection
	}{
		"past its time to live the record goes":            {at: 8101, ttl: 100},
		"at exactly its time to live it stays":             {8100, 100, fresh},
		"before its time to live it stays":                 {8050, 100, fresh},
		"without time to live a moment is enough":          {at: 8001, ttl: 0},
		"without time to live no age at all is too fresh":  {8000, 0, fresh},
		"a clock that is behind is too fresh":              {7000, 0, fresh},
		"a command without time was judged by its sender":  {at: 0, ttl: 1 << 40},
		"the largest time to live does not overflow":       {maxMillis, math.MaxInt64, fresh},
		"a negative time to live is refused":               {9000, -1, rejection{sentinel: ErrInvalidCommand, text: "negative"}},
		"a time that cannot be written is refused":         {maxMillis + 1, 0, rejection{sentinel: ErrInvalidCommand, text: "outside of the years"}},
		"the earliest instant is a time, and is too fresh": {minMillis, 0, fresh},
	} {
		t.Run(name, func(t *testing.T) {
			r := at(t, finished)
			err := r.do(cleanUp(tc.at, tc.ttl))
			tc.want.check(t, err)
			require.Equal(t, err == nil, r.task("ns", "a") == nil)
		})
	}

	t.Run("a record of an older binary counts from the end of its work", func(t *testing.T) {
		r := at(t, finished)
		r.records["ns"]["a"].task.TerminalAt = second(0).AddDate(-1969, 0, 0)
		require.True(t, r.records["ns"]["a"].task.TerminalAt.IsZero())
		fresh.check(t, r.do(cleanUp(5000, 0)))
		require.NoError(t, r.do(cleanUp(5001, 0)))
	})

	t.Run("no namespace is woken", func(t *testing.T) {
		r := at(t, finished)
		wakes := r.wakes
		r.must(cleanUp(0, 0))
		require.Equal(t, wakes, r.wakes)
	})
}

func TestBadInputIsRefusedForEver(t *testing.T) {
	far := int64(math.MaxInt64)
	for name, request := range map[string]any{
		"cancel without namespace":              &api.CancelDistributedTaskRequest{Id: "a"},
		"cancel without task id":                &api.CancelDistributedTaskRequest{Namespace: "ns"},
		"cancel at no time":                     &api.CancelDistributedTaskRequest{Namespace: "ns", Id: "a", CancelledAtUnixMillis: far},
		"finalize without namespace":            &api.MarkTaskFinalizedRequest{Id: "a"},
		"finalize without task id":              &api.MarkTaskFinalizedRequest{Namespace: "ns"},
		"finalize at no time":                   &api.MarkTaskFinalizedRequest{Namespace: "ns", Id: "a", FinalizedAtUnixMillis: far},
		"mark failed without namespace":         &api.MarkTaskFailedRequest{Id: "a"},
		"mark failed without task id":           &api.MarkTaskFailedRequest{Namespace: "ns"},
		"mark failed at no time":                &api.MarkTaskFailedRequest{Namespace: "ns", Id: "a", FailedAtUnixMillis: far},
		"clean up without namespace":            &api.CleanUpDistributedTaskRequest{Id: "a"},
		"clean up without task id":              &api.CleanUpDistributedTaskRequest{Namespace: "ns"},
		"completion without namespace":          &api.RecordDistributedTaskUnitCompletionRequest{Id: "a", UnitId: "u1", NodeId: "n1"},
		"completion without task id":            &api.RecordDistributedTaskUnitCompletionRequest{Namespace: "ns", UnitId: "u1", NodeId: "n1"},
		"completion without unit id":            completion("", "n1"),
		"completion without node id":            completion("u1", ""),
		"completion at no time":                 &api.RecordDistributedTaskUnitCompletionRequest{Namespace: "ns", Id: "a", UnitId: "u1", NodeId: "n1", FinishedAtUnixMillis: far},
		"progress without namespace":            &api.UpdateDistributedTaskUnitProgressRequest{Id: "a", UnitId: "u1", NodeId: "n1"},
		"progress without task id":              &api.UpdateDistributedTaskUnitProgressRequest{Namespace: "ns", UnitId: "u1", NodeId: "n1"},
		"progress without unit id":              progress("", "n1", 0),
		"progress without node id":              progress("u1", "", 0),
		"progress below 0":                      progress("u1", "n1", -0.001),
		"progress above 1":                      progress("u1", "n1", 1.001),
		"progress at no time":                   &api.UpdateDistributedTaskUnitProgressRequest{Namespace: "ns", Id: "a", UnitId: "u1", NodeId: "n1", UpdatedAtUnixMillis: far},
		"preparation ack without namespace":     &api.RecordDistributedTaskPreparationCompleteAckRequest{Id: "a", NodeId: "n1"},
		"preparation ack without task id":       &api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: "ns", NodeId: "n1"},
		"preparation ack without node id":       prepared("", ""),
		"preparation ack at no time":            &api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: "ns", Id: "a", NodeId: "n1", AckedAtUnixMillis: far},
		"post-completion ack without namespace": &api.RecordDistributedTaskPostCompletionAckRequest{Id: "a", NodeId: "n1"},
		"post-completion ack without task id":   &api.RecordDistributedTaskPostCompletionAckRequest{Namespace: "ns", NodeId: "n1"},
		"post-completion ack without node id":   swapped("", ""),
		"post-completion ack at no time":        &api.RecordDistributedTaskPostCompletionAckRequest{Namespace: "ns", Id: "a", NodeId: "n1", AckedAtUnixMillis: far},
	} {
		t.Run(name, func(t *testing.T) {
			rejection{sentinel: ErrInvalidCommand, text: "[dtm-perm/invalid-command] "}.check(t, at(t, started).do(request))
		})
	}
}

func TestApply(t *testing.T) {
	bad := func(text string) rejection { return rejection{sentinel: ErrInvalidCommand, text: text} }
	m := NewManager(ManagerParameters{})
	t.Run("no command is refused", func(t *testing.T) {
		bad("there is no command").check(t, m.Apply(nil, 1))
		bad("there is no command").check(t, m.CancelTask(nil))
	})
	t.Run("a command that was never shipped is refused", func(t *testing.T) {
		bad("unknown command DISTRIBUTED_TASK_RECORD_NODE_COMPLETED").check(t, m.Apply(&api.ApplyRequest{Type: 302}, 1))
	})
	t.Run("an unknown command is refused", func(t *testing.T) {
		bad("unknown command COMMAND_7").check(t, m.Apply(&api.ApplyRequest{Type: 7}, 1))
	})
	for _, kind := range []api.CommandType{
		api.CommandAddTask, api.CommandCancelTask, api.CommandCleanUpTask, api.CommandRecordUnitCompletion, api.CommandUpdateUnitProgress,
		api.CommandMarkTaskFinalized, api.CommandRecordPostAck, api.CommandRecordPreparationAck, api.CommandMarkTaskFailed,
	} {
		for name, sub := range map[string]string{"nothing": "", "a cut off document": `{"namespace":"ns"`, "another type": `{"namespace":7}`, "a list": `[]`} {
			t.Run(kind.String()+" of "+name+" is refused", func(t *testing.T) {
				bad("unmarshal api.").check(t, m.Apply(&api.ApplyRequest{Type: kind, SubCommand: []byte(sub)}, 1))
			})
		}
		t.Run(kind.String()+" of null is refused", func(t *testing.T) {
			bad("missing namespace").check(t, m.Apply(&api.ApplyRequest{Type: kind, SubCommand: []byte("null")}, 1))
		})
	}
}
