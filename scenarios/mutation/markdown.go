package mutation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dtsim/reports/schema"
)

// Markdown returns the table that is kept next to the mutants.
func Markdown(d schema.Mutants) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What the harness finds\n")
	line("Written by `%s`, on %s. Each detector had %s for a mutant, without builds, and simulation", d.Command, d.Machine,
		time.Duration(d.BudgetS*float64(time.Second)))
	line("was tried %s. A kill is a violation of a property that the mutant breaks; runs, states and", times(d.Repetitions))
	line("seconds to the kill are medians. Packages' own tests name no property; they are counted apart.\n")
	header, rule := "| mutant | breaks |", "|---|---|"
	for _, detector := range d.Detectors {
		header += fmt.Sprintf(" %s |", detector)
		rule += "---|"
	}
	line("%s\n%s", header, rule)
	row := func(name, breaks string, cell func(detector string) string) {
		text := fmt.Sprintf("| %s | %s |", name, breaks)
		for _, detector := range d.Detectors {
			text += " " + cell(detector) + " |"
		}
		line("%s", text)
	}
	if len(d.Unmutated) > 0 {
		row(Unmutated, "nothing", func(detector string) string {
			if slices.ContainsFunc(d.Found, func(f schema.Finding) bool { return f.Detector == detector && f.Property == HarnessError }) {
				return "the detector failed"
			}
			return spent(detector, d.Unmutated[detector])
		})
	}
	for _, m := range d.Mutants {
		row(m.Name, words(m.Properties), func(detector string) string { return outcome(detector, m) })
	}
	line("\n## What each property is worth\n")
	line("A property catches a mutant alone when at least %d runs of the mutant violated a property, and in", Convincing)
	line("each of them, and in whatever else a detector saw of the mutant, it alone was violated. A star means")
	line("that promises of plans were broken as well; they name no rule.\n")
	line("| property | catches | alone |\n|---|---|---|")
	stars := map[string]string{}
	for _, m := range d.Mutants {
		for id := range m.Fired {
			if promise(id) {
				stars[m.Name] = "\\*"
			}
		}
	}
	for _, w := range d.Worth {
		alone := []string{}
		for _, name := range w.Alone {
			alone = append(alone, name+stars[name])
		}
		line("| %s | %s | %s |", w.Property, words(w.Catches), words(alone))
	}
	if d.Semantic != nil {
		line("\n## Semantic mutants\n")
		line("Mistakes of somebody who has understood almost everything, which operators make all over the code: a")
		line("condition or a comparison of versions is forgotten, another field or status is meant, a key tells less apart, a value is")
		line("stale, something is kept on one way out, handled twice or in another order, shared instead of copied.")
		sampled(line, NoneChosenSemantic, d.Detectors, d.Semantic)
	}
	if d.Generated != nil {
		line("\n## Generated mutants\n")
		line("Small changes that operators make all over the code.")
		sampled(line, NoneChosen, d.Detectors, d.Generated)
	}
	return b.String()
}

// outcome describes what a detector found in a mutant.
func outcome(detector string, m schema.Mutant) string {
	if why, skipped := m.Skipped[detector]; skipped {
		return "not asked: " + why
	}
	if _, failed := m.Failed[detector]; failed {
		return "the detector failed"
	}
	if k, killed := m.Kills[detector]; killed {
		return spent(detector, k)
	}
	return spent(detector, m.Survived[detector])
}

// spent describes what a detector found and what that took.
func spent(detector string, k schema.Kill) string {
	text := fmt.Sprintf("%.1f s", k.WallS)
	if what := map[string]string{schema.Simulation: "runs", schema.Exploration: "states"}[detector]; what != "" {
		text = fmt.Sprintf("%d %s, %s", k.Runs, what, text)
	}
	if len(k.Unexpected) > 0 {
		text += "; also " + words(k.Unexpected)
	}
	switch {
	case k.Kills == 0:
		return "nothing: " + text
	case k.Kills < k.Tries:
		return fmt.Sprintf("%s in %d of %d: %s", words(k.Properties), k.Kills, k.Tries, text)
	}
	return fmt.Sprintf("%s: %s", words(k.Properties), text)
}

// words joins identifiers.
func words(ids []string) string {
	if len(ids) == 0 {
		return "-"
	}
	return strings.Join(ids, " ")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times, each time with other seeds", n)
}
