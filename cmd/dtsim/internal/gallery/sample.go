package gallery

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/schema"
	"dtsim/scenarios/mutants"
)

// Sample is a sample of generated mutants, and what is known of them.
type Sample struct {
	Seed uint64
	// Judged are those that judges look at; Equivalent are the others, which behave as
	// the system does, so that nothing can find them.
	Judged, Equivalent []*mutants.Mutant
	notes              mutants.Notes
}

// NewSample takes those that are equivalent out of what a seed has chosen.
func NewSample(seed uint64, chosen []*mutants.Mutant, notes mutants.Notes) Sample {
	s := Sample{Seed: seed, notes: notes}
	for _, m := range chosen {
		if notes.Equivalent[m.Name] != "" {
			s.Equivalent = append(s.Equivalent, m)
		} else {
			s.Judged = append(s.Judged, m)
		}
	}
	return s
}

// Subjects are the sample as one program, first without a mutant chosen.
func (s Sample) Subjects(judged []*mutants.Mutant) ([]Subject, error) {
	if len(s.Judged) == 0 {
		return nil, nil
	}
	program, err := mutants.Together(s.Judged)
	if err != nil {
		return nil, err
	}
	all := []Subject{{Program: program.Files, Choice: mutants.ChoiceVariable + "=0"}}
	for _, m := range judged {
		all = append(all, Subject{Mutant: m, Program: program.Files, Choice: mutants.ChoiceVariable + "=" + program.Choice(m.Name)})
	}
	return all, nil
}

// Apart takes the rows of generated mutants out of a table.
func Apart(rows []Row) (written, generated []Row) {
	for _, row := range rows {
		if row.Subject.Generated() {
			generated = append(generated, row)
		} else {
			written = append(written, row)
		}
	}
	return written, generated
}

// Document says what became of the sample; nil of an empty one.
func (s Sample) Document(rows []Row) *schema.Generated {
	if len(s.Judged)+len(s.Equivalent) == 0 {
		return nil
	}
	d := &schema.Generated{
		Seed: s.Seed, Sampled: len(s.Judged) + len(s.Equivalent), Equivalent: map[string]string{}, KilledBy: map[string]int{},
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
				d.Found = append(d.Found, f.Judge)
			}
			continue
		}
		m := schema.GeneratedMutant{Mutant: row.document(), What: row.Subject.Mutant.Wrong}
		d.Mutants = append(d.Mutants, m)
		d.Judged++
		if killer >= 0 {
			d.KilledBy[row.Cells[killer].Judge]++
		}
		if !row.Killed() {
			d.Survivors[m.Name] = s.notes.Next[m.Name]
			if len(m.Failed) > 0 {
				d.Failed = append(d.Failed, m.Name)
			}
		}
	}
	d.Percent = 100 * float64(d.KilledBy[simName]+d.KilledBy[exploreName]) / float64(max(1, d.Judged))
	return d
}

// Unexplained are the survivors of which nobody knows what finds them next.
func Unexplained(d *schema.Generated) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.Survivors)) {
		if d.Survivors[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// Counts sums a sample up.
func Counts(d *schema.Generated) string {
	return fmt.Sprintf("%d in the sample, %d of them equivalent; of the other %d the model checker killed %d, and of what it left simulation %d: "+
		"%.1f %% together. Of the %d that survive both the packages' own tests killed %d.",
		d.Sampled, len(d.Equivalent), d.Judged, d.KilledBy[exploreName], d.KilledBy[simName], d.Percent, len(d.Survivors), d.KilledBy[unitName])
}

// sampled is the part of the kept table that is about the sample.
func sampled(line func(format string, args ...any), judges []string, d *schema.Generated) {
	line("\n## Generated mutants\n")
	line("Small changes that operators make all over the code, as many of each operator in each package as of")
	line("any other, chosen by the seed %d. Any property may find them. The model checker is asked first, then the", d.Seed)
	line("others from left to right, and none about what another has killed; where a lock is missing, simulation")
	line("runs with the race detector, and \"race\" is its report. All are built into one program, of which nothing")
	line("may be found as long as none is chosen.\n")
	line("%s\n", Counts(d))
	header, rule := "| mutant | what became what |", "|---|---|"
	for _, judge := range judges {
		header += " " + judge + " |"
		rule += "---|"
	}
	line("%s\n%s", header, rule)
	row := func(name, what string, cell func(judge string) string) {
		text := fmt.Sprintf("| %s | %s |", name, strings.ReplaceAll(what, "|", "\\|"))
		for _, judge := range judges {
			text += " " + cell(judge) + " |"
		}
		line("%s", text)
	}
	row(NoneChosen, "nothing", func(judge string) string { return spent(judge, d.Unchosen[judge]) })
	for _, m := range d.Mutants {
		row(m.Name, m.What, func(judge string) string {
			if m.Skipped[judge] == killedBefore {
				return ""
			}
			return cameTo(judge, m.Mutant)
		})
	}
	list := func(title string, notes map[string]string) {
		if len(notes) > 0 {
			line("\n### %s\n", title)
		}
		for _, name := range slices.Sorted(maps.Keys(notes)) {
			line("- %s: %s", name, cmp.Or(notes[name], "nobody knows yet"))
		}
	}
	list("What finds the survivors next", d.Survivors)
	list("Why the others are equivalent", d.Equivalent)
}
