package explore

import (
	"fmt"
	"math"
	"strings"
)

// Bound is why a search ended before every reachable state was expanded.
type Bound string

// The bounds of a search.
const (
	Unbounded   Bound = ""
	States      Bound = "states"      // Options.MaxStates
	Memory      Bound = "memory"      // Options.MaxMemory
	Interrupted Bound = "interrupted" // the context ended
	Constraint  Bound = "constraint"  // everything within was expanded, see [Constrained]
)

// Result is the outcome of a search.
type Result struct {
	// States are the distinct states stored, Transitions the steps taken from them. Dead
	// are the states without an enabled action.
	States, Transitions, Dead uint64
	// Depth is the number of the last level, or the longest stack of a depth first search.
	Depth int
	// Levels are the states first reached by so many steps, for breadth first search.
	Levels []uint64
	// Exhausted reports whether every reachable state was expanded; if not, Bound is why.
	Exhausted bool
	Bound     Bound
	// Cut counts the states outside the constraint ([Constrained]): they are stored and
	// checked, but in no level and not expanded.
	Cut uint64
	// Violations are those at the least depth, at most one for each property, in the order
	// of the properties' names.
	Violations []Violation
	// Audited counts the pairs of actions that were run in both orders.
	Audited uint64
	// Reduced counts the states of which some enabled actions were left out.
	Reduced uint64
	// Memory is what the search took.
	Memory Usage
	// Omission bounds the probability that a reachable state was taken for another and
	// left out; see [Omission]. 0 for an exact search.
	Omission float64
	// Graph is nil without Options.Liveness.
	Graph *GraphCounts
}

// GraphCounts sums up the graph that liveness was decided on.
type GraphCounts struct {
	// Settled are the states in which nothing is owed. Components are the strongly
	// connected components of the others that have a cycle, Largest the states of the
	// biggest of them.
	Settled, Components, Largest uint64
}

// Usage is memory in bytes, of the explorer's own structures.
type Usage struct {
	// Visited is what is stored for every state at the end.
	Visited uint64
	// Frontier is the most that states to be expanded took at any time.
	Frontier uint64
	// Model is what the model keeps at the end, if it is [Retaining].
	Model uint64
}

// String sums up the result in one line.
func (r Result) String() string {
	how := fmt.Sprintf("not exhausted: the bound on %s was hit", r.Bound)
	switch {
	case r.Exhausted:
		how = "exhausted"
	case r.Bound == Constraint:
		how = fmt.Sprintf("not exhausted beyond the constraint (states outside it, not expanded: %d)", r.Cut)
	case r.Bound == Interrupted:
		how = "not exhausted: interrupted"
	case r.Bound == Unbounded:
		how = "not exhausted: ended by a violation"
	}
	var violated []string
	for _, v := range r.Violations {
		violated = append(violated, v.Property)
	}
	verdict := "no violation"
	if len(violated) > 0 {
		verdict = "violated: " + strings.Join(violated, ", ")
	}
	return fmt.Sprintf("%s; %d states, %d transitions, depth %d; %s", verdict, r.States, r.Transitions, r.Depth, how)
}

// PerState is what a stored state cost, everything counted.
func (r *Result) PerState() float64 {
	if r.States == 0 {
		return 0
	}
	return float64(r.Memory.Visited+r.Memory.Frontier+r.Memory.Model) / float64(r.States)
}

// Violation is a broken property with the path that leads there.
type Violation struct {
	Broken
	Path Path
}

// Path is a run of a machine: a number among the initial states, then actions.
type Path struct {
	Initial int      `json:"initial"`
	Actions []Action `json:"actions"`
	// Loop is where a run that goes on for ever returns to: after its last action the
	// machine is in the state it was in before Actions[Loop]. -1 for a run that ends.
	Loop int `json:"loop"`
}

// Omission bounds the probability that among n states any two have the same 64-bit
// fingerprint: n(n-1)/2 pairs, each equal with probability 2^-64 (the birthday bound;
// Stern and Dill, "Improved Probabilistic Verification by Hash Compaction", 1995, call
// the event an omission). Without such a pair no state was omitted.
func Omission(n uint64) float64 {
	if n == 0 {
		return 0
	}
	return math.Min(1, float64(n)*float64(n-1)/math.Exp2(65))
}
