package tasks

import (
	"context"
	"fmt"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// trouble decides by the faults of the plan what goes wrong with the providers of a process.
type trouble process

var _ provider.Trouble = (*trouble)(nil)

// asks asks the rules of a kind about something that a provider does for a run.
func (t *trouble) asks(kind plan.FaultKind, run provider.Run, op, unit string) (cluster.Activation, bool) {
	details := taskevent.Trouble{Run: run, Op: op, Unit: unit}
	return t.Activated(kind, cluster.Decision{Op: op, About: about(run, unit)}, trace.FieldsOf(&details)...)
}

// Start implements provider.Trouble.
func (t *trouble) Start(run provider.Run) error {
	if _, ok := t.asks(taskplan.StartError, run, "", ""); ok {
		return fmt.Errorf("start of %s fails as planned", run)
	}
	return nil
}

// Unit implements provider.Trouble.
func (t *trouble) Unit(run provider.Run, unit string) (u provider.UnitTrouble) {
	if a, ok := t.asks(taskplan.WorkerDeath, run, "", unit); ok {
		return provider.UnitTrouble{Die: true, Late: late(a)}
	}
	_, fail := t.asks(taskplan.UnitError, run, "", unit)
	return provider.UnitTrouble{Fail: fail}
}

// Linger implements provider.Trouble.
func (t *trouble) Linger(run provider.Run) time.Duration {
	a, ok := t.asks(taskplan.WorkerLinger, run, "", "")
	if !ok {
		return 0
	}
	return a.Wait()
}

// Callback implements provider.Trouble.
func (t *trouble) Callback(name string, run provider.Run) (c provider.CallbackTrouble) {
	if a, ok := t.asks(taskplan.CallbackSlow, run, name, ""); ok {
		c.Slow = a.Wait()
	}
	if a, ok := t.asks(taskplan.CallbackPanic, run, name, ""); ok {
		c.Panic, c.Late = true, late(a)
		return c
	}
	if a, ok := t.asks(taskplan.CallbackCancelled, run, name, ""); ok {
		c.Err, c.Late = fmt.Errorf("%s is interrupted as planned: %w", name, context.Canceled), late(a)
		return c
	}
	if a, ok := t.asks(taskplan.CallbackError, run, name, ""); ok {
		c.Err, c.Late = fmt.Errorf("%s fails as planned", name), late(a)
	}
	return c
}

// late reports whether something goes wrong after it was done, rather than before.
func late(a cluster.Activation) bool { return a.Draw.Str("late").Chance(500_000) }
