package property

import (
	"cmp"
	"strconv"
	"strings"

	"dtsim/fsm/api"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
)

// specification is the part of P2 that one run of the log shows: models/spec takes
// every committed command as the real machine does, and gives it the same verdict, and
// leaves the same of the task and the unit it is about. That the answers of clients fit
// is for models/history.
type specification struct {
	*findings
	machine spec.Machine
}

func newSpecification(f *findings) *specification {
	guards := provider.NewSet(provider.Env{})
	rules := refinement.Rules(guards.ConflictDetectors(), guards.SchemaMutationDetectors(), guards.Extractors())
	return &specification{findings: f, machine: spec.New(rules)}
}

func (c *specification) observe(e *trace.Event, l *ledger) {
	switch {
	case e.Kind == trace.Inherited:
		c.inherit(e, l.Inherited)
	case e.Kind == trace.Committed:
		c.step(e, l)
	case l.Change != nil:
		c.left(e, l.Change)
	}
}

// inherit lets the specification begin with what the run begins with.
func (c *specification) inherit(e *trace.Event, from *projection.Inherited) {
	next, err := c.machine.Restore(from.Tasks)
	if err = cmp.Or(from.Err, err); err != nil {
		c.report("P2", e.Node, nil, "the snapshot with which the run begins cannot be read: %s", err)
		return
	}
	c.machine = next
}

// step holds a verdict against that of the specification.
func (c *specification) step(e *trace.Event, l *ledger) {
	cmd := l.Command
	if cmd.Duplicate || taskevent.OfSessions(cmd.Verdict) {
		return
	}
	t, ok := refinement.TaskCommands[cmd.Name]
	if !ok {
		c.schema(e, cmd)
		return
	}
	c.exercise("P2")
	answer := cmd.Verdict.AtCaller()
	got := spec.Verdict{Class: spec.Class(answer.Class), Reason: answer.Reason}
	next, want := c.machine.Step(cmd.Index, &api.ApplyRequest{Type: t, SubCommand: []byte(cmd.Body)})
	if t == api.CommandAddTask && c.unbound(l, cmd) {
		// The collection may come, what is wrong with the command itself stays.
		if next = c.machine; want.Class == spec.OK {
			want = spec.Verdict{Class: spec.Retryable}
		}
	}
	c.machine = next
	if got != want {
		c.report("P2", e.Node, c.led(l, cmd), "%s of %s/%s at index %d is %s (%s), by the specification it is %s",
			cmd.Name, cmd.Namespace, cmd.ID, cmd.Index, got, cmd.Outcome, want)
	}
}

// unbound reports whether a task is bound to a collection that is not there.
func (c *specification) unbound(l *ledger, cmd *taskevent.Command) bool {
	bound, ok := c.machine.Collection(cmd.Namespace, cmd.Payload)
	return ok && bound != "" && l.Collections[strings.ToLower(bound)] == nil
}

// schema lets the specification take part in what the schema commands do to tasks.
func (c *specification) schema(e *trace.Event, cmd *taskevent.Command) {
	if !cmd.Accepted {
		return
	}
	var refused error
	switch cmd.Name {
	case dropCollection:
		refused = c.machine.CheckClassMutation(cmd.Class)
		c.machine, _ = c.machine.DeleteTasksForCollection(cmd.Class)
	case updateProperty:
		if cmd.Migration == nil {
			refused = c.machine.CheckPropertyUpdate(cmd.Class, cmd.Property)
		}
	case deleteTenants:
		refused = c.machine.CheckTenantMutation(cmd.Class, cmd.TenantNames())
	default:
		return
	}
	c.exercise("P2")
	if refused != nil {
		c.report("P2", e.Node, nil, "%s of %s at index %d is accepted, the specification refuses it: %s", cmd.Name, cmd.Class, cmd.Index, refused)
	}
}

// left holds what a command left of a task against the specification.
func (c *specification) left(e *trace.Event, ch *projection.Change) {
	c.exercise("P2")
	id := ch.Run.ID
	t := c.machine.Task(id.Namespace, id.Task)
	if t != nil && t.Version != id.Version {
		t = nil
	}
	switch {
	case t == nil && ch.After == absent:
		return
	case t == nil:
		c.report("P2", e.Node, ch.Run.Events(), "%s is %s, the specification has no such task", id, ch.After)
		return
	case string(t.Status) != string(ch.After):
		c.report("P2", e.Node, ch.Run.Events(), "%s is %s, by the specification it is %s", id, name(ch.After), t.Status)
		return
	case ch.Unit == nil:
		return
	}
	u, _ := t.Units.Get(ch.UnitID)
	want := projection.Unit{Status: taskevent.UnitStatus(u.Status), Owner: u.Node}
	got := projection.Unit{Status: ch.Unit.Status, Owner: ch.Unit.Owner}
	if got != want || ch.Progress != strconv.FormatFloat(float64(u.Progress), 'g', -1, 32) {
		c.report("P2", e.Node, []int{ch.SeqBefore}, "unit %s of %s is %s of %q at %s, by the specification it is %s of %q at %g",
			ch.UnitID, id, got.Status, got.Owner, ch.Progress, want.Status, want.Owner, u.Progress)
	}
}

// led are the places of what led to a task as it is.
func (c *specification) led(l *ledger, cmd *taskevent.Command) []int {
	if r := l.Current[taskevent.Key{Namespace: cmd.Namespace, Task: cmd.ID}]; r != nil {
		return r.Events()
	}
	return nil
}

// finish compares the records at rest, whole, with those of the specification, on nodes
// that have applied all.
func (c *specification) finish(l *ledger) {
	for i := range l.atRest {
		e := &l.atRest[i]
		if e.What != taskevent.RestRecord || l.at(e.node).restIndex != l.Newest {
			continue
		}
		id, digest := e.Run, e.Digest
		t := c.machine.Task(id.Namespace, id.Task)
		if digest == "" || t == nil || t.Version != id.Version {
			continue // a record too many is for P3
		}
		c.exercise("P2")
		if want := strconv.FormatUint(t.Digest(), 16); digest != want {
			c.report("P2", e.node, []int{e.seq}, "the record of %s has the digest %s, that of the specification has %s", id, digest, want)
		}
	}
}
