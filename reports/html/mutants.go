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
	Tiles     []tile
	Detectors []string
	Rows      []mutantRow
	Worth     table
	Found     table
	// Samples are those of generated mutants.
	Samples []sampleBody
}

// mutantRow is one mutant.
type mutantRow struct {
	Name, Breaks string
	Survives     bool
	Cells        []killCell
	Fired        string
}

// killCell is the result of a detector.
type killCell struct {
	Class, What, Spent, Tip string
}

// unitName is the detector that names no properties.
const unitName = "unit"

// sampleBody summarises a sample of generated mutants; Survivors are those that survive.
type sampleBody struct {
	Summary   string
	Survivors table
}

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
	b := mutantsBody{Detectors: d.DetectorNames(), Worth: worthTable(d), Found: findingTable(d)}
	for _, s := range []struct {
		kind string
		*schema.Generated
	}{{"semantic", d.Semantic}, {"generated", d.Generated}} {
		if s.Generated != nil {
			b.Samples = append(b.Samples, sampleBody{generatedText(s.kind, s.Generated), survivorTable(s.Generated)})
		}
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
		r := mutantRow{Name: m.Name, Breaks: strings.Join(m.Properties, " "), Survives: !m.Killed}
		for _, j := range b.Detectors {
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
	survivors := tile{Name: "Survivors", Value: timeline.Count(int64(survived)), Tone: toneGood, Note: "of " + plural(len(d.Mutants), "mutant")}
	v := badge{Text: fmt.Sprintf("all %d killed", killed), Tone: toneGood}
	if survived > 0 {
		survivors.Tone = toneBad
		v = badge{Text: fmt.Sprintf("%d of %d survive", survived, len(d.Mutants)), Tone: toneBad}
	}
	if len(d.Found) > 0 {
		v = badge{Text: "found in the unmutated system", Tone: toneBad}
	}
	b.Tiles = append(b.Tiles, survivors)
	for _, j := range b.Detectors {
		asked := 0
		for _, m := range d.Mutants {
			if m.Skipped[j] == "" {
				asked++
			}
		}
		b.Tiles = append(b.Tiles, tile{Name: "Killed by " + j, Value: fmt.Sprintf("%d of %d", by[j], asked), Note: notAskedNote(len(d.Mutants) - asked)})
	}
	p := &page{
		Kind: "Mutants", Title: "Mutants and their detectors", Verdict: v, Command: command{Label: "Reproduce", Line: d.Command},
		Lead: "Known defects, planted one at a time. A kill is a violation of a property that the mutant breaks; costs of kills are medians.",
		Wide: len(b.Detectors) > 3,
	}
	if d.BudgetS > 0 {
		p.Facts = append(p.Facts, headerFact{Name: "Budget a detector", Value: formatSeconds(d.BudgetS)})
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
	return fmt.Sprintf("%d not asked", notAsked)
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
func detectorCell(m schema.Mutant, detector string) killCell {
	if why := m.Failed[detector]; why != "" {
		return killCell{Class: "flaky", What: "! failed", Spent: timeline.Shorten(why, 80)}
	}
	if why := m.Skipped[detector]; why != "" {
		return killCell{Class: "off", What: "–", Spent: "not asked", Tip: why}
	}
	if k, ok := m.Kills[detector]; ok {
		c := killCell{Spent: spentText(detector, k), Tip: k.Where, What: "✓ " + cmp.Or(strings.Join(k.Properties, " "), k.Property, "killed")}
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
	if k, ok := m.Survived[detector]; ok {
		c := killCell{Class: "survives", What: "✗ survives", Spent: spentText(detector, k)}
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
func spentText(detector string, k schema.Kill) string {
	what := map[string]string{"sim": "run", "explore": "state"}[detector]
	if what == "" || k.Runs == 0 {
		return formatSeconds(k.WallS)
	}
	return plural(k.Runs, what) + ", " + formatSeconds(k.WallS)
}

// generatedText summarises a sample.
func generatedText(kind string, g *schema.Generated) string {
	return fmt.Sprintf("Of %s, chosen by seed %d, %d are equivalent. Of the other %d the model checker killed %d, and simulation %d of the rest: %.1f %% together.",
		plural(g.Sampled, kind+" mutant"), g.Seed, len(g.Equivalent), g.Measured, g.KilledBy["explore"], g.KilledBy["sim"], g.Percent)
}

// survivorTable returns the survivors of a sample.
func survivorTable(g *schema.Generated) table {
	t := table{Caption: "Survivors of both", Columns: []column{{Title: "Change"}, {Title: "What may find it"}}}
	for _, m := range g.Mutants {
		if next, survives := g.Survivors[m.Name]; survives {
			t.Rows = append(t.Rows, row{Tone: toneWarn, Cells: []cell{{Text: timeline.Shorten(m.What, 400)}, {Text: cmp.Or(next, "unknown")}}})
		}
	}
	return t
}

func worthTable(d *schema.Mutants) table {
	t := table{
		Caption: "Mutants that each property kills, and those that no other property kills",
		Columns: []column{{Title: "Property"}, {Title: "Kills", Number: true}, {Title: "Alone", Number: true}, {Title: "Mutants killed alone"}},
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
	t := table{Caption: "Found in the unmutated system", Columns: []column{{Title: "Property"}, {Title: "Detector"}, {Title: "What"}, {Title: "Where"}}}
	for _, f := range d.Found {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: propertyTitle(f.Property), Tone: toneBad}, {Text: f.Detector}, {Text: timeline.Shorten(f.Message, 400)}, {Text: f.Where, Mono: true}}})
	}
	return t
}
