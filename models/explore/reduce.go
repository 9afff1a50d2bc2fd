package explore

import (
	"fmt"
	"slices"
)

// The reduction takes ample actions only where the model offers such (the persistent-set
// condition C1 and the invisibility C2 of Clarke, Grumberg and Peled, "Model Checking",
// ch. 10, are its claim) and the search itself sees to it that nothing is ignored for
// ever: a state that is not expanded in full must have an ample successor that is found
// later. Breadth first that is a state of the next level, no matter which worker finds it;
// depth first a state that was not visited when this one was expanded. Along such
// successors the level, or the order of visiting, grows, so they end in a state that is
// expanded in full, in which every action that was left out is still enabled and is
// taken. This is the proviso of Bošnački, Leue and Lluch Lafuente, "Partial-Order
// Reduction for General State Exploring Algorithms" (SPIN 2006), for safety; the breadth
// first case is in Bošnački and Holzmann, "Improving Spin's Partial-Order Reduction for
// Breadth-First Search" (SPIN 2005).

// AuditError is a claim of a [Reducible] model that does not hold: a defect of the model,
// which makes every result of the reduction void.
type AuditError struct {
	// State is the fingerprint of the state.
	State uint64
	// A and B describe the pair of actions. B may be empty.
	A, B string
	// Why is what contradicts the claim.
	Why string
}

func (e *AuditError) Error() string {
	if e.B == "" {
		return fmt.Sprintf("explore: audit of the reduction: state %016x, action %q: %s", e.State, e.A, e.Why)
	}
	return fmt.Sprintf("explore: audit of the reduction: state %016x, actions %q and %q: %s", e.State, e.A, e.B, e.Why)
}

// again is a source to be expanded in full after all.
type again[S any] struct {
	state          S
	fp             uint64
	enabled, taken []Action
}

// ignoring returns the sources of the batch whose ample actions lead to no state of the
// next level.
func (w *worker[S]) ignoring() (sources []again[S]) {
	b, c := &w.batch, 0
	for _, p := range w.partial {
		for int(b.from[c]) < p.source {
			c++
		}
		ahead := false
		for ; c < len(b.from) && int(b.from[c]) == p.source; c++ {
			ahead = ahead || b.verdicts[c] != behind
		}
		if ahead {
			w.search.reduced.Add(1)
			continue
		}
		sources = append(sources, again[S]{b.sources[p.source], b.parents[p.source], w.kept[p.first:p.ample], w.kept[p.ample:p.end]})
	}
	return sources
}

// auditSteps is how far an audit goes on with actions that are not ample.
const auditSteps = 8

// audit checks that ample actions are enabled ones; and for one state in so many what else
// the model claims of it: pairs of actions that are claimed to be independent, in both orders;
// and of ample actions that nothing sees them and that they commute with what can happen
// before them, along one path of other actions. Which states and which path depends on
// fingerprints alone.
func (s *search[S]) audit(state *S, enabled, ample []Action) error {
	if len(ample) == 0 {
		return s.claim(state, enabled[0], enabled[0], "it and others are enabled but no action is ample")
	}
	for _, a := range ample {
		if !slices.Contains(enabled, a) {
			return &AuditError{State: s.hash(state), A: fmt.Sprintf("%#x", uint64(a)), Why: "it is ample but not enabled"}
		}
	}
	draw := mix(s.hash(state) ^ 0x9e3779b97f4a7c15)
	if draw%s.o.Audit != 0 {
		return nil
	}
	for i, a := range enabled {
		for _, b := range enabled[i+1:] {
			if s.reducible.Independent(state, a, b) {
				if err := s.bothOrders(state, a, b); err != nil {
					return err
				}
			}
		}
	}
	if len(ample) >= len(enabled) {
		return nil
	}
	for _, a := range ample {
		next, broken := s.model.Step(state, a)
		switch {
		case broken != nil:
			return s.claim(state, a, a, "it is ample and breaks "+broken.Property)
		case s.reducible.Relevant(&next) != s.reducible.Relevant(state):
			return s.claim(state, a, a, "it is ample and changes what properties look at")
		}
	}
	return s.auditPath(state, ample, draw)
}

// auditPath takes actions that are not ample, and checks that the ample ones stay enabled
// and commute with each of them.
func (s *search[S]) auditPath(state *S, ample []Action, draw uint64) error {
	at := *state
	for range auditSteps {
		enabled := s.model.Enabled(&at, nil)
		for _, a := range ample {
			if !slices.Contains(enabled, a) {
				return s.claim(state, a, a, "it is ample, and actions that are not disable it")
			}
		}
		others := slices.DeleteFunc(enabled, func(a Action) bool { return slices.Contains(ample, a) })
		if len(others) == 0 {
			return nil
		}
		draw = mix(draw)
		b := others[draw%uint64(len(others))]
		for _, a := range ample {
			if err := s.bothOrders(&at, a, b); err != nil {
				return err
			}
		}
		at, _ = s.model.Step(&at, b)
	}
	return nil
}

// bothOrders takes two enabled actions in both orders.
func (s *search[S]) bothOrders(state *S, a, b Action) error {
	s.audited.Add(1)
	afterA, _ := s.model.Step(state, a)
	afterB, _ := s.model.Step(state, b)
	switch {
	case !slices.Contains(s.model.Enabled(&afterA, nil), b):
		return s.claim(state, a, b, "the first disables the second")
	case !slices.Contains(s.model.Enabled(&afterB, nil), a):
		return s.claim(state, a, b, "the second disables the first")
	}
	one, _ := s.model.Step(&afterA, b)
	other, _ := s.model.Step(&afterB, a)
	if !s.content.equal(&one, &other) {
		return s.claim(state, a, b, "the two orders lead to different states")
	}
	return nil
}

func (s *search[S]) claim(state *S, a, b Action, why string) error {
	e := &AuditError{State: s.hash(state), A: s.model.Describe(state, a), Why: why}
	if a != b {
		e.B = s.model.Describe(state, b)
	}
	return e
}
