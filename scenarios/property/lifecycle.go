package property

import (
	"slices"

	"dtsim/scenarios/projection"
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
	case e.Kind == trace.Committed && l.Command.Name == addTask && l.Command.Accepted:
		c.added(e.Node, l)
	case l.Change != nil:
		c.moved(e.Node, l)
	}
}

// added looks at a new run before its record is seen.
func (c *lifecycle) added(node string, l *ledger) {
	c.exercise("P3")
	r := l.Order[len(l.Order)-1]
	old := l.Current[r.ID.Key()]
	switch {
	case old == nil:
		return
	case old.Active():
		c.report("P3", node, old.Events(), "%s replaces %s, which is %s", r.ID, old.ID, old.Status)
	case old.ID.Version >= r.ID.Version:
		c.report("P3", node, old.Events(), "%s follows %s: the version went back", r.ID, old.ID)
	}
}

// moved holds one step of a run against the table.
func (c *lifecycle) moved(node string, l *ledger) {
	ch, cmd := l.Change, l.Command
	c.exercise("P3")
	if !legal(cmd, ch) {
		what := "accepted"
		if !cmd.Accepted {
			what = "not accepted"
		}
		c.report("P3", node, ch.Run.Events(), "%s at index %d, %s, took %s from %q to %q", cmd.Name, cmd.Index, what, ch.Run.ID, ch.Before, ch.After)
		return
	}
	if cmd.Name == unitCompletion && cmd.Accepted {
		c.unitsDone(node, cmd, ch)
	}
}

// legal reports whether a command may have changed a task so.
func legal(cmd *taskevent.Command, ch *projection.Change) bool {
	switch {
	case !cmd.Accepted:
		return ch.Before == ch.After
	case cmd.Name == dropCollection:
		return ch.After == absent
	case ch.Before == ch.After && ch.Before != absent:
		return slices.Contains(mayStay[cmd.Name], ch.Before)
	}
	return slices.Contains(steps[cmd.Name], step{ch.Before, ch.After})
}

// unitsDone: a task leaves STARTED with its last unit, and not before.
func (c *lifecycle) unitsDone(node string, cmd *taskevent.Command, ch *projection.Change) {
	if cmd.Error != "" {
		return
	}
	switch open := ch.Run.Unfinished; {
	case open > 0 && ch.After != started:
		c.report("P3", node, ch.Run.Events(), "%s became %s at index %d with %d units open", ch.Run.ID, ch.After, cmd.Index, open)
	case open == 0 && ch.After == started:
		c.report("P3", node, ch.Run.Events(), "%s is still STARTED at index %d although all units are terminal", ch.Run.ID, cmd.Index)
	case open == 0 && !ch.Run.Barrier && ch.After == preparing:
		c.report("P3", node, ch.Run.Events(), "%s has no preparation barrier and became PREPARING at index %d", ch.Run.ID, cmd.Index)
	case open == 0 && ch.Run.Barrier && ch.After == swapping && len(ch.Run.Missing(ch.Run.Prepared)) > 0:
		c.report("P3", node, ch.Run.Events(), "%s went past the preparation barrier at index %d", ch.Run.ID, cmd.Index)
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
		r := l.Runs[e.Run]
		if r == nil {
			c.report("P3", e.node, []int{e.seq}, "the record of %s was never added", e.Run)
			continue
		}
		c.exercise("P3")
		switch s := r.As(l.at(e.node).restIndex); {
		case s.Status == absent:
			c.report("P3", e.node, []int{e.seq, s.Seq}, "the record of %s is back, it was removed at index %d", r.ID, s.Index)
		case s.Status != e.Status:
			c.report("P3", e.node, []int{e.seq, s.Seq}, "%s ends as %s, the log made it %s at index %d", r.ID, e.Status, s.Status, s.Index)
		}
	}
}
