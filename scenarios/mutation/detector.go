// Package gallery measures a harness by the mutants that its judges find.
//
// Every judge looks at every mutant: simulation, model checker, unit tests. A mutant is
// killed by a judge that finds one of the properties that the mutant breaks; another
// property, and a harness that fails, are none. The same judges look at the system as
// it is, and must find nothing.
//
// # What a property is worth
//
// A check that finds nothing which another does not find as well is worth nothing. So
// the simulation does not stop at the first kill: in the first repetition it goes on
// with the seeds that come next, until [Convincing] runs of the mutant have violated a
// property or the budget is over, and notes of every run all that was violated in it; a
// run goes on to its end whatever was violated on the way, and all checks see all of it.
// A property catches a mutant *alone* when at least so many runs violated one, in each
// of them it alone was violated, and no judge that names properties saw another one in
// anything that it looked at. Then the mutant would survive without that property, as
// far as so many runs can tell. A data race counts like a property. What is no kill does
// not count: a failure of the harness, and a promise of a plan, which says how one story
// was to end and not which rule was broken; where some were, the table says so. The
// model checker stops at the first violation of a configuration, which is the first of a
// shortest way there.
//
// P2 holds all of fsm against models/spec and would be violated beside the others. What
// they are worth shows on shared mutants, see package mutants.
//
// The package knows neither flags nor terminals.
package mutation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dtsim/scenarios/mutation/results"

	"dtsim/sim/engine/build"
)

// Judge looks for what is wrong with a system.
type Judge interface {
	// Name is "sim", "explore" or "unit".
	Name() string
	// Asked says why the judge is not asked about a mutant; empty when it is. The system
	// as it is, nil, is always looked at.
	Asked(m *Mutant) (why string)
	// Look looks at a system until it finds one of the properties that wanted says, or ctx
	// ends. The repetition, from 1, is where it begins to look. Err of the finding says
	// that the judge has failed.
	Look(ctx context.Context, s System, wanted func(property string) bool, repetition int) Finding
}

// System is what is judged: the system with edits, and if they hold many mutants which of
// them is chosen, as NAME=value.
type System struct {
	Edits  build.Edits
	Choice string
}

// Finding is what a judge came to.
type Finding struct {
	// Property is the wanted one that was found; empty when none was.
	Property string
	// Message and Where say what was found, and how to see it again.
	Message, Where string
	// Runs is how much was looked at until Property was found, or in all: runs, states,
	// packages. Wall is how long that took, without what had to be built.
	Runs int
	Wall time.Duration
	// Fired counts, by property, what violated it: runs, or configurations of the model
	// checker, also those after the kill. Violating is how many violated any, promises not
	// among them.
	Fired     map[string]int
	Violating int
	// Err says why there is nothing to go by.
	Err error
}

// Subject is a mutant and the content of the files that it changes; the zero Subject is
// the system as it is.
type Subject struct {
	Mutant *Mutant
	Edits  build.Edits
	// Program holds the mutant of an operator beside others, Choice chooses it; without a
	// mutant the program is looked at with none chosen.
	Program build.Edits
	Choice  string
}

// Name is the mutant's; of the system as it is [results.Unmutated], and of a program of which no
// mutant is chosen [results.NoneChosen].
func (s Subject) Name() string {
	switch {
	case s.Mutant != nil:
		return s.Mutant.Name
	case s.Generated():
		return results.NoneChosen
	}
	return results.Unmutated
}

// system is what judges look at.
func (s Subject) system() System {
	if s.Generated() {
		return System{s.Program, s.Choice}
	}
	return System{Edits: s.Edits}
}

// Generated says that the subject is one of a sample of generated mutants.
func (s Subject) Generated() bool { return s.Program != nil }

// wanted says whether finding a property is a kill; of the system as it is, any is a
// finding.
func (s Subject) wanted(property string) bool {
	if s.Mutant == nil {
		return property != Race
	}
	return s.Mutant.MayBreak(property)
}

// Record is what one judge came to with one subject in one repetition.
type Record struct {
	Subject, Judge string
	Repetition     int
	// Skipped says why the judge was not asked.
	Skipped string
	Finding
}

// Killed says that the judge has found what it had to.
func (r Record) Killed() bool { return r.Property != "" && r.Err == nil }

// Spec is what is to be judged.
type Spec struct {
	Subjects []Subject
	Judges   []Judge
	// Budget is how long a judge may look at a subject, without builds.
	Budget time.Duration
	// Repetitions is how often each judge looks, each time beginning elsewhere.
	Repetitions int
	// Watch is told every record as soon as there is one, Begin what begins.
	Watch func(Record)
	Begin func(subject, judge string, repetition int)
	// Journal remembers the records; nil for nobody.
	Journal *Journal
}

// Execute lets all judges look at all subjects and returns the records in that order,
// the repetitions innermost. Of generated mutants there are many, and what they tell is
// how few survive: no judge is asked about one that another has killed, and the model
// checker, which needs a second where simulation needs ten, is asked first. When ctx ends,
// the records that there are; the error is ctx.Err(), or that the journal cannot be
// written.
func Execute(ctx context.Context, spec Spec) ([]Record, error) {
	var all []Record
	for _, s := range spec.Subjects {
		killed := false
		for _, j := range spec.order(s) {
			if killed && s.Generated() && s.Mutant != nil {
				r := Record{Subject: s.Name(), Judge: j.Name(), Repetition: 1, Skipped: results.KilledBefore}
				all = append(all, r)
				continue
			}
			for n := 1; n <= spec.Repetitions; n++ {
				r, known := spec.Journal.find(s, j.Name(), n)
				if !known {
					spec.Begin(s.Name(), j.Name(), n)
					r = spec.one(ctx, s, j, n)
					if ctx.Err() != nil {
						return all, ctx.Err()
					}
					if err := spec.Journal.add(s, r); err != nil {
						return all, err
					}
				}
				all = append(all, r)
				killed = killed || r.Killed()
				spec.Watch(r)
				if r.Skipped != "" || r.Err != nil || once(j) || s.Generated() {
					break // again would be the same, or tell nothing more
				}
			}
		}
	}
	return all, nil
}

// order is that in which judges are asked.
func (spec *Spec) order(s Subject) []Judge {
	if !s.Generated() {
		return spec.Judges
	}
	return slices.SortedStableFunc(slices.Values(spec.Judges), func(a, b Judge) int {
		first := func(j Judge) int {
			if j.Name() == results.Exploration {
				return 0
			}
			return 1
		}
		return cmp.Compare(first(a), first(b))
	})
}

// once says that a judge has no other place to begin at.
func once(j Judge) bool { return j.Name() != results.Simulation }

func (spec *Spec) one(ctx context.Context, s Subject, j Judge, repetition int) Record {
	r := Record{Subject: s.Name(), Judge: j.Name(), Repetition: repetition}
	if s.Mutant != nil {
		if r.Skipped = j.Asked(s.Mutant); r.Skipped != "" {
			return r
		}
	}
	r.Finding = j.Look(ctx, s.system(), s.wanted, repetition)
	return r
}

// Subjects applies mutants to the sources; read returns a file of the module.
func Subjects(all []*Mutant, read func(file string) ([]byte, error)) ([]Subject, error) {
	var subjects []Subject
	var errs []error
	for _, m := range all {
		files, err := m.Apply(read)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		subjects = append(subjects, Subject{Mutant: m, Edits: files})
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w", errors.Join(errs...))
	}
	return subjects, nil
}
