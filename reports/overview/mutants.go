package overview

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/page"
	"dtsim/reports/schema"
)

type mutantsBody struct {
	Tiles  []tile
	Judges []string
	Rows   []mutantRow
	Worth  page.Table
	Found  page.Table
	// Small says what became of a sample of generated mutants, Left are its survivors.
	Small string
	Left  page.Table
}

// mutantRow is one mutant, or the system as it is.
type mutantRow struct {
	Name, Breaks string
	Lost         bool
	Cells        []killCell
	Fired        string
}

// killCell is what a judge came to.
type killCell struct {
	Class, What, Spent, Tip string
}

// unitName is the judge that names no properties.
const unitName = "unit"

// Mutants makes the page of a document of mutants: survivors first, then what took
// longest to find.
func Mutants(d *schema.Mutants) (*page.Page, error) {
	b := mutantsBody{Judges: d.JudgeNames(), Worth: worth(d), Found: found(d)}
	if g := d.Generated; g != nil {
		b.Small, b.Left = sampled(g), left(g)
	}
	killed := 0
	by := map[string]int{}
	all := slices.Clone(d.Mutants)
	slices.SortStableFunc(all, func(a, b schema.Mutant) int {
		return cmp.Or(cmp.Compare(bit(a.Killed), bit(b.Killed)), -cmp.Compare(slowest(a), slowest(b)), strings.Compare(a.Name, b.Name))
	})
	for _, m := range all {
		if m.Killed {
			killed++
		}
		r := mutantRow{Name: m.Name, Breaks: strings.Join(m.Properties, " "), Lost: !m.Killed}
		for _, j := range b.Judges {
			c := judged(m, j)
			if k, ok := m.Kills[j]; ok && k.Kills == k.Tries {
				by[j]++
			}
			r.Cells = append(r.Cells, c)
		}
		var fired []string
		for _, id := range slices.SortedFunc(maps.Keys(m.Fired), byProperty) {
			fired = append(fired, fmt.Sprintf("%s ×%d", id, m.Fired[id]))
		}
		r.Fired = strings.Join(fired, ", ")
		b.Rows = append(b.Rows, r)
	}
	survived := len(d.Mutants) - killed
	lost := tile{Name: "Survivors", Value: page.Count(int64(survived)), Tone: page.Good, Note: "of " + plural(len(d.Mutants), "mutant")}
	v := page.Verdict{Text: fmt.Sprintf("all %d killed", killed), Tone: page.Good}
	if survived > 0 {
		lost.Tone = page.Bad
		v = page.Verdict{Text: fmt.Sprintf("%d of %d survive", survived, len(d.Mutants)), Tone: page.Bad}
	}
	if len(d.Found) > 0 {
		v = page.Verdict{Text: "found without any mutant", Tone: page.Bad}
	}
	b.Tiles = append(b.Tiles, lost)
	for _, j := range b.Judges {
		asked := 0
		for _, m := range d.Mutants {
			if m.Skipped[j] == "" {
				asked++
			}
		}
		b.Tiles = append(b.Tiles, tile{Name: "Killed by " + j, Value: fmt.Sprintf("%d of %d", by[j], asked), Note: note(len(d.Mutants) - asked)})
	}
	p := &page.Page{
		Kind: "Mutants", Title: "What the harness finds", Verdict: v, Command: page.Command{Label: "Again", Line: d.Command},
		Lead: "Known defects, planted one at a time. A kill is a violation of a property that the mutant breaks; what is spent until then are medians.",
		Wide: len(b.Judges) > 3,
	}
	if d.BudgetS > 0 {
		p.Facts = append(p.Facts, page.Fact{Name: "Budget a judge", Value: seconds(d.BudgetS)})
	}
	if d.Repetitions > 0 {
		p.Facts = append(p.Facts, page.Fact{Name: "Campaigns a mutant", Value: fmt.Sprint(d.Repetitions)})
	}
	if d.Machine != "" {
		p.Facts = append(p.Facts, page.Fact{Name: "Machine", Value: d.Machine})
	}
	return finish(p, "mutants.html", b)
}

func note(notAsked int) string {
	if notAsked == 0 {
		return ""
	}
	return fmt.Sprintf("%d not its to find", notAsked)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// slowest is the least time that any judge took to kill a mutant: how long it lived.
func slowest(m schema.Mutant) float64 {
	least, any := 0.0, false
	for name, k := range m.Kills {
		if name != unitName && (!any || k.WallS < least) {
			least, any = k.WallS, true
		}
	}
	return least
}

// judged is the cell of a judge: the sooner the kill, the greener.
func judged(m schema.Mutant, judge string) killCell {
	if why := m.Failed[judge]; why != "" {
		return killCell{Class: "flaky", What: "! failed", Spent: clip(why, 80)}
	}
	if why := m.Skipped[judge]; why != "" {
		return killCell{Class: "off", What: "–", Spent: "not asked", Tip: why}
	}
	if k, ok := m.Kills[judge]; ok {
		c := killCell{Spent: spent(judge, k), Tip: k.Where, What: "✓ " + cmp.Or(strings.Join(k.Properties, " "), k.Property, "killed")}
		switch s := k.WallS; {
		case k.Kills < k.Tries:
			c.Class, c.What = "flaky", fmt.Sprintf("~ %d of %d, %s", k.Kills, k.Tries, k.Property)
		case s < 1:
			c.Class = "k1"
		case s < 5:
			c.Class = "k2"
		case s < 20:
			c.Class = "k3"
		case s < 60:
			c.Class = "k4"
		default:
			c.Class = "k5"
		}
		return c
	}
	if k, ok := m.Survived[judge]; ok {
		c := killCell{Class: "alive", What: "✗ survives", Spent: spent(judge, k)}
		if m.Killed {
			c.Class = "off"
		}
		if len(k.Unexpected) > 0 {
			c.Spent += "; " + strings.Join(k.Unexpected, " ") + " instead"
		}
		return c
	}
	return killCell{Class: "off", What: "–"}
}

// spent is what a judge took.
func spent(judge string, k schema.Kill) string {
	what := map[string]string{"sim": "run", "explore": "state"}[judge]
	if what == "" || k.Runs == 0 {
		return seconds(k.WallS)
	}
	return plural(k.Runs, what) + ", " + seconds(k.WallS)
}

// sampled says what became of a sample.
func sampled(g *schema.Generated) string {
	return fmt.Sprintf("Of %s, chosen by seed %d, %d behave as the system does. Of the other %d the model checker killed %d, and of what it left simulation %d: %.1f %% together.",
		plural(g.Sampled, "small change"), g.Seed, len(g.Equivalent), g.Judged, g.KilledBy["explore"], g.KilledBy["sim"], g.Percent)
}

// left are the survivors of a sample.
func left(g *schema.Generated) page.Table {
	t := page.Table{Caption: "What neither has killed", Columns: []page.Column{{Title: "Change"}, {Title: "What finds it next"}}}
	for _, m := range g.Mutants {
		if next, survives := g.Survivors[m.Name]; survives {
			t.Rows = append(t.Rows, page.Row{Tone: page.Warn, Cells: []page.Cell{{Text: clip(m.What, 400)}, {Text: cmp.Or(next, "nobody knows")}}})
		}
	}
	return t
}

func worth(d *schema.Mutants) page.Table {
	t := page.Table{
		Caption: "What each property catches, and the mutants that nothing else was seen to catch",
		Columns: []page.Column{{Title: "Property"}, {Title: "Catches", Number: true}, {Title: "Alone", Number: true}, {Title: "Alone are"}},
	}
	for _, w := range d.Worth {
		tone := page.Plain
		if len(w.Catches) == 0 {
			tone = page.Warn
		}
		t.Rows = append(t.Rows, page.Row{Tone: tone, Cells: []page.Cell{
			{Text: named(w.Property)}, number(int64(len(w.Catches))), number(int64(len(w.Alone))), {Text: strings.Join(w.Alone, ", ")},
		}})
	}
	return t
}

func found(d *schema.Mutants) page.Table {
	t := page.Table{Caption: "Found in the system as it is", Columns: []page.Column{{Title: "Property"}, {Title: "Judge"}, {Title: "What"}, {Title: "Where"}}}
	for _, f := range d.Found {
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: named(f.Property), Tone: page.Bad}, {Text: f.Judge}, {Text: clip(f.Message, 400)}, {Text: f.Where, Mono: true}}})
	}
	return t
}
