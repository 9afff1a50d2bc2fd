package plan

import "fmt"

// Stalls are where goroutines are held up between two statements, at the points of instrumented
// packages (see package sim/stall). No stall outlasts Plan.Quiescence.
//
// A strategy draws who is held up where; what it has drawn is in the trace, and can be listed in
// Held instead: the run is the same.
type Stalls struct {
	// Strategy draws stalls; empty for none but those listed.
	Strategy StallStrategy `json:"strategy,omitempty"`
	// Every is how many points a node reaches from one stall to the next on average, for
	// [StallRandom] and [StallDirected].
	Every int `json:"every,omitempty"`
	// Depth is how many stalls there are, for [StallPCT].
	Depth int `json:"depth,omitempty"`
	// Function is where goroutines are held up, for [StallDirected], as the function is called in
	// the trace: "raft.(*Raft).dispatchLogs"; a prefix of that counts, too. Empty for some that the
	// seed draws.
	Function string `json:"function,omitempty"`
	// Node is the name of the node that is affected; empty for all.
	Node string `json:"node,omitempty"`
	// Min and Max bound how long a strategy holds a goroutine up. Lengths are distributed evenly
	// over the orders of magnitude.
	Min Duration `json:"min,omitempty"`
	Max Duration `json:"max,omitempty"`

	// Held lists stalls.
	Held []Stall `json:"held,omitempty"`
}

// StallStrategy is how stalls are drawn.
type StallStrategy string

const (
	// StallRandom holds a goroutine up at one point in Every.
	StallRandom StallStrategy = "random"
	// StallPCT holds goroutines up Depth times, each at a point of a time and a node that the
	// seed draws: many of them around a fault, or of a node that has just become leader. A bug that needs d goroutines to be held up is met with a probability
	// that does not depend on how many points there are. (After Burckhardt et al., A
	// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010; what
	// is a change of priority there is a stall here.)
	StallPCT StallStrategy = "pct"
	// StallDirected is StallRandom over the points of Function alone.
	StallDirected StallStrategy = "directed"
)

var stallStrategies = []StallStrategy{StallRandom, StallPCT, StallDirected}

// Stall is a goroutine that is held up.
type Stall struct {
	// Node and Incarnation are whose goroutine it is; incarnations are the starts of the
	// node, counted from 1. Zero is any incarnation.
	Node        string `json:"node"`
	Incarnation int    `json:"incarnation,omitempty"`
	// At is the point: function and line, "raft.(*Raft).dispatchLogs:1263".
	At string `json:"at"`
	// From is the time of the run from which on Nth counts; zero for the start.
	From Duration `json:"from,omitempty"`
	// Nth counts how often such goroutines reach the point, from 1; zero means 1.
	Nth int `json:"nth,omitempty"`
	// For is how long.
	For Duration `json:"for"`
}

// Bounds of the values of stalls.
const (
	MaxStallDepth = 100
	maxStallEvery = 1_000_000_000
	maxStalls     = 100_000
)

// stalls complains about stalls that cannot be.
func (v *validator) stalls() {
	s := v.p.Stalls
	if s == nil {
		return
	}
	if v.p.Quiescence == 0 {
		v.Failf("calm", "a plan with stalls needs the time at which they end")
	}
	uses := map[StallStrategy]struct{ every, depth, function bool }{
		StallRandom: {every: true}, StallPCT: {depth: true}, StallDirected: {every: true, function: true},
	}
	use, known := uses[s.Strategy]
	if s.Strategy != "" && !known {
		v.Failf("stalls.strategy", "%q is unknown; there are %q", s.Strategy, stallStrategies)
		return
	}
	v.stallField("every", s.Strategy, use.every, s.Every != 0)
	v.stallField("depth", s.Strategy, use.depth, s.Depth != 0)
	v.stallField("min", s.Strategy, known, s.Min != 0)
	v.stallField("max", s.Strategy, known, s.Max != 0)
	if s.Function != "" && !use.function {
		v.Failf("stalls.function", "a strategy of %q has no use for it", s.Strategy)
	}
	if v.Failed() {
		return
	}
	if use.every {
		v.Number("stalls.every", s.Every, 1, maxStallEvery)
	}
	if use.depth {
		v.Number("stalls.depth", s.Depth, 1, MaxStallDepth)
	}
	if known {
		v.Duration("stalls.min", s.Min, 1, MaxSetting)
		v.Duration("stalls.max", s.Max, s.Min, MaxSetting)
	}
	if s.Node != "" {
		v.stallNode("stalls.node", s.Node)
	}
	v.Number("stalls.held", len(s.Held), 0, maxStalls)
	for i, h := range s.Held {
		path := fmt.Sprintf("stalls.held[%d]", i)
		v.stallNode(path+".node", h.Node)
		v.Number(path+".incarnation", h.Incarnation, 0, maxStallEvery)
		v.Number(path+".nth", h.Nth, 0, maxStallEvery)
		v.Duration(path+".from", h.From, 0, MaxSetting)
		if h.At == "" {
			v.Failf(path+".at", "the point is missing: a function and a line")
		}
		v.Duration(path+".for", h.For, 1, MaxSetting)
	}
}

// stallField complains about a field that a strategy needs, or has no use for.
func (v *validator) stallField(name string, s StallStrategy, needed, given bool) {
	switch {
	case needed && !given:
		v.Failf("stalls."+name, "a strategy of %q needs it", s)
	case !needed && given:
		v.Failf("stalls."+name, "a strategy of %q has no use for it", s)
	}
}

func (v *validator) stallNode(path, node string) {
	for _, name := range v.nodes {
		if name == node {
			return
		}
	}
	v.Failf(path, "there is no node %q", node)
}

// clone returns a copy that shares nothing with s.
func (s *Stalls) clone() *Stalls {
	if s == nil {
		return nil
	}
	c := *s
	c.Held = append([]Stall(nil), s.Held...)
	return &c
}
