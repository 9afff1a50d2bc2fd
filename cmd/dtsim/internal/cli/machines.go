package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/models/explore/logs"
	"dtsim/models/explore/tasks"
	"dtsim/models/explore/twophase"
)

// machine is a configuration of `dtsim check`: a machine with a name.
type machine struct {
	name, summary string
	// states is how many there are; 0 for a machine that is not exhausted.
	states uint64
	// planted is set if it has a defect that has to be found.
	planted bool
	// symmetry and reduction are on unless a flag turns them off; depthFirst is how the
	// machine is explored.
	symmetry, reduction, depthFirst bool
	build                           func() explore.Machine
	// settings are those of a machine whose name is not enough; see package
	// counterexample.
	settings string
	// runOf returns a path as a simulated run; nil for a machine without such a form.
	runOf func(explore.Path) (*counterexample.Run, error)
}

// machines are the named configurations, each in one line.
//
// 2pc-5-sorted is there for its count, 665, which is known from the model checker
// Stateright and no count of anything but that search: its representatives are not
// unique, so how many are met depends on the order. 2pc-5-symmetric counts what there is.
func machines() []machine {
	var all []machine
	configs := tasks.Configs()
	for _, name := range tasks.Names() {
		all = append(all, clusterOf(configs[name]))
	}
	return append(all, []machine{
		{name: "logs", summary: "every command, hostile ones among them, behind logs that matter: the replica compared with the specification", states: logs.Shortest,
			build: func() explore.Machine { return explore.Of(logs.New(1)) }},
		{name: "logs-2", summary: "the same with two commands",
			build: func() explore.Machine { return explore.Of(logs.New(2)) }},
		{name: "logs-3", summary: "the same with three, once for every state that two lead to",
			build: func() explore.Machine { return explore.Of(logs.New(3)) }},
		twoPhase(5, 8_832),
		twoPhase(7, 296_448),
		twoPhase(9, 10_340_352),
		{name: "2pc-5-symmetric", summary: "two-phase commit, 5 resource managers, those equal but for names are one", states: 314, symmetry: true,
			build: func() explore.Machine { return explore.Of(twophase.Symmetric{Model: twophase.New(5)}) }},
		{name: "2pc-5-sorted", summary: "the same as the literature has it: sorted by what they do alone, depth first", states: 665, symmetry: true, depthFirst: true,
			build: func() explore.Machine { return explore.Of(twophase.Sorted{Model: twophase.New(5)}) }},
		{name: "2pc-3-hasty", summary: "two-phase commit with a planted defect, to see a counterexample", planted: true,
			build: func() explore.Machine { return explore.Of(twophase.Hasty(3)) }},
	}...)
}

// defaultMachine is the one without --config.
const defaultMachine = "default"

// clusterOf is a small cluster of the task manager. The configuration is valid.
func clusterOf(c tasks.Config) machine {
	model := sync.OnceValue(func() *tasks.Model {
		m, err := tasks.New(c)
		if err != nil {
			panic(fmt.Sprintf("check: %v", err))
		}
		return m
	})
	return machine{
		name: c.Name, summary: c.Summary(), symmetry: true, reduction: true,
		build: func() explore.Machine { return explore.Of[tasks.State](model()) },
		runOf: func(path explore.Path) (*counterexample.Run, error) {
			run, err := model().RunOf(path)
			return (*counterexample.Run)(&run), err
		},
	}
}

// customName is that of a cluster that was put together with flags.
const customName = "custom"

// clusterFrom is a cluster that has no name of its own.
func clusterFrom(c tasks.Config) (machine, error) {
	c.Name = customName
	if err := c.Validate(); err != nil {
		return machine{}, err
	}
	settings, err := json.Marshal(c)
	if err != nil {
		return machine{}, err
	}
	m := clusterOf(c)
	m.settings = string(settings)
	return m, nil
}

func twoPhase(n int, states uint64) machine {
	return machine{
		name: fmt.Sprintf("2pc-%d", n), summary: fmt.Sprintf("two-phase commit, %d resource managers", n), states: states,
		build: func() explore.Machine { return explore.Of(twophase.New(n)) },
	}
}

func machineByName(name string) (machine, error) {
	for _, m := range machines() {
		if m.name == name {
			return m, nil
		}
	}
	return machine{}, fmt.Errorf("there is no configuration %q; dtsim check --list shows what there is", name)
}

// machineOf is the machine that a counterexample is of.
func machineOf(is counterexample.Machine) (machine, error) {
	if is.Settings == "" {
		return machineByName(is.Config)
	}
	var c tasks.Config
	d := json.NewDecoder(strings.NewReader(is.Settings))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return machine{}, fmt.Errorf("the settings of the machine: %w", err)
	}
	return clusterFrom(c)
}

// is identifies the machine.
func (m machine) is() counterexample.Machine {
	return counterexample.Machine{Config: m.name, Settings: m.settings}
}

// run returns a path as a simulated run, nil if the machine has no such form.
func (m machine) run(path explore.Path) (*counterexample.Run, error) {
	if m.runOf == nil {
		return nil, nil
	}
	return m.runOf(path)
}
