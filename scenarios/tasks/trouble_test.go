package tasks

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// observed is what a run with faults was.
type observed struct {
	*testing.T
	events []trace.Event
}

// count counts the events of a kind on a node, "" for any, whose fields hold all of
// with, each "key=value".
func (t observed) count(kind trace.Kind, node string, with ...string) int {
	return len(t.all(kind, node, with...))
}

func (t observed) all(kind trace.Kind, node string, with ...string) (found []trace.Event) {
next:
	for _, e := range t.events {
		if e.Kind != kind || node != "" && e.Node != node {
			continue
		}
		for _, w := range with {
			key, value, _ := strings.Cut(w, "=")
			if e.Str(key) != value {
				continue next
			}
		}
		found = append(found, e)
	}
	return found
}

// at is when the first such event was.
func (t observed) at(kind trace.Kind, node string, with ...string) time.Duration {
	t.Helper()
	found := t.all(kind, node, with...)
	require.NotEmpty(t, found, "%s on %q with %v", kind, node, with)
	return found[0].At
}

// ends returns how the task ended.
func (t observed) ends() string {
	var status string
	for _, e := range t.all(trace.TaskChanged, "", "task=retokenize") {
		status = e.Str("status")
	}
	return status
}

// commands counts the committed commands of a name, by their outcome "ok" or not.
func (t observed) commands(name string) (accepted, refused int) {
	for _, e := range t.all(trace.Committed, "", "command="+name) {
		if e.Str("outcome") == "ok" {
			accepted++
		} else {
			refused++
		}
	}
	return accepted, refused
}

func seconds(n float64) plan.Duration { return plan.Duration(n * float64(time.Second)) }

// hostile is the reindex with faults, a quiescent phase, and only those promises that hold
// whatever happens.
func hostile(barrier bool, faults ...plan.Fault) *taskplan.Plan {
	p := reindex(barrier)
	p.Duration, p.Quiescence, p.Faults = seconds(90), seconds(45), faults
	p.Promises = nil
	return p
}

// task narrows a fault to the one task there is.
func task(f plan.Fault) plan.Fault {
	f.About = taskplan.About("reindex", "retokenize")
	return f
}

const (
	ackSwap    = "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK"
	ackPrepare = "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK"
	unitDone   = "DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED"
	addTask    = "DISTRIBUTED_TASK_ADD"
)

// Whatever goes wrong, the task ends, and schema and shards agree on how (P8): that is
// for the checks. The table holds what the fault has changed.
func TestEveryFaultOfProvidersAndCallsBites(t *testing.T) {
	for name, c := range map[string]struct {
		barrier bool
		faults  []plan.Fault
		edit    func(*taskplan.Plan)
		ends    string
		changed func(t observed)
	}{
		"starts that fail": {true, []plan.Fault{task(plan.Fault{Kind: taskplan.StartError, Node: "n1", For: seconds(15)})}, nil, "FINISHED", func(t observed) {
			require.Greater(t, t.at(trace.HandleStarted, "n1"), 15*time.Second)
		}},
		"workers that die": {true, []plan.Fault{task(plan.Fault{Kind: taskplan.WorkerDeath, Count: 3})}, nil, "FINISHED", func(t observed) {
			require.Greater(t, t.count(trace.HandleStarted, ""), 3, "they are started again")
		}},
		"workers that linger": {false, []plan.Fault{{Kind: taskplan.WorkerLinger, Min: seconds(2), Max: seconds(3)}}, func(p *taskplan.Plan) {
			p.Workload[1].Task.MinUnitTime = seconds(20)
			p.Workload[1].Task.MaxUnitTime = seconds(20)
			p.Workload = append(p.Workload, taskplan.Operation{At: seconds(8), Node: "n1", Do: taskplan.CancelTask, Namespace: "reindex", TaskID: "retokenize"})
		}, "CANCELLED", func(t observed) {
			require.Greater(t, t.at(trace.HandleExited, "n1")-t.at(trace.HandleTerminated, "n1"), 2*time.Second)
		}},
		"a unit that fails": {true, []plan.Fault{{Kind: taskplan.UnitError, About: map[string]string{taskplan.AboutNamespace: "reindex", taskplan.AboutTask: "retokenize", taskplan.AboutUnit: "s1__n2"}}}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.WorkEnded, "n2", "outcome=unit s1__n2 fails as planned"))
		}},
		"a swap that fails once": {true, []plan.Fault{{Kind: taskplan.CallbackError, Node: "n2", Op: "OnSwapRequested", Count: 1}}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.CallbackEnded, "n2", "error=OnSwapRequested fails as planned"))
		}},
		"a preparation that fails always": {true, []plan.Fault{{Kind: taskplan.CallbackError, Node: "n2", Op: "OnGroupCompleted"}}, nil, "FAILED", func(t observed) {
			require.Zero(t, t.count(trace.CallbackStarted, "", "callback=OnSwapRequested"))
		}},
		"an end that fails until quiescence": {true, []plan.Fault{{Kind: taskplan.CallbackError, Op: "OnTaskCompleted"}}, nil, "FINISHED", func(t observed) {
			require.Greater(t, t.at(trace.TaskChanged, "", "status=FINISHED"), 45*time.Second)
		}},
		"a group that panics": {false, []plan.Fault{{Kind: taskplan.CallbackPanic, Node: "n2", Op: "OnGroupCompleted", Count: 1}}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.CallbackEnded, "n2", "error=panic: OnGroupCompleted panics as planned"))
		}},
		"an end that panics": {true, []plan.Fault{{Kind: taskplan.CallbackPanic, Node: "n1", Op: "OnTaskCompleted", Count: 2}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 3, t.count(trace.CallbackStarted, "n1", "callback=OnTaskCompleted"))
		}},
		"a swap that is interrupted": {true, []plan.Fault{{Kind: taskplan.CallbackCancelled, Node: "n1", Op: "OnSwapRequested", Count: 2}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 3, t.count(trace.CallbackStarted, "n1", "callback=OnSwapRequested"))
		}},
		"a slow swap": {true, []plan.Fault{{Kind: taskplan.CallbackSlow, Node: "n1", Op: "OnSwapRequested", Min: seconds(5), Max: seconds(6)}}, nil, "FINISHED", func(t observed) {
			began := t.at(trace.CallbackStarted, "n1", "callback=OnSwapRequested")
			require.GreaterOrEqual(t, t.at(trace.CallbackEnded, "n1", "callback=OnSwapRequested")-began, 5*time.Second)
		}},
		"reports that fail": {true, []plan.Fault{{Kind: plan.CallError, Node: "n1", Op: "complete-unit", Count: 4}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 4, t.count(trace.Returned, "n1", "do=complete-unit", "outcome=error"))
		}},
		"acks without an answer": {true, []plan.Fault{{Kind: plan.ReplyError, Op: "ack-swap", Count: 2}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 2, t.count(trace.Returned, "", "do=ack-swap", "outcome=ambiguous"))
		}},
		"reports without an answer are committed twice": {true, []plan.Fault{{Kind: plan.ReplyError, Node: "n2", Op: "complete-unit", Count: 1}}, nil, "FINISHED", func(t observed) {
			accepted, refused := t.commands(unitDone)
			require.Equal(t, 4+1, accepted+refused, "there are four units")
		}},
		"reports that come twice": {true, []plan.Fault{{Kind: plan.CallTwice, Node: "n1", Op: "complete-unit", Min: seconds(0.1), Max: seconds(2)}}, nil, "FINISHED", func(t observed) {
			accepted, refused := t.commands(unitDone)
			require.Greater(t, accepted+refused, 4)
		}},
		"a flip that comes late and again": {true, []plan.Fault{{Kind: plan.CallLate, Op: "flip-property", Min: seconds(3), Max: seconds(5), Count: 3}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 3, t.count(trace.Returned, "", "do=flip-property", "outcome=ambiguous"))
		}},
		"a submission without an answer": {true, []plan.Fault{{Kind: plan.ReplyError, Op: "add-task"}}, func(p *taskplan.Plan) { p.Workload[1].Retry = 2 }, "FINISHED", func(t observed) {
			accepted, refused := t.commands(addTask)
			require.Equal(t, []int{1, 2}, []int{accepted, refused}, "the operator has tried again, twice")
		}},
		"late acks of a node that has crashed": {true, []plan.Fault{
			{Kind: plan.CallLate, Node: "n2", Op: "ack-swap", Min: seconds(4), Max: seconds(5), Count: 1},
			{Kind: plan.Crash, Node: "n2", When: &plan.Trigger{Moment: taskplan.PostAckSend, Node: "n2", Nth: 2}, For: seconds(10)},
		}, nil, "FINISHED", func(t observed) {
			late := t.all(trace.Called, "", "do=ack-swap")
			require.NotEqual(t, "n2", late[len(late)-1].Node, "it arrives without its node")
		}},
		"slow acks": {true, []plan.Fault{{Kind: plan.CallDelay, Node: "n1", Op: "ack-preparation", Min: seconds(4), Max: seconds(5)}}, nil, "FINISHED", func(t observed) {
			prepared := t.at(trace.CallbackEnded, "n1", "callback=OnGroupCompleted")
			require.Greater(t, t.at(trace.Called, "n1", "do=ack-preparation")-prepared, 4*time.Second)
		}},
		"acks that come twice": {true, []plan.Fault{{Kind: plan.CallTwice, Op: taskplan.AnyAck, Min: seconds(0.1), Max: seconds(3)}}, nil, "FINISHED", func(t observed) {
			accepted, refused := t.commands(ackPrepare)
			require.Greater(t, accepted+refused, 3)
		}},
		"acks that are lost": {true, []plan.Fault{{Kind: plan.CallLoss, Op: taskplan.AnyAck, Node: "n1", Count: 3}}, nil, "FINISHED", func(t observed) {
			require.Equal(t, 3, t.count(trace.Returned, "n1", "outcome=ambiguous"))
		}},
		"an ack that has another outcome after a restart": {true, []plan.Fault{
			{Kind: plan.Crash, Node: "n1", When: &plan.Trigger{Moment: taskplan.PostAckSend, Node: "n1"}, For: seconds(3)},
			{Kind: taskplan.AckFlip, Node: "n1", Op: "ack-swap"},
		}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.Called, "n1", "do=ack-swap", "success=false"))
		}},
		"files that are torn between two shards by a disk": {true, []plan.Fault{
			{Kind: plan.DiskError, Node: "n2", Op: "files", Count: 1, When: &plan.Trigger{Moment: taskplan.SwapBetweenShards, Node: "n2"}},
		}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.ShardChanged, "n2", "why=swapped"), "the other could not be written")
			require.Equal(t, 1, t.count(trace.ShardChanged, "n2", "why=rolled-back"))
		}},
		"files that are torn between two shards by a crash": {true, []plan.Fault{
			{Kind: plan.Crash, Node: "n2", When: &plan.Trigger{Moment: taskplan.SwapBetweenShards, Node: "n2"}, For: seconds(4)},
		}, nil, "FINISHED", func(t observed) {
			swaps := t.all(trace.ShardChanged, "n2", "why=swapped")
			require.Len(t, swaps, 2)
			require.Equal(t, []int{1, 2}, []int{swaps[0].Incarnation, swaps[1].Incarnation})
		}},
		"a task given up as the barrier lifts": {true, []plan.Fault{
			{Kind: plan.Operate, When: &plan.Trigger{Moment: taskplan.BarrierLift}, Do: taskplan.Do(taskplan.Operation{Node: plan.Here, Do: taskplan.FailTask, Namespace: "reindex", TaskID: "retokenize"})},
		}, nil, "FAILED", func(t observed) {
			require.Equal(t, 1, t.count(trace.Returned, "", "op=2", "do=fail-task", "outcome=ok"))
		}},
		"a cancellation between a claim and the work": {true, []plan.Fault{
			{Kind: plan.Operate, When: &plan.Trigger{Moment: taskplan.Claimed, Nth: 2}, Do: taskplan.Do(taskplan.Operation{Node: plan.Follower, Do: taskplan.CancelTask, Namespace: "reindex", TaskID: "retokenize"})},
		}, nil, "CANCELLED", func(t observed) {
			require.Equal(t, 1, t.count(trace.Returned, "", "op=2", "do=cancel-task", "outcome=ok"))
		}},
		"the record is removed as soon as the task has failed": {true, []plan.Fault{
			{Kind: taskplan.UnitError, About: map[string]string{taskplan.AboutNamespace: "reindex", taskplan.AboutTask: "retokenize", taskplan.AboutUnit: "s1__n2"}},
			{Kind: plan.Operate, When: &plan.Trigger{Moment: taskplan.CompleteTask}, Do: taskplan.Do(taskplan.Operation{Node: plan.Here, Do: taskplan.CleanUpTask, Namespace: "reindex", TaskID: "retokenize"})},
		}, nil, "", func(t observed) {
			require.Equal(t, 1, t.count(trace.Returned, "", "do=clean-up-task", "outcome=ok"))
			require.Zero(t, t.count(trace.AtRest, "", "what=local"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := hostile(c.barrier, c.faults...)
			if c.edit != nil {
				c.edit(p)
			}
			events, verdict, _ := play(t, p)
			require.Empty(t, verdict.Violations)
			seen := observed{t, events}
			require.Equal(t, c.ends, seen.ends())
			for i, f := range c.faults {
				switch f.Kind {
				case plan.Crash, plan.Operate:
				default:
					require.Positive(t, seen.count(trace.FaultActivated, "", "what="+string(f.Kind)), "fault %d", i)
				}
			}
			c.changed(seen)
		})
	}
}
