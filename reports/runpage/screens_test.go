package runpage

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/page/browsertest"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

var screens = flag.Bool("screens", false, "take the pictures in reports/testdata/screens again")

// The pictures that the documentation shows are taken on request: they differ with the
// fonts of the machine.
func TestScreens(t *testing.T) {
	if !*screens {
		t.Skip("pictures are taken with -screens")
	}
	browser := browsertest.Start(t)
	const folder = "../testdata/screens/"
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for name, whole := range map[string]*trace.Trace{
		"run-violation": early(t), "run-held": timelinetest.Scenario(t, "hostile-nodes", 2), "run-counterexample": timelinetest.ClusterCounterexample(t),
	} {
		_, file := written(t, whole, func(r *Run) { r.Replay = "go run ./cmd/dtsim replay reports/out/FOLDER/run.trace.jsonl.zst" })
		tab := open(t, browser, file)
		for _, colours := range []string{"light", "dark"} {
			tab.Scheme(colours)
			time.Sleep(500 * time.Millisecond) // until it is painted again
			tab.Screen(folder + name + "-" + colours + ".png")
		}
	}
}
