package mutation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
	"dtsim/sim/trace"
)

// Simulation is the detector that runs plans: seed after seed, one of every family.
type Simulation struct {
	// Scripted are families that do the same with every seed. The defects that they show,
	// they mostly show with the first: later, there is one of them in each round of
	// Generated, of which a seed chooses everything.
	Scripted, Generated []*campaign.Family
	// Open makes the engine.
	Open func(context.Context, engine.Options) (engine.Engine, error)
	// Jobs is how many runs go on at once. What is found does not depend on it.
	Jobs   int
	Budget time.Duration
	Log    func(string)
	Now    func() time.Time
}

// Name implements [Detector].
func (s *Simulation) Name() string { return schema.Simulation }

// Skip implements [Detector].
func (s *Simulation) Skip(m *Mutant) string { return m.Unsimulated }

// Detect implements [Detector]. Where a data race is a kill, the last third of the budget is spent
// with the race detector.
func (s *Simulation) Detect(ctx context.Context, system System, wanted func(string) bool, repetition int) Finding {
	if !wanted(campaign.Race) {
		return s.detect(ctx, system, false, s.Budget, wanted, repetition)
	}
	plain := s.detect(ctx, system, false, s.Budget*2/3, wanted, repetition)
	if plain.Property != "" || plain.Err != nil {
		return plain
	}
	raced := s.detect(ctx, system, true, s.Budget-plain.Wall, wanted, repetition)
	raced.Runs += plain.Runs
	raced.Wall += plain.Wall
	raced.Violating += plain.Violating
	for id, n := range plain.Fired {
		raced.Fired[id] += n
	}
	return raced
}

// detect runs plans until a budget is spent. The first run, in the order of the seeds, that violates a
// wanted property is made a second time and counts only if that gives the same trace. In
// the first repetition the runs then go on, unless the mutant is a generated one; see the
// package comment.
func (s *Simulation) detect(
	ctx context.Context, system System, race bool, budget time.Duration, wanted func(string) bool, repetition int,
) Finding {
	e, err := s.Open(ctx, engine.Options{
		Edits: system.Edits, Choice: system.Choice, Race: race, Log: s.Log,
		// A mutant that loops costs at most this much.
		CPULimit: max(30*time.Second, s.Budget/3),
	})
	if err != nil {
		return Finding{Err: err}
	}
	defer e.Close()

	started := s.Now()
	bounded, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	next, stop := iter.Pull(s.runs(repetition))
	defer stop()
	h := hunt{engine: e, wanted: wanted, next: next, jobs: max(1, s.Jobs), best: -1}
	h.hunt(bounded, func() bool { return h.best >= 0 })
	f := h.finding()
	f.Wall = s.Now().Sub(started)
	switch f.Property {
	case "":
		return f
	case HarnessError:
		why, _, _ := strings.Cut(f.Message, "\n") // then come stacks
		f.Err = fmt.Errorf("%s: %s", h.seen[h.best].run, why)
		return f
	case campaign.Race: // it has no trace
	default:
		run := h.seen[h.best].run
		again, err := e.Run(ctx, job(run))
		if err != nil || !bytes.Equal(again.Trace, h.seen[h.best].trace) {
			f.Err = errors.Join(fmt.Errorf("%s gave two traces", run), err)
			return f
		}
	}
	last := h.best + 1
	if repetition == 1 && system.Choice == "" {
		h.hunt(bounded, func() bool { return h.violating() >= Convincing })
		last = len(h.seen)
	}
	f.Fired, f.Violating = h.fired(last)
	return f
}

// hunt is a search for the first run that violates a wanted property, in the order in
// which the runs begin, whatever the order in which they end.
type hunt struct {
	engine engine.Engine
	wanted func(string) bool
	next   func() (campaign.Run, bool)
	jobs   int

	mu sync.Mutex
	// seen are the runs that have begun, best is the first that was a kill, -1 for none.
	seen []*seen
	best int
}

// hunt makes runs until it is done or ctx ends; done is asked under the lock.
func (h *hunt) hunt(ctx context.Context, done func() bool) {
	var workers sync.WaitGroup
	for range h.jobs {
		workers.Go(func() { h.work(ctx, done) })
	}
	workers.Wait()
}

// seen is one run and its result.
type seen struct {
	run   campaign.Run
	ended bool
	// found are the violated properties, the first violation of each.
	found []trace.Violation
	trace []byte
}

// work makes one run after the other.
func (h *hunt) work(ctx context.Context, done func() bool) {
	for ctx.Err() == nil {
		h.mu.Lock()
		if done() {
			h.mu.Unlock()
			return
		}
		run, ok := h.next()
		if !ok {
			h.mu.Unlock()
			return
		}
		at, s := len(h.seen), &seen{run: run}
		h.seen = append(h.seen, s)
		h.mu.Unlock()
		result, err := h.engine.Run(ctx, job(run))
		if ctx.Err() != nil {
			return
		}
		h.mu.Lock()
		s.look(result, err)
		if slices.ContainsFunc(s.found, func(v trace.Violation) bool { return h.wanted(v.Property) }) {
			if h.best < 0 || at < h.best {
				h.best, s.trace = at, result.Trace
			}
		}
		h.mu.Unlock()
	}
}

// violating returns how many runs so far have violated a property.
func (h *hunt) violating() (n int) {
	for _, s := range h.seen {
		if s.violates() {
			n++
		}
	}
	return n
}

// violates reports whether a property was violated.
func (s *seen) violates() bool {
	return slices.ContainsFunc(s.found, func(v trace.Violation) bool { return mayKill(v.Property) })
}

func (s *seen) look(result engine.Result, err error) {
	s.ended = true
	violations := result.Footer.Verdict.Violations
	if raced, ok := campaign.Raced(err); ok {
		violations, err = raced, nil
	}
	if err != nil {
		violations = []trace.Violation{{Property: HarnessError, Message: err.Error()}}
	}
	for _, v := range violations {
		if !slices.ContainsFunc(s.found, func(w trace.Violation) bool { return w.Property == v.Property }) {
			s.found = append(s.found, v)
		}
	}
}

// finding is the result of the runs up to the first kill.
func (h *hunt) finding() Finding {
	last := len(h.seen)
	if h.best >= 0 {
		last = h.best + 1
	}
	var f Finding
	for _, s := range h.seen[:last] {
		if s.ended {
			f.Runs++
		}
	}
	f.Fired, f.Violating = h.fired(last)
	if h.best < 0 {
		return f
	}
	s := h.seen[h.best]
	v := s.found[slices.IndexFunc(s.found, func(v trace.Violation) bool { return h.wanted(v.Property) })]
	f.Property, f.Message, f.Where = v.Property, v.Message, s.run.Command()
	return f
}

// fired counts, in the runs before the last, what was violated and how many violated a
// property. Runs behind enough of these do not count: whether they were made depends on how
// many went on at once.
func (h *hunt) fired(last int) (by map[string]int, violating int) {
	by = make(map[string]int)
	for at, s := range h.seen[:last] {
		if violating >= Convincing && at > h.best {
			break
		}
		if s.violates() {
			violating++
		}
		for _, v := range s.found {
			by[v.Property]++
		}
	}
	return by, violating
}

func job(run campaign.Run) engine.Job {
	p := run.Plan()
	return engine.Job{Plan: p, Entropy: campaign.Entropy(p)}
}

// stride is how many seeds lie between two repetitions.
const stride = 1_000_000

// runs yields the runs of a repetition, without an end.
func (s *Simulation) runs(repetition int) iter.Seq[campaign.Run] {
	first := uint64(repetition-1)*stride + 1
	return func(yield func(campaign.Run) bool) {
		for _, family := range s.Scripted {
			if !yield(campaign.Run{Family: family, Seed: first}) {
				return
			}
		}
		for round := uint64(0); ; round++ {
			for _, family := range s.Generated {
				if !yield(campaign.Run{Family: family, Seed: first + round}) {
					return
				}
			}
			if n := uint64(len(s.Scripted)); n > 0 && !yield(campaign.Run{Family: s.Scripted[round%n], Seed: first + 1 + round/n}) {
				return
			}
		}
	}
}
