package html

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	taskgoals "dtsim/scenarios/goals"
	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
)

// CampaignView is the input of the page of a campaign.
type CampaignView struct {
	Document *schema.Campaign
	// Ended is false for a campaign that has a journal only: it was killed or is still running.
	Ended bool
	// Failures are the runs of what was found, in the order of [schema.Campaign.Found]; there
	// may be fewer.
	Failures []RunLink
	// Baseline is an earlier campaign to compare with, nil for none; BaselineName is its path.
	Baseline     *schema.Campaign
	BaselineName string
}

// MaxFailures is how many failures the page of a campaign shows.
const MaxFailures = 50

// RunLink is the run of a failure, on a page of many runs.
type RunLink struct {
	// Page is a link to the page of the run; empty for none.
	Page string
	// Picture is its thumbnail; empty for none.
	Picture template.HTML
}

// WriteCampaign writes the page of a campaign.
func WriteCampaign(w io.Writer, v CampaignView) error {
	p, err := campaignPage(v)
	if err != nil {
		return err
	}
	return p.write(w)
}

// tile is a key figure.
type tile struct {
	Name, Value, Note string
	Tone              tone
}

// campaignBody is the data of campaign.html.
type campaignBody struct {
	Interrupted  bool
	Tiles        []tile
	Failures     []failureCard
	MoreFailures string
	Harness      table
	Trend        *trend
	Missed       []goal
	Reached      []goal
	NoFaults     bool
	Untried      []untriedOf
	UntriedCount int
	Tried        table
	Cover        *schema.Cover
	NotEntered   table
	Exercised    []exercise
	Unexercised  int
	Faults       faultTable
	Scenarios    table
	Engines      []engineRow
	Times        *chart
	TimesWord    string
	Guards       []string
	Waived       table
	Runs         table
}

type failureCard struct {
	RunLink
	Property, Message, Where, Runs string
	Size, Statement, Pinned        string
	Replay                         command
}

type engineRow struct {
	schema.Engine
	Speed, VirtualWord, WallWord, CPUWord string
	Meter                                 meter
}

func campaignPage(v CampaignView) (*page, error) {
	d := v.Document
	violated := map[string]bool{}
	for _, one := range d.Violations {
		violated[one.Property] = true
	}
	b := campaignBody{
		Interrupted: !v.Ended, Tiles: campaignTiles(d), Failures: failureCards(v), Harness: harnessTable(d),
		Exercised: exercises(d.Exercised, violated), NoFaults: len(d.FaultTable) == 0, Faults: faultTableOf(d),
		Scenarios: scenarioTable(d), Engines: engineRows(d), Guards: guardTexts(d), Waived: waivedTable(d), Runs: runTable(d),
	}
	if more := len(d.Found()) - MaxFailures; more > 0 {
		b.MoreFailures = plural(more, "more failure") + " in the campaign's " + schema.CampaignFile + "."
	}
	all := goals(d.Sometimes)
	b.Missed, b.Reached = all[:missedCount(all)], all[missedCount(all):]
	b.Untried, b.UntriedCount = untried(d.Tried)
	b.Tried = triedTable(d.Tried)
	if d.Cover != nil {
		b.Cover, b.NotEntered = d.Cover, notEnteredTable(d.Cover)
	}
	for _, s := range b.Exercised {
		if s.Count == 0 {
			b.Unexercised++
		}
	}
	if v.Baseline != nil {
		b.Trend = newTrend(v.BaselineName, v.Baseline, d)
	}
	b.Times, b.TimesWord = timesChart(d)
	p := &page{
		Kind: "Campaign", Title: campaignTitle(d), Lead: campaignLead(d), Verdict: campaignBadge(v), Build: d.Build,
		Command: command{Label: "Reproduce", Line: d.Command}, Facts: []headerFact{{Name: "Seeds", Value: d.Seeds}, {Name: "Engine", Value: d.Engine}},
	}
	if d.Profile != "" {
		p.Facts = append(p.Facts, headerFact{Name: "Profile", Value: d.Profile})
	}
	if d.Second != "" {
		p.Facts = append(p.Facts, headerFact{Name: "Repeated by", Value: d.Second})
	}
	if d.Hash != "" {
		p.Facts = append(p.Facts, headerFact{Name: "Hash", Value: shortHash(d.Hash), Exact: d.Hash, Mono: true})
	}
	return overview(p, "campaign.html", b)
}

func campaignTitle(d *schema.Campaign) string {
	switch len(d.Scenarios) {
	case 0:
		return "No runs"
	case 1, 2, 3:
		var names []string
		for _, s := range d.Scenarios {
			names = append(names, s.Name)
		}
		return plural(d.Runs, "run") + " of " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s of %d scenarios", plural(d.Runs, "run"), len(d.Scenarios))
}

func campaignLead(d *schema.Campaign) string {
	in := ""
	if d.Wall > 0 {
		in = " in " + formatSeconds(d.Wall)
	}
	words := fmt.Sprintf("%s of %s by the %s engine%s: %s of virtual time, %s.",
		plural(d.Runs, "run"), plural(d.DistinctPlans, "distinct plan"), d.Engine, in, formatSeconds(d.Virtual), plural(d.Events, "event"))
	if d.Compared > 0 {
		words += fmt.Sprintf(" %s repeated by the %s engine.", plural(d.Compared, "run"), d.Second)
	}
	return words
}

// campaignBadge returns the worst result of a campaign.
func campaignBadge(v CampaignView) badge {
	d := v.Document
	switch {
	case len(d.HarnessFailures) > 0:
		return badge{Text: "harness error", Tone: toneWarn}
	case len(d.Violations) > 0:
		ids := map[string]bool{}
		for _, one := range d.Violations {
			ids[one.Property] = true
		}
		return badge{Text: strings.Join(slices.SortedFunc(maps.Keys(ids), byProperty), " ") + " violated", Tone: toneBad}
	case !v.Ended:
		return badge{Text: "not finished", Tone: toneWarn}
	case d.Runs < d.Asked:
		return badge{Text: fmt.Sprintf("%d of %d runs", d.Runs, d.Asked), Tone: toneWarn}
	}
	return badge{Text: "passed", Tone: toneGood}
}

func campaignTiles(d *schema.Campaign) []tile {
	runs := tile{Name: "Runs", Value: timeline.Count(int64(d.Runs))}
	if d.Asked > 0 {
		runs.Note = "of " + timeline.Count(int64(d.Asked)) + " asked for"
	}
	if d.Runs < d.Asked {
		runs.Tone = toneWarn
	}
	wall := 0.0
	for _, e := range d.Engines {
		wall += e.Wall
	}
	violated := tile{Name: "Violated", Value: plural(violatedRuns(d), "run"), Tone: toneGood}
	if len(d.Violations) > 0 {
		violated.Tone = toneBad
		if len(d.Failures) > 0 {
			violated.Note = plural(len(d.Failures), "distinct failure")
		}
	}
	virtual := tile{Name: "Virtual time", Value: formatSeconds(d.Virtual)}
	if d.Wall > 0 {
		virtual.Note = timeline.Count(int64(d.Virtual/d.Wall)) + "× real time"
	}
	reached := 0
	for _, n := range d.Sometimes {
		if n > 0 {
			reached++
		}
	}
	exercised := 0
	for _, n := range d.Exercised {
		if n > 0 {
			exercised++
		}
	}
	var activations, applied, effective int64
	for _, f := range d.FaultTable {
		activations, applied, effective = activations+f.Activations, applied+f.Applied, effective+f.Effective
	}
	faults := tile{Name: "Faults applied", Value: timeline.Count(applied), Note: timeline.Count(effective) + " effective"}
	return []tile{
		violated, runs, virtual, faults,
		{Name: "Goals reached", Value: fmt.Sprintf("%d of %d", reached, len(d.Sometimes))},
		{Name: "Properties exercised", Value: fmt.Sprintf("%d of %d", exercised, len(property.Properties()))},
	}
}

// violatedRuns returns the number of runs that violate a property.
func violatedRuns(d *schema.Campaign) int {
	type run struct {
		scenario, ablation, engine string
		seed                       uint64
	}
	all := map[run]bool{}
	for _, v := range d.Violations {
		all[run{v.Scenario, v.Ablation, v.Engine, v.Seed}] = true
	}
	return len(all)
}

func failureCards(v CampaignView) []failureCard {
	var all []failureCard
	for i, f := range v.Document.Found() {
		if i == MaxFailures {
			break
		}
		c := failureCard{
			Property: propertyTitle(f.Property), Message: timeline.Shorten(f.Message, 400), Where: fmt.Sprintf("%s, seed %d", f.Scenario, f.Seed),
			Runs: plural(f.Runs, "run"), Statement: f.Statement, Pinned: f.Pinned, Replay: command{Line: f.Replay},
		}
		if f.Ablation != "" {
			c.Where += ", without " + f.Ablation
		}
		if f.Shrunk {
			c.Size = "from " + f.Before + " to " + f.After
		}
		if i < len(v.Failures) {
			c.RunLink = v.Failures[i]
		}
		all = append(all, c)
	}
	return all
}

// mostRows is the maximum number of rows of tables with a row for each run; the document has
// all.
const mostRows = 500

func harnessTable(d *schema.Campaign) table {
	t := table{Caption: "Harness errors", Columns: []column{{Title: "Run"}, {Title: "Engine"}, {Title: "Error"}, {Title: "Kept in"}}}
	for i, f := range d.HarnessFailures {
		if i == mostRows {
			t.Cut = plural(len(d.HarnessFailures)-i, "more row")
			break
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Text: fmt.Sprintf("%s, seed %d", f.Scenario, f.Seed)}, {Text: f.Engine}, {Text: timeline.Shorten(f.Error, 400), Mono: true}, {Text: f.Folder, Mono: true},
		}})
	}
	return t
}

func scenarioTable(d *schema.Campaign) table {
	t := table{
		ID: "scenarios", Caption: "Sums over the runs of each scenario; wall time is that of the runs, of which several may go on at once", Sort: true, Empty: "No run has ended.",
		Columns: []column{
			{Title: "Scenario"}, {Title: "Runs", Number: true}, {Title: "Virtual", Number: true}, {Title: "Wall", Number: true},
			{Title: "Commands", Number: true}, {Title: "Messages", Number: true}, {Title: "Verdict"},
		},
	}
	for _, s := range d.Scenarios {
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Text: s.Name}, numberCell(int64(s.Runs)), secondsCell(s.Virtual), secondsCell(s.Wall), numberCell(s.Commands), numberCell(s.Messages), verdictCell(s.Verdict),
		}})
	}
	return t
}

// numberCell returns a cell with a whole number.
func numberCell(n int64) cell { return cell{Text: timeline.Count(n), Sort: fmt.Sprint(n)} }

// secondsCell returns a cell with a number of seconds.
func secondsCell(s float64) cell { return cell{Text: formatSeconds(s), Sort: fmt.Sprintf("%.6f", s)} }

// verdictText returns a verdict of a document in the words of the pages; older documents have
// others.
var verdictText = strings.NewReplacer("held", passed, "broken", "harness error", "missing", "not run").Replace

// passed is the verdict without a violation.
const passed = "passed"

// verdictCell returns a cell with a verdict, which it never shows by colour alone.
func verdictCell(word string) cell {
	switch verdictText(word) {
	case passed:
		return cell{Text: "✓ passed", Tone: toneGood}
	case "violated":
		return cell{Text: "✗ violated", Tone: toneBad}
	}
	return cell{Text: "! " + verdictText(word), Tone: toneWarn}
}

func engineRows(d *schema.Campaign) []engineRow {
	most := 0.0
	for _, e := range d.Engines {
		most = max(most, e.Wall)
	}
	var all []engineRow
	for _, e := range d.Engines {
		r := engineRow{Engine: e, VirtualWord: formatSeconds(e.Virtual), WallWord: formatSeconds(e.Wall), CPUWord: formatSeconds(e.CPU), Speed: "–", Meter: linearMeter(e.Wall, most)}
		if e.Wall > 0 {
			r.Speed = timeline.Count(int64(e.Virtual/e.Wall)) + "×"
		}
		all = append(all, r)
	}
	return all
}

// timesChart returns the distribution of virtual time per run.
func timesChart(d *schema.Campaign) (*chart, string) {
	var all []float64
	for _, r := range d.RunHashes {
		if !r.Compared {
			all = append(all, r.Virtual)
		}
	}
	if len(all) == 0 {
		return nil, ""
	}
	slices.Sort(all)
	words := fmt.Sprintf("%s: the shortest %s, half of them up to %s, the longest %s.",
		plural(len(all), "run"), formatSeconds(all[0]), formatSeconds(all[(len(all)-1)/2]), formatSeconds(all[len(all)-1]))
	c := histogramChart(all, "Distribution of virtual time per run. "+words, "virtual time of a run, s", "runs", "s")
	return &c, words
}

// guardTexts describes the guards that support the verdict.
func guardTexts(d *schema.Campaign) []string {
	var all []string
	for _, c := range d.Controls {
		what := map[bool]string{true: "had the expected result", false: "had another result: " + verdictText(c.Verdict)}[verdictText(c.Verdict) == passed]
		all = append(all, fmt.Sprintf("The control “%s”, by the %s engine, %s.", c.Name, c.Engine, what))
	}
	if d.Twice > 0 {
		all = append(all, plural(d.Twice, "run")+" executed twice, with identical traces.")
	}
	var reruns, differed, reportedEffective int64
	for _, f := range d.FaultTable {
		reruns, differed, reportedEffective = reruns+f.Reruns, differed+f.Differed, reportedEffective+f.ReportedEffective
	}
	if reruns > 0 {
		all = append(all, fmt.Sprintf("%s by ablation of an activated fault: %d had other decisions (“differed”), %d were of a fault that the trace calls effective.",
			plural(reruns, "run"), differed, reportedEffective))
	}
	return all
}

// untriedOf are the cases of one interface or option that were never tried.
type untriedOf struct{ Part, Of, Cases string }

// untried returns what was never tried and should be, in the order of the document, and how many cases
// that is.
func untried(all []schema.Tried) ([]untriedOf, int) {
	var list []untriedOf
	n := 0
	for _, t := range all {
		if t.Count > 0 || t.Accepted != "" {
			continue
		}
		n++
		if last := len(list) - 1; last >= 0 && list[last].Part == t.Part && list[last].Of == t.Of {
			list[last].Cases += "; " + t.Case
		} else {
			list = append(list, untriedOf{t.Part, t.Of, t.Case})
		}
	}
	return list, n
}

func triedTable(all []schema.Tried) table {
	t := table{
		ID: "tried", Caption: "Every case of every interface and option, those that were never tried first", Sort: true, Empty: "Nothing was counted.",
		Columns: []column{{Title: "Part"}, {Title: "Of"}, {Title: "Case"}, {Title: "Times", Number: true}, {Title: "Note"}},
	}
	for _, one := range all {
		note := one.Accepted
		if one.Unforeseen {
			note = "was thought to be impossible"
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: one.Part}, {Text: one.Of}, {Text: one.Case}, numberCell(one.Count), {Text: note}}})
	}
	return t
}

func notEnteredTable(c *schema.Cover) table {
	t := table{
		ID: "not-entered", Caption: "Blocks of statements that no run has entered", Sort: true, Empty: "Every one was entered.",
		Columns: []column{{Title: "File"}, {Title: "Line", Number: true}, {Title: "To", Number: true}, {Title: "Statements", Number: true}},
	}
	for _, b := range c.Never {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: b.File}, numberCell(int64(b.Line)), numberCell(int64(b.LastLine)), numberCell(int64(b.Statements))}})
	}
	return t
}

func waivedTable(d *schema.Campaign) table {
	t := table{Caption: "Findings waived by a check", Columns: []column{{Title: "Reason"}, {Title: "Times", Number: true}}}
	for _, reason := range slices.Sorted(maps.Keys(d.Waived)) {
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: reason}, numberCell(d.Waived[reason])}})
	}
	return t
}

func runTable(d *schema.Campaign) table {
	t := table{
		ID: "runs", Caption: "Runs with a verdict, in seed order", Sort: true, Empty: "No run has ended.",
		Columns: []column{{Title: "Scenario"}, {Title: "Seed", Number: true}, {Title: "Engine"}, {Title: "Virtual", Number: true}, {Title: "Verdict"}, {Title: "Hash"}},
	}
	for i, r := range d.RunHashes {
		if i == mostRows {
			t.Cut = fmt.Sprintf("%s in the campaign's %s.", plural(len(d.RunHashes)-i, "more run"), schema.CampaignFile)
			break
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Text: r.Scenario}, {Text: fmt.Sprint(r.Seed)}, {Text: r.Engine}, secondsCell(r.Virtual), verdictCell(r.Verdict), {Text: shortHash(r.Hash), Mono: true},
		}})
	}
	return t
}

// faultTable has the faults by kind, and the states at their activations as a heat map.
type faultTable struct {
	States []string
	Rows   []faultRow
}

type faultRow struct {
	Kind                                   string
	Asked, Applied, Effective, Activations int64
	Differed                               string
	Cells                                  []heatCell
}

type heatCell struct {
	Count int64
	Heat  int
}

func faultTableOf(d *schema.Campaign) faultTable {
	t := faultTable{States: taskgoals.States()}
	known := map[string]bool{}
	for _, s := range t.States {
		known[s] = true
	}
	most := int64(0)
	others := map[string]bool{}
	for _, f := range d.FaultTable {
		for state, n := range f.States {
			most = max(most, n)
			if !known[state] {
				others[state] = true
			}
		}
	}
	t.States = append(t.States, slices.Sorted(maps.Keys(others))...)
	place := map[string]int{}
	for i, k := range taskplan.FaultKinds() {
		place[string(k)] = i + 1
	}
	kinds := slices.SortedFunc(maps.Keys(d.FaultTable), func(a, b string) int {
		return cmp.Or(cmp.Compare(cmp.Or(place[a], 1<<20), cmp.Or(place[b], 1<<20)), strings.Compare(a, b))
	})
	for _, kind := range kinds {
		f := d.FaultTable[kind]
		r := faultRow{Kind: kind, Asked: f.Asked, Applied: f.Applied, Effective: f.Effective, Activations: f.Activations, Differed: "–"}
		if f.Reruns > 0 {
			r.Differed = fmt.Sprintf("%d of %d", f.Differed, f.Reruns)
		}
		for _, state := range t.States {
			r.Cells = append(r.Cells, heatCell{f.States[state], heatLevel(f.States[state], most)})
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
