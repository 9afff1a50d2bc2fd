package cli

import (
	"fmt"

	"dtsim/models/explore"
	"dtsim/models/explore/twophase"
)

// machine is a configuration of `dtsim check`: a machine with a name.
type machine struct {
	name, summary string
	// states is how many there are; 0 for a machine that is not exhausted.
	states uint64
	// symmetry and reduction are on unless a flag turns them off; depthFirst is how the
	// machine is explored.
	symmetry, reduction, depthFirst bool
	build                           func() explore.Machine
}

// machines are the named configurations, each in one line.
//
// 2pc-5-sorted is there for its count, 665, which is known from the model checker
// Stateright and no count of anything but that search: its representatives are not
// unique, so how many are met depends on the order. 2pc-5-symmetric counts what there is.
func machines() []machine {
	return []machine{
		twoPhase(5, 8_832),
		twoPhase(7, 296_448),
		twoPhase(9, 10_340_352),
		{name: "2pc-5-symmetric", summary: "two-phase commit, 5 resource managers, those equal but for names are one", states: 314, symmetry: true,
			build: func() explore.Machine { return explore.Of(twophase.Symmetric{Model: twophase.New(5)}) }},
		{name: "2pc-5-sorted", summary: "the same as the literature has it: sorted by what they do alone, depth first", states: 665, symmetry: true, depthFirst: true,
			build: func() explore.Machine { return explore.Of(twophase.Sorted{Model: twophase.New(5)}) }},
		{name: "2pc-3-hasty", summary: "two-phase commit with a planted defect, to see a counterexample",
			build: func() explore.Machine { return explore.Of(twophase.Hasty(3)) }},
	}
}

// defaultMachine is explored when nobody names one.
const defaultMachine = "2pc-7"

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
