package results

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Markdown writes the table that is kept beside the mutants.
func Markdown(d Document) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What the harness finds\n")
	line("Written by `%s`, on %s. Each judge had %s for a mutant, without builds, and the simulation", d.Command, d.Machine,
		time.Duration(d.BudgetS*float64(time.Second)))
	line("looked %s. A kill is a violation of a property that the mutant breaks; runs, states and", times(d.Repetitions))
	line("seconds to the kill are medians. Packages' own tests name no property; they are counted apart.\n")
	header, rule := "| mutant | breaks |", "|---|---|"
	for _, judge := range d.Judges {
		header += fmt.Sprintf(" %s |", judge)
		rule += "---|"
	}
	line("%s\n%s", header, rule)
	row := func(name, breaks string, cell func(judge string) string) {
		text := fmt.Sprintf("| %s | %s |", name, breaks)
		for _, judge := range d.Judges {
			text += " " + cell(judge) + " |"
		}
		line("%s", text)
	}
	if len(d.Unmutated) > 0 {
		row(Unmutated, "nothing", func(judge string) string {
			if slices.ContainsFunc(d.Found, func(f Finding) bool { return f.Judge == judge && f.Property == HarnessError }) {
				return "the judge failed"
			}
			return spent(judge, d.Unmutated[judge])
		})
	}
	for _, m := range d.Mutants {
		row(m.Name, words(m.Properties), func(judge string) string { return cameTo(judge, m) })
	}
	line("\n## What each property is worth\n")
	line("A property catches a mutant alone when at least %d runs of the mutant violated a property, and in", Convincing)
	line("each of them, and in whatever else a judge saw of the mutant, it alone was violated. A star says")
	line("that promises were broken beside it, which some plans make and which name no rule.\n")
	line("| property | catches | alone |\n|---|---|---|")
	stars := map[string]string{}
	for _, m := range d.Mutants {
		for id := range m.Fired {
			if Promise(id) {
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
	if d.Generated != nil {
		sampled(line, d.Judges, d.Generated)
	}
	return b.String()
}

// cameTo is what a judge came to with a mutant.
func cameTo(judge string, m Mutant) string {
	if why, skipped := m.Skipped[judge]; skipped {
		return "not asked: " + why
	}
	if _, failed := m.Failed[judge]; failed {
		return "the judge failed"
	}
	if k, killed := m.Kills[judge]; killed {
		return spent(judge, k)
	}
	return spent(judge, m.Survived[judge])
}

// spent is what a judge found and what that took.
func spent(judge string, k Kill) string {
	text := fmt.Sprintf("%.1f s", k.WallS)
	if what := map[string]string{Simulation: "runs", Exploration: "states"}[judge]; what != "" {
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

// words joins ids.
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
