package schema

import "path/filepath"

// Campaign is what `dtsim run --json` prints and what is kept as [CampaignFile].
type Campaign struct {
	Command string `json:"command"`
	// Build identifies the program inside the engine; empty when no run has ended.
	Build string `json:"build"`
	// Engine executed the asked runs, Second repeated some of them.
	Engine string `json:"engine"`
	Second string `json:"second_engine,omitempty"`
	// Seeds are the seeds asked for; Runs counts those with a verdict, Asked all, Twice
	// those that were made twice to compare.
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
	// Failures are the distinct ones among them.
	Failures []Failure `json:"failures"`
	// HarnessFailures are the reason for exit status 3, with missing runs.
	HarnessFailures []HarnessFailure `json:"harness_failures"`
	Scenarios       []Scenario       `json:"scenarios"`
	// Engines are what each engine was used for, repetitions and controls included.
	Engines []Engine `json:"engines"`
	// Controls are the runs about the harness itself.
	Controls []Control `json:"controls"`
	// Faults counts the faults that were applied, by kind; FaultTable says more of them.
	Faults     map[string]int64 `json:"faults"`
	FaultTable map[string]Fault `json:"fault_table"`
	// Sometimes counts situations, with those at zero; AtStake how often a property was;
	// Excused what checks have let pass, by reason.
	Sometimes map[string]int64 `json:"sometimes"`
	AtStake   map[string]int64 `json:"at_stake"`
	Excused   map[string]int64 `json:"excused"`
	RunHashes []Run            `json:"run_hashes"`
}

// CampaignFile is a campaign's document in its folder.
const CampaignFile = "campaign.json"

// Violation is one property violated in one run.
type Violation struct {
	Property string `json:"property"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	// Without is the fault of the seed's plan that the run was made without, "faults[2]";
	// Plan is what is left.
	Without string `json:"without,omitempty"`
	Engine  string `json:"engine"`
	Message string `json:"message"`
	// Plan and Trace are files, Replay is the command; empty when nothing could be
	// kept.
	Plan   string `json:"plan"`
	Trace  string `json:"trace"`
	Replay string `json:"replay"`
}

// Failure is one distinct failure: violations of one property whose shrunk plans have
// one shape.
type Failure struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Runs are how many runs led to it; Scenario, Seed and Without are the one that was
	// shrunk.
	Runs     int    `json:"runs"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Without  string `json:"without,omitempty"`
	// Before and After are the sizes of its plan; with Shrunk, Statement says what the
	// shrinking is worth.
	Shrunk    bool   `json:"shrunk"`
	Before    string `json:"before"`
	After     string `json:"after"`
	Statement string `json:"statement"`
	Pinned    string `json:"pinned"`
	Folder    string `json:"folder"`
	Replay    string `json:"replay"`
}

// Found are the failures of a campaign; where nobody made distinct ones of its violations,
// each violated run is one.
func (d *Campaign) Found() []Failure {
	if len(d.Failures) > 0 {
		return d.Failures
	}
	type run struct {
		scenario, without, engine string
		seed                      uint64
	}
	seen := map[run]bool{}
	var all []Failure
	for _, v := range d.Violations {
		r := run{v.Scenario, v.Without, v.Engine, v.Seed}
		if seen[r] {
			continue
		}
		seen[r] = true
		f := Failure{Property: v.Property, Message: v.Message, Runs: 1, Scenario: v.Scenario, Seed: v.Seed, Without: v.Without, Replay: v.Replay}
		if v.Plan != "" {
			f.Folder = filepath.Dir(v.Plan)
		}
		all = append(all, f)
	}
	return all
}

// HarnessFailure is one run without a believable verdict, or not kept.
type HarnessFailure struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Without  string `json:"without,omitempty"`
	Engine   string `json:"engine"`
	Error    string `json:"error"`
	Folder   string `json:"folder"`
}

// Scenario is the sum of a scenario's runs.
type Scenario struct {
	Name     string  `json:"name"`
	Runs     int     `json:"runs"`
	Virtual  float64 `json:"virtual_s"`
	Wall     float64 `json:"wall_s"`
	Commands int64   `json:"commands"`
	Messages int64   `json:"messages"`
	Verdict  string  `json:"verdict"`
}

// Engine is what an engine was used for.
type Engine struct {
	Name    string  `json:"name"`
	Runs    int     `json:"runs"`
	Virtual float64 `json:"virtual_s"`
	Wall    float64 `json:"wall_s"`
	CPU     float64 `json:"cpu_s"`
}

// Control is a run about the harness itself. It held when it came to what it must.
type Control struct {
	Name    string `json:"name"`
	Engine  string `json:"engine"`
	Verdict string `json:"verdict"`
}

// Run is one run with a verdict: its hash, and how long it was.
type Run struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Engine   string `json:"engine"`
	Verdict  string `json:"verdict"`
	Hash     string `json:"hash"`
	// Compared says that the run repeats another one with the second engine.
	Compared bool    `json:"compared,omitempty"`
	Virtual  float64 `json:"virtual_s"`
}

// Fault is what became of the faults of a kind.
type Fault struct {
	Asked     int64 `json:"asked"`
	Applied   int64 `json:"applied"`
	Effective int64 `json:"effective"`
	Bites     int64 `json:"bites"`
	// Reruns are the runs that were made again without a fault of the kind that had bitten,
	// Differed those that decided something else, and Told those of whose fault the trace
	// had said that it was effective.
	Reruns   int64 `json:"reruns"`
	Differed int64 `json:"differed"`
	Told     int64 `json:"told"`
	// States are the bites by the state of the node and of the tasks.
	States map[string]int64 `json:"states"`
}
