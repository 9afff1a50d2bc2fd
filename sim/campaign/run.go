package campaign

import (
	"fmt"
	"time"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Family is what runs of different seeds have in common: a scenario, or a plan
// from a file.
type Family struct {
	// Name is the scenario's name, or the plan's.
	Name string
	// Plan makes the plan of a seed, always the same one.
	Plan func(seed uint64) *plan.Plan
	// Again is the command that runs the family, but for its seeds.
	Again string
}

// Run is one run that is asked for. Its plan is made when it is needed, so that
// a long campaign does not hold all of them.
type Run struct {
	*Family
	Seed uint64
	// Without is which of the plan's faults it is made without, counted from 1; 0 for
	// none. Nobody asks for such a run: a campaign makes it beside the whole one.
	Without int
}

// Plan makes the plan of the run. Without one of its faults it promises nothing: what the
// whole plan promises may be what comes of that fault. The properties of the system hold
// whatever is asked of it.
func (r Run) Plan() *plan.Plan {
	p := r.Family.Plan(r.Seed)
	if r.Without > 0 {
		p = p.WithoutFault(r.Without - 1)
		p.Promises = nil
	}
	return p
}

// Lacks is the place, in the plan of the seed, of the fault that the run is made
// without; empty for none.
func (r Run) Lacks() string {
	if r.Without == 0 {
		return ""
	}
	return fmt.Sprintf("faults[%d]", r.Without-1)
}

// String names the run in a message.
func (r Run) String() string {
	words := fmt.Sprintf("%s, seed %d", r.Name, r.Seed)
	if r.Without > 0 {
		words += ", without " + r.Lacks()
	}
	return words
}

// AgainAlone is the command that asks for this run alone. One without a fault is made
// beside the first run of a campaign, which that one then is.
func (r Run) AgainAlone() string { return fmt.Sprintf("%s --seeds %d..%d", r.Again, r.Seed, r.Seed) }

// Entropy is what feeds the Go runtime's own draws in a run of p, unless a trace
// says otherwise.
func Entropy(p *plan.Plan) uint64 { return p.Seed }

// State says what came of a run.
type State int

// The states of a run, from nothing to a verdict.
const (
	// Missing: the campaign ended before the run did.
	Missing State = iota
	// Broken: the harness failed, so there is no verdict that could be believed.
	Broken
	// Violated: a property does not hold; a second run agreed to the byte.
	Violated
	// Held: everything promised and every property checked held.
	Held
)

// String returns the word people see.
func (s State) String() string {
	switch s {
	case Held:
		return "held"
	case Violated:
		return "violated"
	case Broken:
		return "broken"
	default:
		return "missing"
	}
}

// Outcome is what came of one run.
type Outcome struct {
	Run   Run
	State State
	// Engine and Build say what the run was executed by.
	Engine, Build string
	// Hash is the trace's; PlanHash identifies the plan.
	Hash, PlanHash string
	// Events is the hash of the run's events alone; see [Recorded].
	Events string
	// Twice says that the run was made twice, and was the same to the byte.
	Twice bool
	// Virtual is how much virtual time passed; Wall and CPU are what it cost.
	Virtual, Wall, CPU time.Duration
	Counters           map[string]int64
	Violations         []trace.Violation
	// Without is the run without one of its faults, when that one violates a property
	// and this one held; nil otherwise. See [Run.Without].
	Without *Outcome
	// Folder is where the run is kept, empty when it is not.
	Folder string
	// Err says why the harness failed: always with Broken, and with the other
	// states when the run could not be kept.
	Err error
}

// Properties returns the identifiers of the violated properties, each once, in
// the order they were violated.
func (o Outcome) Properties() []string {
	var ids []string
	seen := map[string]bool{}
	for _, v := range o.Violations {
		if !seen[v.Property] {
			seen[v.Property] = true
			ids = append(ids, v.Property)
		}
	}
	return ids
}
