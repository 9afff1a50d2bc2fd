package mutation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"dtsim/reports/schema"
	"dtsim/sim/engine/build"
)

// Subject is a mutant and the content of the files that it changes; the zero Subject is
// the unmutated system.
type Subject struct {
	Mutant *Mutant
	Edits  build.Edits
	// Kind is that of a generated mutant.
	Kind Kind
	// Program holds all generated mutants of a sample, Choice selects one of them; without a
	// Mutant the program is examined with none selected.
	Program build.Edits
	Choice  string
}

// Name is the mutant's, [Unmutated] or [NoneChosen].
func (s Subject) Name() string {
	switch {
	case s.Mutant != nil:
		return s.Mutant.Name
	case s.Kind == Semantic:
		return NoneChosenSemantic
	case s.Generated():
		return NoneChosen
	}
	return Unmutated
}

// system is what detectors examine.
func (s Subject) system() System {
	if s.Generated() {
		return System{s.Program, s.Choice}
	}
	return System{Edits: s.Edits}
}

// Generated reports whether the subject belongs to a sample of generated mutants.
func (s Subject) Generated() bool { return s.Program != nil }

// wanted reports whether a violation of a property is a kill; on the unmutated system any
// property counts.
func (s Subject) wanted(property string) bool {
	if s.Mutant == nil {
		return property != Race
	}
	return s.Mutant.MayBreak(property)
}

// Record is what one detector found in one subject in one repetition.
type Record struct {
	Subject, Detector string
	Repetition        int
	// Skipped is why the detector was not tried.
	Skipped string
	Finding
}

// Killed reports whether the detector found a wanted property violated.
func (r Record) Killed() bool { return r.Property != "" && r.Err == nil }

// Spec is a measurement: which detectors are tried on which subjects.
type Spec struct {
	Subjects  []Subject
	Detectors []Detector
	// Budget is how long a detector may examine a subject, without builds.
	Budget time.Duration
	// Repetitions is how often each detector is tried, each time beginning elsewhere.
	Repetitions int
	// Watch is called with every record, Begin before each try.
	Watch func(Record)
	Begin func(subject, detector string, repetition int)
	// Journal keeps the records; nil for none.
	Journal *Journal
}

// Execute tries all detectors on all subjects and returns the records in that order, the
// repetitions innermost. A generated mutant that one detector has killed is not given to
// the next, and the model checker comes first, as it needs a second where simulation needs
// ten. When ctx ends, Execute returns the records so far and ctx.Err(); any other error is
// that the journal cannot be written.
func Execute(ctx context.Context, spec Spec) ([]Record, error) {
	var all []Record
	for _, s := range spec.Subjects {
		killed := false
		for _, d := range spec.order(s) {
			if killed && s.Generated() && s.Mutant != nil {
				r := Record{Subject: s.Name(), Detector: d.Name(), Repetition: 1, Skipped: KilledBefore}
				all = append(all, r)
				continue
			}
			for n := 1; n <= spec.Repetitions; n++ {
				r, known := spec.Journal.find(s, d.Name(), n)
				if !known {
					spec.Begin(s.Name(), d.Name(), n)
					r = spec.try(ctx, s, d, n)
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
				if r.Skipped != "" || r.Err != nil || d.Name() != schema.Simulation || s.Generated() {
					break // a repetition would be the same, or is not needed
				}
			}
		}
	}
	return all, nil
}

// order returns the detectors in the order in which they are tried on a subject.
func (spec *Spec) order(s Subject) []Detector {
	if !s.Generated() {
		return spec.Detectors
	}
	return slices.SortedStableFunc(slices.Values(spec.Detectors), func(a, b Detector) int {
		place := func(d Detector) int {
			if d.Name() == schema.Exploration {
				return 0
			}
			return 1
		}
		return cmp.Compare(place(a), place(b))
	})
}

// try makes one record.
func (spec *Spec) try(ctx context.Context, s Subject, d Detector, repetition int) Record {
	r := Record{Subject: s.Name(), Detector: d.Name(), Repetition: repetition}
	if s.Mutant != nil {
		if r.Skipped = d.Skip(s.Mutant); r.Skipped != "" {
			return r
		}
	}
	r.Finding = d.Detect(ctx, s.system(), s.wanted, repetition)
	return r
}

// Subjects applies mutants to the sources; read returns a file, see [Sources].
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
	return subjects, errors.Join(errs...)
}
