package mutation

import (
	"context"
	"time"

	"dtsim/sim/engine/build"
)

// Detector looks for defects of a system.
type Detector interface {
	// Name is one of the names of package results: "sim", "explore" or "unit".
	Name() string
	// Skip returns why the detector is not tried on a mutant, and nothing if it is.
	Skip(m *Mutant) (reason string)
	// Detect examines a system until it finds a violation of a wanted property, or ctx ends.
	// The repetition, from 1, selects where it begins. Finding.Err is set if the detector
	// itself has failed.
	Detect(ctx context.Context, s System, wanted func(property string) bool, repetition int) Finding
}

// System is what a detector examines: the sources with edits. If these hold many mutants,
// Choice selects one, as NAME=value in the environment.
type System struct {
	Edits  build.Edits
	Choice string
}

// environment is what selects a mutant.
func (s System) environment() []string {
	if s.Choice == "" {
		return nil
	}
	return []string{s.Choice}
}

// Finding is what a detector found.
type Finding struct {
	// Property is the wanted property that was violated; empty if none was.
	Property string
	// Message describes the violation, Where is what reproduces it.
	Message, Where string
	// Runs is how much was examined until Property was violated, or in all: runs, states or
	// packages. Wall is how long that took, without builds.
	Runs int
	Wall time.Duration
	// Fired counts, by property, the runs that violated it, or the configurations of the
	// model checker, also those after the kill. Violating is how many of them violated any,
	// promises not counted.
	Fired     map[string]int
	Violating int
	// Err is why there is no result.
	Err error
}
