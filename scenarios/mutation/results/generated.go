package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unexplained are the survivors of which nobody knows what finds them next.
func Unexplained(d *Generated) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.Survivors)) {
		if d.Survivors[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// Counts sums a sample up.
func Counts(d *Generated) string {
	return fmt.Sprintf("%d in the sample, %d of them equivalent; of the other %d the model checker killed %d, and of what it left simulation %d: "+
		"%.1f %% together. Of the %d that survive both the packages' own tests killed %d.",
		d.Sampled, len(d.Equivalent), d.Judged, d.KilledBy[Exploration], d.KilledBy[Simulation], d.Percent, len(d.Survivors), d.KilledBy[UnitTests])
}

// sampled is the part of the kept table that is about the sample.
func sampled(line func(format string, args ...any), judges []string, d *Generated) {
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
			if m.Skipped[judge] == KilledBefore {
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
