package cli

import (
	"path/filepath"
	"slices"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// failures describes the distinct failures.
func failures(r campaign.Result) []schema.Failure {
	all := []schema.Failure{}
	for _, f := range r.Distinct {
		first := f.Outcomes[0]
		one := schema.Failure{
			Property: f.Property, Message: f.Violation.Message, Runs: len(f.Outcomes), Scenario: first.Run.Name, Seed: first.Run.Seed, Ablation: first.Run.AblatedFault(),
			Shrunk: f.Statement != "", Before: f.Before, After: f.After, Statement: f.Statement, Pinned: f.Pinned, Folder: f.Folder,
		}
		if f.Folder != "" {
			one.Replay = campaign.ReplayCommand(f.Folder)
		}
		all = append(all, one)
	}
	return all
}

// newRunDocument is the document of a result.
func newRunDocument(head summaryHead, r campaign.Result) schema.Campaign {
	total := campaign.Sum("", r.Asked)
	d := schema.Campaign{
		Command: head.Command, Engine: head.Engine, Second: head.Second, Seeds: head.Seeds,
		Runs: r.Done(), Asked: len(r.Asked), Twice: r.Twice(), DistinctPlans: r.DistinctPlans(),
		Events: total.Events(), Virtual: total.Virtual.Seconds(), Wall: r.Wall.Seconds(), Hash: r.Hash(),
		Violations: []schema.Violation{}, Failures: failures(r), HarnessFailures: []schema.HarnessFailure{}, Scenarios: []schema.Scenario{},
		Faults: map[string]int64{}, FaultTable: map[string]schema.Fault{}, Sometimes: map[string]int64{}, Exercised: map[string]int64{},
		Waived: map[string]int64{}, Controls: []schema.Control{},
	}
	if head.Profile != nil {
		d.Profile = head.Profile.Name
	}
	account(&d, total)
	for _, o := range r.All() {
		d.CPU += o.CPU.Seconds()
		if d.Build == "" {
			d.Build = o.Build
		}
	}
	d.RunHashes = append(runHashes(r.Asked, false), runHashes(r.Compared, true)...)
	for _, o := range r.Compared {
		if o.State >= campaign.Violated {
			d.Compared++
		}
	}
	for _, o := range r.Violated() {
		d.Violations = append(d.Violations, violations(o)...)
	}
	for _, o := range r.Failures() {
		d.HarnessFailures = append(d.HarnessFailures, schema.HarnessFailure{
			Scenario: o.Run.Name, Seed: o.Run.Seed, Ablation: o.Run.AblatedFault(), Engine: o.Engine, Error: o.Err.Error(), Folder: o.Folder,
		})
	}
	for _, g := range r.Scenarios() {
		d.Scenarios = append(d.Scenarios, schema.Scenario{
			Name: g.Scenario, Runs: g.Runs, Virtual: g.Virtual.Seconds(), Wall: g.Wall.Seconds(),
			Commands: commands(g), Messages: messages(g), Verdict: g.State().Key(),
		})
	}
	d.Engines = engineUse(r)
	for _, o := range r.Controls {
		d.Controls = append(d.Controls, schema.Control{Name: o.Run.Name, Engine: o.Engine, Verdict: o.State.Key()})
	}
	return d
}

// runHashes lists the runs that have a hash.
func runHashes(outcomes []campaign.Outcome, compared bool) []schema.Run {
	all := []schema.Run{}
	for _, o := range outcomes {
		if o.Hash != "" {
			all = append(all, schema.Run{
				Scenario: o.Run.Name, Seed: o.Run.Seed, Engine: o.Engine, Verdict: o.State.Key(), Hash: o.Hash,
				Compared: compared, Virtual: o.Virtual.Seconds(),
			})
		}
	}
	return all
}

// engineUse returns what each engine was used for, in the order of their first use.
func engineUse(r campaign.Result) []schema.Engine {
	all := []schema.Engine{}
	for _, o := range slices.Concat(r.All(), r.Controls) {
		if o.State < campaign.Violated {
			continue
		}
		i := slices.IndexFunc(all, func(e schema.Engine) bool { return e.Name == o.Engine })
		if i < 0 {
			i, all = len(all), append(all, schema.Engine{Name: o.Engine})
		}
		all[i].Runs++
		all[i].Virtual += o.Virtual.Seconds()
		all[i].Wall += o.Wall.Seconds()
		all[i].CPU += o.CPU.Seconds()
	}
	return all
}

// violations returns one entry for each property that o violates.
func violations(o campaign.Outcome) []schema.Violation {
	var all []schema.Violation
	for _, id := range o.Properties() {
		v := schema.Violation{Property: id, Scenario: o.Run.Name, Seed: o.Run.Seed, Ablation: o.Run.AblatedFault(), Engine: o.Engine}
		for _, found := range o.Violations {
			if found.Property == id {
				v.Message = found.Message
				break
			}
		}
		if o.Folder != "" {
			v.Plan = filepath.Join(o.Folder, campaign.PlanFile)
			v.Trace = filepath.Join(o.Folder, campaign.TraceFile)
			v.Replay = campaign.ReplayCommand(o.Folder)
		}
		all = append(all, v)
	}
	return all
}
