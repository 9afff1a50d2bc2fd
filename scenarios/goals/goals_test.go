package goals

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// example is a sequence that reaches a goal, and one that nearly does: it differs in what
// the goal is about.
type example struct{ reaches, nearly func(t *sequence) }

var examples = map[string]example{
	"crash between apply and reply of the last prepare ack": {
		func(t *sequence) {
			t.prepare("a").ack(0, preparationAck, "a", "n2", true, preparing).call(1, "n3", "ack-preparation", "a").
				ack(1, preparationAck, "a", "n3", true, swapping).crash("n1")
		},
		func(t *sequence) { // it is not the last one
			t.prepare("a").call(1, "n3", "ack-preparation", "a").ack(1, preparationAck, "a", "n3", true, preparing).crash("n1")
		},
	},
	"crash between apply and reply of the last post ack": {
		func(t *sequence) {
			t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).call(1, "n3", "ack-swap", "a").
				ack(1, postAck, "a", "n3", true, swapping).crash("n3")
		},
		func(t *sequence) { // the caller knows
			t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).call(1, "n3", "ack-swap", "a").
				ack(1, postAck, "a", "n3", true, swapping).returns(1, "n3", "ok").crash("n3")
		},
	},
	"crash between apply and reply of a submission": {
		func(t *sequence) { t.call(1, "n2", "add-task", "a").add(1, "n2", "a", true).crash("n2") },
		func(t *sequence) { t.call(1, "n2", "add-task", "a").add(1, "n2", "a", true).crash("n3") }, // a bystander
	},
	"crash between apply and reply of a completion": {
		func(t *sequence) {
			t.work("a", true).call(1, "n2", "complete-unit", "a").complete(1, "a", "u1", "n2", started).crash("n1")
		},
		func(t *sequence) { // before the apply
			t.work("a", true).call(1, "n2", "complete-unit", "a").crash("n1").complete(1, "a", "u1", "n2", started)
		},
	},
	"crash between apply and reply of a finalize": {
		func(t *sequence) {
			t.swap("a", true).call(1, "n2", "finalize-task", "a").commit(1, "n2", markFinalized, "a", "ok", nil).is("a", finished).crash("n2")
		},
		func(t *sequence) { // it was refused
			t.swap("a", true).call(1, "n2", "finalize-task", "a").commit(1, "n2", markFinalized, "a", "cannot be finalized yet", nil).crash("n2")
		},
	},
	"crash at work": {
		func(t *sequence) {
			t.work("a", true).ev("n2", trace.WorkStarted, append(t.about("a"), trace.Str("unit", "u1"))...).crash("n2")
		},
		func(t *sequence) {
			t.work("a", true).ev("n2", trace.WorkStarted, append(t.about("a"), trace.Str("unit", "u1"))...).
				ev("n2", trace.WorkEnded, append(t.about("a"), trace.Str("unit", "u1"), trace.Str("outcome", "ok"))...).crash("n2")
		},
	},
	"crash in the preparation": {
		func(t *sequence) {
			t.prepare("a").begins("n2", taskevent.GroupCompleted, "a", preparing, "u1").crash("n2")
		},
		func(t *sequence) {
			t.prepare("a").begins("n2", taskevent.GroupCompleted, "a", preparing, "u1").ends("n2", taskevent.GroupCompleted, "a", preparing, "").crash("n2")
		},
	},
	"crash in the swap": {
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").crash("n2")
		},
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").crash("n3")
		},
	},
	"crash between the swaps of two shards": {
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1", "u3").shardSwapped("n2", "a", "s1").crash("n2")
		},
		func(t *sequence) { // both have swapped
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1", "u3").shardSwapped("n2", "a", "s1").
				shardSwapped("n2", "a", "s2").crash("n2")
		},
	},
	"crash in OnTaskCompleted": {
		func(t *sequence) { t.swap("a", true).begins("n2", taskevent.TaskCompleted, "a", swapping).crash("n2") },
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.TaskCompleted, "a", swapping).ends("n2", taskevent.TaskCompleted, "a", swapping, "").crash("n2")
		},
	},
	"crash of the leader while SWAPPING": {
		func(t *sequence) { t.swap("a", true).crash("n1") },
		func(t *sequence) { t.swap("a", true).crash("n2") },
	},
	"crash in the middle of a snapshot": {
		func(t *sequence) { t.ev("n2", trace.SnapshotTaken).crash("n2") },
		func(t *sequence) { t.ev("n2", trace.SnapshotTaken).ev("n2", trace.SnapshotStored).crash("n2") },
	},
	"shutdown inside a callback": {
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").
				ends("n2", taskevent.SwapRequested, "a", swapping, "swap: context canceled").shutdown("n2")
		},
		func(t *sequence) { // a fault of the provider has said so
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").fault(trace.FaultActivated, taskplan.CallbackCancelled, "n2").
				ends("n2", taskevent.SwapRequested, "a", swapping, "swap: context canceled").shutdown("n2")
		},
	},
	"majority down while a task is active": {
		func(t *sequence) { t.work("a", true).crash("n2").crash("n3") },
		func(t *sequence) { t.work("a", true).crash("n2").start("n2").crash("n3") },
	},
	"node left for good during PREPARING": {
		func(t *sequence) { t.prepare("a").crash("n2").ev("n2", trace.NodeLeft) },
		func(t *sequence) { // it has acknowledged
			t.prepare("a").ack(0, preparationAck, "a", "n2", true, preparing).crash("n2").ev("n2", trace.NodeLeft)
		},
	},

	"restart between apply and callback": {
		func(t *sequence) { t.swap("a", true).restart("n2") },
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").restart("n2")
		},
	},
	"restart between callback and ack": {
		func(t *sequence) {
			t.prepare("a").begins("n2", taskevent.GroupCompleted, "a", preparing, "u1").ends("n2", taskevent.GroupCompleted, "a", preparing, "").restart("n2")
		},
		func(t *sequence) {
			t.prepare("a").begins("n2", taskevent.GroupCompleted, "a", preparing, "u1").ends("n2", taskevent.GroupCompleted, "a", preparing, "").
				ack(0, preparationAck, "a", "n2", true, preparing).restart("n2")
		},
	},
	"own prepare ack in the log at restart": {
		func(t *sequence) {
			t.prepare("a").crash("n2").ack(0, preparationAck, "a", "n2", true, preparing).start("n2")
		},
		func(t *sequence) {
			t.prepare("a").crash("n2").ack(0, preparationAck, "a", "n3", true, preparing).start("n2")
		},
	},
	"own post ack in the log at restart": {
		func(t *sequence) { t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).restart("n2") },
		func(t *sequence) { t.swap("a", true).ack(0, postAck, "a", "n3", true, swapping).restart("n2") },
	},
	"restart after the task has ended": {
		func(t *sequence) {
			t.work("a", true).crash("n2").commit(0, "", cancelTask, "a", "ok", nil).is("a", cancelled).start("n2")
		},
		func(t *sequence) { // the node knew
			t.work("a", true).commit(0, "", cancelTask, "a", "ok", nil).is("a", cancelled).applied("n2").restart("n2")
		},
	},
	"deferred bootstrap": {
		func(t *sequence) { t.restart("n2").ev("n2", trace.ListFailed).ev("n2", trace.Listed) },
		func(t *sequence) { // the first list has an answer; a later one and an operator's have none
			t.restart("n2").ev("n2", trace.ListFailed, trace.Int("op", 3)).ev("n2", trace.Listed).ev("n2", trace.ListFailed).ev("n2", trace.Listed)
		},
	},
	"unit resumed after a restart": {
		func(t *sequence) {
			unit := append(t.work("a", true).about("a"), trace.Str("unit", "u1"))
			t.ev("n2", trace.WorkStarted, unit...).restart("n2").ev("n2", trace.WorkStarted, unit...)
		},
		func(t *sequence) {
			unit := append(t.work("a", true).about("a"), trace.Str("unit", "u1"))
			t.ev("n2", trace.WorkStarted, unit...).ev("n2", trace.WorkEnded, unit...).restart("n2").ev("n2", trace.WorkStarted, unit...)
		},
	},

	"leader change while STARTED": {
		func(t *sequence) { t.work("a", true).leads("n2") },
		func(t *sequence) { t.work("a", true).leads("n1") },
	},
	"leader change while PREPARING": {
		func(t *sequence) { t.prepare("a").leads("n2") },
		func(t *sequence) { t.swap("a", true).leads("n2") },
	},
	"leader change while SWAPPING": {
		func(t *sequence) { t.swap("a", true).leads("n2") },
		func(t *sequence) { t.finish("a").leads("n2") },
	},
	"two leaders": {
		func(t *sequence) { t.leads("n2") },
		func(t *sequence) { t.steps("n1").leads("n2") },
	},
	"paused leader wakes up deposed": {
		func(t *sequence) { t.ev("n1", trace.NodePaused).leads("n2").ev("n1", trace.NodeResumed) },
		func(t *sequence) { t.ev("n2", trace.NodePaused).leads("n3").ev("n2", trace.NodeResumed) },
	},
	"phase applied late": {
		func(t *sequence) {
			t.work("a", true).complete(0, "a", "u1", "n2", started).complete(0, "a", "u2", "n3", preparing).wait(2 * time.Second).applied("n2")
		},
		func(t *sequence) { // no node waits for n1
			t.work("a", true).complete(0, "a", "u1", "n2", started).complete(0, "a", "u2", "n3", preparing).wait(2 * time.Second).applied("n1")
		},
	},

	"snapshot installed during PREPARING": {
		func(t *sequence) { t.prepare("a").restores("n2") },
		func(t *sequence) { t.prepare("a").restart("n2").restores("n2") }, // its own
	},
	"snapshot installed during SWAPPING": {
		func(t *sequence) { t.swap("a", true).restores("n1") },
		func(t *sequence) { t.prepare("a").restores("n1") },
	},
	"snapshot instead of the command that changes the phase": {
		func(t *sequence) {
			t.work("a", true).applied("n2").complete(0, "a", "u1", "n2", started).complete(0, "a", "u2", "n3", preparing).restores("n2")
		},
		func(t *sequence) { t.prepare("a").restores("n2") }, // it had applied the command
	},
	"restart from a snapshot with an active task": {
		func(t *sequence) { t.work("a", true).restart("n2").restores("n2") },
		func(t *sequence) { t.work("a", true).restores("n2") },
	},
	"snapshot taken during SWAPPING": {
		func(t *sequence) { t.swap("a", true).ev("n2", trace.SnapshotTaken) },
		func(t *sequence) { t.prepare("a").ev("n2", trace.SnapshotTaken) },
	},

	"duplicate request recognised by its id": {
		func(t *sequence) { t.work("a", true).commit(0, "", cancelTask, "a", "again", nil) },
		func(t *sequence) { t.work("a", true).commit(0, "", cancelTask, "a", "ok", nil) },
	},
	"ambiguous outcome of a committed command": {
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").add(1, "n2", "a", true).returns(1, "n2", "ambiguous")
		},
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").commit(1, "n2", addTask, "a", "is already running", nil).returns(1, "n2", "ambiguous")
		},
	},
	"ambiguous outcome later known committed": {
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").returns(1, "n2", "ambiguous").add(1, "n2", "a", true)
		},
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").returns(1, "n2", "ambiguous").add(2, "n2", "a", true)
		},
	},
	"ambiguous outcome never committed": {
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").returns(1, "n2", "ambiguous").ev("", trace.RunEnded)
		},
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").returns(1, "n2", "ambiguous").add(1, "n2", "a", true).ev("", trace.RunEnded)
		},
	},
	"command committed after its caller is gone": {
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").crash("n2").add(1, "n2", "a", true)
		},
		func(t *sequence) { t.call(1, "n2", "add-task", "a").add(1, "n2", "a", true).crash("n2") },
	},
	"another ack after the first": {
		func(t *sequence) {
			t.prepare("a").ack(0, preparationAck, "a", "n2", true, preparing).ack(0, preparationAck, "a", "n2", true, preparing)
		},
		func(t *sequence) {
			t.prepare("a").ack(0, preparationAck, "a", "n2", true, preparing).
				commit(0, "", preparationAck, "a", "again", map[string]any{"node_id": "n2", "success": true})
		},
	},
	"ack with another outcome than before": {
		func(t *sequence) {
			t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).ack(0, postAck, "a", "n2", false, swapping)
		},
		func(t *sequence) {
			t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).ack(0, postAck, "a", "n3", false, failed)
		},
	},

	"cancel racing the last unit": {
		func(t *sequence) {
			t.work("a", true).complete(0, "a", "u1", "n2", started).call(1, "n3", "complete-unit", "a").call(2, "n1", "cancel-task", "a").
				commit(2, "n1", cancelTask, "a", "ok", nil).is("a", cancelled)
		},
		func(t *sequence) { // it is not the last one
			t.work("a", true).call(1, "n3", "complete-unit", "a").call(2, "n1", "cancel-task", "a").commit(2, "n1", cancelTask, "a", "ok", nil)
		},
	},
	"cancel too late": {
		func(t *sequence) {
			t.prepare("a").commit(0, "", cancelTask, "a", "[dtm-perm/task-not-running] a is no longer running: its status", nil)
		},
		func(t *sequence) { t.work("a", true).commit(0, "", cancelTask, "a", "ok", nil) },
	},
	"two nodes' conflicting submissions in one instant": {
		func(t *sequence) {
			t.call(1, "n2", "add-task", "a").call(2, "n3", "add-task", "b").add(1, "n2", "a", true).
				commit(2, "n3", addTask, "b", "b conflicts with an existing task: task b conflicts with active task", nil)
		},
		func(t *sequence) { // the first is in the log before the second is submitted
			t.call(1, "n2", "add-task", "a").add(1, "n2", "a", true).call(2, "n3", "add-task", "b").
				commit(2, "n3", addTask, "b", "b conflicts with an existing task", nil)
		},
	},
	"same id submitted while it is active": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", addTask, "a", "task reindex/a is already running with version 1", nil)
		},
		func(t *sequence) { t.finish("a").add(0, "", "a", true) },
	},
	"same id submitted again after the end": {
		func(t *sequence) { t.finish("a").add(0, "", "a", true) },
		func(t *sequence) { // the record was gone
			t.finish("a").commit(0, "", cleanUpTask, "a", "ok", nil).is("a", "").add(0, "", "a", true)
		},
	},
	"restart beside a file torn between two steps": {
		func(t *sequence) {
			t.crash("n2").start("n2").ev("n2", trace.FileRemoved, trace.Str("file", "next/shard/Articles/s1"))
		},
		func(t *sequence) {
			t.crash("n2").start("n2").ev("n2", trace.FileRemoved, trace.Str("file", "shard/Articles/s1"))
		},
	},
	"bad submission refused for ever": {
		func(t *sequence) {
			t.commit(0, "", addTask, "a", "[dtm-perm/invalid-command] missing unit id: invalid command", nil)
		},
		func(t *sequence) {
			t.work("a", true).commit(0, "", addTask, "a", "task reindex/a is already running", nil)
		},
	},
	"task failed for a payload that nobody can read": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", unitCompletion, "a", "ok", nil).is("a", failed, unitIs("u1", "FAILED", "n2")...)
		},
		func(t *sequence) { // an operator gives it up
			t.work("a", true).commit(0, "", markFailed, "a", "ok", nil).is("a", failed)
		},
	},
	"late report refused": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", unitCompletion, "a", "[dtm-perm/task-not-running] a is no longer running: its status is CANCELLED", nil)
		},
		func(t *sequence) {
			t.work("a", true).commit(0, "", cancelTask, "a", "[dtm-perm/task-not-running] a is no longer running", nil)
		},
	},
	"claim lost": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", unitProgress, "a", "[dtm-perm/unit-wrong-node] unit u1 of a belongs to node n2, not n3", nil)
		},
		func(t *sequence) { t.work("a", true).commit(0, "", unitProgress, "a", "ok", nil) },
	},
	"unit claimed by the report of its end": {
		func(t *sequence) { t.add(0, "n1", "a", true).complete(0, "a", "u1", "n2", started) },
		func(t *sequence) { t.work("a", true).complete(0, "a", "u1", "n2", started) },
	},
	"failed prepare ack": {
		func(t *sequence) { t.prepare("a").ack(0, preparationAck, "a", "n2", false, failed) },
		func(t *sequence) { t.prepare("a").commit(0, "", markFailed, "a", "ok", nil).is("a", failed) },
	},
	"failed post ack": {
		func(t *sequence) { t.swap("a", true).ack(0, postAck, "a", "n2", false, failed) },
		func(t *sequence) { t.swap("a", true).commit(0, "", markFailed, "a", "ok", nil).is("a", failed) },
	},
	"unit failed while others are at work": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", unitCompletion, "a", "ok", nil).is("a", failed, unitIs("u1", "FAILED", "n2")...)
		},
		func(t *sequence) { // the other is done
			t.work("a", true).complete(0, "a", "u2", "n3", started).commit(0, "", unitCompletion, "a", "ok", nil).
				is("a", failed, unitIs("u1", "FAILED", "n2")...)
		},
	},
	"finalized by two nodes": {
		func(t *sequence) { t.finish("a").commit(0, "", markFinalized, "a", "ok", nil) },
		func(t *sequence) { t.finish("a").commit(0, "", markFinalized, "a", "again", nil) },
	},
	"fail-task of a task whose owner left during PREPARING": {
		func(t *sequence) {
			t.prepare("a").crash("n2").ev("n2", trace.NodeLeft).commit(0, "", markFailed, "a", "ok", nil).is("a", failed)
		},
		func(t *sequence) { // it is only down
			t.prepare("a").crash("n2").commit(0, "", markFailed, "a", "ok", nil).is("a", failed)
		},
	},
	"fail-task of a task whose owner left during SWAPPING": {
		func(t *sequence) {
			t.swap("a", true).crash("n2").ev("n2", trace.NodeLeft).commit(0, "", markFailed, "a", "ok", nil).is("a", failed)
		},
		func(t *sequence) { // who left owned nothing
			t.swap("a", true).crash("n1").ev("n1", trace.NodeLeft).commit(0, "", markFailed, "a", "ok", nil).is("a", failed)
		},
	},
	"fail-task refused after the last ack": {
		func(t *sequence) {
			t.swap("a", true).ack(0, postAck, "a", "n2", true, swapping).ack(0, postAck, "a", "n3", true, swapping).
				commit(0, "", markFailed, "a", "[dtm-perm/task-not-finalizing] a cannot be marked failed: every owning node has acknowledged its swap", nil)
		},
		func(t *sequence) {
			t.finish("a").commit(0, "", markFailed, "a", "a cannot be marked failed from status FINISHED", nil)
		},
	},
	"clean-up refused as too fresh": {
		func(t *sequence) { t.finish("a").commit(0, "", cleanUpTask, "a", "a is too fresh to clean up", nil) },
		func(t *sequence) { t.swap("a", true).commit(0, "", cleanUpTask, "a", "a is still running", nil) },
	},
	"clean-up of a record that is gone": {
		func(t *sequence) {
			t.finish("a").commit(0, "", cleanUpTask, "a", "ok", nil).is("a", "").commit(0, "", cleanUpTask, "a", "does not exist", nil)
		},
		func(t *sequence) {
			t.finish("a").commit(0, "", cleanUpTask, "a", "ok", nil).is("a", "").commit(0, "", cleanUpTask, "a", "again", nil)
		},
	},
	"collection dropped under an active task, refused": {
		func(t *sequence) {
			t.swap("a", true).commit(0, "", dropCollection, "", `drop collection "C": change of collection C conflicts with active task reindex/a@1`, nil)
		},
		func(t *sequence) { t.finish("a").commit(0, "", dropCollection, "", "ok", nil) },
	},
	"record dropped with its collection": {
		func(t *sequence) { t.finish("a").commit(0, "", dropCollection, "", "ok", nil).is("a", "") },
		func(t *sequence) { t.finish("a").commit(0, "", cleanUpTask, "a", "ok", nil).is("a", "") },
	},
	"record dropped with its collection while another task is SWAPPING": {
		func(t *sequence) {
			t.finish("a").swap("b", true).commit(0, "", dropCollection, "", "ok", nil).is("a", "")
		},
		func(t *sequence) { t.finish("a").prepare("b").commit(0, "", dropCollection, "", "ok", nil).is("a", "") },
	},
	"property updated under an active task, refused": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", updateProperty, "", "update of C.title conflicts with active task reindex/a@1", nil)
		},
		func(t *sequence) { t.work("a", true).commit(0, "", updateProperty, "", "ok", nil) },
	},
	"schema flip refused for another task": {
		func(t *sequence) {
			t.swap("a", true).commit(0, "", updateProperty, "", "update of C.title conflicts with active task repair/r@9", map[string]any{"migration": map[string]any{"id": "a"}})
		},
		func(t *sequence) { // a user's
			t.swap("a", true).commit(0, "", updateProperty, "", "update of C.title conflicts with active task repair/r@9", nil)
		},
	},
	"tenants deleted under an active task, refused": {
		func(t *sequence) {
			t.work("a", true).commit(0, "", deleteTenants, "", "change of the tenants of C conflicts with active task reindex/a@1", nil)
		},
		func(t *sequence) { t.work("a", true).commit(0, "", deleteTenants, "", "ok", nil) },
	},

	"id submitted that a newer version has at work, refused": {
		func(t *sequence) {
			t.inherits("a").commit(0, "", addTask, "a", "task reindex/a is already running", nil)
		},
		func(t *sequence) {
			t.inherits("a").work("b", true).commit(0, "", addTask, "b", "task reindex/b is already running", nil)
		},
	},
	"data that a newer version has at work, refused to others": {
		func(t *sequence) {
			t.inherits("a").commit(0, "", updateProperty, "", "update of C.title conflicts with active task reindex/a@1", nil)
		},
		func(t *sequence) {
			t.inherits("a").work("b", true).commit(0, "", updateProperty, "", "update of C.title conflicts with active task reindex/b@2", nil)
		},
	},
	"fail-task in a status that nobody knows, refused": {
		func(t *sequence) {
			t.inherits("a").commit(0, "", markFailed, "a", "a cannot be marked failed from status PAUSED: task is not in finalizing state", nil)
		},
		func(t *sequence) {
			t.inherits("b").finish("a").commit(0, "", markFailed, "a", "a cannot be marked failed from status FINISHED", nil)
		},
	},
	"clean-up in a status that nobody knows, refused": {
		func(t *sequence) {
			t.inherits("a").commit(0, "", cleanUpTask, "a", "a is still running: its status is PAUSED", nil)
		},
		func(t *sequence) {
			t.inherits("b").swap("a", true).commit(0, "", cleanUpTask, "a", "a is still running: its status is SWAPPING", nil)
		},
	},

	"provider asked LocalCallbacksDone and said no": {
		func(t *sequence) { t.ev("n2", trace.RecoveryAsked, trace.Bool("done", false)) },
		func(t *sequence) { t.ev("n2", trace.RecoveryAsked, trace.Bool("done", true)) },
	},
	"callback tried again after an error": {
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").ends("n2", taskevent.SwapRequested, "a", swapping, "boom").
				begins("n2", taskevent.SwapRequested, "a", swapping, "u1")
		},
		func(t *sequence) { // in another incarnation
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").ends("n2", taskevent.SwapRequested, "a", swapping, "boom").
				restart("n2").begins("n2", taskevent.SwapRequested, "a", swapping, "u1")
		},
	},
	"swap tried again after a crash": {
		func(t *sequence) {
			t.swap("a", false).begins("n2", taskevent.GroupCompleted, "a", swapping, "u1").restart("n2").begins("n2", taskevent.GroupCompleted, "a", swapping, "u1")
		},
		func(t *sequence) { // with the barrier this one prepares
			t.swap("a", true).begins("n2", taskevent.GroupCompleted, "a", swapping, "u1").restart("n2").begins("n2", taskevent.GroupCompleted, "a", swapping, "u1")
		},
	},
	"group completed while others are at work": {
		func(t *sequence) {
			t.work("a", false).complete(0, "a", "u1", "n2", started).begins("n2", taskevent.GroupCompleted, "a", started, "u1")
		},
		func(t *sequence) { t.swap("a", false).begins("n2", taskevent.GroupCompleted, "a", swapping, "u1") },
	},
	"task failed under a callback": {
		func(t *sequence) {
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").ack(0, postAck, "a", "n3", false, failed)
		},
		func(t *sequence) { // the node went down in it
			t.swap("a", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1").crash("n2").ack(0, postAck, "a", "n3", false, failed)
		},
	},
	"swap of two tasks at once": {
		func(t *sequence) {
			t.swap("a", true).swap("b", true).begins("n2", taskevent.SwapRequested, "a", swapping, "u1")
		},
		func(t *sequence) {
			t.swap("a", true).prepare("b").begins("n2", taskevent.SwapRequested, "a", swapping, "u1")
		},
	},
}

func TestEveryGoalHasATaleThatReachesItAndOneThatNearlyDoes(t *testing.T) {
	for _, g := range goals {
		require.Contains(t, kinds, g.on, "%s is about events that it is not shown", g.Name)
	}
	var names []string
	examples := raftExamples()
	for _, g := range Goals() {
		names = append(names, g.Name)
		require.NotEmpty(t, g.About, g.Name)
		about, ok := examples[g.Name]
		require.True(t, ok, "%q has no example", g.Name)
		t.Run(g.Name, func(t *testing.T) {
			reaches, nearly := newSequence(plan.Fault{Kind: taskplan.CallbackCancelled}), newSequence(plan.Fault{Kind: taskplan.CallbackCancelled})
			about.reaches(reaches)
			about.nearly(nearly)
			require.EqualValues(t, 1, reaches.counters()[coverage.SometimesPrefix+g.Name])
			require.Zero(t, nearly.counters()[coverage.SometimesPrefix+g.Name])
		})
	}
	require.GreaterOrEqual(t, len(names), 30)
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(Goals()), "no name is there twice")
	require.Len(t, examples, len(names), "each example has its goal")
}

func TestABootstrapIsDeferredByAListWithoutAnAnswer(t *testing.T) {
	const goal = coverage.SometimesPrefix + "deferred bootstrap"
	tick := taskplan.Default().SchedulerTick.D()
	late, soon, again := newSequence(), newSequence(), newSequence()
	require.EqualValues(t, 1, late.restart("n2").wait(tick).ev("n2", trace.Listed).counters()[goal])
	require.Zero(t, soon.restart("n2").wait(tick/2).ev("n2", trace.Listed).counters()[goal])
	require.Zero(t, newSequence().wait(tick).ev("n2", trace.Listed).counters()[goal], "there is no leader when a cluster starts")
	require.Zero(t, again.restart("n2").ev("n2", trace.Listed).wait(tick).ev("n2", trace.Listed).counters()[goal])
}

func TestAnOrdinaryRunReachesHardlyAnything(t *testing.T) {
	made := newSequence()
	made.finish("a")
	counters := made.counters()
	maps.DeleteFunc(counters, func(name string, _ int64) bool { return strings.HasPrefix(name, coverage.TriedPrefix) })
	require.Empty(t, counters)
}
