package explore

import (
	"fmt"
	"slices"
	"strings"
)

// Replayed is the outcome of taking a path again.
type Replayed struct {
	Steps []ReplayedStep
	// Start is the initial state.
	Start []Part
	// Broken is what the path breaks. Independent reports whether it was found by
	// [PathChecker], not by the methods that the search calls.
	Broken      []Broken
	Independent bool
}

// String lists the steps, with what each changed, and what they break.
func (r Replayed) String() string {
	var b strings.Builder
	for i, s := range r.Steps {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s.Action)
		for _, c := range s.Changed {
			fmt.Fprintf(&b, "   %s: %s -> %s\n", c.Name, c.Before, c.After)
		}
	}
	for _, broken := range r.Broken {
		fmt.Fprintf(&b, "violated %s: %s\n", broken.Property, broken.Message)
	}
	return b.String()
}

// ReplayedStep is one action and what it changed.
type ReplayedStep struct {
	Action  string
	Process int // -1 when the model has none
	Changed []Changed
	// Broken is what Step returned.
	Broken *Broken
}

// Changed is a part of a state that a step changed.
type Changed struct{ Name, Before, After string }

// Replay takes a path through a machine again, with the model alone and nothing of the
// search, and returns what it breaks. It is an error if the path is none of the machine,
// or if its loop does not return to the state where it begins.
func Replay[S any](m Model[S], p Path) (Replayed, error) {
	c, err := contentOf[S]()
	if err != nil {
		return Replayed{}, optionError("%w", err)
	}
	starts := m.Initial(nil)
	if p.Initial < 0 || p.Initial >= len(starts) {
		return Replayed{}, fmt.Errorf("there is no initial state %d; there are %d", p.Initial, len(starts))
	}
	if p.Loop < -1 || p.Loop >= len(p.Actions) {
		return Replayed{}, fmt.Errorf("the loop begins at step %d of %d", p.Loop, len(p.Actions))
	}
	formatter, _ := m.(StateFormatter[S])
	checker, _ := m.(StateChecker[S])
	concurrent, _ := m.(Concurrent[S])
	states := []S{starts[p.Initial]}
	var r Replayed
	var parts []Part
	if formatter != nil {
		parts = formatter.FormatState(&states[0])
		r.Start = parts
	}
	if checker != nil {
		r.Broken = checker.CheckState(&states[0])
	}
	for i, a := range p.Actions {
		at := states[i]
		if !slices.Contains(m.Enabled(&at, nil), a) {
			return r, fmt.Errorf("step %d: action %#x is not possible there", i+1, uint64(a))
		}
		step := ReplayedStep{Action: m.Describe(&at, a), Process: -1}
		if concurrent != nil {
			step.Process = concurrent.Process(&at, a)
		}
		next, broken := m.Step(&at, a)
		step.Broken = broken
		if formatter != nil {
			after := formatter.FormatState(&next)
			step.Changed = difference(parts, after)
			parts = after
		}
		r.Steps = append(r.Steps, step)
		states = append(states, next)
		if broken != nil {
			r.Broken = append(r.Broken, *broken)
		}
		if checker != nil {
			r.Broken = append(r.Broken, checker.CheckState(&next)...)
		}
	}
	if checker, ok := m.(PathChecker[S]); ok {
		r.Broken, r.Independent = checker.CheckPath(states, p.Actions), true
	}
	unsettled, err := unsettled(m, c, states, p)
	if err != nil {
		return r, err
	}
	r.Broken = append(r.Broken, unsettled...)
	return r, nil
}

// enabledClasses reports of each fairness class whether a step of it changes s.
func enabledClasses[S any](m Live[S], c *content[S], s *S) []bool {
	enabled := make([]bool, m.Classes())
	for _, a := range m.Enabled(s, nil) {
		if class := m.Class(s, a); class >= 0 && !enabled[class] {
			next, _ := m.Step(s, a)
			enabled[class] = !c.equal(s, &next)
		}
	}
	return enabled
}

// unsettled checks the liveness of a path: one that loops must be weakly fair and
// keep away from settled states, and one that ends where no class is enabled must end
// settled.
func unsettled[S any](m Model[S], c *content[S], states []S, p Path) ([]Broken, error) {
	live, ok := m.(Live[S])
	last := states[len(states)-1]
	switch {
	case !ok && p.Loop >= 0:
		return nil, fmt.Errorf("the path loops, but the model has no settled states")
	case !ok:
		return nil, nil
	case p.Loop < 0:
		if live.Settled(&last) || slices.Contains(enabledClasses(live, c, &last), true) {
			return nil, nil
		}
		return []Broken{{Property: progressOf(m), Message: stop(len(m.Enabled(&last, nil)))}}, nil
	case !c.equal(&states[p.Loop], &last):
		return nil, fmt.Errorf("the path is to loop from step %d, but does not return there", p.Loop+1)
	}
	served := make([]bool, live.Classes()) // taken, or not possible for a moment
	for i := p.Loop; i < len(p.Actions); i++ {
		s := states[i]
		if live.Settled(&s) {
			return nil, nil
		}
		for class, enabled := range enabledClasses(live, c, &s) {
			served[class] = served[class] || !enabled
		}
		if class := live.Class(&s, p.Actions[i]); class >= 0 && !c.equal(&s, &states[i+1]) {
			served[class] = true
		}
	}
	if slices.Contains(served, false) {
		return nil, nil
	}
	return []Broken{{Property: progressOf(m), Message: looping(len(p.Actions) - p.Loop)}}, nil
}

func difference(before, after []Part) (changed []Changed) {
	old := map[string]string{}
	for _, p := range before {
		old[p.Name] = p.Value
	}
	for _, p := range after {
		if v := old[p.Name]; v != p.Value {
			changed = append(changed, Changed{p.Name, v, p.Value})
		}
		delete(old, p.Name)
	}
	for _, p := range before { // those that are gone, in their order
		if v, gone := old[p.Name]; gone && v != "" {
			changed = append(changed, Changed{p.Name, v, ""})
		}
	}
	return changed
}
