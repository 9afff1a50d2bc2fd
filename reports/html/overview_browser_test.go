package html

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/html/browsertest"
	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

// kept reads a document that a command of this repository printed; see testdata.
func keptDocument[D any](t *testing.T, name string) *D {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	d, err := schema.Read(content)
	require.NoError(t, err)
	require.IsType(t, new(D), d)
	return d.(*D)
}

func pageFile(t *testing.T, p *page, err error) string {
	t.Helper()
	require.NoError(t, err)
	return browsertest.File(t, p.write)
}

// look holds a page against what every page promises, in both schemes, and takes its
// pictures when DTSIM_SCREENS is set.
func checkLooks(t *testing.T, tab *browsertest.Tab, name string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		tab.Scheme(scheme)
		if screens != "" {
			tab.Screen(filepath.Join(screens, name+"-"+scheme+".png"))
		}
		var wide bool
		tab.Eval("document.documentElement.scrollWidth > innerWidth", &wide)
		assert.False(t, wide, "nothing sticks out")
	}
	sheets := tab.OnPaper()
	assert.Greater(t, sheets, 1)
	assert.Less(t, sheets, 20)
	tab.Eval("document.querySelectorAll('details').forEach((d) => { d.open = true })", nil)
	for _, scheme := range []string{"light", "dark"} {
		tab.Scheme(scheme)
		tab.Accessible()
	}
}

func TestCampaignInABrowser(t *testing.T) {
	early, err := trace.ReadFile("testdata/barrier-on-first-ack.trace.jsonl.zst")
	require.NoError(t, err)
	tl, err := timeline.New(early)
	require.NoError(t, err)
	v := CampaignView{Document: keptDocument[schema.Campaign](t, "campaign.json"), Ended: true, Baseline: keptDocument[schema.Campaign](t, "baseline.json"), BaselineName: "last-week/out"}
	for range v.Document.Failures {
		v.Failures = append(v.Failures, RunLink{Page: "#main", Picture: Thumbnail(tl)})
	}
	p, err := campaignPage(v)
	tab := browsertest.Start(t).Open(t, pageFile(t, p, err))

	var cards, drawn int
	tab.Eval(`document.querySelectorAll("article.card").length`, &cards)
	assert.Equal(t, len(v.Document.Failures), cards)
	tab.Eval(`[...document.querySelectorAll(".thumbnail")].filter((s) => s.getBoundingClientRect().width > 200 && s.querySelector(".here")).length`, &drawn)
	assert.Equal(t, cards, drawn, "each has a picture")

	var runs int
	tab.Eval(`document.querySelectorAll("#runs tbody tr").length`, &runs)
	assert.Equal(t, len(v.Document.RunHashes), runs)
	tab.Eval(`document.querySelector("details summary").click()`, nil)
	tab.Click("#runs th:nth-child(4) button")
	var sorted bool
	tab.Eval(`(() => { const all = [...document.querySelectorAll("#runs tbody tr")].map((r) => +r.children[3].dataset.sort);
		return all.length > 1 && all.every((v, i) => i === 0 || all[i-1] <= v); })()`, &sorted)
	assert.True(t, sorted, "a click on a title sorts by the number behind the words")
	tab.Eval("scrollTo(0, 0)", nil)
	checkLooks(t, tab, "campaign")
}

func TestSearchInABrowser(t *testing.T) {
	for name, d := range map[string]*schema.Check{"check": keptDocument[schema.Check](t, "check.json"), "check-violated": keptDocument[schema.Check](t, "check-violated.json")} {
		t.Run(name, func(t *testing.T) {
			v := CheckView{Document: d}
			if len(d.Violations) > 0 {
				tl, err := timeline.New(timelinetest.Machine(t))
				require.NoError(t, err)
				v.Violations = []RunLink{{Page: "#main", Picture: Thumbnail(tl)}}
			}
			p, err := checkPage(v)
			tab := browsertest.Start(t).Open(t, pageFile(t, p, err))
			var columns int
			tab.Eval(`document.querySelectorAll("#levels ~ figure .bar").length`, &columns)
			assert.Equal(t, len(d.Levels), columns, "a column a level")
			var steps int
			tab.Eval(`document.querySelectorAll("ol.steps > li").length`, &steps)
			if len(d.Violations) > 0 {
				assert.Equal(t, len(d.Violations[0].Steps), steps)
			}
			checkLooks(t, tab, name)
		})
	}
}

func TestMutantsInABrowser(t *testing.T) {
	d := keptDocument[schema.Mutants](t, "../../../scenarios/mutation/RESULTS.json")
	p, err := mutantsPage(d)
	tab := browsertest.Start(t).Open(t, pageFile(t, p, err))
	var names []string
	tab.Eval(`[...document.querySelectorAll("#mutants tbody th")].map((h) => h.textContent)`, &names)
	require.Len(t, names, len(d.Mutants))
	killed := map[string]bool{}
	for _, m := range d.Mutants {
		killed[m.Name] = m.Killed
	}
	for i := 1; i < len(names); i++ {
		assert.False(t, killed[names[i-1]] && !killed[names[i]], "survivors first, but %s", names[i])
	}
	assert.Contains(t, tab.Seen("section:last-of-type"), fmt.Sprintf("%.1f %% together", d.Generated.Percent))
	checkLooks(t, tab, "mutants")
}

func TestPagesAreReadWithoutScripts(t *testing.T) {
	p, err := campaignPage(CampaignView{Document: keptDocument[schema.Campaign](t, "campaign.json"), Ended: true})
	name := pageFile(t, p, err)
	browser := browsertest.Start(t)
	tab := browser.Open(t, name, browsertest.WithoutScripts)
	assert.Contains(t, tab.Seen("#main"), "Coverage goals")
	assert.NotContains(t, tab.Seen("header"), "Copy")
}
