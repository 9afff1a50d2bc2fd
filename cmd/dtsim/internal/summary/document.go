package summary

import (
	"path/filepath"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/cmd/dtsim/internal/campaign"
)

// Document is what `dtsim run --json` prints. Times are in seconds; virtual_s is
// time inside the simulation, wall_s and cpu_s are what it cost.
type Document struct {
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
	// Faults counts the faults that were applied, by kind; FaultTable says more of them.
	Faults     map[string]int64 `json:"faults"`
	FaultTable map[string]Fault `json:"fault_table"`
	// Sometimes counts situations, with those at zero; AtStake how often a property was.
	Sometimes map[string]int64 `json:"sometimes"`
	AtStake   map[string]int64 `json:"at_stake"`
	RunHashes []RunHash        `json:"run_hashes"`
}

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

// failures describes the distinct failures.
func failures(r campaign.Result) []Failure {
	all := []Failure{}
	for _, f := range r.Distinct {
		first := f.Outcomes[0]
		one := Failure{
			Property: f.Property, Message: f.Violation.Message, Runs: len(f.Outcomes), Scenario: first.Run.Name, Seed: first.Run.Seed, Without: first.Run.Lacks(),
			Shrunk: f.Statement != "", Before: f.Before, After: f.After, Statement: f.Statement, Pinned: f.Pinned, Folder: f.Folder,
		}
		if f.Folder != "" {
			one.Replay = archive.Command(f.Folder)
		}
		all = append(all, one)
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

// RunHash is the hash of one run's trace.
type RunHash struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Engine   string `json:"engine"`
	Verdict  string `json:"verdict"`
	Hash     string `json:"hash"`
}

// NewDocument describes a result.
func NewDocument(head Head, r campaign.Result) Document {
	total := campaign.Sum("", r.Asked)
	d := Document{
		Command: head.Command, Engine: head.Engine, Second: head.Second, Seeds: head.Seeds,
		Runs: r.Done(), Asked: len(r.Asked), Twice: r.Twice(), DistinctPlans: r.DistinctPlans(),
		Events: total.Events(), Virtual: total.Virtual.Seconds(), Wall: r.Wall.Seconds(), Hash: r.Hash(),
		Violations: []Violation{}, Failures: failures(r), HarnessFailures: []HarnessFailure{}, Scenarios: []Scenario{},
		Faults: map[string]int64{}, FaultTable: map[string]Fault{}, Sometimes: map[string]int64{}, AtStake: map[string]int64{},
		RunHashes: []RunHash{},
	}
	d.account(total)
	for _, o := range r.All() {
		d.CPU += o.CPU.Seconds()
		if d.Build == "" {
			d.Build = o.Build
		}
		if o.Hash != "" {
			d.RunHashes = append(d.RunHashes, RunHash{o.Run.Name, o.Run.Seed, o.Engine, o.State.String(), o.Hash})
		}
	}
	for _, o := range r.Compared {
		if o.State >= campaign.Violated {
			d.Compared++
		}
	}
	for _, o := range r.Violated() {
		d.Violations = append(d.Violations, violations(o)...)
	}
	for _, o := range r.Failures() {
		d.HarnessFailures = append(d.HarnessFailures, HarnessFailure{o.Run.Name, o.Run.Seed, o.Run.Lacks(), o.Engine, o.Err.Error(), o.Folder})
	}
	for _, g := range r.Scenarios() {
		d.Scenarios = append(d.Scenarios, Scenario{
			Name: g.Scenario, Runs: g.Runs, Virtual: g.Virtual.Seconds(), Wall: g.Wall.Seconds(),
			Commands: commands(g), Messages: messages(g), Verdict: g.State().String(),
		})
	}
	return d
}

// violations returns one entry for each property that o violates.
func violations(o campaign.Outcome) []Violation {
	var all []Violation
	for _, id := range o.Properties() {
		v := Violation{Property: id, Scenario: o.Run.Name, Seed: o.Run.Seed, Without: o.Run.Lacks(), Engine: o.Engine}
		for _, found := range o.Violations {
			if found.Property == id {
				v.Message = found.Message
				break
			}
		}
		if o.Folder != "" {
			v.Plan = filepath.Join(o.Folder, archive.PlanFile)
			v.Trace = filepath.Join(o.Folder, archive.TraceFile)
			v.Replay = archive.Command(o.Folder)
		}
		all = append(all, v)
	}
	return all
}
