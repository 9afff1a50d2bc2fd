package mutation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/schema"
)

// Unexplained returns the survivors of which it is not known what would find them.
func Unexplained(d *schema.Generated) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.Survivors)) {
		if d.Survivors[name] == "" {
			names = append(names, name)
		}
	}
	return names
}

// Counts summarizes a sample in a sentence.
func Counts(d *schema.Generated) string {
	return fmt.Sprintf("%d in the sample, %d of them equivalent; of the other %d the model checker killed %d, and of what it left simulation %d: "+
		"%.1f %% together. Of the %d that survive both the packages' own tests killed %d.",
		d.Sampled, len(d.Equivalent), d.Measured, d.KilledBy[schema.Exploration], d.KilledBy[schema.Simulation], d.Percent, len(d.Survivors), d.KilledBy[schema.UnitTests])
}

// sampled writes the part of the table that is about the sample.
func sampled(line func(format string, args ...any), unchosen string, detectors []string, d *schema.Generated) {
	line("There are as many of each operator in each package as of any other, chosen by the seed %d. Any property may find", d.Seed)
	line("them. The model checker is tried first, then the others from left to right, and none on what another has killed;")
	line("where a lock may be missing, simulation spends the last third of its time with the race detector, and \"race\"")
	line("is its report. All are built into one program, of which nothing may be found as long as none is chosen.\n")
	line("%s\n", Counts(d))
	header, rule := "| mutant | what became what |", "|---|---|"
	for _, detector := range detectors {
		header += " " + detector + " |"
		rule += "---|"
	}
	line("%s\n%s", header, rule)
	row := func(name, what string, cell func(detector string) string) {
		text := fmt.Sprintf("| %s | %s |", name, strings.ReplaceAll(what, "|", "\\|"))
		for _, detector := range detectors {
			text += " " + cell(detector) + " |"
		}
		line("%s", text)
	}
	row(unchosen, "nothing", func(detector string) string { return spent(detector, d.Unchosen[detector]) })
	for _, m := range d.Mutants {
		row(m.Name, m.What, func(detector string) string {
			if m.Skipped[detector] == KilledBefore {
				return ""
			}
			return outcome(detector, m.Mutant)
		})
	}
	list := func(title string, notes map[string]string) {
		if len(notes) > 0 {
			line("\n### %s\n", title)
		}
		for _, name := range slices.Sorted(maps.Keys(notes)) {
			line("- %s: %s", name, cmp.Or(notes[name], "unknown"))
		}
	}
	list("What finds the survivors next", d.Survivors)
	list("Why the others are equivalent", d.Equivalent)
}
