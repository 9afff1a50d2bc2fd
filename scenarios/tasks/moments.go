package tasks

import (
	"encoding/json"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// milestone names what happens once on a node in the life of a run, or of its unit.
type milestone struct {
	node   string
	moment plan.Moment
	run    provider.Run
	unit   string
}

// momentsOf returns what the node reaches with a command, and the run it is about.
func (p *process) momentsOf(a Applied) (moments []plan.Moment, run provider.Run) {
	run = a.Run
	if a.Err != nil || a.First != a.Index {
		return nil, run
	}
	once := func(m plan.Moment, unit string, there bool) {
		key := milestone{p.Node(), m, run, unit}
		if there && !p.run.milestones[key] {
			p.run.milestones[key] = true
			moments = append(moments, m)
		}
	}
	status, unit := p.replica.Unit(a.Run, a.Unit)
	switch a.Type {
	case api.CommandAddTask:
		once(taskplan.TaskAdded, "", true)
	case api.CommandUpdateUnitProgress, api.CommandRecordUnitCompletion:
		once(taskplan.Claimed, a.Unit, unit != nil && unit.NodeID != "")
		once(taskplan.UnitDone, a.Unit, unit != nil && unit.Status.IsTerminal())
		once(taskplan.LastUnit, "", status != fsm.TaskStatusStarted && status != fsm.TaskStatusFailed && status != fsm.TaskStatusCancelled)
	case api.CommandRecordPreparationAck:
		moments = append(moments, taskplan.PrepareAckApplied)
		once(taskplan.BarrierLift, "", status == fsm.TaskStatusSwapping)
	case api.CommandRecordPostAck:
		moments = append(moments, taskplan.PostAckApplied)
	case api.CommandCancelTask:
		once(taskplan.CancelApplied, "", true)
	case api.CommandCleanUpTask:
		once(taskplan.Cleaned, "", status == "")
	case replica.CommandUpdateProperty:
		if run = flipper(a.Body); run.Task != "" {
			once(taskplan.SchemaFlip, "", true)
		}
	}
	once(taskplan.Finalized, "", run.Task != "" && status == fsm.TaskStatusFinished)
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
