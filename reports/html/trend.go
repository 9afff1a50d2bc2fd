package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dtsim/reports/schema"
)

// trend compares a campaign with an earlier one.
type trend struct {
	Name    string
	Figures []trendFigure
	Lists   []trendList
	// Unlike describes how the two campaigns differ in kind; empty if they do not.
	Unlike []string
}

// trendFigure is a figure then and now.
type trendFigure struct {
	Name, Before, Now, Delta string
	Tone                     tone
}

// trendList lists what is new or gone.
type trendList struct {
	Title string
	Names []string
	Tone  tone
}

func newTrend(name string, before, now *schema.Campaign) *trend {
	t := &trend{Name: name}
	t.unlike(before, now)
	ratio := func(a, b float64) float64 {
		if b <= 0 {
			return 0
		}
		return a / b
	}
	t.figure("Runs", float64(before.Runs), float64(now.Runs), "%.0f", 0)
	t.figure("Runs a second", ratio(float64(before.Runs), before.Wall), ratio(float64(now.Runs), now.Wall), "%.2f", +1)
	t.figure("Virtual seconds a second", ratio(before.Virtual, before.Wall), ratio(now.Virtual, now.Wall), "%.0f", +1)
	t.figure("Events a run", ratio(float64(before.Events), float64(before.Runs)), ratio(float64(now.Events), float64(now.Runs)), "%.0f", 0)
	t.figure("Goals reached", positiveCount(before.Sometimes), positiveCount(now.Sometimes), "%.0f", +1)
	t.figure("Properties exercised", positiveCount(before.Exercised), positiveCount(now.Exercised), "%.0f", +1)
	t.figure("Violated runs", float64(violatedRuns(before)), float64(violatedRuns(now)), "%.0f", -1)
	t.figure("Distinct failures", float64(len(before.Failures)), float64(len(now.Failures)), "%.0f", -1)
	t.figure("Harness errors", float64(len(before.HarnessFailures)), float64(len(now.HarnessFailures)), "%.0f", -1)

	t.lists("Properties violated", violatedProperties(before), violatedProperties(now), byProperty, toneBad, toneGood)
	t.lists("Goals reached", positiveNames(before.Sometimes), positiveNames(now.Sometimes), compareGoals, toneGood, toneWarn)
	t.lists("Properties exercised", positiveNames(before.Exercised), positiveNames(now.Exercised), byProperty, toneGood, toneWarn)
	return t
}

// unlike finds differences in what was asked for.
func (t *trend) unlike(before, now *schema.Campaign) {
	if before.Engine != now.Engine {
		t.Unlike = append(t.Unlike, fmt.Sprintf("another engine, %s then and %s now", before.Engine, now.Engine))
	}
	versions := func(build string) string { // of a build "ID with MODULE@VERSION, MODULE@VERSION"
		_, with, _ := strings.Cut(build, " with ")
		return cmp.Or(with, "the versions of go.mod")
	}
	if a, b := versions(before.Build), versions(now.Build); a != b {
		t.Unlike = append(t.Unlike, fmt.Sprintf("other versions, %s then and %s now", a, b))
	}
	if before.Seeds != now.Seeds {
		t.Unlike = append(t.Unlike, fmt.Sprintf("other seeds, %s then and %s now", before.Seeds, now.Seeds))
	}
	names := func(d *schema.Campaign) (all []string) {
		for _, s := range d.Scenarios {
			all = append(all, s.Name)
		}
		slices.Sort(all)
		return all
	}
	if a, b := names(before), names(now); !slices.Equal(a, b) {
		t.Unlike = append(t.Unlike, fmt.Sprintf("other scenarios, %d then and %d now", len(a), len(b)))
	}
}

// figure adds a figure; better is +1 if more is better, -1 if less is, 0 if neither. Rates vary
// by machine, so a change of less than a tenth has no tone.
func (t *trend) figure(name string, before, now float64, format string, better int) {
	c := trendFigure{Name: name, Before: fmt.Sprintf(format, before), Now: fmt.Sprintf(format, now), Delta: "same"}
	if c.Before != c.Now {
		c.Delta = fmt.Sprintf("%+.0f", now-before)
		if before > 0 {
			c.Delta = fmt.Sprintf("%+.0f%%", 100*(now-before)/before)
		}
		more := 1
		if now < before {
			more = -1
		}
		noise := before > 0 && now/before > 0.9 && now/before < 1.1 && format != "%.0f"
		switch {
		case better == 0 || noise:
		case better == more:
			c.Tone, c.Delta = toneGood, c.Delta+" ▲"
		default:
			c.Tone, c.Delta = toneBad, c.Delta+" ▼"
		}
	}
	t.Figures = append(t.Figures, c)
}

// lists adds what is new and what is gone.
func (t *trend) lists(what string, before, now map[string]bool, order func(a, b string) int, came, went tone) {
	diff := func(a, b map[string]bool) []string {
		var all []string
		for name := range a {
			if !b[name] {
				all = append(all, name)
			}
		}
		slices.SortFunc(all, order)
		return all
	}
	if names := diff(now, before); len(names) > 0 {
		t.Lists = append(t.Lists, trendList{what + " now, and not before", names, came})
	}
	if names := diff(before, now); len(names) > 0 {
		t.Lists = append(t.Lists, trendList{what + " before, and not now", names, went})
	}
}

func positiveNames(counts map[string]int64) map[string]bool {
	all := map[string]bool{}
	for name, n := range counts {
		if n > 0 {
			all[name] = true
		}
	}
	return all
}

func positiveCount(counts map[string]int64) float64 { return float64(len(positiveNames(counts))) }

func violatedProperties(d *schema.Campaign) map[string]bool {
	all := map[string]bool{}
	for _, v := range d.Violations {
		all[v.Property] = true
	}
	return all
}

// compareGoals orders goals as [goals] does.
func compareGoals(a, b string) int {
	if a == b {
		return 0
	}
	if goals(map[string]int64{a: 0, b: 0})[0].Name == a {
		return -1
	}
	return 1
}
