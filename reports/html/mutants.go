package html

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/schema"
	"dtsim/reports/timeline"
)

type mutantsBody struct {
	Tiles  []tile
	Judges []string
	Rows   []mutantRow
	Worth  table
	Found  table
	// Generated summarises a sample of generated mutants, Survivors are those that survive.
	Small string
	Left  table
}

// mutantRow is one mutant.
type mutantRow struct {
	Name, Breaks string
	Lost         bool
	Cells        []killCell
	Fired        string
}

// killCell is the result of a detector.
type killCell struct {
	Class, What, Spent, Tip string
}

// unitName is the detector that names no properties.
const unitName = "unit"

// WriteMutants writes the page of mutants: survivors first, then those that took longest to
// kill.
func WriteMutants(w io.Writer, d *schema.Mutants) error {
	p, err := mutantsPage(d)
	if err != nil {
		return err
	}
	return p.write(w)
}

func mutantsPage(d *schema.Mutants) (*page, error) {
	b := mutantsBody{Judges: d.DetectorNames(), Worth: worthTable(d), Found: findingTable(d)}
	if g := d.Generated; g != nil {
		b.Small, b.Left = generatedText(g), survivorTable(g)
	}
	killed := 0
	by := map[string]int{}
	all := slices.Clone(d.Mutants)
	slices.SortStableFunc(all, func(a, b schema.Mutant) int {
		return cmp.Or(cmp.Compare(toInt(a.Killed), toInt(b.Killed)), -cmp.Compare(timeToKill(a), timeToKill(b)), strings.Compare(a.Name, b.Name))
	})
	for _, m := range all {
		if m.Killed {
			killed++
		}
		r := mutantRow{Name: m.Name, Breaks: strings.Join(m.Properties, " "), Lost: !m.Killed}
		for _, j := range b.Judges {
			c := detectorCell(m, j)
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
	lost := tile{Name: "Survivors", Value: timeline.Count(int64(survived)), Tone: toneGood, Note: "of " + plural(len(d.Mutants), "mutant")}
	v := badge{Text: fmt.Sprintf("all %d killed", killed), Tone: toneGood}
	if survived > 0 {
		lost.Tone = toneBad
		v = badge{Text: fmt.Sprintf("%d of %d survive", survived, len(d.Mutants)), Tone: toneBad}
	}
	if len(d.Found) > 0 {
		v = badge{Text: "found without any mutant", Tone: toneBad}
	}
	b.Tiles = append(b.Tiles, lost)
	for _, j := range b.Judges {
		asked := 0
		for _, m := range d.Mutants {
			if m.Skipped[j] == "" {
				asked++
			}
		}
		b.Tiles = append(b.Tiles, tile{Name: "Killed by " + j, Value: fmt.Sprintf("%d of %d", by[j], asked), Note: notAskedNote(len(d.Mutants) - asked)})
	}
	p := &page{
		Kind: "Mutants", Title: "What the harness finds", Verdict: v, Command: command{Label: "Again", Line: d.Command},
		Lead: "Known defects, planted one at a time. A kill is a violation of a property that the mutant breaks; what is spent until then are medians.",
		Wide: len(b.Judges) > 3,
	}
	if d.BudgetS > 0 {
		p.Facts = append(p.Facts, headerFact{Name: "Budget a judge", Value: formatSeconds(d.BudgetS)})
	}
	if d.Repetitions > 0 {
		p.Facts = append(p.Facts, headerFact{Name: "Campaigns a mutant", Value: fmt.Sprint(d.Repetitions)})
	}
	if d.Machine != "" {
		p.Facts = append(p.Facts, headerFact{Name: "Machine", Value: d.Machine})
	}
	return overview(p, "mutants.html", b)
}

func notAskedNote(notAsked int) string {
	if notAsked == 0 {
		return ""
	}
	return fmt.Sprintf("%d not its to find", notAsked)
}

// timeToKill returns the shortest time that a detector took to kill a mutant.
func timeToKill(m schema.Mutant) float64 {
	least, any := 0.0, false
	for name, k := range m.Kills {
		if name != unitName && (!any || k.WallS < least) {
			least, any = k.WallS, true
		}
	}
	return least
}

// detectorCell returns the result of a detector; the sooner the kill, the greener.
func detectorCell(m schema.Mutant, judge string) killCell {
	if why := m.Failed[judge]; why != "" {
		return killCell{Class: "flaky", What: "! failed", Spent: timeline.Shorten(why, 80)}
	}
	if why := m.Skipped[judge]; why != "" {
		return killCell{Class: "off", What: "–", Spent: "not asked", Tip: why}
	}
	if k, ok := m.Kills[judge]; ok {
		c := killCell{Spent: spentText(judge, k), Tip: k.Where, What: "✓ " + cmp.Or(strings.Join(k.Properties, " "), k.Property, "killed")}
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
		c := killCell{Class: "alive", What: "✗ survives", Spent: spentText(judge, k)}
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

// spentText returns the cost of a detector.
func spentText(judge string, k schema.Kill) string {
	what := map[string]string{"sim": "run", "explore": "state"}[judge]
	if what == "" || k.Runs == 0 {
		return formatSeconds(k.WallS)
	}
	return plural(k.Runs, what) + ", " + formatSeconds(k.WallS)
}

// generatedText summarises a sample.
func generatedText(g *schema.Generated) string {
	return fmt.Sprintf("Of %s, chosen by seed %d, %d behave as the system does. Of the other %d the model checker killed %d, and of what it left simulation %d: %.1f %% together.",
		plural(g.Sampled, "small change"), g.Seed, len(g.Equivalent), g.Measured, g.KilledBy["explore"], g.KilledBy["sim"], g.Percent)
}

// survivorTable returns the survivors of a sample.
func survivorTable(g *schema.Generated) table {
	t := table{Caption: "What neither has killed", Columns: []column{{Title: "Change"}, {Title: "What finds it next"}}}
	for _, m := range g.Mutants {
		if next, survives := g.Survivors[m.Name]; survives {
			t.Rows = append(t.Rows, row{Tone: toneWarn, Cells: []cell{{Text: timeline.Shorten(m.What, 400)}, {Text: cmp.Or(next, "nobody knows")}}})
		}
	}
	return t
}

func worthTable(d *schema.Mutants) table {
	t := table{
		Caption: "What each property catches, and the mutants that nothing else was seen to catch",
		Columns: []column{{Title: "Property"}, {Title: "Catches", Number: true}, {Title: "Alone", Number: true}, {Title: "Alone are"}},
	}
	for _, w := range d.Worth {
		tone := tonePlain
		if len(w.Catches) == 0 {
			tone = toneWarn
		}
		t.Rows = append(t.Rows, row{Tone: tone, Cells: []cell{
			{Text: propertyTitle(w.Property)}, numberCell(int64(len(w.Catches))), numberCell(int64(len(w.Alone))), {Text: strings.Join(w.Alone, ", ")},
		}})
	}
	return t
}

func findingTable(d *schema.Mutants) table {
	t := table{Caption: "Found in the system as it is", Columns: []column{{Title: "Property"}, {Title: "Judge"}, {Title: "What"}, {Title: "Where"}}}
	for _, f := range d.Found {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: propertyTitle(f.Property), Tone: toneBad}, {Text: f.Detector}, {Text: timeline.Shorten(f.Message, 400)}, {Text: f.Where, Mono: true}}})
	}
	return t
}
