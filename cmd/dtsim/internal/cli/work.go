package cli

import (
	"fmt"
	"slices"

	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/campaign"
	"dtsim/sim/plan"
)

// application is the system under test, unless --system names another one.
var application = scenarios.Application()

// work is what `dtsim run` is asked to do.
type work struct {
	seeds seeds
	// runs are in seed order, compare holds the first of each scenario.
	runs, compare []campaign.Run
	controls      *campaign.Controls
}

// work turns flags into runs; changed reports whether a flag was given.
func (f *runFlags) work(app *campaign.Application, changed func(string) bool) (work, error) {
	if err := checkEngine(f.engine); err != nil {
		return work{}, err
	}
	if f.jobs < 1 {
		return work{}, badUsage("--jobs %d: must be at least 1", f.jobs)
	}
	if changed("nodes") && (f.nodes < 1 || f.nodes > plan.MaxNodes) {
		return work{}, badUsage("--nodes %d: a cluster has 1 to %d nodes", f.nodes, plan.MaxNodes)
	}
	if changed("for") && f.wall <= 0 {
		return work{}, badUsage("--for %s: must be positive", f.wall)
	}
	if f.budget < 0 {
		return work{}, badUsage("--shrink-budget %d: must not be negative", f.budget)
	}
	families, own, err := f.families(app, changed)
	if err != nil {
		return work{}, err
	}
	w := work{seeds: own, controls: app.Controls(f.command())}
	if f.plan == "" || changed("seeds") {
		if w.seeds, err = parseSeeds(f.seeds); err != nil {
			return work{}, err
		}
	}
	if f.wall > 0 && !changed("seeds") {
		w.seeds = seeds{1, mostSeeds}
	}
	for seed := w.seeds.first; ; seed++ {
		for _, family := range families {
			w.runs = append(w.runs, campaign.Run{Family: family, Seed: seed})
		}
		if seed == w.seeds.last {
			break
		}
	}
	w.compare = w.runs[:len(families)]
	for _, r := range w.compare {
		if _, err := taskplan.Of(r.Plan()); err != nil {
			return work{}, badUsage("%s: %w", r.Name, err)
		}
	}
	return w, nil
}

// families returns what the flags select, and for a plan file its own seed.
func (f *runFlags) families(app *campaign.Application, changed func(string) bool) ([]*campaign.Family, seeds, error) {
	if changed("plan") {
		switch {
		case changed("scenario"):
			return nil, seeds{}, badUsage("--plan and --scenario exclude each other: a plan is already one run")
		case changed("nodes"):
			return nil, seeds{}, badUsage("--plan and --nodes exclude each other: the plan has the number of nodes")
		}
		p, err := readPlan(f.plan)
		if err != nil {
			return nil, seeds{}, err
		}
		return []*campaign.Family{{
			Name:    p.Name,
			Plan:    func(seed uint64) *plan.Plan { q := *p; q.Seed = seed; return &q },
			Ablate:  app.Ablate,
			Command: f.command("--plan", f.plan),
		}}, seeds{p.Seed, p.Seed}, nil
	}

	chosen, err := selectScenarios(f.scenarios)
	if err != nil {
		return nil, seeds{}, err
	}
	published := app.Profile != ""
	if published && len(f.scenarios) == 0 {
		chosen = slices.DeleteFunc(chosen, func(s scenarios.Scenario) bool { return !s.Published() })
	}
	var families []*campaign.Family
	for _, s := range chosen {
		command := f.command("--scenario", s.Name)
		if f.nodes > 0 {
			command += fmt.Sprintf(" --nodes %d", f.nodes)
		}
		families = append(families, scenarios.Family(s, scenarios.Options{Nodes: f.nodes, Published: published}, command))
	}
	return families, seeds{}, nil
}

// command returns the command that makes runs as these flags ask for, with arguments in front.
func (f *runFlags) command(args ...string) string {
	args = append(args, "--engine", f.engine)
	if f.race {
		args = append(args, "--race")
	}
	if f.guest.system != "" {
		args = append(args, "--system", f.guest.system)
	}
	for _, with := range f.guest.with {
		args = append(args, "--with", with)
	}
	words := "go run ./cmd/dtsim run"
	for _, a := range args {
		words += " " + campaign.Quote(a)
	}
	return words
}
