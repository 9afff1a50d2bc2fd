package fsm

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// record is a task with counters of its units and acks, so that a verdict takes the same
// time for large and small tasks. The counters are a function of the task; see tallyOf.
type record struct {
	task *Task
	tally
}

// tally counts a task's units and acks.
type tally struct {
	// open is the number of units that are not terminal.
	open int
	// owners are the nodes that own a unit.
	owners map[string]struct{}
	// prepared and swapped count the acks of the two phases.
	prepared, swapped ackTally
}

// ackTally counts the acks of one phase.
type ackTally struct {
	// succeeded is the number of owners with a successful ack.
	succeeded int
	// failed is the number of failed acks, of whichever node.
	failed int
}

// newRecord takes ownership of task.
func newRecord(task *Task) *record {
	return &record{task: task, tally: tallyOf(task)}
}

// tallyOf counts from scratch what the record keeps up to date.
func tallyOf(t *Task) tally {
	c := tally{owners: make(map[string]struct{})}
	for _, u := range t.Units {
		if !u.Status.IsTerminal() {
			c.open++
		}
		if u.NodeID != "" {
			c.owners[u.NodeID] = struct{}{}
		}
	}
	count := func(acks map[string]PostCompletionAck) (n ackTally) {
		for node, ack := range acks {
			_, owner := c.owners[node]
			n.add(ack, owner)
		}
		return n
	}
	c.prepared = count(t.PreparationCompletionAcks)
	c.swapped = count(t.PostCompletionAcks)
	return c
}

// add counts the ack of a node.
func (n *ackTally) add(ack PostCompletionAck, owner bool) {
	switch {
	case !ack.Success:
		n.failed++
	case owner:
		n.succeeded++
	}
}

// allPrepared reports whether every owner has acknowledged a successful
// preparation (P5).
func (c *tally) allPrepared() bool { return c.prepared.succeeded == len(c.owners) }

// allSwapped reports whether every owner has acknowledged a successful swap (P7).
// From then on a schema change may have happened, and FINISHED is the only way on
// (P8).
func (c *tally) allSwapped() bool { return c.swapped.succeeded == len(c.owners) }

// claim gives a unit that no other node owns to node. The first unit makes it an
// owner, whose early acks count from now on.
func (r *record) claim(u *Unit, node string) {
	u.NodeID = node
	if _, known := r.owners[node]; known {
		return
	}
	r.owners[node] = struct{}{}
	if r.task.PreparationCompletionAcks[node].Success {
		r.prepared.succeeded++
	}
	if r.task.PostCompletionAcks[node].Success {
		r.swapped.succeeded++
	}
}

// store keeps node's ack in acks, the map of one phase with the counters n, unless
// the node has acknowledged already: the first ack wins.
func (r *record) store(acks *map[string]PostCompletionAck, n *ackTally, node string, ack PostCompletionAck) bool {
	if _, acked := (*acks)[node]; acked {
		return false
	}
	if *acks == nil {
		*acks = make(map[string]PostCompletionAck)
	}
	(*acks)[node] = ack
	_, owner := r.owners[node]
	n.add(ack, owner)
	return true
}

// advance takes the task as far as its units and acks allow, at the command's
// instant. Acks that came before the phase they belong to count on entering it.
func (r *record) advance(at time.Time) {
	t := r.task
	if t.Status == TaskStatusStarted && r.open == 0 {
		t.FinishedAt = at
		t.Status = TaskStatusSwapping
		if t.NeedsPreparationBarrier {
			t.Status = TaskStatusPreparing
		}
	}
	if t.Status == TaskStatusPreparing {
		switch {
		case r.prepared.failed > 0:
			r.fail(at, failures("prep", t.PreparationCompletionAcks)...)
		case r.allPrepared():
			t.Status = TaskStatusSwapping
		}
	}
	if t.Status == TaskStatusSwapping && r.swapped.failed > 0 {
		r.fail(at, failures("post-completion swap", t.PostCompletionAcks)...)
	}
}

// failures describes the failed acks of a phase, by node.
func failures(phase string, acks map[string]PostCompletionAck) []string {
	var texts []string
	for _, node := range slices.Sorted(maps.Keys(acks)) {
		if ack := acks[node]; !ack.Success {
			texts = append(texts, fmt.Sprintf("%s failed on node %s: %s", phase, node, ack.Error))
		}
	}
	return texts
}

// fail ends the task as FAILED and adds the reasons that are not empty to its
// error.
func (r *record) fail(at time.Time, reasons ...string) {
	r.end(TaskStatusFailed, at)
	for _, reason := range reasons {
		switch {
		case reason == "":
		case r.task.Error == "":
			r.task.Error = reason
		default:
			r.task.Error += "; " + reason
		}
	}
}

// end makes the task terminal. FinishedAt, the end of the units' work, is set only
// when they had not ended.
func (r *record) end(status TaskStatus, at time.Time) {
	if r.task.Status == TaskStatusStarted {
		r.task.FinishedAt = at
	}
	r.task.Status = status
	r.task.TerminalAt = at
}

// name is the task's name in messages.
func (r *record) name() string {
	return fmt.Sprintf("task %s/%s/%d", r.task.Namespace, r.task.ID, r.task.Version)
}
