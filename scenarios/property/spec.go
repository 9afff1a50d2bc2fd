package property

import (
	"cmp"
	"strconv"
	"strings"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// specification is the part of P2 that one run of the log shows: models/spec takes
// every committed command beside the real machine, and gives it the same verdict, and
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
		c.inherit(e, l.inherited)
	case e.Kind == trace.Committed:
		c.step(e, l)
	case l.change != nil:
		c.left(e, l.change)
	}
}

// inherit lets the specification begin with what the run begins with.
func (c *specification) inherit(e *trace.Event, from *inherited) {
	next, err := c.machine.Restore(from.tasks)
	if err = cmp.Or(from.err, err); err != nil {
		c.report("P2", e.Node, nil, "the snapshot with which the run begins cannot be read: %s", err)
		return
	}
	c.machine = next
}

// step holds a verdict against that of the specification.
func (c *specification) step(e *trace.Event, l *ledger) {
	cmd := l.command
	if cmd.duplicate || ofSessions(cmd.outcome) {
		return
	}
	t, ok := refinement.TaskCommands[cmd.name]
	if !ok {
		c.schema(e, cmd)
		return
	}
	c.stake("P2")
	got := spec.ReadVerdict(cmd.outcome)
	next, want := c.machine.Step(cmd.index, &api.ApplyRequest{Type: t, SubCommand: []byte(cmd.sub)})
	if t == api.CommandAddTask && c.unbound(l, cmd) {
		// The collection may come, what is wrong with the command itself stays.
		if next = c.machine; want.Class == spec.OK {
			want = spec.Verdict{Class: spec.Retryable}
		}
	}
	c.machine = next
	if got != want {
		c.report("P2", e.Node, c.led(l, cmd), "%s of %s/%s at index %d is %s (%s), the specification says %s",
			cmd.name, cmd.body.Namespace, cmd.body.ID, cmd.index, got, cmd.outcome, want)
	}
}

// unbound says that a task is bound to a collection that is not there.
func (c *specification) unbound(l *ledger, cmd *command) bool {
	bound, ok := c.machine.Collection(cmd.body.Namespace, cmd.body.Payload)
	return ok && bound != "" && l.collections[strings.ToLower(bound)] == nil
}

// schema lets the specification take part in what the schema commands do to tasks.
func (c *specification) schema(e *trace.Event, cmd *command) {
	if !cmd.accepted {
		return
	}
	var refused error
	switch cmd.name {
	case dropCollection:
		refused = c.machine.CheckClassMutation(cmd.class)
		c.machine, _ = c.machine.DeleteTasksForCollection(cmd.class)
	case updateProperty:
		if cmd.body.Migration == nil {
			refused = c.machine.CheckPropertyUpdate(cmd.class, cmd.body.Property)
		}
	case deleteTenants:
		refused = c.machine.CheckTenantMutation(cmd.class, cmd.body.names())
	default:
		return
	}
	c.stake("P2")
	if refused != nil {
		c.report("P2", e.Node, nil, "%s of %s at index %d is accepted, the specification refuses it: %s", cmd.name, cmd.class, cmd.index, refused)
	}
}

// left holds what a command left of a task against the specification.
func (c *specification) left(e *trace.Event, ch *change) {
	c.stake("P2")
	id := ch.run.id
	t := c.machine.Task(id.Namespace, id.Task)
	if t != nil && t.Version != id.Version {
		t = nil
	}
	switch {
	case t == nil && ch.after == absent:
		return
	case t == nil:
		c.report("P2", e.Node, ch.run.events(), "%s is %s, the specification has no such task", id, ch.after)
		return
	case string(t.Status) != string(ch.after):
		c.report("P2", e.Node, ch.run.events(), "%s is %s, the specification says %s", id, name(ch.after), t.Status)
		return
	case ch.unit == nil:
		return
	}
	u, _ := t.Units.Get(ch.unitID)
	want := unit{status: fsm.UnitStatus(u.Status), owner: u.Node}
	got := unit{status: ch.unit.status, owner: ch.unit.owner}
	if got != want || e.Str("progress") != strconv.FormatFloat(float64(u.Progress), 'g', -1, 32) {
		c.report("P2", e.Node, []int{ch.seqBefore}, "unit %s of %s is %s of %q at %s, the specification says %s of %q at %g",
			ch.unitID, id, got.status, got.owner, e.Str("progress"), want.status, want.owner, u.Progress)
	}
}

// led are the places of what led to a task as it is.
func (c *specification) led(l *ledger, cmd *command) []int {
	if r := l.current[[2]string{cmd.body.Namespace, cmd.body.ID}]; r != nil {
		return r.events()
	}
	return nil
}

// finish compares the records at rest, whole, with those of the specification, on nodes
// that have applied all.
func (c *specification) finish(l *ledger) {
	for i := range l.atRest {
		e := &l.atRest[i]
		if e.Str("what") != "record" || l.at(e.Node).restIndex != l.newest {
			continue
		}
		id, digest := runOf(e), e.Str("digest")
		t := c.machine.Task(id.Namespace, id.Task)
		if digest == "" || t == nil || t.Version != id.Version {
			continue // a record too many is for P3
		}
		c.stake("P2")
		if want := strconv.FormatUint(t.Digest(), 16); digest != want {
			c.report("P2", e.Node, []int{e.Seq}, "the record of %s has the digest %s, that of the specification has %s", id, digest, want)
		}
	}
}

// ofSessions says that a command was refused by the table of sessions, before the task
// API saw it.
func ofSessions(outcome string) bool {
	return strings.Contains(outcome, "request is below what its client still waits for") ||
		strings.Contains(outcome, "session has expired")
}
