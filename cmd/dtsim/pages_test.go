package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/cmd/dtsim/internal/cli"
	"dtsim/reports/html/browsertest"
	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	"dtsim/sim/campaign"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// TestPagesOfTheCommandInABrowser opens what the command itself leaves of a campaign with
// a failure, of a search with a counterexample and of mutants.
func TestPagesOfTheCommandInABrowser(t *testing.T) {
	long(t)
	browser := browsertest.Start(t)
	out := t.TempDir()

	t.Run("campaign", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "broken.plan.json")
		require.NoError(t, os.WriteFile(file, plan.Encode(brokenPromise(t).Encode()), 0o644))
		var run schema.Campaign
		require.Equal(t, 1, dtsim(t, &run, "run", "--plan", file, "--engine", "native", "--report", "--out", out))
		require.NotEmpty(t, run.Failures)

		tab := browser.Open(t, filepath.Join(out, "campaign.html"))
		assert.Contains(t, tab.Text("h3"), run.Failures[0].Property)
		assert.Contains(t, tab.Text(".card"), timeline.Visible(run.Failures[0].Message))
		leads(t, tab, filepath.Join(out, "campaign.html"), "article.card a")
		both(t, tab)
		tab.Eval(`document.querySelector("details:has(#runs)").open = true`, nil)
		byKeys(t, tab, "#scheme", ".top button.copy", ".card a.thumb", ".card button.copy", "#runs th:nth-child(2) button")
		tab.Press(kb.Enter)
		assert.Equal(t, "ascending", sorted(tab, "#runs th:nth-child(2)"), "Enter sorts by the column")
		tab.Press(kb.Enter)
		assert.Equal(t, "descending", sorted(tab, "#runs th:nth-child(2)"))

		walk(t, browser.Open(t, only(t, filepath.Join(out, "*", "*.html"))), only(t, filepath.Join(out, "*", campaign.TraceFile)))
	})
	t.Run("search", func(t *testing.T) {
		var search schema.Check
		require.Equal(t, 1, dtsim(t, &search, "check", "--config", "2pc-3-hasty", "--report", "--out", out))
		name := filepath.Join(out, "check-2pc-3-hasty.html")
		tab := browser.Open(t, name)
		assert.Contains(t, tab.Text(".message"), search.Violations[0].Message)
		leads(t, tab, name, "article.card a")
		both(t, tab)
		byKeys(t, tab, "#scheme", ".card p a", ".card button.copy", ".card summary")
		var open, still bool
		tab.Eval(`document.querySelector(".card details").open`, &open)
		tab.Press(kb.Enter)
		tab.Eval(`document.querySelector(".card details").open`, &still)
		assert.NotEqual(t, open, still, "Enter opens and closes the steps")

		walk(t, browser.Open(t, only(t, filepath.Join(out, "consistency-*.html"))), search.Violations[0].Trace)
	})
	t.Run("mutants", func(t *testing.T) {
		var measured schema.Mutants
		results := filepath.Join(out, "RESULTS.md")
		require.Equal(t, 0, dtsim(t, &measured, "mutants", "--only", "barrier-on-first-ack", "--judges", "explore", "--budget", "2s",
			"--journal", filepath.Join(out, "mutants.journal"), "--out", results))
		name := filepath.Join(out, "mutants.html")
		require.Equal(t, 0, cli.Main(t.Context(), cli.Environment{Stdout: io.Discard, Stderr: t.Output()}, []string{"report", filepath.Join(out, "RESULTS.json"), "-o", name}))
		tab := browser.Open(t, name)
		require.Len(t, measured.Mutants, 1)
		assert.Equal(t, "barrier-on-first-ack", tab.Text("#mutants tbody th"))
		assert.Contains(t, tab.Text("#mutants tbody tr"), measured.Mutants[0].Kills["explore"].Property)
		both(t, tab)
		byKeys(t, tab, "#scheme", ".scroll:has(#mutants)")
	})
}

// leads holds the links of a page against the files there are.
func leads(t *testing.T, tab *browsertest.Tab, from, selector string) {
	t.Helper()
	var links []string
	tab.Eval(fmt.Sprintf(`[...document.querySelectorAll(%q)].map((a) => a.getAttribute("href"))`, selector), &links)
	require.NotEmpty(t, links)
	for _, link := range links {
		u, err := url.Parse(link)
		require.NoError(t, err)
		assert.FileExists(t, filepath.Join(filepath.Dir(from), filepath.FromSlash(u.Path)))
	}
}

// both looks at a page in both colour schemes, and on paper.
func both(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	grounds := map[string]bool{}
	for _, scheme := range []string{"dark", "light"} {
		tab.Scheme(scheme)
		var ground string
		var wide bool
		tab.Eval("getComputedStyle(document.body).backgroundColor", &ground)
		tab.Eval("document.documentElement.scrollWidth > innerWidth", &wide)
		assert.False(t, wide, "nothing sticks out in %s", scheme)
		grounds[ground] = true
	}
	assert.Len(t, grounds, 2)
	assert.Positive(t, tab.OnPaper())
}

// byKeys goes through a page with the tab key: every stop is seen and marked, and the
// elements of the selectors are among them. The last of them has the focus in the end.
func byKeys(t *testing.T, tab *browsertest.Tab, want ...string) {
	t.Helper()
	all, err := json.Marshal(want)
	require.NoError(t, err)
	var stop struct {
		Is      []string
		What    string
		Seen    bool
		Nothing bool
	}
	look := `((e) => ({is: ` + string(all) + `.filter((s) => e.matches(s)), what: e.outerHTML.slice(0, 80), nothing: e === document.body,
		seen: e.checkVisibility() && getComputedStyle(e).outlineStyle !== "none"}))(document.activeElement)`
	missing := slices.Clone(want)
	tab.Eval(`scrollTo(0, 0); document.activeElement.blur()`, nil)
	for range 200 {
		tab.Press(kb.Tab)
		tab.Eval(look, &stop)
		if stop.Nothing {
			break
		}
		require.True(t, stop.Seen, "the focus is seen on %s", stop.What)
		missing = slices.DeleteFunc(missing, func(s string) bool { return slices.Contains(stop.Is, s) })
		if len(missing) == 0 && slices.Contains(stop.Is, want[len(want)-1]) {
			return
		}
	}
	require.Empty(t, missing, "what the tab key does not come to")
}

// sorted returns how a column is sorted.
func sorted(tab *browsertest.Tab, title string) (how string) {
	tab.Eval(fmt.Sprintf(`document.querySelector(%q).ariaSort ?? ""`, title), &how)
	return how
}

// only returns the one file of a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.Len(t, found, 1, pattern)
	return found[0]
}

// walk goes through the page of a run with keys, and holds the states that it shows
// against those of the trace.
func walk(t *testing.T, tab *browsertest.Tab, file string) {
	t.Helper()
	whole, err := trace.ReadFile(file)
	require.NoError(t, err)
	projected, err := timeline.New(whole)
	require.NoError(t, err)
	tab.Until("document.documentElement.dataset.ready !== undefined")
	both(t, tab)
	byKeys(t, tab, "#scheme", `[data-detail="all"]`, "#find", "#diagram")
	steps := 0
	for _, key := range []string{kb.Home, kb.ArrowRight, kb.ArrowRight, kb.PageDown, kb.PageUp, kb.ArrowLeft, kb.End, "v"} {
		tab.Press(key)
		var seen struct {
			Seq   int
			Parts map[string]string
		}
		tab.Eval(`({seq: dtsim.page.current, parts: Object.fromEntries([...document.querySelectorAll("#state [data-part]")].map((e) => [e.dataset.part, e.textContent]))})`, &seen)
		want := make(map[string]string)
		for part, value := range projected.State(seen.Seq) {
			want[part] = timeline.Visible(value)
		}
		steps += len(want)
		assert.Equal(t, want, seen.Parts, "the state after event %d", seen.Seq)
	}
	assert.Greater(t, steps, 8, "there were states to compare")
	var rows int
	tab.Eval(`document.querySelectorAll("#events tbody tr").length`, &rows)
	assert.Positive(t, rows)
	if rows < len(whole.Events) {
		assert.Contains(t, tab.Text(".table-of-events .cut"), fmt.Sprintf("Of %s events these are the %d", timeline.Count(int64(len(whole.Events))), rows), "what the table leaves out is stated")
	}
}
