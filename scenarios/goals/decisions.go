package goals

import (
	"fmt"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Decides returns what decides in a run of a plan, besides which nodes lead: which commands
// about a task, a unit of it, a node's part in it or a collection were committed, and with
// what verdict; which callbacks of a task a node has ended; which
// answers the clients of the workload got. When something was decided, and what was reported
// in between, is not among it: a run in which all of that comes later has decided the same.
func Decides(p *plan.Plan) (coverage.Decide, error) {
	decoded, err := taskplan.Of(p)
	if err != nil {
		return nil, err
	}
	workload := int64(len(decoded.Workload))
	return func(e *trace.Event) (about string, what []string) {
		switch b := taskevent.Of(e).(type) {
		case *event.Committed:
			return committedAs(taskevent.ReadCommand(b))
		case *taskevent.CallbackEnded:
			return fmt.Sprintf("callbacks of %s/%s on %s", b.Namespace, b.Task, e.Node),
				[]string{b.Name, b.Group, string(b.Status), truth(b.Error == "")}
		case *event.Returned:
			// What operators do for a fault is the fault itself.
			if b.Op < workload {
				return fmt.Sprintf("workload[%d]", b.Op), []string{b.Outcome, event.ParseVerdict(b.Class).AtCaller().String()}
			}
		}
		return "", nil
	}, nil
}

// Decisive are the kinds of events that [Decides] knows.
func Decisive() []trace.Kind {
	return []trace.Kind{trace.Committed, trace.CallbackEnded, trace.Returned}
}

// committedAs is about a command, unless it repeats another or reports progress.
func committedAs(c *taskevent.Command) (about string, what []string) {
	if c.Duplicate || c.Name == unitProgress {
		return "", nil
	}
	verdict := c.Verdict.AtCaller().String()
	name := fmt.Sprintf("task %s/%s", c.Namespace, c.ID)
	switch {
	case c.Class != "":
		return "collection " + c.Class, []string{c.Name, verdict}
	case c.Unreadable:
		return "unreadable commands", []string{c.Name, verdict}
	case c.Name == unitCompletion:
		return name + " unit " + c.UnitID, []string{c.NodeID, truth(c.Error == ""), verdict}
	case c.Name == preparationAck || c.Name == postAck:
		return name + " on " + c.NodeID, []string{c.Name, truth(c.Success), verdict}
	}
	return name, []string{c.Name, verdict}
}

func truth(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
