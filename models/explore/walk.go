package explore

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Choice is how a random walk chooses among the enabled actions.
type Choice string

// The choices. Mixed draws one of the others for every run, of those that the model
// supports.
const (
	Mixed   Choice = ""
	Uniform Choice = "uniform"
	// Swarm gives each kind of action a random weight for a run, and leaves some out
	// (Groce et al., "Swarm Testing", 2012). The model must be [Kinded].
	Swarm Choice = "swarm"
	// Priority gives each process a random priority for a run, takes the first that can
	// move, and demotes it at a few random moments (PCT: Burckhardt et al., "A Randomized
	// Scheduler with Probabilistic Guarantees of Finding Bugs", 2010). The model must be
	// [Concurrent].
	Priority Choice = "priority"
)

// Walking is how a machine is walked through.
type Walking struct {
	// Steps is how many steps are taken in all.
	Steps uint64
	// Length ends a run after so many steps, [DefaultLength] when it is 0.
	Length int
	Seed   uint64
	Choice Choice
}

// DefaultLength is the greatest length of a run.
const DefaultLength = 1000

// Walked is the outcome of random walks.
type Walked struct {
	// Steps were taken in Runs, from an initial state each; Dead of those ended in a state
	// without an enabled action.
	Steps, Runs, Dead uint64
	// States are the distinct states met, by fingerprint.
	States uint64
	// Deepest is the length of the longest run.
	Deepest int
	// Cut counts the runs that ended in a state outside the constraint ([Constrained]).
	Cut uint64
	// Coverage is how many distinct states there were after so many steps.
	Coverage []Covered
	// Complete reports whether all steps that were asked for were taken, or a violation
	// found; if not, Bound is why.
	Complete bool
	Bound    Bound
	// Violations are those of the first run that broke the property.
	Violations []Violation
	// Memory is what the fingerprints took.
	Memory Usage
}

// Covered is a point of a coverage curve.
type Covered struct{ Steps, States uint64 }

// Fresh is the share of steps that led to a new state, between the last two points of the
// curve: whether walking still pays.
func (w *Walked) Fresh() float64 {
	n := len(w.Coverage)
	if n == 0 {
		return 0
	}
	last, before := w.Coverage[n-1], Covered{}
	if n > 1 {
		before = w.Coverage[n-2]
	}
	if last.Steps == before.Steps {
		return 0
	}
	return float64(last.States-before.States) / float64(last.Steps-before.Steps)
}

// A walk is cut into legs of Length steps, each with random numbers of its own, and legs
// into rounds. A round is always walked to its end, so that everything counted and found
// is the same for any number of workers.
const legsPerRound = 64

// Walk takes random steps through a machine. Of the options Symmetry, Jobs, the bounds and
// Watch count. Two walks with the same seed see the same.
func Walk[S any](ctx context.Context, m Model[S], how Walking, o Options) (Walked, error) {
	if o.Liveness || o.Reduction || o.DepthFirst || o.Exact {
		return Walked{}, optionError("a walk is neither exact nor depth first, reduces nothing and decides no liveness")
	}
	s, err := newSearch(ctx, m, o)
	if err != nil {
		return Walked{}, err
	}
	choices, err := choicesOf(m, how.Choice)
	if err != nil {
		return Walked{}, err
	}
	if how.Length <= 0 {
		how.Length = DefaultLength
	}
	w := &walker[S]{search: s, how: how, choices: choices, first: map[string]legViolation{}}
	defer watch(&s.o, func() Snapshot {
		snapshot := s.meter.snapshot()
		snapshot.States, snapshot.Memory, snapshot.Left = s.stored.len(), s.memory(), -1
		snapshot.Waiting = how.Steps - min(how.Steps, snapshot.Transitions)
		return snapshot
	})()
	w.walk()
	return w.result(), s.failed
}

// choicesOf returns the choices that a walk draws from.
func choicesOf[S any](m Model[S], asked Choice) ([]Choice, error) {
	_, kinded := m.(Kinded[S])
	_, concurrent := m.(Concurrent[S])
	switch {
	case asked == Swarm && !kinded:
		return nil, optionError("swarm choice: the model has no kinds of actions")
	case asked == Priority && !concurrent:
		return nil, optionError("priority choice: the model has no processes")
	case asked != Mixed && asked != Uniform && asked != Swarm && asked != Priority:
		return nil, optionError("there is no choice %q; there are %s, %s and %s", asked, Uniform, Swarm, Priority)
	case asked != Mixed:
		return []Choice{asked}, nil
	}
	choices := []Choice{Uniform}
	if kinded {
		choices = append(choices, Swarm)
	}
	if concurrent {
		choices = append(choices, Priority)
	}
	return choices, nil
}

// walker is a walk by all workers.
type walker[S any] struct {
	search  *search[S]
	how     Walking
	choices []Choice
	runs    atomic.Uint64
	curve   []Covered
	stride  uint64

	mu    sync.Mutex
	first map[string]legViolation // by property
}

// legViolation is a violation and the leg it was found on.
type legViolation struct {
	Violation
	leg uint64
}

// walk goes round by round.
func (w *walker[S]) walk() {
	length := uint64(w.how.Length)
	legs := (w.how.Steps + length - 1) / length
	for from := uint64(0); from < legs; from += legsPerRound {
		w.round(from, min(from+legsPerRound, legs))
		w.cover()
		if !w.search.proceed() || len(w.first) > 0 {
			return
		}
		if m, ok := w.search.model.(Resetter); ok {
			m.Reset()
		}
	}
}

func (w *walker[S]) round(from, to uint64) {
	next := from
	var mu sync.Mutex
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= to
	}
	var group sync.WaitGroup
	for range min(uint64(w.search.o.Jobs), to-from) {
		group.Go(func() {
			for leg, ok := take(); ok && w.search.proceed(); leg, ok = take() {
				w.leg(leg)
			}
		})
	}
	group.Wait()
}

// mostPoints bounds the curve: past it every other point goes.
const mostPoints = 32

func (w *walker[S]) cover() {
	p := Covered{w.search.meter.transitions.Load(), w.search.stored.len()}
	if n := len(w.curve); n > 0 && p.Steps-w.curve[n-1].Steps < w.stride {
		return
	}
	w.curve = append(w.curve, p)
	if len(w.curve) == mostPoints {
		for i := range mostPoints / 2 {
			w.curve[i] = w.curve[2*i+1]
		}
		w.curve = w.curve[:mostPoints/2]
		w.stride = w.curve[1].Steps - w.curve[0].Steps
	}
}

// leg takes Length steps, in one run or, where runs end, in several.
func (w *walker[S]) leg(number uint64) {
	s := w.search
	steps := min(uint64(w.how.Length), w.how.Steps-number*uint64(w.how.Length))
	random := rand.New(rand.NewPCG(w.how.Seed, number))
	starts := s.model.Initial(nil)
	if len(starts) == 0 {
		return
	}
	var enabled, actions []Action
	taken := uint64(0)
	defer func() { s.meter.transitions.Add(taken) }()
	for taken < steps {
		initial := random.IntN(len(starts))
		at := starts[initial]
		w.runs.Add(1)
		actions = actions[:0]
		fp, broken := w.meet(&at)
		if w.report(number, broken, initial, actions) {
			return
		}
		choose := w.chooser(random)
		for s.within(&at) {
			if enabled = s.model.Enabled(&at, enabled[:0]); len(enabled) == 0 {
				s.dead.Add(1)
				if live, ok := s.model.(Live[S]); ok && !live.Settled(&at) {
					w.report(number, []Broken{{Property: progressOf(s.model), Message: stuck}}, initial, actions)
					return
				}
				break
			}
			if taken == steps {
				break
			}
			a := choose(&at, enabled)
			next, wrong := s.model.Step(&at, a)
			taken++
			actions = append(actions, a)
			if s.content.shared && !s.unchanged([]S{s.canonical(&at)}, []uint64{fp}) {
				return
			}
			if wrong != nil {
				w.report(number, []Broken{*wrong}, initial, actions)
				return
			}
			at = next
			if fp, broken = w.meet(&at); w.report(number, broken, initial, actions) {
				return
			}
			s.deepen(len(actions))
		}
		if len(actions) == 0 {
			return // nothing can ever happen
		}
	}
}

// meet counts a state and returns its representative's fingerprint and what it breaks.
func (w *walker[S]) meet(state *S) (fp uint64, broken []Broken) {
	c := w.search.canonical(state)
	fp = w.search.fingerprint(&c)
	w.search.insert(&c, fp)
	return fp, w.search.checkState(state)
}

// deepen notes the length of a run.
func (s *search[S]) deepen(n int) {
	for deepest := s.meter.depth.Load(); int64(n) > deepest && !s.meter.depth.CompareAndSwap(deepest, int64(n)); {
		deepest = s.meter.depth.Load()
	}
}

// report keeps what a leg breaks, and reports whether it breaks anything.
func (w *walker[S]) report(leg uint64, all []Broken, initial int, actions []Action) bool {
	if len(all) == 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range all {
		if known, ok := w.first[b.Property]; !ok || leg < known.leg {
			w.first[b.Property] = legViolation{Violation{b, Path{Initial: initial, Actions: slices.Clone(actions), Loop: -1}}, leg}
		}
	}
	return true
}

func (w *walker[S]) result() Walked {
	s := w.search
	r := Walked{
		Steps: s.meter.transitions.Load(), Runs: w.runs.Load(), Dead: s.dead.Load(), Cut: s.cut.Load(), States: s.stored.len(),
		Deepest: int(s.meter.depth.Load()), Coverage: w.curve, Bound: s.bound, Complete: s.bound == Unbounded,
		Memory: Usage{Visited: s.stored.bytes(), Model: s.retained()},
	}
	for _, v := range w.first {
		r.Violations = append(r.Violations, v.Violation)
	}
	slices.SortFunc(r.Violations, func(a, b Violation) int { return cmp.Compare(a.Property, b.Property) })
	return r
}
