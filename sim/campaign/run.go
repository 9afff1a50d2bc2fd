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
	// Ablate is that of the application; it is needed where runs are made without a fault.
	Ablate func(p *plan.Plan, fault int) *plan.Plan
	// Command runs the family, but for its seeds.
	Command string
}

// Run is one run that is asked for. Its plan is made when it is needed, so that
// a long campaign does not hold all of them.
type Run struct {
	*Family
	Seed uint64
	// Ablated is which of the plan's faults it is made without, counted from 1; 0 for none.
	// Such a run is not asked for: a campaign makes it next to the whole one.
	Ablated int
}

// Plan makes the plan of the run.
func (r Run) Plan() *plan.Plan {
	p := r.Family.Plan(r.Seed)
	if r.Ablated > 0 {
		p = r.Ablate(p, r.Ablated-1)
	}
	return p
}

// AblatedFault returns the place, in the plan of the seed, of the fault that the run is
// made without: "faults[2]", or nothing.
func (r Run) AblatedFault() string {
	if r.Ablated == 0 {
		return ""
	}
	return fmt.Sprintf("faults[%d]", r.Ablated-1)
}

// String names the run in a message.
func (r Run) String() string {
	words := fmt.Sprintf("%s, seed %d", r.Name, r.Seed)
	if r.Ablated > 0 {
		words += ", without " + r.AblatedFault()
	}
	return words
}

// Command is the command that makes this run alone. A run without a fault is made with the
// first run of a campaign, which that one then is.
func (r Run) Command() string {
	return fmt.Sprintf("%s --seeds %d..%d", r.Family.Command, r.Seed, r.Seed)
}

// Entropy returns what seeds the Go runtime's own draws in a run of p, unless a trace names
// another.
func Entropy(p *plan.Plan) uint64 { return p.Seed }

// State is the state of a run.
type State int

// The states of a run, from nothing to a verdict.
const (
	// NotRun: the campaign ended before the run did.
	NotRun State = iota
	// HarnessError: the harness failed, so that there is no verdict.
	HarnessError
	// Violated: a property does not hold, and a second run gave the same trace.
	Violated
	// Passed: no promise and no property was violated.
	Passed
)

// String returns the state in words.
func (s State) String() string {
	return [...]string{"not run", "harness error", "violated", "passed"}[s]
}

// Key returns the state as documents have it.
func (s State) Key() string { return [...]string{"missing", "broken", "violated", "held"}[s] }

// Outcome is the outcome of one run.
type Outcome struct {
	Run   Run
	State State
	// Engine and Build executed the run.
	Engine, Build string
	// Hash is the trace's; PlanHash identifies the plan.
	Hash, PlanHash string
	// Events is the hash of the run's events alone; see [Recorded].
	Events string
	// Twice is set when the run was made twice and gave the same trace.
	Twice bool
	// Virtual is how much virtual time passed; Wall and CPU are what it cost.
	Virtual, Wall, CPU time.Duration
	Counters           map[string]int64
	Violations         []trace.Violation
	// Ablation is the run without one of its faults, if that one violates a property and
	// this one passed; nil otherwise. See [Run.Ablated].
	Ablation *Outcome
	// Folder is where the run is kept, empty when it is not.
	Folder string
	// Err is why the harness failed: always set with HarnessError, and with other states if
	// the run could not be kept.
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
