package overview

import (
	"fmt"
	"strings"

	"dtsim/reports/page"
	"dtsim/reports/schema"
)

// CheckView is what the page of a search of the model checker is made of.
type CheckView struct {
	Document *schema.Check
	// Pages are the pages of the document's violations, by place, as links; there may be
	// fewer, and empty ones.
	Pages []string
	// Pictures are small pictures of them.
	Pictures []Picture
}

type checkBody struct {
	Tiles      []tile
	Violations []brokenCard
	Bounds     []bound
	Growth     *chart
	Levels     *chart
	LevelsWord string
	Walk       *chart
	WalkWord   string
	Table      page.Table
}

// bound is something that a search could have left out, and whether it did.
type bound struct {
	Name, Text string
	Tone       page.Tone
}

type brokenCard struct {
	schema.Broken
	Page    string
	Picture Picture
	Title   string
	Again   page.Command
	Told    []stepView
	Cut     string
}

type stepView struct {
	schema.Step
	// In says that the step is within the loop.
	In bool
}

// mostSteps is how many steps of a counterexample are told; its file has all.
const mostSteps = 400

// Check makes the page of a search.
func Check(v CheckView) (*page.Page, error) {
	d := v.Document
	b := checkBody{Tiles: checkTiles(d), Bounds: bounds(d), Table: memory(d)}
	for i, broken := range d.Violations {
		c := brokenCard{Broken: broken, Title: named(broken.Property), Again: page.Command{Line: broken.Replay}}
		if i < len(v.Pages) {
			c.Page = v.Pages[i]
		}
		if i < len(v.Pictures) {
			c.Picture = v.Pictures[i]
		}
		for n, s := range broken.Steps {
			if n == mostSteps {
				c.Cut = plural(len(broken.Steps)-n, "more step") + " in its file."
				break
			}
			c.Told = append(c.Told, stepView{s, broken.Loop > 0 && n+1 >= broken.Loop})
		}
		b.Violations = append(b.Violations, c)
	}
	b.Growth = grown(d)
	if len(d.Levels) > 0 {
		most, at := uint64(0), 0
		for i, n := range d.Levels {
			if n > most {
				most, at = n, i
			}
		}
		b.LevelsWord = fmt.Sprintf("%s; the fullest is %d with %s.", plural(len(d.Levels), "level"), at, plural(most, "state"))
		c := levels(d.Levels, "States by depth: first reached by so many steps. "+b.LevelsWord, "steps from an initial state", "states")
		b.Levels = &c
	}
	if w := d.Walk; w != nil && len(w.Coverage) > 1 {
		c := newChart("States met by the random walk, over its steps.", "steps", "distinct states")
		last := w.Coverage[len(w.Coverage)-1]
		y, x := c.yAxis(float64(last.States), true), c.xAxis(float64(last.Steps))
		points := []point{{}}
		for _, p := range w.Coverage {
			points = append(points, point{float64(p.Steps), float64(p.States)})
		}
		c.series("s1", points, x, y, true)
		b.Walk = &c
		b.WalkWord = fmt.Sprintf("%s; lately one step in %s led to a new state.", plural(w.Runs, "run"), everyN(w.Fresh))
		if w.Fresh <= 0 {
			b.WalkWord = fmt.Sprintf("%s; lately no step led to a new state.", plural(w.Runs, "run"))
		}
	}
	p := &page.Page{
		Kind: "Model checker", Title: d.Config, Lead: d.Summary, Verdict: checkVerdict(d),
		Facts: []page.Fact{
			{Name: "Search", Value: d.Search}, {Name: "Cores", Value: fmt.Sprint(d.Jobs)}, {Name: "Properties", Value: strings.Join(d.Properties, " ")},
		},
	}
	return finish(p, "check.html", b)
}

func everyN(share float64) string {
	if share <= 0 {
		return "–"
	}
	return page.Count(int64(1/share + 0.5))
}

func checkVerdict(d *schema.Check) page.Verdict {
	switch {
	case len(d.Violations) > 0:
		return page.Verdict{Text: d.Violations[0].Property + " violated", Tone: page.Bad}
	case d.Exhausted:
		return page.Verdict{Text: "held in every state", Tone: page.Good}
	case d.Walk != nil && d.Walk.Complete:
		return page.Verdict{Text: "held on every step taken", Tone: page.Good}
	case d.Bound == "interrupted":
		return page.Verdict{Text: "interrupted", Tone: page.Warn}
	}
	return page.Verdict{Text: "the bound on " + d.Bound + " was hit", Tone: page.Warn}
}

func checkTiles(d *schema.Check) []tile {
	states := tile{Name: "Distinct states", Value: page.Count(int64(d.States)), Note: page.Count(int64(d.Dead)) + " without a next one"}
	depth := tile{Name: "Depth", Value: page.Count(int64(d.Depth)), Note: "steps"}
	if d.Walk != nil {
		depth.Name, depth.Note = "Longest run", "steps"
	}
	omission := tile{Name: "Omission", Value: "≤ " + probability(d.Omission), Note: "that two states were taken for one"}
	if d.Omission == 0 {
		omission.Value, omission.Note = "impossible", "whole states were compared"
	}
	return []tile{
		states, {Name: "Transitions", Value: page.Count(int64(d.Transitions)), Note: short(d.TransitionsPerS) + " a second"}, depth,
		{Name: "Time", Value: seconds(d.WallS), Note: "wall"},
		{Name: "Memory", Value: fmt.Sprintf("%.1f B", d.BytesPerState), Note: "a state, all in"}, omission,
	}
}

// probability writes a small number for people.
func probability(p float64) string {
	if p == 0 {
		return "0"
	}
	if p >= 0.001 {
		return fmt.Sprintf("%.2g", p)
	}
	mantissa, exponent, _ := strings.Cut(fmt.Sprintf("%.1e", p), "e-")
	digits := strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
	return mantissa + "\u202f×\u202f10⁻" + digits.Replace(strings.TrimLeft(exponent, "0"))
}

// bounds say what the search left out, or could have.
func bounds(d *schema.Check) []bound {
	var all []bound
	switch {
	case d.Walk != nil:
		all = append(all, bound{"Coverage", "A random walk: what it did not come to was not looked at.", page.Warn})
	case d.Exhausted:
		all = append(all, bound{"Coverage", "Every reachable state was expanded.", page.Good})
	case len(d.Violations) > 0:
		all = append(all, bound{"Coverage", "The search ended with the violation; deeper states were not visited.", page.Warn})
	case d.Bound == "interrupted":
		all = append(all, bound{"Coverage", "Interrupted: what was not visited by then was not looked at.", page.Warn})
	default:
		all = append(all, bound{"Coverage", "The bound on " + d.Bound + " was hit: what was not visited by then was not looked at.", page.Warn})
	}
	limit := func(name string, n uint64, text string) {
		if n > 0 {
			all = append(all, bound{name, text, page.Plain})
		}
	}
	limit("Bound on states", d.MaxStates, page.Count(int64(d.MaxStates))+" were allowed.")
	limit("Bound on memory", d.MaxMemory, size(d.MaxMemory)+" were allowed.")
	if d.MaxStates == 0 && d.MaxMemory == 0 && d.Walk == nil {
		all = append(all, bound{"Bounds", "Neither states nor memory were bounded.", page.Plain})
	}
	all = append(all, bound{"The machine", "How large it is, and how often each thing may go wrong in one run, is bounded by its configuration: " + d.Summary + ".", page.Plain})
	if d.Reduced > 0 || d.Audited > 0 {
		all = append(all, bound{"Reduction", fmt.Sprintf("%s were expanded in part, as orders of actions that commute were left out; %s were run in both orders to see that they do.",
			plural(d.Reduced, "state"), plural(d.Audited, "pair")), page.Plain})
	}
	if l := d.Liveness; l != nil {
		all = append(all, bound{"Liveness", fmt.Sprintf("%s in which nothing is owed; %s of others have a cycle, the largest of %s.",
			plural(l.Settled, "state"), plural(l.Components, "component"), plural(l.Largest, "state")), page.Plain})
	}
	return all
}

func size(n uint64) string {
	switch f := float64(n); {
	case f >= 1e9:
		return fmt.Sprintf("%.1f GB", f/1e9)
	case f >= 1e6:
		return fmt.Sprintf("%.1f MB", f/1e6)
	default:
		return fmt.Sprintf("%.1f kB", f/1e3)
	}
}

// grown is the growth of states over time, nil where only its end is known.
func grown(d *schema.Check) *chart {
	if len(d.Growth) == 0 || d.WallS <= 0 {
		return nil
	}
	label := fmt.Sprintf("Growth of states over time: %s in %s.", plural(d.States, "state"), seconds(d.WallS))
	c := newChart(label, "wall time, s", "states")
	known, waiting := []point{{}}, []point{{}}
	most, last, queued := 0.0, d.WallS, false
	for _, g := range d.Growth {
		known = append(known, point{g.WallS, float64(g.States)})
		waiting = append(waiting, point{g.WallS, float64(g.Waiting)})
		most, last, queued = max(most, float64(g.States), float64(g.Waiting)), max(last, g.WallS), queued || g.Waiting > 0
	}
	y, x := c.yAxis(most, true), c.xAxis(last)
	c.series("s1", known, x, y, true)
	c.Legend = []legend{{"s1", "distinct", coordinate(c.Right - 190)}}
	if queued {
		c.series("s2", waiting, x, y, false)
		c.Legend = append(c.Legend, legend{"s2", "waiting", coordinate(c.Right - 90)})
	}
	return &c
}

func memory(d *schema.Check) page.Table {
	t := page.Table{Caption: "What the search took", Columns: []page.Column{{Title: "What"}, {Title: "Figure", Number: true}}}
	add := func(name, value string) {
		t.Rows = append(t.Rows, page.Row{Cells: []page.Cell{{Text: name}, {Text: value}}})
	}
	add("States a second", page.Count(int64(d.StatesPerS)))
	add("Transitions a second", page.Count(int64(d.TransitionsPerS)))
	add("Visited states", size(d.VisitedBytes))
	if d.FrontierBytes > 0 {
		add("States that wait, at most", size(d.FrontierBytes))
	}
	if d.ModelBytes > 0 {
		add("Kept by the model", size(d.ModelBytes))
	}
	return t
}
