package export

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/require"

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

func printed(t *testing.T, s *timeline.Timeline, o ColumnOptions) string {
	t.Helper()
	c, err := NewColumns(s, o)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, c.Write(&b))
	return b.String()
}

func projected(t *testing.T, tr *trace.Trace) *timeline.Timeline {
	t.Helper()
	s, err := timeline.New(tr)
	require.NoError(t, err)
	return s
}

// TestGolden prints the run that was written by hand, "small", or one of the model
// checker, "machine". Escapes are written as ^[.
func TestGoldenColumns(t *testing.T) {
	stories := map[string]*timeline.Timeline{"small": projected(t, timelinetest.Small(t)), "machine": projected(t, timelinetest.Machine(t))}
	datadriven.Walk(t, filepath.Join("testdata", "columns"), func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			o := ColumnOptions{Width: 120, Color: d.HasArg("color")}
			d.MaybeScanArgs(t, "width", &o.Width)
			for name, at := range map[string]*time.Duration{"from": &o.From, "until": &o.Until} {
				var s string
				if d.MaybeScanArgs(t, name, &s) {
					var err error
					*at, err = time.ParseDuration(s)
					require.NoError(t, err)
				}
			}
			for _, a := range d.CmdArgs {
				switch a.Key {
				case "task":
					o.Tasks = a.Vals
				case "node":
					o.Nodes = a.Vals
				case "kinds":
					o.Kinds = a.Vals
				}
			}
			c, err := NewColumns(stories[d.Cmd], o)
			if err != nil {
				return "error: " + err.Error()
			}
			var b bytes.Buffer
			require.NoError(t, c.Write(&b))
			return strings.ReplaceAll(b.String(), "\x1b", "^[")
		})
	})
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestNoLineIsWiderThanAskedFor(t *testing.T) {
	for name, tr := range map[string]*trace.Trace{
		"journey-4": timelinetest.Scenario(t, "journey-4", 1), "hostile": timelinetest.Hostile(t), "cluster": timelinetest.ClusterCounterexample(t), "machine": timelinetest.Machine(t),
	} {
		s := projected(t, tr)
		for _, width := range []int{1, 80, 133} {
			for _, color := range []bool{false, true} {
				// The hostile run has more nodes than a narrow line has room for.
				o := ColumnOptions{Width: width, Color: color, Kinds: []string{"all"}}
				if name == "hostile" {
					o.Nodes = []string{s.Lanes[0].Name, s.Lanes[9].Name}
				}
				out := printed(t, s, o)
				require.Equal(t, color, strings.Contains(out, "\x1b"))
				for line := range strings.Lines(out) {
					line = escape.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
					require.LessOrEqual(t, text.StringWidth(line), max(width, MinWidth), "%s at %d: %q", name, width, line)
				}
			}
		}
	}
}

func TestHostileTextsReachNoTerminal(t *testing.T) {
	out := printed(t, projected(t, timelinetest.Hostile(t)), ColumnOptions{Width: 200, Kinds: []string{"all"}})
	for _, c := range out {
		require.True(t, c == '\n' || c >= ' ' && !slices.Contains([]rune{0x7f, '\u0085', '\u202e', '\u202c', '\u2028', '\u2029', '\u200d'}, c), "%q", c)
	}
}

// TestEveryEventIsShownOrCounted: the counts at the end are those of the run.
func TestEveryEventIsShownOrCounted(t *testing.T) {
	for _, tr := range []*trace.Trace{timelinetest.Scenario(t, "journey-4", 1), timelinetest.Scenario(t, "hostile-nodes", 2), timelinetest.Small(t)} {
		s := projected(t, tr)
		footer := func(o ColumnOptions) (shown, all, left int) {
			out := printed(t, s, o)
			at := strings.LastIndex(out, "\n\n")
			line := strings.ReplaceAll(strings.ReplaceAll(out[at:], "\n", " "), ",", "")
			_, err := fmt.Sscanf(strings.TrimSpace(line), "%d of %d events", &shown, &all)
			require.NoError(t, err)
			_, counts, _ := strings.Cut(line, "left out:")
			for _, n := range regexp.MustCompile(`\d+`).FindAllString(counts, -1) {
				count := 0
				fmt.Sscan(n, &count)
				left += count
			}
			return shown, all, left
		}
		shown, all, left := footer(ColumnOptions{Width: 120})
		require.Equal(t, len(tr.Events), all)
		require.Equal(t, all, shown+left)
		require.Less(t, shown, all/2+20)
		shown, all, left = footer(ColumnOptions{Width: 120, Kinds: []string{"all"}})
		require.Equal(t, all, shown)
		require.Zero(t, left)
		shown, _, _ = footer(ColumnOptions{Width: 120, Kinds: []string{"messages"}})
		facts := make(map[int]bool)
		for _, v := range tr.Footer.Verdict.Violations {
			for _, seq := range v.Events {
				facts[seq] = true
			}
		}
		require.EqualValues(t, tr.Footer.Counters["sent"]+tr.Footer.Counters["lost"]+int64(len(facts)), shown)
	}
}
