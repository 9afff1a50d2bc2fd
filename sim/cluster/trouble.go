package cluster

import (
	"context"
	"fmt"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// trouble is what the faults of the plan make of the providers of an incarnation.
type trouble incarnation

var _ provider.Trouble = (*trouble)(nil)

// asks asks the rules of a kind about something that a provider does for a run.
func (t *trouble) asks(kind plan.FaultKind, run provider.Run, d decision) (*fault, keyed.Draw) {
	d.namespace, d.task = run.Namespace, run.Task
	fields := about(run)
	if d.op != "" {
		fields = append(fields, trace.Str("op", d.op))
	}
	if d.unit != "" {
		fields = append(fields, trace.Str("unit", d.unit))
	}
	return (*incarnation)(t).bites(kind, d, fields...)
}

// Start implements provider.Trouble.
func (t *trouble) Start(run provider.Run) error {
	if f, _ := t.asks(taskplan.StartError, run, decision{}); f != nil {
		return fmt.Errorf("start of %s fails as planned", run)
	}
	return nil
}

// Unit implements provider.Trouble.
func (t *trouble) Unit(run provider.Run, unit string) (u provider.UnitTrouble) {
	if f, draw := t.asks(taskplan.WorkerDeath, run, decision{unit: unit}); f != nil {
		return provider.UnitTrouble{Die: true, Late: late(draw)}
	}
	f, _ := t.asks(taskplan.UnitError, run, decision{unit: unit})
	return provider.UnitTrouble{Fail: f != nil}
}

// Linger implements provider.Trouble.
func (t *trouble) Linger(run provider.Run) time.Duration {
	f, draw := t.asks(taskplan.WorkerLinger, run, decision{})
	if f == nil {
		return 0
	}
	return f.wait(draw)
}

// Callback implements provider.Trouble.
func (t *trouble) Callback(name string, run provider.Run) (c provider.CallbackTrouble) {
	d := decision{op: name}
	if f, draw := t.asks(taskplan.CallbackSlow, run, d); f != nil {
		c.Slow = f.wait(draw)
	}
	if f, draw := t.asks(taskplan.CallbackPanic, run, d); f != nil {
		c.Panic, c.Late = true, late(draw)
		return c
	}
	if f, draw := t.asks(taskplan.CallbackCancelled, run, d); f != nil {
		c.Err, c.Late = fmt.Errorf("%s is interrupted as planned: %w", name, context.Canceled), late(draw)
		return c
	}
	if f, draw := t.asks(taskplan.CallbackError, run, d); f != nil {
		c.Err, c.Late = fmt.Errorf("%s fails as planned", name), late(draw)
	}
	return c
}

// late says whether something goes wrong after it was done, rather than before.
func late(draw keyed.Draw) bool { return draw.Str("late").Chance(500_000) }
