package fsm_test

import (
	"errors"
	"fmt"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// The committed commands of a log take a task from its submission to its end. The state is
// a function of the log: the commands carry all times.
func Example() {
	m := fsm.NewManager(fsm.ManagerParameters{})
	index := uint64(0)
	apply := func(t api.CommandType, request any) error {
		command, err := api.NewApplyRequest(t, request)
		if err != nil {
			panic(err)
		}
		index++
		return m.Apply(command, index)
	}
	show := func() {
		task, err := m.Task("reindex", "books", 1)
		if err != nil {
			panic(err)
		}
		fmt.Println(task.Status, task.Units["shard-1"].Status, task.Units["shard-2"].Status)
	}

	_ = apply(api.CommandAddTask, &api.AddDistributedTaskRequest{
		Namespace: "reindex", Id: "books", UnitIds: []string{"shard-1", "shard-2"}, SubmittedAtUnixMillis: 1000,
	})
	show()
	for i, unit := range []string{"shard-1", "shard-2"} {
		_ = apply(api.CommandRecordUnitCompletion, &api.RecordDistributedTaskUnitCompletionRequest{
			Namespace: "reindex", Id: "books", Version: 1, NodeId: fmt.Sprintf("node-%d", i+1), UnitId: unit, FinishedAtUnixMillis: 2000,
		})
		show()
	}
	_ = apply(api.CommandMarkTaskFinalized, &api.MarkTaskFinalizedRequest{
		Namespace: "reindex", Id: "books", Version: 1, FinalizedAtUnixMillis: 3000,
	})
	show()

	err := apply(api.CommandCancelTask, &api.CancelDistributedTaskRequest{
		Namespace: "reindex", Id: "books", Version: 1, CancelledAtUnixMillis: 4000,
	})
	fmt.Println("cancelled too late:", errors.Is(err, fsm.ErrTaskNotRunning), errors.Is(err, fsm.ErrPermanentRejection))
	// Output:
	// STARTED PENDING PENDING
	// STARTED COMPLETED PENDING
	// SWAPPING COMPLETED COMPLETED
	// FINISHED COMPLETED COMPLETED
	// cancelled too late: true true
}
