package property

import (
	"slices"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// lifecycle is P3: a task moves by the table only, a terminal one never, a version
// never goes back, and an active task is never replaced.
type lifecycle struct{ *findings }

// step is a transition; "" is no record.
type step struct{ from, to taskevent.TaskStatus }

const (
	absent    taskevent.TaskStatus = ""
	started                        = taskevent.Started
	preparing                      = taskevent.Preparing
	swapping                       = taskevent.Swapping
	finished                       = taskevent.Finished
	failed                         = taskevent.Failed
	cancelled                      = taskevent.Cancelled
)

// steps are the transitions that each accepted command may make. To stay is legal
// for the commands in mayStay.
var steps = map[string][]step{
	addTask:    {{absent, started}},
	cancelTask: {{started, cancelled}},
	// With acks that came early, the last unit takes a task through its phases at once.
	unitCompletion: {{started, failed}, {started, preparing}, {started, swapping}},
	preparationAck: {{preparing, swapping}, {preparing, failed}},
	postAck:        {{swapping, failed}},
	markFinalized:  {{swapping, finished}},
	markFailed:     {{started, failed}, {preparing, failed}, {swapping, failed}},
	cleanUpTask:    {{finished, absent}, {failed, absent}, {cancelled, absent}},
}

// mayStay are the statuses in which an accepted command may leave a task as it is.
var mayStay = map[string][]taskevent.TaskStatus{
	unitCompletion: {started},
	unitProgress:   {started},
	preparationAck: {started, preparing, swapping, finished, failed, cancelled},
	postAck:        {started, swapping, finished, failed, cancelled},
	markFinalized:  {finished},
	markFailed:     {failed},
}

func (c *lifecycle) observe(e *trace.Event, l *ledger) {
	switch {
	case e.Kind == trace.Committed && l.command.Name == addTask && l.command.Accepted:
		c.added(e.Node, l)
	case l.change != nil:
		c.moved(e.Node, l)
	}
}

// added looks at a new run before its record is seen.
func (c *lifecycle) added(node string, l *ledger) {
	c.stake("P3")
	r := l.order[len(l.order)-1]
	old := l.current[r.id.Key()]
	switch {
	case old == nil:
		return
	case old.active():
		c.report("P3", node, old.events(), "%s replaces %s, which is %s", r.id, old.id, old.status)
	case old.id.Version >= r.id.Version:
		c.report("P3", node, old.events(), "%s follows %s: the version went back", r.id, old.id)
	}
}

// moved holds one step of a run against the table.
func (c *lifecycle) moved(node string, l *ledger) {
	ch, cmd := l.change, l.command
	c.stake("P3")
	if !legal(cmd, ch) {
		what := "accepted"
		if !cmd.Accepted {
			what = "not accepted"
		}
		c.report("P3", node, ch.run.events(), "%s at index %d, %s, took %s from %q to %q", cmd.Name, cmd.Index, what, ch.run.id, ch.before, ch.after)
		return
	}
	if cmd.Name == unitCompletion && cmd.Accepted {
		c.unitsDone(node, cmd, ch)
	}
}

// legal says whether a command may have made this of a task.
func legal(cmd *taskevent.Command, ch *change) bool {
	switch {
	case !cmd.Accepted:
		return ch.before == ch.after
	case cmd.Name == dropCollection:
		return ch.after == absent
	case ch.before == ch.after && ch.before != absent:
		return slices.Contains(mayStay[cmd.Name], ch.before)
	}
	return slices.Contains(steps[cmd.Name], step{ch.before, ch.after})
}

// unitsDone: a task leaves STARTED with its last unit, and not before.
func (c *lifecycle) unitsDone(node string, cmd *taskevent.Command, ch *change) {
	if cmd.Error != "" {
		return
	}
	switch open := ch.run.unfinished; {
	case open > 0 && ch.after != started:
		c.report("P3", node, ch.run.events(), "%s became %s at index %d with %d units open", ch.run.id, ch.after, cmd.Index, open)
	case open == 0 && ch.after == started:
		c.report("P3", node, ch.run.events(), "%s is still STARTED at index %d although all units are terminal", ch.run.id, cmd.Index)
	case open == 0 && !ch.run.barrier && ch.after == preparing:
		c.report("P3", node, ch.run.events(), "%s has no preparation barrier and became PREPARING at index %d", ch.run.id, cmd.Index)
	case open == 0 && ch.run.barrier && ch.after == swapping && len(ch.run.missing(ch.run.prepared)) > 0:
		c.report("P3", node, ch.run.events(), "%s went past the preparation barrier at index %d", ch.run.id, cmd.Index)
	}
}

// finish compares the records that nodes hold at the end with the status that the log
// has made of them, up to where the node has applied it: nothing else may have
// touched them.
func (c *lifecycle) finish(l *ledger) {
	for i := range l.atRest {
		e := &l.atRest[i]
		if e.What != taskevent.RestRecord {
			continue
		}
		r := l.runs[e.Run]
		if r == nil {
			c.report("P3", e.node, []int{e.seq}, "the record of %s was never added", e.Run)
			continue
		}
		c.stake("P3")
		switch s := r.as(l.at(e.node).restIndex); {
		case s.status == absent:
			c.report("P3", e.node, []int{e.seq, s.seq}, "the record of %s is back, it was removed at index %d", r.id, s.index)
		case s.status != e.Status:
			c.report("P3", e.node, []int{e.seq, s.seq}, "%s ends as %s, the log made it %s at index %d", r.id, e.Status, s.status, s.index)
		}
	}
}
