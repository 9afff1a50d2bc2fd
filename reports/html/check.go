package html

import (
	"fmt"
	"io"
	"strings"

	"dtsim/reports/schema"
	"dtsim/reports/timeline"
)

// CheckView is the input of the page of a search of the model checker.
type CheckView struct {
	Document *schema.Check
	// Violations are the counterexamples, in the order of the document's violations; there
	// may be fewer.
	Violations []RunLink
}

// WriteCheck writes the page of a search.
func WriteCheck(w io.Writer, v CheckView) error {
	p, err := checkPage(v)
	if err != nil {
		return err
	}
	return p.write(w)
}

type checkBody struct {
	Tiles      []tile
	Violations []violationCard
	Bounds     []bound
	Growth     *chart
	Levels     *chart
	LevelsWord string
	Walk       *chart
	WalkWord   string
	Table      table
}

// bound is something that a search may have left out.
type bound struct {
	Name, Text string
	Tone       tone
}

type violationCard struct {
	schema.CheckViolation
	RunLink
	Title  string
	Replay command
	Steps  []stepItem
	Cut    string
}

type stepItem struct {
	schema.Step
	// In is true for a step of the loop.
	In bool
}

// mostSteps is the maximum number of steps of a counterexample on the page; its file has all.
const mostSteps = 400

func checkPage(v CheckView) (*page, error) {
	d := v.Document
	b := checkBody{Tiles: checkTiles(d), Bounds: checkBounds(d), Table: costTable(d)}
	for i, violation := range d.Violations {
		c := violationCard{CheckViolation: violation, Title: propertyTitle(violation.Property), Replay: command{Line: violation.Replay}}
		if i < len(v.Violations) {
			c.RunLink = v.Violations[i]
		}
		for n, s := range violation.Steps {
			if n == mostSteps {
				c.Cut = plural(len(violation.Steps)-n, "more step") + " in its file."
				break
			}
			c.Steps = append(c.Steps, stepItem{s, violation.Loop > 0 && n+1 >= violation.Loop})
		}
		b.Violations = append(b.Violations, c)
	}
	b.Growth = growthChart(d)
	if len(d.Levels) > 0 {
		most, at := uint64(0), 0
		for i, n := range d.Levels {
			if n > most {
				most, at = n, i
			}
		}
		b.LevelsWord = fmt.Sprintf("%s; the fullest is %d with %s.", plural(len(d.Levels), "level"), at, plural(most, "state"))
		c := levelChart(d.Levels, "States by depth: first reached by so many steps. "+b.LevelsWord, "steps from an initial state", "states")
		b.Levels = &c
	}
	if w := d.Walk; w != nil && len(w.Coverage) > 1 {
		c := newChart("States met by the random walk, over its steps.", "steps", "distinct states")
		last := w.Coverage[len(w.Coverage)-1]
		y, x := c.yAxis(float64(last.States), true), c.xAxis(float64(last.Steps))
		points := []chartPoint{{}}
		for _, p := range w.Coverage {
			points = append(points, chartPoint{float64(p.Steps), float64(p.States)})
		}
		c.series("s1", points, x, y, true)
		b.Walk = &c
		b.WalkWord = fmt.Sprintf("%s; lately one step in %s led to a new state.", plural(w.Runs, "run"), oneIn(w.Fresh))
		if w.Fresh <= 0 {
			b.WalkWord = fmt.Sprintf("%s; lately no step led to a new state.", plural(w.Runs, "run"))
		}
	}
	p := &page{
		Kind: "Model checker", Title: d.Config, Lead: d.Summary, Verdict: checkBadge(d),
		Facts: []headerFact{
			{Name: "Search", Value: d.Search}, {Name: "Cores", Value: fmt.Sprint(d.Jobs)}, {Name: "Properties", Value: strings.Join(d.Properties, " ")},
		},
	}
	return overview(p, "check.html", b)
}

func oneIn(share float64) string {
	if share <= 0 {
		return "–"
	}
	return timeline.Count(int64(1/share + 0.5))
}

func checkBadge(d *schema.Check) badge {
	switch {
	case len(d.Violations) > 0:
		return badge{Text: d.Violations[0].Property + " violated", Tone: toneBad}
	case d.Exhausted:
		return badge{Text: "passed in every state", Tone: toneGood}
	case d.Walk != nil && d.Walk.Complete:
		return badge{Text: "passed on every step taken", Tone: toneGood}
	case d.Bound == "interrupted":
		return badge{Text: "interrupted", Tone: toneWarn}
	}
	return badge{Text: "the bound on " + d.Bound + " was hit", Tone: toneWarn}
}

func checkTiles(d *schema.Check) []tile {
	states := tile{Name: "Distinct states", Value: timeline.Count(int64(d.States)), Note: timeline.Count(int64(d.Dead)) + " dead ends"}
	depth := tile{Name: "Depth", Value: timeline.Count(int64(d.Depth)), Note: "steps"}
	if d.Walk != nil {
		depth.Name, depth.Note = "Longest run", "steps"
	}
	omission := tile{Name: "Omission", Value: "≤ " + probability(d.Omission), Note: "that two states were confused"}
	if d.Omission == 0 {
		omission.Value, omission.Note = "impossible", "whole states were compared"
	}
	return []tile{
		states, {Name: "Transitions", Value: timeline.Count(int64(d.Transitions)), Note: axisLabel(d.TransitionsPerS) + " a second"}, depth,
		{Name: "Time", Value: formatSeconds(d.WallS), Note: "wall"},
		{Name: "Memory", Value: fmt.Sprintf("%.1f B", d.BytesPerState), Note: "a state, all in"}, omission,
	}
}

// probability formats a small probability.
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

// checkBounds returns what the search left out or may have left out.
func checkBounds(d *schema.Check) []bound {
	var all []bound
	switch {
	case d.Walk != nil:
		all = append(all, bound{"Coverage", "A random walk: states that it did not reach were not checked.", toneWarn})
	case d.Exhausted:
		all = append(all, bound{"Coverage", "Every reachable state was expanded.", toneGood})
	case len(d.Violations) > 0:
		all = append(all, bound{"Coverage", "The search ended with the violation; deeper states were not visited.", toneWarn})
	case d.Bound == "interrupted":
		all = append(all, bound{"Coverage", "Interrupted: states not visited by then were not checked.", toneWarn})
	default:
		all = append(all, bound{"Coverage", "The bound on " + d.Bound + " was hit: states not visited by then were not checked.", toneWarn})
	}
	limit := func(name string, n uint64, text string) {
		if n > 0 {
			all = append(all, bound{name, text, tonePlain})
		}
	}
	limit("Bound on states", d.MaxStates, timeline.Count(int64(d.MaxStates))+" were allowed.")
	limit("Bound on memory", d.MaxMemory, formatBytes(d.MaxMemory)+" were allowed.")
	if d.MaxStates == 0 && d.MaxMemory == 0 && d.Walk == nil {
		all = append(all, bound{"Bounds", "Neither states nor memory were bounded.", tonePlain})
	}
	all = append(all, bound{"The model", "Its size and the number of faults in one run are bounded by its configuration: " + d.Summary + ".", tonePlain})
	if d.Reduced > 0 || d.Audited > 0 {
		all = append(all, bound{"Reduction", fmt.Sprintf("%s were expanded in part, as orders of commuting actions were left out; %s were executed in both orders to check that they commute.",
			plural(d.Reduced, "state"), plural(d.Audited, "pair")), tonePlain})
	}
	if l := d.Liveness; l != nil {
		all = append(all, bound{"Liveness", fmt.Sprintf("%s without pending obligations; %s of others have a cycle, the largest of %s.",
			plural(l.Settled, "state"), plural(l.Components, "component"), plural(l.Largest, "state")), tonePlain})
	}
	return all
}

// growthChart returns the growth of states over time, nil if only its end is known.
func growthChart(d *schema.Check) *chart {
	if len(d.Growth) == 0 || d.WallS <= 0 {
		return nil
	}
	label := fmt.Sprintf("Growth of states over time: %s in %s.", plural(d.States, "state"), formatSeconds(d.WallS))
	c := newChart(label, "wall time, s", "states")
	known, waiting := []chartPoint{{}}, []chartPoint{{}}
	most, last, queued := 0.0, d.WallS, false
	for _, g := range d.Growth {
		known = append(known, chartPoint{g.WallS, float64(g.States)})
		waiting = append(waiting, chartPoint{g.WallS, float64(g.Waiting)})
		most, last, queued = max(most, float64(g.States), float64(g.Waiting)), max(last, g.WallS), queued || g.Waiting > 0
	}
	y, x := c.yAxis(most, true), c.xAxis(last)
	c.series("s1", known, x, y, true)
	c.Legend = []chartLegend{{"s1", "distinct", coordinate(c.Right - 190)}}
	if queued {
		c.series("s2", waiting, x, y, false)
		c.Legend = append(c.Legend, chartLegend{"s2", "waiting", coordinate(c.Right - 90)})
	}
	return &c
}

func costTable(d *schema.Check) table {
	t := table{Caption: "Cost of the search", Columns: []column{{Title: "What"}, {Title: "Figure", Number: true}}}
	add := func(name, value string) {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: name}, {Text: value}}})
	}
	add("States a second", timeline.Count(int64(d.StatesPerS)))
	add("Transitions a second", timeline.Count(int64(d.TransitionsPerS)))
	add("Visited states", formatBytes(d.VisitedBytes))
	if d.FrontierBytes > 0 {
		add("Waiting states, at most", formatBytes(d.FrontierBytes))
	}
	if d.ModelBytes > 0 {
		add("Kept by the model", formatBytes(d.ModelBytes))
	}
	return t
}
