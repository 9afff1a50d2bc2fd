package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"dtsim/fsm"
)

// Ack is one node's outcome of a phase, as the record has it.
type Ack uint8

const (
	// AckNone: the record holds no outcome of the node.
	AckNone Ack = iota
	// AckOK: the node acknowledged success.
	AckOK
	// AckFailed: the node acknowledged a failure.
	AckFailed
)

// Group is what a node needs to know of a group in which it owns units.
type Group struct {
	ID string
	// LocalUnits are the ids of the group's units this node owns, sorted.
	LocalUnits []string
	// Terminal: all units of the group, on every node, are terminal.
	Terminal bool
}

// Progress orders views of one version of a task by age: in the
// record itself no component ever falls.
type Progress struct {
	// Phase is 1 (STARTED), 2 (PREPARING), 3 (SWAPPING) or 4 (terminal); 0 for a
	// status this binary does not know, which is compared with nothing.
	Phase uint8
	// TerminalUnits and ClaimedUnits count units; PreparationAcks and PostAcks count
	// nodes.
	TerminalUnits, ClaimedUnits, PreparationAcks, PostAcks int
}

// OlderThan reports whether p was certainly read before q.
func (p Progress) OlderThan(q Progress) bool {
	return p.Phase != 0 && p.Phase < q.Phase ||
		p.TerminalUnits < q.TerminalUnits || p.ClaimedUnits < q.ClaimedUnits ||
		p.PreparationAcks < q.PreparationAcks || p.PostAcks < q.PostAcks
}

// join returns the least progress that is older than neither.
func (p Progress) join(q Progress) Progress {
	return Progress{
		Phase:           max(p.Phase, q.Phase),
		TerminalUnits:   max(p.TerminalUnits, q.TerminalUnits),
		ClaimedUnits:    max(p.ClaimedUnits, q.ClaimedUnits),
		PreparationAcks: max(p.PreparationAcks, q.PreparationAcks),
		PostAcks:        max(p.PostAcks, q.PostAcks),
	}
}

// Observation is what one record means to one node.
type Observation struct {
	Version uint64
	Status  fsm.TaskStatus
	// Barrier: the task has a preparation phase.
	Barrier bool
	// AcksRequired: the Manager refuses to finish the task without all acks.
	AcksRequired bool
	// Owner: this node owns at least one unit.
	Owner bool
	// Eligible: a unit that is not terminal belongs to this node or to no node yet.
	Eligible bool
	// Groups are those in which this node owns units, sorted by id.
	Groups []Group
	// OwnPreparationAck and OwnPostAck are this node's outcomes in the record.
	OwnPreparationAck, OwnPostAck Ack
	// AllPostAcksSucceeded: every node that owns units acknowledged a successful
	// swap, so that the only way out of SWAPPING is FINISHED.
	AllPostAcksSucceeded bool
	Progress             Progress
}

// Observe summarises a listed record for the node local. It costs one walk over
// the units, and keeps no reference to task.
func Observe(task *fsm.Task, local string) Observation {
	o := Observation{
		Version:           task.Version,
		Status:            task.Status,
		Barrier:           task.NeedsPreparationBarrier,
		AcksRequired:      task.AcksRequired,
		OwnPreparationAck: ackOf(task.PreparationCompletionAcks, local),
		OwnPostAck:        ackOf(task.PostCompletionAcks, local),

		AllPostAcksSucceeded: true,
		Progress: Progress{
			Phase:           phaseOf(task.Status),
			PreparationAcks: len(task.PreparationCompletionAcks),
			PostAcks:        len(task.PostCompletionAcks),
		},
	}
	owned := map[string]*Group{}
	open := map[string]bool{}
	for id, unit := range task.Units {
		if unit == nil {
			continue
		}
		terminal := unit.Status.IsTerminal()
		if terminal {
			o.Progress.TerminalUnits++
		} else {
			open[unit.GroupID] = true
			o.Eligible = o.Eligible || unit.NodeID == "" || unit.NodeID == local
		}
		if unit.NodeID == "" {
			continue
		}
		o.Progress.ClaimedUnits++
		if !task.PostCompletionAcks[unit.NodeID].Success {
			o.AllPostAcksSucceeded = false
		}
		if unit.NodeID != local {
			continue
		}
		group := owned[unit.GroupID]
		if group == nil {
			group = &Group{ID: unit.GroupID}
			owned[unit.GroupID] = group
		}
		group.LocalUnits = append(group.LocalUnits, id)
	}
	o.Owner = len(owned) > 0
	for group := range maps.Values(owned) {
		slices.Sort(group.LocalUnits)
		group.Terminal = !open[group.ID]
		o.Groups = append(o.Groups, *group)
	}
	slices.SortFunc(o.Groups, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
	return o
}

func ackOf(acks map[string]fsm.PostCompletionAck, node string) Ack {
	ack, ok := acks[node]
	switch {
	case !ok:
		return AckNone
	case ack.Success:
		return AckOK
	default:
		return AckFailed
	}
}

func phaseOf(status fsm.TaskStatus) uint8 {
	switch {
	case status == fsm.TaskStatusStarted:
		return 1
	case status == fsm.TaskStatusPreparing:
		return 2
	case status == fsm.TaskStatusSwapping:
		return 3
	case status.IsTerminal():
		return 4
	default:
		return 0
	}
}
