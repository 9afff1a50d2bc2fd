package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

type shivizLine struct {
	host  string
	clock map[string]int
	event string
}

// parse reads a log as ShiViz does, with the expression in its first line.
func parseShiViz(t *testing.T, log string) []shivizLine {
	t.Helper()
	head, rest, ok := strings.Cut(log, "\n\n")
	require.True(t, ok)
	require.Equal(t, shivizParser, head)
	expression := regexp.MustCompile("(?m)^" + strings.ReplaceAll(head, "(?<", "(?P<") + "$")
	matches := expression.FindAllStringSubmatch(rest, -1)
	require.Len(t, matches, strings.Count(rest, "\n"), "every line is an event")
	var all []shivizLine
	for _, m := range matches {
		l := shivizLine{host: m[1], event: m[3]}
		require.NoError(t, json.Unmarshal([]byte(m[2]), &l.clock), m[2])
		all = append(all, l)
	}
	return all
}

func shivizOf(t *testing.T, tr *trace.Trace, all bool) (string, *timeline.Timeline) {
	t.Helper()
	s, err := timeline.New(tr)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, writeShiViz(&b, s, all))
	return b.String(), s
}

// faulty holds clocks against what ShiViz requires: own components count from 1, and a
// clock dominates those of the events that it knows of.
func checkShiViz(lines []shivizLine) error {
	newest := make(map[string]int)
	clocks := make(map[string]map[string]int) // by host and number
	for i, l := range lines {
		if newest[l.host]++; l.clock[l.host] != newest[l.host] {
			return fmt.Errorf("line %d: the clock of %s is %d, not %d", i, l.host, l.clock[l.host], newest[l.host])
		}
		for host, n := range l.clock {
			if n < 1 || n > newest[host] {
				return fmt.Errorf("line %d knows event %d of %s", i, n, host)
			}
			if host == l.host {
				n--
			}
			for other, m := range clocks[fmt.Sprint(host, " ", n)] {
				if l.clock[other] < m {
					return fmt.Errorf("line %d knows event %d of %s and not event %d of %s that it knows", i, n, host, m, other)
				}
			}
		}
		clocks[fmt.Sprint(l.host, " ", newest[l.host])] = l.clock
	}
	return nil
}

var shivizTraces = map[string]func(*testing.T) *trace.Trace{
	"small":           timelinetest.Small,
	"hostile strings": timelinetest.Hostile,
	"a machine":       timelinetest.Machine,
	"a cluster path":  timelinetest.ClusterCounterexample,
	"hostile-network": func(t *testing.T) *trace.Trace { return timelinetest.Scenario(t, "hostile-network", 3) },
	"hostile-nodes":   func(t *testing.T) *trace.Trace { return timelinetest.Scenario(t, "hostile-nodes", 2) },
}

func TestClocksAreThoseOfTheLines(t *testing.T) {
	for name, tr := range shivizTraces {
		t.Run(name, func(t *testing.T) {
			run := tr(t)
			all, s := shivizOf(t, run, true)
			lines := parseShiViz(t, all)
			require.Len(t, lines, len(run.Events))
			require.NoError(t, checkShiViz(lines))
			few, _ := shivizOf(t, run, false)
			require.NoError(t, checkShiViz(parseShiViz(t, few)))
			require.LessOrEqual(t, len(few), len(all))
			if len(s.Messages) > 100 {
				require.Less(t, len(few), len(all)/2)
			}
		})
	}
}

// TestAMessageIsInTheClockOfWhoGetsIt: the clock of its receiver counts its sending.
func TestAMessageIsInTheClockOfWhoGetsIt(t *testing.T) {
	log, s := shivizOf(t, timelinetest.Scenario(t, "hostile-network", 3), true)
	lines := parseShiViz(t, log)
	seen := 0
	for _, m := range s.Messages {
		if m.Received == 0 {
			continue
		}
		seen++
		from, to := lines[m.Sent-1], lines[m.Received-1]
		require.GreaterOrEqual(t, to.clock[from.host], from.clock[from.host])
	}
	require.Greater(t, seen, 100)
}

func TestTheShiVizValidatorFindsFaults(t *testing.T) {
	log, _ := shivizOf(t, timelinetest.Small(t), true)
	for want, spoil := range map[string]func([]shivizLine){
		"is 7, not":      func(all []shivizLine) { all[len(all)-1].clock[all[len(all)-1].host] = 7 },
		"knows event 99": func(all []shivizLine) { all[len(all)-1].clock["n1"] = 99 },
		"and not event":  func(all []shivizLine) { delete(all[13].clock, "n2") },
	} {
		all := parseShiViz(t, log)
		spoil(all)
		require.ErrorContains(t, checkShiViz(all), want)
	}
}

func TestGoldenShiViz(t *testing.T) {
	for name, all := range map[string]bool{"small": false, "small-all": true} {
		got, _ := shivizOf(t, timelinetest.Small(t), all)
		golden := filepath.Join("testdata", "shiviz", name+".log")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), got)
	}
}

func TestHostileTextsStayInTheirShiVizLine(t *testing.T) {
	log, s := shivizOf(t, timelinetest.Hostile(t), true)
	for _, c := range log {
		require.True(t, c == '\n' || c >= ' ' && c != '\u202e' && c != '\u2028' && c != '\u0085', "%q", c)
	}
	hosts := make(map[string]bool)
	for _, l := range parseShiViz(t, log) {
		hosts[l.host] = true
	}
	require.Len(t, hosts, len(s.Lanes)+1-3, "hosts stay apart; n1 to n3 do nothing")
}
