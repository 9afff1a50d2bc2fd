package explore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Check explores a machine. An error is one of the options (it wraps [ErrOptions]), of
// the model, which claimed something that is not so ([AuditError]), or of the explorer.
// A search that a bound or the context ended is no error: the result says so.
func Check[S comparable](ctx context.Context, m Model[S], o Options) (Result, error) {
	if err := validate(m, &o); err != nil {
		return Result{}, err
	}
	switch {
	case o.Liveness:
		return checkLive(ctx, m.(Live[S]), o)
	case o.DepthFirst:
		return depthFirst(ctx, m, o)
	}
	return breadthFirst(ctx, m, o)
}

// search is what the workers of one search share.
type search[S comparable] struct {
	ctx       context.Context
	model     Model[S]
	symmetric Symmetric[S] // nil without symmetry reduction
	reducible Reducible[S] // nil without reduction
	o         Options

	seen     visited[S] // nil for liveness
	stored   stored
	frontier gauge
	meter    meter
	dead     atomic.Uint64
	reduced  atomic.Uint64
	audited  atomic.Uint64

	stop atomic.Bool // a worker met a bound or an error
	mu   sync.Mutex  // guards what follows
	// bound is the first bound that was met, failed the first error.
	bound  Bound
	failed error
	found  map[string]finding[S] // by property
}

// finding is a step that breaks a property. The least of a level is told.
type finding[S comparable] struct {
	Broken
	parent  mark[S] // the state it was taken in
	level   int     // of that state
	ordinal int     // among the enabled actions
	next    mark[S] // the state it leads to
	path    *Path   // when it is known
}

func (f *finding[S]) compare(other *finding[S]) int {
	return cmp.Or(cmp.Compare(f.level, other.level), cmp.Compare(f.parent.fp, other.parent.fp), cmp.Compare(f.ordinal, other.ordinal))
}

func newSearch[S comparable](ctx context.Context, m Model[S], o Options) *search[S] {
	s := &search[S]{ctx: ctx, model: m, o: o, found: map[string]finding[S]{}}
	if o.Symmetry {
		s.symmetric = m.(Symmetric[S])
	}
	if o.Reduction {
		s.reducible = m.(Reducible[S])
	}
	switch {
	case o.Liveness:
		return s
	case o.Exact:
		s.seen = newExact[S]()
	default:
		s.seen = newTable[S]()
	}
	s.stored = s.seen
	return s
}

// fingerprint is that of a representative.
func (s *search[S]) fingerprint(state *S) uint64 { return mix(s.model.Fingerprint(state)) }

// canonical is the representative of a state.
func (s *search[S]) canonical(state *S) S {
	if s.symmetric == nil {
		return *state
	}
	return s.symmetric.Canonical(state)
}

// memory is what the search holds at this moment.
func (s *search[S]) memory() uint64 {
	return s.stored.bytes() + uint64(s.frontier.now.Load()) + s.retained()
}

// retained is what the model keeps.
func (s *search[S]) retained() uint64 {
	if m, ok := s.model.(Retaining); ok {
		return m.Retained()
	}
	return 0
}

// proceed says whether a worker may go on.
func (s *search[S]) proceed() bool {
	switch {
	case s.stop.Load():
		return false
	case s.ctx.Err() != nil:
		s.end(Interrupted)
	case s.o.MaxStates > 0 && s.stored.len() > s.o.MaxStates:
		s.end(States)
	case s.o.MaxMemory > 0 && s.memory() > s.o.MaxMemory:
		s.end(Memory)
	default:
		return true
	}
	return false
}

func (s *search[S]) end(b Bound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound == Unbounded {
		s.bound = b
	}
	s.stop.Store(true)
}

// fail ends the search with an error; the least of several, as several workers may meet
// one on the same level.
func (s *search[S]) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil || err.Error() < s.failed.Error() {
		s.failed = err
	}
}

// tell remembers a broken property, if it is the least that is known.
func (s *search[S]) tell(f finding[S]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.found[f.Property]; !ok || f.compare(&known) < 0 {
		s.found[f.Property] = f
	}
}

// ended says that nothing is to be explored after this level.
func (s *search[S]) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop.Load() || s.failed != nil || len(s.found) > 0
}

// result is what there is to say at the end; complete when nothing is left to expand.
func (s *search[S]) result(complete bool) (Result, error) {
	r := Result{
		States: s.stored.len(), Transitions: s.meter.transitions.Load(), Dead: s.dead.Load(), Levels: s.meter.levels,
		Depth: int(s.meter.depth.Load()), Exhausted: complete, Bound: s.bound,
		Audited: s.audited.Load(), Reduced: s.reduced.Load(),
		Memory: Usage{Visited: s.stored.bytes(), Frontier: uint64(s.frontier.peak.Load()), Model: s.retained()},
	}
	if !s.o.Exact {
		r.Omission = Omission(r.States)
	}
	for _, f := range s.found {
		if f.path == nil {
			p, err := s.rebuild(&f)
			if err != nil {
				return r, err
			}
			f.path = p
		}
		r.Violations = append(r.Violations, Violation{Broken: f.Broken, Path: *f.path})
	}
	slices.SortFunc(r.Violations, func(a, b Violation) int { return cmp.Compare(a.Property, b.Property) })
	return r, s.failed
}

// rebuild finds the steps that lead to a broken property.
func (s *search[S]) rebuild(f *finding[S]) (*Path, error) {
	var path *Path
	s.seen.chains(f.parent, f.level, func(chain []mark[S]) bool {
		path = s.realize(chain, f)
		return path == nil
	})
	if path == nil {
		return nil, fmt.Errorf("explore: no path leads to a state that breaks %s: two states have the same fingerprint, or the model is not a function of its arguments", f.Property)
	}
	return path, nil
}

// realize takes real steps along representatives, the last being the one that breaks the
// property; nil when there are none.
func (s *search[S]) realize(chain []mark[S], f *finding[S]) *Path {
	path := Path{Initial: -1, Loop: -1}
	var at S
	for i, start := range s.model.Initial(nil) {
		c := s.canonical(&start)
		if chain[0].is(&c, s.fingerprint(&c)) {
			path.Initial, at = i, start
			break
		}
	}
	if path.Initial < 0 {
		return nil
	}
	for i := range chain {
		want, last := f.next, i == len(chain)-1
		if !last {
			want = chain[i+1]
		}
		found := false
		for _, a := range s.model.Enabled(&at, nil) {
			next, broken := s.model.Step(&at, a)
			c := s.canonical(&next)
			if !want.is(&c, s.fingerprint(&c)) || last && (broken == nil || broken.Property != f.Property) {
				continue
			}
			if last {
				f.Message = broken.Message // names of the real states
			}
			path.Actions, at, found = append(path.Actions, a), next, true
			break
		}
		if !found {
			return nil
		}
	}
	return &path
}
