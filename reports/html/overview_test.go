package html

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	taskgoals "dtsim/scenarios/goals"
)

func writtenDocument(t testing.TB, p *page, err error) string {
	t.Helper()
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, p.write(&b))
	return b.String()
}

// someCampaign is a document that has something of everything.
func someCampaign() *schema.Campaign {
	d := &schema.Campaign{
		Command: "dtsim run --scenario barrier", Build: "b1", Engine: "native", Second: "sealed", Seeds: "1..30", Runs: 30, Asked: 31, Compared: 1, Twice: 2,
		DistinctPlans: 30, Events: 12345, Virtual: 3600, Wall: 12, CPU: 20,
		Violations: []schema.Violation{{Property: "P5", Scenario: "barrier", Seed: 7, Engine: "native", Message: "too early"}},
		Failures: []schema.Failure{{
			Property: "P5", Message: "too early", Runs: 1, Scenario: "barrier", Seed: 7, Shrunk: true, Before: "3 nodes", After: "2 nodes", Statement: "minimal",
			Folder: "reports/out/P5-x", Replay: "go run ./cmd/dtsim replay x",
		}},
		HarnessFailures: []schema.HarnessFailure{{Scenario: "barrier", Seed: 8, Engine: "native", Error: "the guest trapped"}},
		Scenarios:       []schema.Scenario{{Name: "barrier", Runs: 30, Virtual: 3600, Wall: 12, Commands: 900, Messages: 12000, Verdict: "violated"}},
		Engines:         []schema.Engine{{Name: "native", Runs: 32, Virtual: 3600, Wall: 12, CPU: 20}, {Name: "sealed", Runs: 3, Virtual: 200, Wall: 4, CPU: 4}},
		Controls:        []schema.Control{{Name: "control", Engine: "native", Verdict: "held"}, {Name: "planted", Engine: "native", Verdict: "violated"}},
		FaultTable:      map[string]schema.Fault{}, Sometimes: map[string]int64{}, Exercised: map[string]int64{},
		Waived: map[string]int64{"a leader was missing": 2, "b": 1},
		Tried: []schema.Tried{
			{Part: "command", Of: "ADD", Case: "accepted"}, {Part: "command", Of: "ADD", Case: "remembered"}, {Part: "option", Of: "nodes", Case: "9", Accepted: "costs much"},
			{Part: "call", Of: "list", Case: "ok", Count: 3}, {Part: "call", Of: "list", Case: "lost", Count: 4, Unforeseen: true},
		},
	}
	for i, kind := range []string{"delay", "crash", "partition", "zzz-unknown", "clock-jump"} {
		d.FaultTable[kind] = schema.Fault{Asked: 9, Applied: int64(i), Activations: 3, Reruns: 2, Differed: 1, States: map[string]int64{"leader": int64(i), "PREPARING": 100, "elsewhere": 1}}
	}
	for i, g := range taskgoals.Goals() {
		d.Sometimes[g.Name] = int64(i % 3 * i)
	}
	for i := range 19 {
		d.Exercised[fmt.Sprintf("P%d", i+1)] = int64(i % 4 * 1000)
	}
	for seed := range uint64(30) {
		d.RunHashes = append(d.RunHashes, schema.Run{Scenario: "barrier", Seed: seed + 1, Engine: "native", Verdict: "held", Hash: fmt.Sprintf("%064x", seed), Virtual: 60 + float64(seed*seed)})
	}
	return d
}

func someMutants() *schema.Mutants {
	kill := func(s float64) schema.Kill {
		return schema.Kill{Runs: 3, WallS: s, Property: "P5", Properties: []string{"P5"}, Kills: 1, Tries: 1}
	}
	return &schema.Mutants{
		Command: "dtsim mutants", Machine: "2 cores", BudgetS: 60, Repetitions: 1, Detectors: []string{"sim", "explore", "unit"},
		Mutants: []schema.Mutant{
			{Name: "quick", Properties: []string{"P5"}, Killed: true, Kills: map[string]schema.Kill{"sim": kill(0.2), "explore": kill(0.1)}, Survived: map[string]schema.Kill{"unit": {WallS: 2}}, Fired: map[string]int{"P10": 2, "P5": 1}},
			{Name: "slow", Properties: []string{"P5"}, Killed: true, Kills: map[string]schema.Kill{"sim": kill(50)}, Skipped: map[string]string{"explore": "not in the model"}, Failed: map[string]string{"unit": "does not compile"}},
			{Name: "tough", Properties: []string{"P9"}, Survived: map[string]schema.Kill{"sim": {Runs: 400, WallS: 60, Unexpected: []string{"P2"}}}},
			{Name: "flaky", Properties: []string{"P9"}, Kills: map[string]schema.Kill{"sim": {Runs: 9, WallS: 6, Kills: 1, Tries: 3, Property: "P9"}}},
		},
		Worth: []schema.Worth{{Property: "P5", Catches: []string{"quick", "slow"}, Alone: []string{"slow"}}, {Property: "P6"}},
		Found: []schema.Finding{{Detector: "sim", Property: "P1", Message: "two states", Where: "x"}},
	}
}

// order checks that words are in a text in an order.
func requireOrder(t *testing.T, text string, words ...string) {
	t.Helper()
	at := 0
	for _, w := range words {
		i := strings.Index(text[at:], w)
		require.GreaterOrEqual(t, i, 0, "%q is not behind the others", w)
		at += i + len(w)
	}
}

func TestWhatIsMissingComesFirst(t *testing.T) {
	d := someCampaign()
	d.Sometimes = map[string]int64{"two leaders": 5, "crash in the preparation": 0, "claim lost": 1, "of a later build": 0}
	p, err := campaignPage(CampaignView{Document: d, Ended: true})
	text := writtenDocument(t, p, err)
	requireOrder(t, text, "Never reached: 2", "crash in the preparation", "of a later build", "Reached: 2", "claim lost", "two leaders")
	requireOrder(t, text, "Never tried", "2 of 5 cases", "accepted; remembered", "Every case", "costs much", "was thought to be impossible")
	d.Cover = &schema.Cover{Statements: 9, Entered: 7, Never: []schema.Block{{File: "fsm/acks.go", Line: 12, LastLine: 14, Statements: 2}}}
	p, err = campaignPage(CampaignView{Document: d, Ended: true})
	text = writtenDocument(t, p, err)
	requireOrder(t, text, "7 of 9 statements", "1 places that no run has entered", "fsm/acks.go")
	requireOrder(t, text, `class="zero"><span class="id">P1<`, `class="id">P2<`)

	p, err = mutantsPage(someMutants())
	text = writtenDocument(t, p, err)
	requireOrder(t, text, "found in the unmutated system", "tough", "P2 instead", "slow", "quick")
}

func TestEveryVerdictHasAText(t *testing.T) {
	for want, change := range map[string]func(v *CampaignView){
		"harness error": func(v *CampaignView) {},
		"P5 violated":   func(v *CampaignView) { v.Document.HarnessFailures = nil },
		"30 of 31 runs": func(v *CampaignView) { v.Document.HarnessFailures, v.Document.Violations = nil, nil },
		"not finished": func(v *CampaignView) {
			v.Document.HarnessFailures, v.Document.Violations, v.Ended = nil, nil, false
		},
		"passed": func(v *CampaignView) {
			v.Document.HarnessFailures, v.Document.Violations, v.Document.Asked = nil, nil, 30
		},
	} {
		v := CampaignView{Document: someCampaign(), Ended: true}
		change(&v)
		assert.Equal(t, want, campaignBadge(v).Text)
	}
	for want, d := range map[string]*schema.Check{
		"P5 violated":                 {Violations: []schema.CheckViolation{{Property: "P5"}}, Exhausted: true},
		"passed in every state":       {Exhausted: true},
		"passed on every step taken":  {Walk: &schema.Walk{Complete: true}},
		"interrupted":                 {Bound: "interrupted"},
		"the bound on memory was hit": {Bound: "memory"},
		"the bound on states was hit": {Bound: "states", Walk: &schema.Walk{}},
	} {
		assert.Equal(t, want, checkBadge(d).Text)
	}
}

func TestTrendShowsWhatCameAndWent(t *testing.T) {
	before, now := someCampaign(), someCampaign()
	before.Sometimes = map[string]int64{"two leaders": 1, "claim lost": 1}
	now.Sometimes = map[string]int64{"two leaders": 0, "claim lost": 3, "crash at work": 1}
	now.Violations[0].Property, now.Seeds, now.Wall = "P8", "1..99", 6
	tr := newTrend("before", before, now)
	assert.Equal(t, []string{"other seeds, 1..30 then and 1..99 now"}, tr.Unlike)
	lists := map[string][]string{}
	for _, l := range tr.Lists {
		lists[l.Title] = l.Names
	}
	assert.Equal(t, map[string][]string{
		"Properties violated now, and not before": {"P8"}, "Properties violated before, and not now": {"P5"},
		"Goals reached now, and not before": {"crash at work"}, "Goals reached before, and not now": {"two leaders"},
	}, lists)
	for _, c := range tr.Figures {
		switch c.Name {
		case "Runs a second":
			assert.Equal(t, trendFigure{"Runs a second", "2.50", "5.00", "+100% ▲", toneGood}, c)
		case "Goals reached":
			assert.Equal(t, "same", c.Delta)
		}
	}
	now.Build = before.Build + " with example.com/dep@v1.2.0"
	assert.Contains(t, newTrend("before", before, now).Unlike, "other versions, the versions of go.mod then and example.com/dep@v1.2.0 now")
	p, err := campaignPage(CampaignView{Document: now, Ended: true, Baseline: before, BaselineName: "before"})
	requireOrder(t, writtenDocument(t, p, err), "Against", "before", "other seeds", "Runs a second")
}

func TestTheSameIsTheSamePage(t *testing.T) {
	for range 5 {
		v := CampaignView{Document: someCampaign(), Ended: true, Baseline: someCampaign()}
		v.Baseline.Sometimes, v.Baseline.Exercised = nil, nil
		a, err := campaignPage(v)
		first := writtenDocument(t, a, err)
		v.Document = someCampaign()
		b, err := campaignPage(v)
		require.Equal(t, first, writtenDocument(t, b, err))
		c, err := mutantsPage(someMutants())
		first = writtenDocument(t, c, err)
		d, err := mutantsPage(someMutants())
		require.Equal(t, first, writtenDocument(t, d, err))
	}
}

// hostile puts a text wherever a document has one.
func hostileCampaign(x string) CampaignView {
	d := someCampaign()
	d.Command, d.Build, d.Engine, d.Second, d.Seeds, d.Hash = x, x, x, x, x, x
	d.Violations = []schema.Violation{{Property: x, Scenario: x, Engine: x, Message: x, Ablation: x}}
	d.Failures = []schema.Failure{{Property: x, Message: x, Scenario: x, Ablation: x, Shrunk: true, Before: x, After: x, Statement: x, Pinned: x, Folder: x, Replay: x}}
	d.HarnessFailures = []schema.HarnessFailure{{Scenario: x, Error: x, Engine: x, Folder: x}}
	d.Scenarios = []schema.Scenario{{Name: x, Verdict: x}}
	d.Engines = []schema.Engine{{Name: x, Wall: 1}}
	d.Controls = []schema.Control{{Name: x, Engine: x, Verdict: x}}
	d.FaultTable = map[string]schema.Fault{x: {States: map[string]int64{x: 1}}}
	d.Sometimes, d.Exercised, d.Waived = map[string]int64{x: 1}, map[string]int64{x: 0}, map[string]int64{x: 1}
	d.Cover = &schema.Cover{Statements: 2, Entered: 1, Never: []schema.Block{{File: x, Line: 1, Statements: 1}}}
	d.Tried = []schema.Tried{{Part: x, Of: x, Case: x}, {Part: x, Of: x, Case: x, Accepted: x}}
	d.RunHashes = []schema.Run{{Scenario: x, Engine: x, Verdict: x, Hash: x}}
	before := *d
	before.Sometimes, before.Engine = map[string]int64{x + "1": 1}, x+"2"
	return CampaignView{Document: d, Ended: true, Failures: []RunLink{{Page: x}}, Baseline: &before, BaselineName: x}
}

func hostileCheck(x string) CheckView {
	return CheckView{Violations: []RunLink{{Page: x}}, Document: &schema.Check{
		Config: x, Summary: x, Properties: []string{x}, Search: x, Bound: x, Levels: []uint64{1, 2}, WallS: 1, States: 3, Growth: []schema.Growth{{WallS: 1, States: 3, Waiting: 2}},
		Violations: []schema.CheckViolation{{Property: x, Message: x, Trace: x, Replay: x, Loop: 1, Steps: []schema.Step{{Action: x, Changed: []schema.Change{{Name: x, Before: x, After: x}}}}}},
	}}
}

func hostileMutants(x string) *schema.Mutants {
	k := schema.Kill{Runs: 1, WallS: 1, Property: x, Properties: []string{x}, Where: x, Kills: 1, Tries: 2, Unexpected: []string{x}}
	return &schema.Mutants{
		Command: x, Machine: x, Detectors: []string{x, "b", "c", "d"}, Found: []schema.Finding{{Detector: x, Property: x, Message: x, Where: x}},
		Mutants: []schema.Mutant{{
			Name: x, Properties: []string{x}, Kills: map[string]schema.Kill{x: k}, Survived: map[string]schema.Kill{"b": k},
			Skipped: map[string]string{"c": x}, Failed: map[string]string{"d": x}, Fired: map[string]int{x: 1}, Alone: x,
		}},
		Worth: []schema.Worth{{Property: x, Catches: []string{x}, Alone: []string{x}}},
	}
}

// body returns what is between the header and the scripts of a page.
func mainOf(t *testing.T, text string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "<body")
	require.True(t, found)
	all, _, found := strings.Cut(rest, "<script ")
	require.True(t, found)
	return "<body" + all + "</body>"
}

// TestHostileTextsAreText: whatever the texts are, a page has the elements and attributes
// that it has with harmless words.
func TestHostileTextsAreText(t *testing.T) {
	pages := map[string]func(x string) string{
		"campaign": func(x string) string { p, err := campaignPage(hostileCampaign(x)); return writtenDocument(t, p, err) },
		"check":    func(x string) string { p, err := checkPage(hostileCheck(x)); return writtenDocument(t, p, err) },
		"mutants":  func(x string) string { p, err := mutantsPage(hostileMutants(x)); return writtenDocument(t, p, err) },
	}
	for name, made := range pages {
		want := elementNames(t, mainOf(t, made("harmless")))
		require.Greater(t, len(want), 50)
		for _, x := range timelinetest.Hostiles {
			text := mainOf(t, made(x))
			assert.Equal(t, want, elementNames(t, text), "%s: %q", name, x)
			for _, hidden := range []string{"\u202e", "\u2028", "\x1b", "\x00", "javascript:alert"} {
				assert.NotContains(t, text, hidden, "%s: %q", name, x)
			}
		}
	}
	p, err := campaignPage(hostileCampaign("javascript:alert(1)"))
	assert.NotContains(t, writtenDocument(t, p, err), `href="javascript:`)
}

// elements lists the elements of HTML with the names of their attributes. The pages are
// well formed but for the elements that HTML does not close.
func elementNames(t *testing.T, text string) (all []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(text, "\ufffe", "?"))) // no character for XML
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			words := e.Name.Local
			for _, a := range e.Attr {
				if a.Name.Local != "title" { // left out if it is empty
					words += " " + a.Name.Local
				}
			}
			all = append(all, words)
		}
	}
}

func TestAxesHoldWhatIsDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Float64Range(0, 1e12).Draw(t, "most")
		marks := axisTicks(most, rapid.IntRange(1, 10).Draw(t, "n"))
		if marks[len(marks)-1] < most*(1-1e-9) || len(marks) > 32 {
			t.Fatalf("%v up to %g", marks, most)
		}
		values := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 200).Draw(t, "values")
		c := histogramChart(values, "", "", "", "s")
		total := 0
		for _, b := range c.Bars {
			x, y, w, h := atof(b.X), atof(b.Y), atof(b.W), atof(b.H)
			if x < c.Left-0.1 || x+w > c.Right+0.1 || y < c.Top-2 || y+h > c.Bottom+0.1 {
				t.Fatalf("%+v is outside of the plot", b)
			}
			n, err := strconv.Atoi(b.Tip[strings.LastIndex(b.Tip, " ")+1:])
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
		if total != len(values) || len(c.Bars) > 40 {
			t.Fatalf("%d values in %d bars, of %d", total, len(c.Bars), len(values))
		}
	})
}

func atof(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return f
}

func TestThumbnailShowsTheViolation(t *testing.T) {
	early, missing := timelinetest.EarlySwap(t)
	s, err := timeline.New(early)
	require.NoError(t, err)
	text := string(Thumbnail(s))
	assert.Contains(t, text, `class="fact"`)
	assert.Contains(t, text, `class="here"`)
	assert.Contains(t, text, `class="callback"`)
	assert.Contains(t, text, ">"+missing+"</text>")
	assert.Contains(t, text, "what led to P5")
	elementNames(t, text)
	for _, m := range regexp.MustCompile(` (?:x1|x2|x|cx)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		assert.True(t, atof(m[1]) >= 0 && atof(m[1]) <= thumbW, m[0])
	}
	assert.Less(t, len(text), 20_000, "small")

	s, err = timeline.New(timelinetest.Scenario(t, "hostile-nodes", 2))
	require.NoError(t, err)
	assert.NotContains(t, string(Thumbnail(s)), `class="here"`, "nothing is violated")

	s, err = timeline.New(timelinetest.Hostile(t))
	require.NoError(t, err)
	text = string(Thumbnail(s))
	elementNames(t, text)
	assert.NotContains(t, text, "<script")
}
