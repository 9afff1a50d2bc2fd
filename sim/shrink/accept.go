package shrink

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// shrinker is one shrinking under way. Its methods are called by one goroutine.
type shrinker struct {
	ctx context.Context
	o   Options
	app Application

	best  Subject
	found trace.Violation // in a run of best
	first Subject

	// property is what is kept; atEnd is set if it was violated when the run ended, and
	// quiet how long nothing had been asked of the cluster by then.
	property string
	atEnd    bool
	promise  bool
	quiet    time.Duration

	runs       int
	reserve    int // runs of the budget that are for later
	unanswered int
	skipped    bool // a candidate has no answer: the oracle failed, or budget or time were over
	passes     []Pass
	minimal    bool

	answers map[string]*answer
	slots   chan struct{}
	ahead   sync.WaitGroup
}

// answer is the oracle's result for a plan, once done is closed.
type answer struct {
	plan Subject
	// counted is set once the result was used.
	counted    bool
	done       chan struct{}
	violations []trace.Violation
	err        error
}

func newShrinker(ctx context.Context, o Options) *shrinker {
	if o.Application == nil {
		o.Application = bare{}
	}
	o.Jobs = max(o.Jobs, 1)
	if o.Watch == nil {
		o.Watch = func(Step) {}
	}
	return &shrinker{ctx: ctx, o: o, app: o.Application, answers: map[string]*answer{}, slots: make(chan struct{}, o.Jobs)}
}

// begin runs the plan to shrink and notes what is to be kept.
func (s *shrinker) begin(p Subject) error {
	p = p.Clone()
	s.first, s.best = p, p
	a := s.ask(p)
	<-a.done
	s.count(a)
	switch {
	case a.err != nil:
		return a.err
	case len(a.violations) == 0:
		return ErrHolds
	}
	s.property = s.o.Property
	if s.property == "" {
		s.property = s.app.Cause(p.Encode(), a.violations).Property
	}
	for _, v := range a.violations {
		if v.Property == s.property {
			s.found = v
			s.atEnd = v.At >= p.Base().Duration.D()
			s.promise = p.Expects(v.Property)
			s.quiet = quiet(p)
			return nil
		}
	}
	return fmt.Errorf("%w: it violates %s and not %s", ErrHolds, a.violations[0].Property, s.property)
}

// quiet is how long nothing is asked of the cluster, nor anything done to it, before
// the end of a plan.
func quiet(p Subject) time.Duration {
	b := p.Base()
	return (b.Duration - max(b.Quiescence, p.Last())).D()
}

// candidates are plans to try, the most wanted first.
type candidates = iter.Seq[Subject]

// accept takes the first candidate that is a valid plan and still violates the
// property, makes it the best and returns its position in the sequence; false when
// there is none. Plans after it may have been run in vain, by other goroutines.
func (s *shrinker) accept(pass string, all candidates) (int, bool) {
	type entry struct {
		position int
		answer   *answer
	}
	var queue []entry
	decide := func() (int, bool) {
		e := queue[0]
		queue = queue[1:]
		if s.spent() && !e.answer.counted {
			s.skipped = true
			return 0, false
		}
		select {
		case <-e.answer.done:
		case <-s.ctx.Done():
			s.skipped = true
			return 0, false
		}
		s.count(e.answer)
		s.skipped = s.skipped || e.answer.err != nil
		p := s.pass(pass)
		p.Tried++
		v, ok := s.keeps(e.answer)
		if ok {
			p.Accepted++
			s.best, s.found = e.answer.plan, v
		}
		s.o.Watch(Step{Pass: pass, Runs: s.runs, Size: sizeOf(s.best)})
		return e.position, ok
	}
	position := -1
	for p := range all {
		position++
		if p == nil || !s.fits(p) {
			continue
		}
		if a := s.answers[plan.Hash(p.Encode())]; s.spent() && (a == nil || !a.counted) {
			s.skipped = true
			continue
		}
		queue = append(queue, entry{position, s.ask(p)})
		if len(queue) >= s.o.Jobs {
			if at, ok := decide(); ok {
				return at, true
			}
		}
	}
	for len(queue) > 0 {
		if at, ok := decide(); ok {
			return at, true
		}
	}
	return 0, false
}

// fits reports whether a plan may be tried at all.
func (s *shrinker) fits(p Subject) bool {
	return p.Validate() == nil && (!s.atEnd || quiet(p) >= s.quiet) && plan.Hash(p.Encode()) != plan.Hash(s.best.Encode())
}

// keeps returns the violation that makes a plan as bad as the one to shrink.
func (s *shrinker) keeps(a *answer) (trace.Violation, bool) {
	for _, v := range a.violations {
		if v.Property == s.property && (s.atEnd || v.At < a.plan.Base().Duration.D()) {
			return v, true
		}
	}
	return trace.Violation{}, false
}

// ask runs the oracle on a plan, unless it has its answer already.
func (s *shrinker) ask(p Subject) *answer {
	key := plan.Hash(p.Encode())
	if a := s.answers[key]; a != nil {
		return a
	}
	a := &answer{plan: p, done: make(chan struct{})}
	s.answers[key] = a
	s.slots <- struct{}{}
	s.ahead.Go(func() {
		defer func() { close(a.done); <-s.slots }()
		a.violations, a.err = s.o.Oracle(s.ctx, p.Encode())
	})
	return a
}

// count counts the run that an answer took, once.
func (s *shrinker) count(a *answer) {
	if !a.counted {
		a.counted = true
		s.runs++
		if a.err != nil {
			s.unanswered++
		}
	}
}

// spent reports whether no more runs may be made.
func (s *shrinker) spent() bool {
	return s.ctx.Err() != nil || s.o.Budget > 0 && s.runs >= s.o.Budget-s.reserve
}

// wait waits for the runs whose results were not used.
func (s *shrinker) wait() { s.ahead.Wait() }

// pass returns the account of a pass.
func (s *shrinker) pass(name string) *Pass {
	for i := range s.passes {
		if s.passes[i].Name == name {
			return &s.passes[i]
		}
	}
	s.passes = append(s.passes, Pass{Name: name})
	return &s.passes[len(s.passes)-1]
}

func (s *shrinker) result() Result {
	return Result{
		Plan: s.best.Encode(), Violation: s.found, Before: sizeOf(s.first), After: sizeOf(s.best), Runs: s.runs,
		Passes: s.passes, Elements: s.elements(), Minimal: s.minimal, Unanswered: s.unanswered,
	}
}
