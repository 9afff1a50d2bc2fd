package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// Trouble decides what goes wrong with the providers of a node. It is asked at the
// points where something can, and decides that nothing does most of the time. Safe for concurrent
// use.
type Trouble interface {
	// Start is the error that a start of a run fails with, or nil.
	Start(run Run) error
	// Unit returns what becomes of the work on a unit.
	Unit(run Run, unit string) UnitTrouble
	// Linger is how long a worker lives on after it was stopped.
	Linger(run Run) time.Duration
	// Callback returns what becomes of a callback of that name.
	Callback(name string, run Run) CallbackTrouble
}

// UnitTrouble is what becomes of the work on a unit; the zero value is that it is
// done.
type UnitTrouble struct {
	// Fail lets the work fail.
	Fail bool
	// Die ends the worker: before the work, or, with Late, when it is durable and not
	// reported.
	Die, Late bool
}

// CallbackTrouble is what becomes of a callback; the zero value is that it does what
// it is for.
type CallbackTrouble struct {
	// Slow is how much longer it takes.
	Slow time.Duration
	// Err is what it returns, Panic lets it panic. It does so before it has done
	// anything or, with Late, after it has done all.
	Err   error
	Panic bool
	Late  bool
}

// none is the Trouble of a node without any.
type none struct{}

func (none) Start(Run) error                      { return nil }
func (none) Unit(Run, string) UnitTrouble         { return UnitTrouble{} }
func (none) Linger(Run) time.Duration             { return 0 }
func (none) Callback(string, Run) CallbackTrouble { return CallbackTrouble{} }

// do runs a callback as the trouble has it.
func (t CallbackTrouble) do(env Env, name string, f func() error) error {
	if t.Slow > 0 {
		if err := sleep(env.Halt, env.Clock, t.Slow); err != nil {
			return err
		}
	}
	spoilt := t.Err != nil || t.Panic
	if !spoilt {
		return f()
	}
	if t.Late {
		if err := f(); err != nil {
			return err
		}
	}
	if t.Panic {
		panic(fmt.Sprintf("%s panics as planned", name))
	}
	return t.Err
}

// moments are what a callback reaches when it begins and when it has ended; "" for
// none.
func moments(callback string, barrier bool) (begin, end plan.Moment) {
	switch {
	case callback == "OnTaskCompleted":
		return taskplan.CompleteTask, ""
	case callback == "OnGroupCompleted" && barrier:
		return taskplan.Prepare, taskplan.PrepareDone
	}
	return taskplan.SwapBegin, taskplan.SwapEnd
}

// reach announces a moment.
func (e Env) reach(m plan.Moment, run Run) {
	if m != "" && e.Reach != nil {
		e.Reach(m, run)
	}
}

// sleep lets the node's time pass.
func sleep(ctx context.Context, clock clockwork.Clock, d time.Duration) error {
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
