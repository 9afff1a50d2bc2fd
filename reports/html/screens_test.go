package html

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"dtsim/reports/html/browsertest"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

// screens is the folder of the pictures that the documentation shows, empty if they are not
// asked for: they differ with the fonts of the machine.
var screens = func() string {
	if os.Getenv("DTSIM_SCREENS") == "" {
		return ""
	}
	return filepath.Join("..", "testdata", "screens")
}()

func TestScreensOfRuns(t *testing.T) {
	if screens == "" {
		t.Skip("pictures are taken with DTSIM_SCREENS=1")
	}
	browser := browsertest.Start(t)
	for name, whole := range map[string]*trace.Trace{
		"run-violation": earlySwap(t), "run-passed": timelinetest.Scenario(t, "hostile-nodes", 2), "run-counterexample": timelinetest.ClusterCounterexample(t),
	} {
		_, file := writtenRun(t, whole, func(r *RunView) { r.Replay = "go run ./cmd/dtsim replay reports/out/FOLDER/run.trace.jsonl.zst" })
		tab := openRun(t, browser, file)
		for _, colours := range []string{"light", "dark"} {
			tab.Scheme(colours)
			time.Sleep(500 * time.Millisecond) // until it is painted again
			tab.Screen(filepath.Join(screens, name+"-"+colours+".png"))
		}
	}
}
