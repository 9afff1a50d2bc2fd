package mutation

import (
	"slices"

	"dtsim/reports/schema"
)

// Sample is a sample of generated mutants, and what is known of them.
type Sample struct {
	Kind Kind
	Seed uint64
	// Measured are those that detectors are tried on; Equivalent are the others, which behave
	// as the system does, so that no detector can find them.
	Measured, Equivalent []*Mutant
	notes                Notes
}

// NewSample separates the equivalent mutants from the others of a sample.
func NewSample(kind Kind, seed uint64, chosen []*Mutant, notes Notes) Sample {
	s := Sample{Kind: kind, Seed: seed, notes: notes}
	for _, m := range chosen {
		if notes.Equivalent[m.Name] != "" {
			s.Equivalent = append(s.Equivalent, m)
		} else {
			s.Measured = append(s.Measured, m)
		}
	}
	return s
}

// Subjects returns mutants of the sample in one program, first that without one chosen.
func (s Sample) Subjects(chosen []*Mutant) ([]Subject, error) {
	if len(s.Measured) == 0 {
		return nil, nil
	}
	program, err := Together(s.Measured)
	if err != nil {
		return nil, err
	}
	all := []Subject{{Kind: s.Kind, Program: program.Files, Choice: ChoiceVariable + "=0"}}
	for _, m := range chosen {
		all = append(all, Subject{Kind: s.Kind, Mutant: m, Program: program.Files, Choice: ChoiceVariable + "=" + program.Choice(m.Name)})
	}
	return all, nil
}

// Of returns the rows of generated mutants of a kind; of those that were written down if it is
// empty.
func Of(kind Kind, rows []Row) (of []Row) {
	for _, row := range rows {
		if row.Subject.Kind == kind {
			of = append(of, row)
		}
	}
	return of
}

// Document describes the results of the sample; nil for an empty one.
func (s Sample) Document(rows []Row) *schema.Generated {
	if len(s.Measured)+len(s.Equivalent) == 0 {
		return nil
	}
	d := &schema.Generated{
		Seed: s.Seed, Sampled: len(s.Measured) + len(s.Equivalent), Equivalent: map[string]string{}, KilledBy: map[string]int{},
		Survivors: map[string]string{}, Failed: []string{}, Found: []string{}, Unchosen: map[string]schema.Kill{}, Mutants: []schema.GeneratedMutant{},
	}
	for _, m := range s.Equivalent {
		d.Equivalent[m.Name] = s.notes.Equivalent[m.Name]
	}
	for _, row := range rows {
		killer := slices.IndexFunc(row.Cells, Cell.Killed)
		if row.Subject.Mutant == nil {
			var found []schema.Finding
			d.Unchosen, found = row.unmutated()
			for _, f := range found {
				d.Found = append(d.Found, f.Detector)
			}
			continue
		}
		m := schema.GeneratedMutant{Mutant: row.document(), What: row.Subject.Mutant.Wrong}
		d.Mutants = append(d.Mutants, m)
		d.Measured++
		if killer >= 0 {
			d.KilledBy[row.Cells[killer].Detector]++
		}
		if !row.Killed() {
			d.Survivors[m.Name] = s.notes.Next[m.Name]
			if len(m.Failed) > 0 {
				d.Failed = append(d.Failed, m.Name)
			}
		}
	}
	d.Percent = 100 * float64(d.KilledBy[schema.Simulation]+d.KilledBy[schema.Exploration]) / float64(max(1, d.Measured))
	return d
}
