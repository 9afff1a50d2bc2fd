package gallery

import (
	"fmt"
	"strings"
	"time"
)

// Head is what a table says about itself.
type Head struct {
	// Command is what was typed, Machine where.
	Command, Machine string
	Budget           time.Duration
	Repetitions      int
}

// Markdown writes the table that is kept beside the mutants.
func Markdown(head Head, rows []Row) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What the harness finds\n")
	line("Written by `%s`, on %s. Each judge had %s for a mutant, without builds, and the simulation", head.Command, head.Machine, head.Budget)
	line("looked %s. A kill is a violation of a property that the mutant breaks; runs, states and", times(head.Repetitions))
	line("seconds to the kill are medians. Packages' own tests name no property; they are counted apart.\n")
	if len(rows) == 0 {
		return b.String()
	}
	header, rule := "| mutant | breaks |", "|---|---|"
	for _, c := range rows[0].Cells {
		header += fmt.Sprintf(" %s |", c.Judge)
		rule += "---|"
	}
	line("%s\n%s", header, rule)
	for _, row := range rows {
		breaks := "nothing"
		if row.Subject.Mutant != nil {
			breaks = strings.Join(row.Subject.Mutant.Breaks, " ")
		}
		text := fmt.Sprintf("| %s | %s |", row.Subject.Name(), breaks)
		for _, c := range row.Cells {
			text += " " + c.words() + " |"
		}
		line("%s", text)
	}
	line("\n## What each property is worth\n")
	line("Alone are the mutants that no other property was seen to catch.\n")
	line("| property | catches | alone |\n|---|---|---|")
	for _, f := range Vacuity(rows) {
		line("| %s | %s | %s |", f.Property, words(f.Kills), words(f.AloneCatch))
	}
	return b.String()
}

// words are what a cell says.
func (c Cell) words() string {
	what := map[string]string{simName: "runs", exploreName: "states"}[c.Judge]
	spent := fmt.Sprintf("%.1f s", c.Wall().Seconds())
	if what != "" {
		spent = fmt.Sprintf("%d %s, %s", c.Runs(), what, spent)
	}
	others := ""
	if o := c.Others(); len(o) > 0 {
		others = "; also " + words(o)
	}
	switch {
	case c.Skipped() != "":
		return "not asked: " + c.Skipped()
	case c.Err() != nil:
		return "the judge failed"
	case c.Killed():
		return fmt.Sprintf("%s: %s%s", words(c.Properties()), spent, others)
	case c.Kills() > 0:
		return fmt.Sprintf("%s in %d of %d: %s%s", words(c.Properties()), c.Kills(), len(c.Records), spent, others)
	}
	return fmt.Sprintf("nothing: %s%s", spent, others)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times, each time with other seeds", n)
}
