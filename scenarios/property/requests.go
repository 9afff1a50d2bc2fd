package property

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// requests is the other side of P15: what the log decides on is what a caller has asked for,
// however it came there: about the same run, unit, node and outcome.
type requests struct {
	*findings
	// calls are those under way by their numbers, asked by their requests.
	calls map[int64]called
	asked map[request]called
}

// called is a call.
type called struct {
	taskevent.Call
	do, node string
	seq      int
}

func newRequests(f *findings) *requests {
	return &requests{findings: f, calls: make(map[int64]called), asked: make(map[request]called)}
}

func (c *requests) observe(e *trace.Event, l *ledger) {
	switch b := e.Body.(type) {
	case *event.Called:
		// A command with a flaw is not what a call of its kind asks for.
		if about := taskevent.CallOf(b); about.Flaw == "" {
			c.calls[b.Op] = called{about, b.Do, e.Node, e.Seq}
		}
	case *event.Proposed:
		if q, ok := c.calls[b.Op]; ok {
			c.asked[b.Request] = q
		}
	case *event.Returned:
		delete(c.calls, b.Op) // its requests may yet be decided on
	case *event.Committed:
		q, ok := c.asked[l.Command.Request]
		if !ok || l.Command.Unreadable {
			return
		}
		c.exercise("P15")
		if wrong := q.differs(l.Command); wrong != "" {
			c.report("P15", q.node, []int{q.seq}, "%s asks for something else than %s at index %d decides on: %s", q.do, l.Command.Name, l.Command.Index, wrong)
		}
	}
}

// differs says in which way a command is not what was asked for; "" for none.
func (q *called) differs(cmd *taskevent.Command) string {
	if !cmd.OfTask() {
		return q.differsInSchema(cmd)
	}
	byNode := cmd.NodeID != ""
	switch {
	case cmd.Namespace != q.Namespace || cmd.ID != q.Task:
		return fmt.Sprintf("task %s/%s instead of %s/%s", cmd.Namespace, cmd.ID, q.Namespace, q.Task)
	case q.Version.Set && cmd.Args.Version != q.Version.Value:
		return fmt.Sprintf("version %d instead of %d", cmd.Args.Version, q.Version.Value)
	case cmd.UnitID != q.Unit:
		return fmt.Sprintf("unit %q instead of %q", cmd.UnitID, q.Unit)
	case byNode && !q.Resent && cmd.NodeID != q.node:
		return fmt.Sprintf("in the name of %s, by %s", cmd.NodeID, q.node)
	case q.Success.Set && cmd.Success != q.Success.Value:
		return fmt.Sprintf("success %t instead of %t", cmd.Success, q.Success.Value)
	case q.do == taskevent.FailUnit && cmd.Error == "":
		return "a unit that has not failed"
	case q.do == taskevent.CompleteUnit && cmd.Error != "":
		return "a unit that has failed: " + cmd.Error
	case q.do == taskevent.UpdateProgress && strconv.FormatFloat(float64(cmd.Progress), 'g', -1, 32) != q.Progress:
		return fmt.Sprintf("progress %g instead of %s", cmd.Progress, q.Progress)
	case cmd.Name == addTask:
		return differsInUnits(cmd)
	}
	return ""
}

// differsInUnits says in which way a submission is not that of its payload.
func differsInUnits(cmd *taskevent.Command) string {
	p, err := provider.DecodePayload(cmd.Payload)
	switch {
	case err != nil:
		return err.Error()
	case string(p.Kind) != cmd.Namespace || p.ID != cmd.ID:
		return fmt.Sprintf("the payload of %s/%s", p.Kind, p.ID)
	case cmd.NeedsPreparationBarrier != p.Barrier:
		return fmt.Sprintf("preparation barrier %t instead of %t", cmd.NeedsPreparationBarrier, p.Barrier)
	}
	units := cmd.Args.Units()
	if p.Kind == taskplan.Cleanup {
		if len(units) != p.Files {
			return fmt.Sprintf("%d units instead of %d", len(units), p.Files)
		}
		return ""
	}
	if len(units) != len(p.Places) {
		return fmt.Sprintf("%d units instead of %d", len(units), len(p.Places))
	}
	for _, u := range units {
		at, ok := p.Places[u.ID]
		group := ""
		if p.PerTenant {
			group = at.Shard
		}
		if !ok || u.Group != group {
			return fmt.Sprintf("unit %q in group %q, which the payload does not have", u.ID, u.Group)
		}
	}
	return ""
}

func (q *called) differsInSchema(cmd *taskevent.Command) string {
	switch {
	case cmd.Class != q.Collection:
		return fmt.Sprintf("collection %q instead of %q", cmd.Class, q.Collection)
	case cmd.Property != q.Property:
		return fmt.Sprintf("property %q instead of %q", cmd.Property, q.Property)
	case cmd.Tokenization != q.Tokenization:
		return fmt.Sprintf("tokenization %q instead of %q", cmd.Tokenization, q.Tokenization)
	case cmd.Migration != nil && (cmd.Migration.Run() != q.Run()):
		return fmt.Sprintf("for %s instead of %s", cmd.Migration.Run(), q.Run())
	}
	if tenants := tenantsOf(cmd); q.Tenants != "" && strings.Join(tenants, ",") != q.Tenants {
		return fmt.Sprintf("tenants %s instead of %s", strings.Join(tenants, ","), q.Tenants)
	}
	return ""
}

// tenantsOf returns the names of the tenants of a command.
func tenantsOf(cmd *taskevent.Command) []string {
	var names []string
	if json.Unmarshal(cmd.Tenants, &names) == nil {
		return names
	}
	var shards []taskevent.Shard
	_ = json.Unmarshal(cmd.Tenants, &shards)
	names = nil
	for _, s := range shards {
		names = append(names, s.Name)
	}
	return names
}

func (c *requests) finish(*ledger) {}
