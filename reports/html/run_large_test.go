package html

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/html/browsertest"
	"dtsim/scenarios"
	"dtsim/scenarios/tasks/taskstest"
	"dtsim/sim/plan"
)

// What a page of a hundred thousand events may cost.
const (
	largeEvents = 100_000
	largeBytes  = 20 << 20
	openWithin  = 3 * time.Second
	pickWithin  = 200 * time.Millisecond
)

// load returns how many processes want a processor, by the last minute.
func machineLoad() (n float64) {
	content, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		fmt.Sscan(string(content), &n)
	}
	return n
}

func TestAHundredThousandEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("a run of three quarters of an hour of virtual time")
	}
	browser := browsertest.Start(t)
	s, err := scenarios.ByName("journey-3")
	require.NoError(t, err)
	p := s.Plan(1, scenarios.Options{})
	p.Duration = plan.Duration(45 * time.Minute)
	whole := taskstest.Trace(t, p)
	require.Greater(t, len(whole.Events), largeEvents)
	_, file := writtenRun(t, whole, nil)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(largeBytes))

	// Times are of the best of three: what else goes on only makes them longer.
	opened, picked := time.Hour, time.Hour
	openedCPU, pickedCPU := time.Hour, time.Hour
	var shown int
	for range 3 {
		tab := openRun(t, browser, file)
		var ready float64
		tab.Eval("dtsim.ready", &ready)
		opened = min(opened, time.Duration(ready*float64(time.Millisecond)))
		openedCPU = min(openedCPU, tab.Busy())
		worst, worstCPU := 0.0, time.Duration(0)
		for _, filter := range []string{
			`document.querySelector('[data-detail="all"]').click()`,
			`for (const l of document.querySelectorAll("#kinds label")) if (l.textContent.trim() === "heartbeats") l.querySelector("input").click()`,
			`document.querySelector("#nodes input").click()`,
			`{ const e = document.getElementById("find"); e.value = "append"; e.dispatchEvent(new Event("input")); }`,
		} {
			var took float64
			before := tab.Busy()
			tab.Eval(filter+`; dtsim.page.took`, &took)
			worst, worstCPU = max(worst, took), max(worstCPU, tab.Busy()-before)
			if filter[:3] == "for" {
				tab.Eval("dtsim.page.scene.shown.length", &shown)
			}
		}
		pickedCPU = min(pickedCPU, worstCPU)
		picked = min(picked, time.Duration(worst*float64(time.Millisecond)))
	}
	assert.Greater(t, shown, largeEvents*9/10, "nearly all events are shown at once")
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	t.Logf("%d events: %.1f MB, opened in %s (%s of the processor), the slowest filter took %s (%s of the processor)",
		len(whole.Events), float64(info.Size())/1e6, round(opened), round(openedCPU), round(picked), round(pickedCPU))
	assert.Less(t, openedCPU, openWithin)
	assert.Less(t, pickedCPU, pickWithin)
	if busy := machineLoad(); busy > float64(runtime.NumCPU()) {
		t.Logf("the times themselves are not judged: %.0f processes share %d processors", busy, runtime.NumCPU())
		return
	}
	assert.Less(t, opened, openWithin)
	assert.Less(t, picked, pickWithin)
}
