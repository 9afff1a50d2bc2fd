package gallery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"dtsim/cmd/dtsim/internal/campaign"
	"dtsim/scenarios/mutants"
	"dtsim/sim/engine"
	"dtsim/sim/engine/build"
	"dtsim/sim/trace"
)

// The names of the judges.
const (
	simName     = "sim"
	exploreName = "explore"
	unitName    = "unit"
)

// Simulation is the judge that runs plans: seed after seed, one of every family.
type Simulation struct {
	// Families are what is run.
	Families []*campaign.Family
	// Open makes the engine.
	Open func(context.Context, engine.Options) (engine.Engine, error)
	// Jobs is how many runs go on at once. What is found does not depend on it.
	Jobs   int
	Budget time.Duration
	// Race runs with the race detector.
	Race bool
	Log  func(string)
	Now  func() time.Time
}

// Name implements [Judge].
func (s *Simulation) Name() string { return simName }

// Asked implements [Judge]: a simulation runs whatever there is.
func (s *Simulation) Asked(*mutants.Mutant) string { return "" }

// Look implements [Judge]. The first run, in the order of the seeds, that violates a
// wanted property is made a second time: only when that gives the same trace it counts.
func (s *Simulation) Look(ctx context.Context, edits build.Edits, wanted func(string) bool, repetition int) Finding {
	e, err := s.Open(ctx, engine.Options{
		Edits: edits, Race: s.Race, Log: s.Log,
		// A mutant that goes round in circles costs that much, and no more.
		Timeout: max(10*time.Second, s.Budget/3),
	})
	if err != nil {
		return Finding{Err: err}
	}
	defer e.Close()

	started := s.Now()
	bounded, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	h := hunt{engine: e, wanted: wanted, best: -1}
	next, stop := iter.Pull(s.runs(repetition))
	defer stop()
	var workers sync.WaitGroup
	for range max(1, s.Jobs) {
		workers.Go(func() { h.work(bounded, next) })
	}
	workers.Wait()
	f := h.finding()
	f.Wall = s.Now().Sub(started)
	if f.Property == "" || f.Property == campaign.Race {
		return f
	}
	run := h.seen[h.best].run
	again, err := e.Run(ctx, job(run))
	if err != nil || !bytes.Equal(again.Trace, h.seen[h.best].trace) {
		f.Err = errors.Join(fmt.Errorf("%s gave two traces", run), err)
	}
	return f
}

// hunt is a search for the first run that violates a wanted property, in the order in
// which the runs begin, whatever the order in which they end.
type hunt struct {
	engine engine.Engine
	wanted func(string) bool

	mu sync.Mutex
	// seen are the runs that have begun, best is the first that was a kill, -1 for none.
	seen []*seen
	best int
}

// seen is what one run showed.
type seen struct {
	run   campaign.Run
	ended bool
	// found are the violated properties, the first violation of each.
	found []trace.Violation
	trace []byte
}

// work makes runs until one that begins later could not be the first kill.
func (h *hunt) work(ctx context.Context, next func() (campaign.Run, bool)) {
	for ctx.Err() == nil {
		h.mu.Lock()
		run, ok := next()
		if !ok || h.best >= 0 {
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
			s.trace = result.Trace
			if h.best < 0 || at < h.best {
				h.best = at
			}
		}
		h.mu.Unlock()
	}
}

// broken stands in the place of a property where the harness has failed.
const broken = "exit 3"

func (s *seen) look(result engine.Result, err error) {
	s.ended = true
	violations := result.Footer.Verdict.Violations
	if raced, ok := campaign.Raced(err); ok {
		violations, err = raced, nil
	}
	if err != nil {
		violations = []trace.Violation{{Property: broken, Message: err.Error()}}
	}
	for _, v := range violations {
		if !slices.ContainsFunc(s.found, func(w trace.Violation) bool { return w.Property == v.Property }) {
			s.found = append(s.found, v)
		}
	}
}

// finding is what the runs up to the first kill came to.
func (h *hunt) finding() Finding {
	f := Finding{Others: map[string]int{}}
	for at, s := range h.seen {
		switch {
		case h.best >= 0 && at > h.best || !s.ended:
			continue
		case at == h.best:
			for _, v := range s.found {
				if f.Property == "" && h.wanted(v.Property) {
					f.Property, f.Message, f.Where = v.Property, v.Message, s.run.AgainAlone()
				}
				f.Together = append(f.Together, v.Property)
			}
			slices.Sort(f.Together)
		default:
			for _, v := range s.found {
				f.Others[v.Property]++
			}
		}
		f.Runs++
	}
	return f
}

func job(run campaign.Run) engine.Job {
	p := run.Plan()
	return engine.Job{Plan: p, Entropy: campaign.Entropy(p)}
}

// apart is how many seeds lie between two repetitions.
const apart = 1_000_000

// runs are the runs of a repetition, without an end.
func (s *Simulation) runs(repetition int) iter.Seq[campaign.Run] {
	return func(yield func(campaign.Run) bool) {
		for seed := uint64(repetition-1)*apart + 1; ; seed++ {
			for _, family := range s.Families {
				if !yield(campaign.Run{Family: family, Seed: seed}) {
					return
				}
			}
		}
	}
}
