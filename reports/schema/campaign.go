package schema

import "path/filepath"

// Campaign is the document of `dtsim run --json`, which is also kept as [CampaignFile].
type Campaign struct {
	Command string `json:"command"`
	// Build identifies the program inside the engine; empty when no run has ended.
	Build string `json:"build"`
	// Engine executed the asked runs, Second repeated some of them.
	Engine string `json:"engine"`
	Second string `json:"second_engine,omitempty"`
	// Profile is by which the runs were judged; empty for that of this repository.
	Profile string `json:"profile,omitempty"`
	// Seeds are the seeds asked for; Runs counts the runs with a verdict, Asked all runs, Twice
	// those that were executed twice to compare.
	Seeds         string  `json:"seeds"`
	Runs          int     `json:"runs"`
	Asked         int     `json:"asked"`
	Compared      int     `json:"compared"`
	Twice         int     `json:"twice"`
	DistinctPlans int     `json:"distinct_plans"`
	Events        int64   `json:"events"`
	Virtual       float64 `json:"virtual_s"`
	Wall          float64 `json:"wall_s"`
	CPU           float64 `json:"cpu_s"`
	// Hash is empty when a run has no verdict.
	Hash       string      `json:"hash"`
	Violations []Violation `json:"violations"`
	// Failures are the distinct failures among the violations.
	Failures []Failure `json:"failures"`
	// HarnessFailures and runs without a verdict are the reason for exit status 3.
	HarnessFailures []HarnessFailure `json:"harness_failures"`
	Scenarios       []Scenario       `json:"scenarios"`
	// Engines are the uses of each engine, with repetitions and controls.
	Engines []Engine `json:"engines"`
	// Controls are the runs that check the harness itself.
	Controls []Control `json:"controls"`
	// Faults counts the applied faults by kind; FaultTable has more columns.
	Faults     map[string]int64 `json:"faults"`
	FaultTable map[string]Fault `json:"fault_table"`
	// Sometimes counts coverage goals, unreached ones at zero; Exercised counts how often each
	// property was; Waived counts the findings that checks have waived, by reason.
	Sometimes map[string]int64 `json:"sometimes"`
	Exercised map[string]int64 `json:"at_stake"`
	Waived    map[string]int64 `json:"excused"`
	// Tried is the account of what was never tried: those cases first.
	Tried     []Tried `json:"tried"`
	RunHashes []Run   `json:"run_hashes"`
	// Cover is which statements of the shipped packages were entered; nil if that was not counted.
	Cover *Cover `json:"cover,omitempty"`
}

// Cover is which statements the runs of the native engine have entered.
type Cover struct {
	Statements int `json:"statements"`
	Entered    int `json:"entered"`
	// Never are the blocks that none has entered, by file and line.
	Never []Block `json:"never"`
}

// Block is a sequence of statements of which one is only entered with the others.
type Block struct {
	// File is relative to the module.
	File       string `json:"file"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	LastLine   int    `json:"last_line"`
	Statements int    `json:"statements"`
}

// Tried is how often one case of an interface or of an option was tried.
type Tried struct {
	// Part is "command", "call", "callback" or "option"; Of is what the case is one of.
	Part  string `json:"part"`
	Of    string `json:"of"`
	Case  string `json:"case"`
	Count int64  `json:"count"`
	// Accepted is why the case may stay at zero, if it may. Unforeseen: it was thought impossible.
	Accepted   string `json:"accepted,omitempty"`
	Unforeseen bool   `json:"unforeseen,omitempty"`
}

// CampaignFile is the name of a campaign's document in its folder.
const CampaignFile = "campaign.json"

// Violation is one property violated in one run.
type Violation struct {
	Property string `json:"property"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	// Ablation is the fault of the seed's plan that the run was made without, "faults[2]"; Plan
	// is the rest of it.
	Ablation string `json:"without,omitempty"`
	Engine   string `json:"engine"`
	Message  string `json:"message"`
	// Plan and Trace are files, Replay is the command; empty if nothing could be kept.
	Plan   string `json:"plan"`
	Trace  string `json:"trace"`
	Replay string `json:"replay"`
}

// Failure is one distinct failure: violations of one property whose shrunk plans have
// one shape.
type Failure struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Runs is the number of runs that led to it; Scenario, Seed and Ablation are the one that
	// was shrunk.
	Runs     int    `json:"runs"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Ablation string `json:"without,omitempty"`
	// Before and After are the sizes of its plan; with Shrunk, Statement describes the guarantee
	// of the shrinking.
	Shrunk    bool   `json:"shrunk"`
	Before    string `json:"before"`
	After     string `json:"after"`
	Statement string `json:"statement"`
	Pinned    string `json:"pinned"`
	Folder    string `json:"folder"`
	Replay    string `json:"replay"`
}

// Found returns the failures of a campaign; if none are distinguished, each violated run is one.
func (d *Campaign) Found() []Failure {
	if len(d.Failures) > 0 {
		return d.Failures
	}
	type run struct {
		scenario, ablation, engine string
		seed                       uint64
	}
	seen := map[run]bool{}
	var all []Failure
	for _, v := range d.Violations {
		r := run{v.Scenario, v.Ablation, v.Engine, v.Seed}
		if seen[r] {
			continue
		}
		seen[r] = true
		f := Failure{Property: v.Property, Message: v.Message, Runs: 1, Scenario: v.Scenario, Seed: v.Seed, Ablation: v.Ablation, Replay: v.Replay}
		if v.Plan != "" {
			f.Folder = filepath.Dir(v.Plan)
		}
		all = append(all, f)
	}
	return all
}

// HarnessFailure is one run without a trustworthy verdict, or one that could not be kept.
type HarnessFailure struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Ablation string `json:"without,omitempty"`
	Engine   string `json:"engine"`
	Error    string `json:"error"`
	Folder   string `json:"folder"`
}

// Scenario sums up the runs of a scenario.
type Scenario struct {
	Name     string  `json:"name"`
	Runs     int     `json:"runs"`
	Virtual  float64 `json:"virtual_s"`
	Wall     float64 `json:"wall_s"`
	Commands int64   `json:"commands"`
	Messages int64   `json:"messages"`
	Verdict  string  `json:"verdict"`
}

// Engine sums up the uses of an engine.
type Engine struct {
	Name    string  `json:"name"`
	Runs    int     `json:"runs"`
	Virtual float64 `json:"virtual_s"`
	Wall    float64 `json:"wall_s"`
	CPU     float64 `json:"cpu_s"`
}

// Control is a run that checks the harness itself. Its verdict is "held" if the result was the
// expected one.
type Control struct {
	Name    string `json:"name"`
	Engine  string `json:"engine"`
	Verdict string `json:"verdict"`
}

// Run is one run with a verdict: its hash and its length.
type Run struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Engine   string `json:"engine"`
	Verdict  string `json:"verdict"`
	Hash     string `json:"hash"`
	// Compared is true for a run that repeats another one with the second engine.
	Compared bool    `json:"compared,omitempty"`
	Virtual  float64 `json:"virtual_s"`
}

// Fault counts the faults of a kind.
type Fault struct {
	Asked       int64 `json:"asked"`
	Applied     int64 `json:"applied"`
	Effective   int64 `json:"effective"`
	Activations int64 `json:"bites"`
	// Reruns are the ablations of activated faults of the kind, Differed those with other
	// decisions, ReportedEffective those of a fault that the trace calls effective.
	Reruns            int64 `json:"reruns"`
	Differed          int64 `json:"differed"`
	ReportedEffective int64 `json:"told"`
	// States are the activations by the state of the node and of the tasks.
	States map[string]int64 `json:"states"`
}
