package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrChanged is the error of a model that changed a state after the search had it, by way
// of a slice or map that states share: Step must copy what it changes.
var ErrChanged = errors.New("explore: the model changed a state after it was returned: a step must copy a slice or map before it changes it")

// Check explores a machine. An error is one of the options or of the type of states (it
// wraps [ErrOptions]), of the model, which does not keep its laws ([AuditError],
// [ErrChanged]), or of the explorer. A search that a bound or the context ended is no
// error: see Exhausted and Bound of the result.
func Check[S any](ctx context.Context, m Model[S], o Options) (Result, error) {
	s, err := newSearch(ctx, m, o)
	switch {
	case err != nil:
		return Result{}, err
	case o.Liveness:
		return s.live(m.(Live[S]))
	case o.DepthFirst:
		return s.depthFirst()
	}
	return s.breadthFirst()
}

// search is what the workers of one search share.
type search[S any] struct {
	ctx     context.Context
	model   Model[S]
	content *content[S]
	o       Options

	// What the model implements, nil for what it does not or what the options leave out.
	fingerprinter Fingerprinter[S]
	checker       StateChecker[S]
	constrained   Constrained[S]
	symmetric     Symmetric[S]
	reducible     Reducible[S]

	seen     visited[S] // nil for liveness
	stored   stored
	frontier gauge
	meter    meter
	dead     atomic.Uint64
	cut      atomic.Uint64
	reduced  atomic.Uint64
	audited  atomic.Uint64

	stop atomic.Bool // a worker met a bound or an error
	mu   sync.Mutex  // guards what follows
	// adding is held while candidates are stored, if there is a bound on states.
	adding sync.Mutex
	// bound is the first bound that was met, failed the first error.
	bound  Bound
	failed error
	found  map[string]finding // by property
}

// finding is a broken property. The least of a level is reported.
type finding struct {
	Broken
	steps int // of the shortest path
	// at is the state that breaks it, or that the step was taken in that does.
	at mark
	// ordinal is the place of the step among the enabled actions, -1 for a state; next is
	// the state that the step leads to.
	ordinal int
	next    mark
	path    *Path // when it is known
}

func (f *finding) compare(other *finding) int {
	return cmp.Or(cmp.Compare(f.steps, other.steps), cmp.Compare(f.at.fp, other.at.fp), cmp.Compare(f.ordinal, other.ordinal))
}

// newSearch validates the options and fills in their defaults.
func newSearch[S any](ctx context.Context, m Model[S], o Options) (*search[S], error) {
	if err := validate(m, &o); err != nil {
		return nil, err
	}
	c, err := contentOf[S]()
	if err != nil {
		return nil, optionError("%w", err)
	}
	s := &search[S]{ctx: ctx, model: m, content: c, o: o, found: map[string]finding{}}
	s.fingerprinter, _ = m.(Fingerprinter[S])
	s.checker, _ = m.(StateChecker[S])
	s.constrained, _ = m.(Constrained[S])
	if o.Symmetry {
		s.symmetric = m.(Symmetric[S])
	}
	if o.Reduction {
		s.reducible = m.(Reducible[S])
	}
	switch {
	case o.Liveness:
		return s, nil
	case o.Exact:
		s.seen = newExact(c)
	default:
		s.seen = newTable[S]()
	}
	s.stored = s.seen
	return s, nil
}

// hash is the model's fingerprint of a state, or the one derived from its content.
func (s *search[S]) hash(state *S) uint64 {
	if s.fingerprinter != nil {
		return s.fingerprinter.Fingerprint(state)
	}
	return s.content.hash(state)
}

// fingerprint is that of a representative.
func (s *search[S]) fingerprint(state *S) uint64 { return mix(s.hash(state)) }

// mark names a representative.
func (s *search[S]) mark(state *S, fp uint64) mark {
	if s.o.Exact {
		return mark{fp: fp, key: s.content.key(state), whole: true}
	}
	return mark{fp: fp}
}

// unchanged reports whether representatives still are what they were when their
// fingerprints were taken; if not, the search fails.
func (s *search[S]) unchanged(states []S, fps []uint64) bool {
	if !s.content.shared {
		return true
	}
	for i := range states {
		if s.fingerprint(&states[i]) != fps[i] {
			s.changed(&states[i])
			return false
		}
	}
	return true
}

// changed ends the search at a state that was changed.
func (s *search[S]) changed(state *S) {
	s.fail(fmt.Errorf("%w: it became %+v", ErrChanged, *state))
	s.stop.Store(true)
}

// checkState returns the properties that a state breaks by itself.
func (s *search[S]) checkState(state *S) []Broken {
	if s.checker == nil {
		return nil
	}
	return s.checker.CheckState(state)
}

// within reports whether a new state is to be expanded, and counts it if it is not.
func (s *search[S]) within(state *S) bool {
	if s.constrained == nil || s.constrained.Within(state) {
		return true
	}
	s.cut.Add(1)
	return false
}

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

// proceed reports whether a worker may go on.
func (s *search[S]) proceed() bool {
	switch {
	case s.stop.Load():
		return false
	case s.ctx.Err() != nil:
		s.end(Interrupted)
	case s.o.MaxMemory > 0 && s.memory() > s.o.MaxMemory:
		s.end(Memory)
	default:
		return true
	}
	return false
}

// room is how many more states may be stored.
func (s *search[S]) room() uint64 {
	if s.o.MaxStates == 0 {
		return math.MaxUint64
	}
	return s.o.MaxStates - s.stored.len()
}

// insert stores a state and reports whether it is new and there was room for it.
func (s *search[S]) insert(state *S, fp uint64) bool {
	if s.o.MaxStates == 0 {
		return s.seen.insert(state, fp)
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	if s.room() == 0 && !s.seen.has(state, fp) {
		s.end(States)
		return false
	}
	return s.seen.insert(state, fp)
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

// report keeps a broken property if it is the least that is known.
func (s *search[S]) report(f finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.found[f.Property]; !ok || f.compare(&known) < 0 {
		s.found[f.Property] = f
	}
}

// ended reports whether nothing is to be explored after this level.
func (s *search[S]) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop.Load() || s.failed != nil || len(s.found) > 0
}

// result sums up a search; complete reports whether nothing within the constraint is left
// to expand.
func (s *search[S]) result(complete bool) (Result, error) {
	r := Result{
		States: s.stored.len(), Transitions: s.meter.transitions.Load(), Dead: s.dead.Load(), Levels: s.meter.levels,
		Depth: int(s.meter.depth.Load()), Exhausted: complete, Bound: s.bound, Cut: s.cut.Load(),
		Audited: s.audited.Load(), Reduced: s.reduced.Load(),
		Memory: Usage{Visited: s.stored.bytes(), Frontier: uint64(s.frontier.peak.Load()), Model: s.retained()},
	}
	if !s.o.Exact {
		r.Omission = Omission(r.States)
	}
	if complete && r.Cut > 0 {
		r.Exhausted, r.Bound = false, Constraint
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
func (s *search[S]) rebuild(f *finding) (*Path, error) {
	level := f.steps
	if f.ordinal >= 0 {
		level--
	}
	var path *Path
	s.seen.chains(f.at, level, func(chain []mark) bool {
		path = s.realize(chain, f)
		return path == nil
	})
	if path == nil {
		return nil, fmt.Errorf("explore: no path leads to a state that breaks %s: two states have the same fingerprint, or the model is not a function of its arguments", f.Property)
	}
	return path, nil
}

// realize takes real steps along representatives to what breaks the property; nil when
// there are none.
func (s *search[S]) realize(chain []mark, f *finding) *Path {
	path := Path{Initial: -1, Loop: -1}
	var at S
	for i, start := range s.model.Initial(nil) {
		if chain[0].is(s.markOf(&start)) {
			path.Initial, at = i, start
			break
		}
	}
	if path.Initial < 0 {
		return nil
	}
	for _, want := range chain[1:] {
		a, next, _ := s.follow(&at, want, "")
		if next == nil {
			return nil
		}
		path.Actions, at = append(path.Actions, a), *next
	}
	// The messages name parts of the real states, not of their representatives.
	if f.ordinal < 0 {
		for _, b := range s.checker.CheckState(&at) {
			if b.Property == f.Property {
				f.Message = b.Message
				return &path
			}
		}
		return nil
	}
	a, next, message := s.follow(&at, f.next, f.Property)
	if next == nil {
		return nil
	}
	f.Message = message
	path.Actions = append(path.Actions, a)
	return &path
}

// follow takes the first step to a representative that breaks a property, if one is named;
// next is nil when there is none.
func (s *search[S]) follow(at *S, want mark, property string) (taken Action, next *S, message string) {
	for _, a := range s.model.Enabled(at, nil) {
		next, broken := s.model.Step(at, a)
		switch {
		case !want.is(s.markOf(&next)):
		case property == "":
			return a, &next, ""
		case broken != nil && broken.Property == property:
			return a, &next, broken.Message
		}
	}
	return 0, nil, ""
}

// markOf names the representative of a state.
func (s *search[S]) markOf(state *S) mark {
	c := s.canonical(state)
	return s.mark(&c, s.fingerprint(&c))
}
