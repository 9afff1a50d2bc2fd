package html

import (
	"embed"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/html/browsertest"
	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

//go:embed testdata/run
var coreTests embed.FS

// early is the failure that a build leaves whose barrier lifts on any ack, shrunk.
func earlySwap(t *testing.T) *trace.Trace {
	t.Helper()
	whole, err := trace.ReadFile("testdata/barrier-on-first-ack.trace.jsonl.zst")
	require.NoError(t, err)
	return whole
}

// written writes the page of a trace.
func writtenRun(t *testing.T, whole *trace.Trace, change func(*RunView)) (*timeline.Timeline, string) {
	t.Helper()
	s, err := timeline.New(whole)
	require.NoError(t, err)
	r := RunView{Timeline: s, Replay: "go run ./cmd/dtsim replay reports/out/run.trace.jsonl.zst"}
	if change != nil {
		change(&r)
	}
	return s, browsertest.File(t, func(w io.Writer) error { return WriteRun(w, r) })
}

// open opens a page and waits until it is drawn.
func openRun(t *testing.T, b *browsertest.Browser, file string) *browsertest.Tab {
	t.Helper()
	tab := b.Open(t, file)
	tab.Until("document.documentElement.dataset.ready !== undefined")
	return tab
}

// sameState compares the state that is shown with that of the timeline.
func sameState(t *testing.T, tab *browsertest.Tab, s *timeline.Timeline) (seq int) {
	t.Helper()
	var got struct {
		Seq    int
		Parts  map[string]string
		Marked []string
	}
	tab.Eval(`({seq: dtsim.page.current, parts: Object.fromEntries([...document.querySelectorAll("#state [data-part]")].map((e) => [e.dataset.part, e.textContent])),
		marked: [...document.querySelectorAll("#state .changed")].map((e) => e.dataset.part)})`, &got)
	want := make(map[string]string)
	for part, value := range s.State(got.Seq) {
		want[part] = timeline.Visible(value)
	}
	assert.Equal(t, want, got.Parts, "the state after event %d", got.Seq)
	var before int
	tab.Eval(`dtsim.page.scene.shown[dtsim.page.position - 1] ?? 0`, &before)
	was := s.State(before)
	marked := []string{}
	for part, value := range s.State(got.Seq) {
		if was[part] != value {
			marked = append(marked, part)
		}
	}
	assert.ElementsMatch(t, marked, got.Marked, "what has changed from event %d to event %d is marked", before, got.Seq)
	return got.Seq
}

// accessible holds all of a page against the rules, to the last row and with everything
// open, in both colour schemes.
func accessible(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	tab.Eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; }); document.querySelector(".table-of-events").style.contentVisibility = "visible"`, nil)
	for _, scheme := range []string{"light", "dark"} {
		tab.Scheme(scheme)
		tab.Accessible()
	}
	tab.Eval(`document.querySelectorAll(".drop").forEach((d) => { d.open = false; })`, nil)
	tab.Scheme("light")
}

func TestTheCoreInABrowser(t *testing.T) {
	p := page{Kind: "test", Title: "t"}
	for _, name := range []string{"model", "pick", "axis", "spans", "view"} {
		p.Modules = append(p.Modules, module{Files: assets, Name: "run/" + name + ".js"})
	}
	p.Modules = append(p.Modules, module{Files: prefixed{coreTests}, Name: "run/core_test.js"})
	tab := browsertest.Start(t).Open(t, browsertest.File(t, p.write))
	tab.Until("window.tests")
	var wrong []string
	tab.Eval("wrong", &wrong)
	assert.Empty(t, wrong)
	var ran int
	tab.Eval("tests", &ran)
	assert.Greater(t, ran, 80)
}

func TestAWalkThroughARun(t *testing.T) {
	s, file := writtenRun(t, timelinetest.Scenario(t, "journey-3-barrier", 1), nil)
	tab := openRun(t, browsertest.Start(t), file)

	// Every kind of key, and after each of them the state is that of the trace.
	tab.Eval(`document.getElementById("diagram").focus()`, nil)
	tab.Press(kb.Home)
	assert.Equal(t, 1, sameState(t, tab, s))
	first := 0
	tab.Press(kb.ArrowRight)
	second := sameState(t, tab, s)
	assert.Greater(t, second, 1)
	tab.Press(kb.PageDown)
	third := sameState(t, tab, s)
	assert.Greater(t, third, second+8)
	tab.Press(kb.PageUp)
	assert.Equal(t, second, sameState(t, tab, s))
	tab.Press(kb.ArrowLeft)
	first = sameState(t, tab, s)
	assert.Equal(t, 1, first)
	tab.Press(kb.End)
	assert.Equal(t, len(s.Trace.Events), sameState(t, tab, s))
	var steps int
	tab.Eval(`dtsim.page.scene.shown.length`, &steps)
	for n := 0; n < steps; n += max(1, steps/25) {
		tab.Eval(fmt.Sprintf(`{ const e = document.getElementById("step"); e.value = %d; e.dispatchEvent(new Event("input")); }`, n+1), nil)
		sameState(t, tab, s)
	}

	// Zoom by keys, buttons and the wheel, around the step.
	width := func() (w float64) { tab.Eval(`dtsim.page.view.end - dtsim.page.view.start`, &w); return w }
	tab.Click("#fit")
	all := width()
	tab.Press("+")
	near := width()
	assert.Less(t, near, all)
	tab.Click("#in")
	assert.Less(t, width(), near)
	tab.Press("-", "-", "-")
	assert.InDelta(t, all, width(), 0.001)
	tab.Eval(`document.getElementById("diagram").dispatchEvent(new WheelEvent("wheel", {deltaY: -300, clientX: 500, clientY: 400, cancelable: true}))`, nil)
	assert.Less(t, width(), all)

	// Filters.
	shown := func() (n int) { tab.Eval(`dtsim.page.scene.shown.length`, &n); return n }
	tab.Click(`[data-detail="all"]`)
	everything := shown()
	tab.Eval(`document.querySelectorAll(".drop").forEach((d) => { d.open = true; })`, nil)
	tab.Click("#nodes label:nth-child(2) input")
	assert.Less(t, shown(), everything)
	tab.Click("#nodes label:nth-child(2) input")
	assert.Equal(t, everything, shown())
	tab.Eval(`for (const l of document.querySelectorAll("#kinds label")) if (l.textContent.trim() === "messages") l.querySelector("input").click()`, nil)
	assert.Less(t, shown(), everything)
	tab.Eval(`{ const e = document.getElementById("task"); e.value = 1; e.dispatchEvent(new Event("change")); }`, nil)
	var unrelated int
	tab.Eval(`[...dtsim.page.scene.shown].filter((seq) => !["lives", "faults"].includes(dtsim.page.model.groups[dtsim.page.model.group[seq]].name) && dtsim.page.model.task[seq] !== 1).length`, &unrelated)
	assert.Zero(t, unrelated, "events of no task and of others")
	tab.Eval(`{ const e = document.getElementById("find"); e.value = "onswaprequested"; e.dispatchEvent(new Event("input")); }`, nil)
	swaps := 0
	for i := range s.Trace.Events {
		if s.Trace.Events[i].Str("callback") == "OnSwapRequested" {
			swaps++
		}
	}
	assert.Equal(t, swaps, shown())
	require.NotZero(t, swaps)

	// A row of the table leads to its step, whatever was filtered away.
	tab.Eval(`document.querySelector('#events a').click()`, nil)
	assert.Equal(t, 1, sameState(t, tab, s))
}

func TestTheTooEarlySwapIsOnOneScreen(t *testing.T) {
	s, file := writtenRun(t, earlySwap(t), func(r *RunView) { r.Plan, r.Shrunk = []byte(`{"format": 1}`), "The plan was shrunk." })
	tab := openRun(t, browsertest.Start(t), file)

	assert.Contains(t, tab.Text(".why"), "without a successful preparation ack of [n2]")
	assert.Contains(t, tab.Text(".happened"), "reindex/a@6 is SWAPPING through 18, the preparation ack of n1")
	assert.Contains(t, tab.Text(".absent"), "no preparation ack of n2")
	assert.Contains(t, tab.Text(".absent"), "it happened 19.1 ms later")
	assert.Contains(t, tab.Text("#state .absent"), "n2")
	var low float64
	tab.Eval(`Math.max(...[...document.querySelectorAll(".facts-of li, .command, #diagram, .walk")].map((e) => e.getBoundingClientRect().bottom))`, &low)
	assert.LessOrEqual(t, low, 800.0, "on a screen of 1280 by 800")

	// The swap, the ack that lifted the barrier, the one that it did not wait for, and the
	// first callback that swaps are in view.
	v := byRelevance(s.Trace.Footer.Verdict.Violations)[0]
	require.Equal(t, "P5", v.Property)
	absent := s.Absent(v)
	require.Len(t, absent, 1)
	callback := 0
	for i := range s.Trace.Events {
		if e := &s.Trace.Events[i]; e.Kind == trace.CallbackStarted && e.Str("callback") == "OnSwapRequested" && callback == 0 {
			callback = e.Seq
		}
	}
	assert.Equal(t, v.Events[len(v.Events)-1], sameState(t, tab, s), "it begins at the violation")
	for _, seq := range []int{v.Events[len(v.Events)-1], absent[0].Came, callback} {
		var seen bool
		tab.Eval(fmt.Sprintf(`((p) => p.scene.isShown[%d] === 1 && p.scene.axis.at[%[1]d] > p.view.start && p.scene.axis.at[%[1]d] < p.view.end)(dtsim.page)`, seq), &seen)
		assert.True(t, seen, "event %d is in view", seq)
	}

	assert.Less(t, tab.OnPaper(), 16)
	var painted float64
	tab.Eval(`(() => {
		const c = document.querySelector("#printed canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		return d.filter((v, i) => i % 4 === 3 && v > 0).length / (c.width * c.height);
	})()`, &painted)
	assert.Greater(t, painted, 0.05, "the diagram is on paper")
	tab.Press("v")
	assert.Greater(t, sameState(t, tab, s), v.Events[len(v.Events)-1], "the next violation")
	accessible(t, tab)
	// Folded to the explanation, and unfolded on demand.
	var few, fold, more int
	tab.Eval(`dtsim.page.scene.shown.length`, &few)
	tab.Eval(`dtsim.page.scene.axis.folds[0].count`, &fold)
	tab.Eval(`{ const p = dtsim.page, f = p.scene.axis.folds[0]; p.view.to(f.start - 10, f.end + 10); p.paint();
		const e = document.getElementById("diagram"), r = e.getBoundingClientRect(), x = r.x + p.painter.x((f.start + f.end) / 2), y = r.y + r.height - 60;
		for (const kind of ["pointerdown", "pointerup"]) e.dispatchEvent(new PointerEvent(kind, {clientX: x, clientY: y, pointerId: 1, bubbles: true})); }`, nil)
	tab.Eval(`dtsim.page.scene.shown.length`, &more)
	assert.Equal(t, few+fold, more)
}

func TestWhatClientsSawIsPictured(t *testing.T) {
	_, file := writtenRun(t, earlySwap(t), nil)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(content)[:4000], "trusted-types", "a frame of another makes HTML of strings")
	tab := openRun(t, browsertest.Start(t), file)
	assert.Contains(t, tab.Text("section[aria-labelledby=history]"), "What clients saw of reindex/a has no order (P2).")
	// The frame has an opaque origin: it cannot be looked into from here, but it can be seen to have
	// drawn its operations.
	tab.Eval(`document.querySelector("iframe").scrollIntoView()`, nil)
	assert.Eventually(t, func() bool { return tab.Painted("iframe")["#42d1f5"] }, 30*time.Second, 200*time.Millisecond)
}

func TestCounterexamplesAreRuns(t *testing.T) {
	browser := browsertest.Start(t)
	for name, whole := range map[string]*trace.Trace{"cluster": timelinetest.ClusterCounterexample(t), "machine": timelinetest.Machine(t)} {
		t.Run(name, func(t *testing.T) {
			s, file := writtenRun(t, whole, nil)
			tab := openRun(t, browser, file)
			tab.Eval(`document.getElementById("diagram").focus()`, nil)
			tab.Press(kb.Home)
			for range 12 {
				sameState(t, tab, s)
				tab.Press(kb.ArrowRight)
			}
			tab.Press(kb.End)
			sameState(t, tab, s)
			assert.NotContains(t, tab.Text("#event"), " s ·", "there are no times")
			accessible(t, tab)
		})
	}
}

func TestNothingHostileIsObeyed(t *testing.T) {
	s, file := writtenRun(t, timelinetest.Hostile(t), func(r *RunView) {
		r.Plan, r.Shrunk, r.Replay = []byte(strings.Join(timelinetest.Hostiles, "\n")), strings.Join(timelinetest.Hostiles, " "), strings.Join(timelinetest.Hostiles, " ")
	})
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.False(t, strings.Contains(string(content), "<script>alert"))
	assert.False(t, strings.ContainsAny(string(content), "\u202e\u2028\x1b\x00\x07"), "controls are written out")
	tab := openRun(t, browsertest.Start(t), file)
	tab.Click(`[data-detail="all"]`)
	tab.Eval(`document.getElementById("diagram").focus()`, nil)
	tab.Press(kb.Home)
	for range 30 {
		sameState(t, tab, s)
		tab.Press(kb.ArrowRight)
	}
	var scripts, loaders int
	tab.Eval(`document.querySelectorAll("script").length`, &scripts)
	assert.Equal(t, 2, scripts, "the data and the module")
	tab.Eval(`[...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length`, &loaders)
	assert.Zero(t, loaders)
}

func TestARunIsReadWithoutScripts(t *testing.T) {
	_, file := writtenRun(t, earlySwap(t), nil)
	tab := browsertest.Start(t).Open(t, file, browsertest.WithoutScripts)
	assert.Contains(t, tab.Seen(".why"), "no preparation ack of n2")
	table := tab.Seen("#events")
	assert.Contains(t, table, "OnSwapRequested of reindex/a@6 begins")
	assert.Contains(t, table, "18: preparation ack of n1 for reindex/a")
	assert.Contains(t, tab.Seen("main"), "need scripts")
	assert.NotContains(t, tab.Seen("main"), "Next violation", "no button that does nothing")
}
