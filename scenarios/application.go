package scenarios

import (
	"bytes"
	"fmt"

	linear "dtsim/models/history"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/goals"
	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/scenarios/tasks/taskshrink"
	"dtsim/sim/campaign"
	"dtsim/sim/coverage"
	"dtsim/sim/plan"
	"dtsim/sim/shrink"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Application returns what campaigns have to know of the task manager.
func Application() *campaign.Application {
	return &campaign.Application{
		Name:       "tasks",
		Guest:      tasks.Guest,
		System:     tasks.SystemPackages(),
		Judge:      tasks.Judge,
		Instrument: tasks.Instrumented(),
		Cover:      tasks.Shipped(),
		Review:     reviewHistory,
		Recount:    recount,
		Differ:     differ,
		Ablate:     taskplan.Ablate,
		Controls:   controls,
		Cause:      taskshrink.Cause,
		Shrink:     taskshrink.Shrink,
		Shape:      taskshrink.Shape,
		View:       shrink.View(aboutTask),
	}
}

// controls are the runs of [Controls].
func controls(command string) *campaign.Controls {
	run := func(s Scenario) campaign.Run {
		return campaign.Run{Seed: 1, Family: Family(s, Options{}, command)}
	}
	holds, fails := Controls()
	return &campaign.Controls{Passes: run(holds), Fails: run(fails), Planted: string(Planted)}
}

// Family returns the runs of a scenario, which command makes.
func Family(s Scenario, o Options, command string) *campaign.Family {
	return &campaign.Family{
		Name:    s.Name,
		Plan:    func(seed uint64) *plan.Plan { return s.Plan(seed, o).Encode() },
		Ablate:  taskplan.Ablate,
		Command: command,
	}
}

// recount counts the coverage of a run once more.
func recount(run []byte) ([]campaign.Activation, error) {
	seen, err := coverage.Trace(bytes.NewReader(run), goals.Of)
	if err != nil {
		return nil, err
	}
	var all []campaign.Activation
	for _, one := range seen.Faults() {
		all = append(all, campaign.Activation{Activated: one.Activated, Effective: one.Effective})
	}
	return all, nil
}

// differ reports whether two runs have decided differently.
func differ(first, second []byte) (bool, error) {
	with, err := coverage.ReadDecisions(bytes.NewReader(first), goals.Decides, goals.Decisive()...)
	if err != nil {
		return false, fmt.Errorf("the decisions of the first run: %w", err)
	}
	without, err := coverage.ReadDecisions(bytes.NewReader(second), goals.Decides, goals.Decisive()...)
	if err != nil {
		return false, fmt.Errorf("the decisions of the second run: %w", err)
	}
	_, differ := with.Differ(without)
	return differ, nil
}

// reviewHistory decides the linearizability of a run (P2) in two ways: in the order of the
// log, which the verdict of the run has used already, and by search. It returns an error if
// the two contradict each other or the search was not completed.
func reviewHistory(r *trace.Reader) error {
	r.Only(linear.Kinds()...)
	h, err := linear.FromTrace(r)
	if err != nil {
		return fmt.Errorf("the history of the run: %w", err)
	}
	report, err := linear.Judge(h, Rules())
	switch {
	case err != nil:
		return fmt.Errorf("the history of the run: %w", err)
	case !report.Agree():
		return fmt.Errorf("the two checks of linearizability contradict each other: by the order of the log it is %s, by porcupine %s",
			report.CommitOrder, report.Porcupine)
	case report.Verdict() == linear.Unknown:
		return fmt.Errorf("linearizability is undecided: by the order of the log it is %s, by porcupine %s",
			report.CommitOrder, report.Porcupine)
	}
	return nil
}

// Rules returns the rules of the specification with the simulated providers.
func Rules() *spec.Rules {
	set := provider.NewSet(provider.Env{})
	return refinement.Rules(set.ConflictDetectors(), set.SchemaMutationDetectors(), set.Extractors())
}

// aboutTask describes an event by the task that it is about. Progress of units leads to
// nothing.
func aboutTask(e *trace.Event) (about shrink.About) {
	b := taskevent.Of(e)
	if k := taskevent.RunOf(b).Key(); k.Task != "" {
		about.Subject = k.String()
	}
	switch b := b.(type) {
	case *taskevent.TaskChanged:
		about.Effect, about.Minor = true, b.UnitStatus == taskevent.UnitInProgress
	case *event.Applied:
		about.Minor = b.Command == taskevent.CommandUnitProgress
	case *event.Called:
		about.Minor = b.Do == taskevent.UpdateProgress
	}
	return about
}
