package cluster

import (
	"encoding/json"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// arrival is a moment that a node has reached.
type arrival struct {
	moment plan.Moment
	node   string
	run    provider.Run
	// copied says that it is about a command that another replica has applied before.
	copied bool
}

// reach announces a moment: the faults that wait for it strike before it returns. A
// node that crashes at a moment never takes another step: its fence is up then. It is
// called without locks, applying least of all.
func (i *incarnation) reach(moment plan.Moment, run provider.Run) {
	i.cluster.faults.arrive(arrival{moment: moment, node: i.node.name, run: run})
}

// milestone names what happens once in the life of a run, or of its unit.
type milestone struct {
	moment plan.Moment
	run    provider.Run
	unit   string
}

// eventMoments are the moments that an event of a node stands for.
func eventMoment(kind trace.Kind, fields []trace.Field) plan.Moment {
	e := trace.Event{Fields: fields}
	switch kind {
	case trace.Called:
		switch e.Str("do") {
		case "ack-preparation":
			return taskplan.PrepareAckSend
		case "ack-swap":
			return taskplan.PostAckSend
		case "finalize-task":
			return taskplan.FinalizeSend
		case "clean-up-task":
			return taskplan.CleanupSend
		}
	case trace.NodeState:
		if e.Str("state") == raft.Leader.String() {
			return plan.LeaderElected
		}
	}
	return ""
}

// announce announces the moments of an event that has just been emitted.
func (i *incarnation) announce(kind trace.Kind, fields []trace.Field) {
	if !i.cluster.faults.waiting() {
		return
	}
	if m := eventMoment(kind, fields); m != "" {
		e := trace.Event{Fields: fields}
		i.reach(m, provider.Run{Namespace: e.Str("namespace"), Task: e.Str("task")})
	}
}

// announceApplied announces the moments of an applied command, before anybody is told
// of its outcome. It is called with applying held and lets go of it meanwhile: the
// events of the apply are in the trace.
func (i *incarnation) announceApplied(a Applied, first bool) {
	c := i.cluster
	if i.dead || !c.faults.waiting() {
		return
	}
	moments, run := i.momentsOf(a)
	if len(moments) == 0 {
		return
	}
	c.applying.Unlock()
	defer c.applying.Lock()
	for _, m := range moments {
		c.faults.arrive(arrival{moment: m, node: i.node.name, run: run, copied: !first && m != plan.ApplyBeforeReply})
	}
}

// momentsOf returns what the node reaches with a command, and the run it is about.
// A command that the node has applied in an earlier life is not reached again.
func (i *incarnation) momentsOf(a Applied) (moments []plan.Moment, run provider.Run) {
	run = a.Run
	n := i.node
	if a.Index <= n.reached {
		return nil, run
	}
	n.reached = a.Index
	once := func(m plan.Moment, unit string, there bool) {
		key := milestone{m, run, unit}
		if there && !n.milestones[key] {
			n.milestones[key] = true
			moments = append(moments, m)
		}
	}
	if a.Err == nil && a.First == a.Index {
		status, unit := i.replica.Unit(a.Run, a.Unit)
		switch a.Command {
		case "DISTRIBUTED_TASK_ADD":
			once(taskplan.TaskAdded, "", true)
		case "DISTRIBUTED_TASK_UPDATE_UNIT_PROGRESS", "DISTRIBUTED_TASK_RECORD_UNIT_COMPLETED":
			once(taskplan.Claimed, a.Unit, unit != nil && unit.NodeID != "")
			once(taskplan.UnitDone, a.Unit, unit != nil && unit.Status.IsTerminal())
			once(taskplan.LastUnit, "", status != fsm.TaskStatusStarted && status != fsm.TaskStatusFailed && status != fsm.TaskStatusCancelled)
		case "DISTRIBUTED_TASK_RECORD_PREPARATION_COMPLETE_ACK":
			moments = append(moments, taskplan.PrepareAckApplied)
			once(taskplan.BarrierLift, "", status == fsm.TaskStatusSwapping)
		case "DISTRIBUTED_TASK_RECORD_POST_COMPLETION_ACK":
			moments = append(moments, taskplan.PostAckApplied)
		case "DISTRIBUTED_TASK_CANCEL":
			once(taskplan.CancelApplied, "", true)
		case "DISTRIBUTED_TASK_CLEAN_UP":
			once(taskplan.Cleaned, "", status == "")
		case "UPDATE_PROPERTY":
			if run = flipper(a.Body); run.Task != "" {
				once(taskplan.SchemaFlip, "", true)
			}
		}
		once(taskplan.Finalized, "", run.Task != "" && status == fsm.TaskStatusFinished)
	}
	if i.leads() {
		moments = append(moments, plan.ApplyBeforeReply)
	}
	return moments, run
}

// flipper returns the run whose flip of the schema a command is; zero for none.
func flipper(body string) provider.Run {
	var q struct {
		Migration struct {
			Namespace string `json:"namespace"`
			ID        string `json:"id"`
			Version   uint64 `json:"version"`
		} `json:"migration"`
		Tenants []string `json:"tenants"`
	}
	if err := json.Unmarshal([]byte(body), &q); err != nil || len(q.Tenants) > 0 {
		return provider.Run{}
	}
	return provider.Run{Namespace: q.Migration.Namespace, Task: q.Migration.ID, Version: q.Migration.Version}
}
