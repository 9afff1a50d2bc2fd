package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/reports/timeline"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/sim/trace"
)

// read is an event as an importer reads it.
type readEvent struct {
	Name, Cat, Ph, BP, S string
	Ts, Dur              json.Number
	Pid, Tid, ID         int
	Args                 map[string]any
}

func writePerfetto(t *testing.T, tr *trace.Trace) ([]byte, []readEvent) {
	t.Helper()
	s, err := timeline.New(tr)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, Perfetto(&b, s))
	var doc struct {
		DisplayTimeUnit string
		OtherData       map[string]string
		TraceEvents     []readEvent
	}
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&doc))
	return b.Bytes(), doc.TraceEvents
}

// nanos reads a time in microseconds with three decimals.
func nanoseconds(n json.Number) (int64, error) {
	whole, part, ok := strings.Cut(string(n), ".")
	if !ok || len(part) != 3 {
		return 0, fmt.Errorf("%q is no time", n)
	}
	return strconv.ParseInt(whole+part, 10, 64) // and not as octal what begins with 0
}

// faulty holds events against what the importer of Perfetto requires (its importer of
// JSON, and the trackers of slices, flows and processes behind it), and returns the first
// fault:
//
//   - metadata: a process and a thread are named once, by a string, and sorted by a number;
//   - processes and threads are known by their number alone, so that a thread is of one
//     process; 0 is the idle one; an event without a thread counts to the main thread, the
//     one with the number of the process;
//   - events are in the order of time, and no time is negative;
//   - slices are nested or apart: of two that begin at once, the longer one is first;
//   - a flow is known by number, category and name; it begins once and ends once, not
//     earlier, and each end is in the innermost slice that is open then: one that ends at
//     that very time is closed already; without "bp": "e" an end would go to the next slice;
//   - an instant has a scope, and a counter has one value, a number.
func checkPerfetto(events []readEvent) error {
	type thread struct{ pid, tid int }
	type open struct {
		until int64
		seq   int
	}
	type end struct {
		at        int64
		cat, name string
	}
	named, threads, of := make(map[int]bool), make(map[thread]bool), make(map[int]int)
	stacks := make(map[thread][]open)
	begun, ended := make(map[int]end), make(map[int]bool)
	last := int64(0)
	for i, e := range events {
		where := thread{e.Pid, e.Tid}
		if e.Tid == 0 {
			where.tid = e.Pid
		}
		if e.Pid <= 0 || where.tid <= 0 {
			return fmt.Errorf("event %d: %v is the idle thread", i, where)
		}
		if pid, known := of[where.tid]; known && pid != e.Pid {
			return fmt.Errorf("event %d: thread %d is of two processes, %d and %d", i, where.tid, pid, e.Pid)
		}
		of[where.tid] = e.Pid
		if e.Ph == "M" {
			_, isText := e.Args["name"].(string)
			_, isNumber := e.Args["sort_index"].(float64)
			switch e.Name {
			case "process_name":
				if named[e.Pid] {
					return fmt.Errorf("event %d: process %d has two names", i, e.Pid)
				}
				named[e.Pid] = true
			case "thread_name":
				if threads[where] {
					return fmt.Errorf("event %d: thread %v has two names", i, where)
				}
				threads[where] = true
			case "process_sort_index", "thread_sort_index":
				isText = isNumber
			default:
				return fmt.Errorf("event %d: the metadata %q", i, e.Name)
			}
			if !isText || len(e.Args) != 1 {
				return fmt.Errorf("event %d: the %s is %v", i, e.Name, e.Args)
			}
			continue
		}
		at, err := nanoseconds(e.Ts)
		switch {
		case err != nil:
			return fmt.Errorf("event %d: %w", i, err)
		case at < last:
			return fmt.Errorf("event %d is earlier than the one before it", i)
		case !named[e.Pid]:
			return fmt.Errorf("event %d: process %d has no name", i, e.Pid)
		case e.Ph != "C" && !threads[where]:
			return fmt.Errorf("event %d: thread %v has no name", i, where)
		}
		last = at
		stack := stacks[where]
		for len(stack) > 0 && stack[len(stack)-1].until <= at {
			stack = stack[:len(stack)-1]
		}
		switch e.Ph {
		case "X":
			dur, err := nanoseconds(e.Dur)
			if err != nil || dur < 0 {
				return fmt.Errorf("event %d lasts %s", i, e.Dur)
			}
			if n := len(stack); n > 0 && at+dur > stack[n-1].until {
				return fmt.Errorf("event %d (%s) ends after event %d, in which it begins", i, e.Name, stack[n-1].seq)
			}
			stack = append(stack, open{at + dur, i})
		case "s", "f":
			if len(stack) == 0 {
				return fmt.Errorf("event %d: the flow %d is in no slice", i, e.ID)
			}
			if e.Ph == "s" {
				if _, twice := begun[e.ID]; twice || e.ID == 0 {
					return fmt.Errorf("event %d: the flow %d begins twice", i, e.ID)
				}
				begun[e.ID] = end{at, e.Cat, e.Name}
				break
			}
			b, ok := begun[e.ID]
			if !ok || ended[e.ID] || b.at > at || e.BP != "e" {
				return fmt.Errorf("event %d: the flow %d ends before it begins, or twice", i, e.ID)
			}
			if b.cat != e.Cat || b.name != e.Name {
				return fmt.Errorf("event %d: the flow %d has two names", i, e.ID)
			}
			ended[e.ID] = true
		case "i":
			if !slices.Contains([]string{"t", "p", "g"}, e.S) {
				return fmt.Errorf("event %d: the scope %q", i, e.S)
			}
		case "C":
			if len(e.Args) != 1 {
				return fmt.Errorf("event %d: a counter with %d values", i, len(e.Args))
			}
			for _, v := range e.Args {
				if _, ok := v.(float64); !ok {
					return fmt.Errorf("event %d counts %v", i, v)
				}
			}
		default:
			return fmt.Errorf("event %d: the phase %q", i, e.Ph)
		}
		stacks[where] = stack
	}
	if len(begun) != len(ended) {
		return fmt.Errorf("%d flows begin and %d end", len(begun), len(ended))
	}
	return nil
}

func TestPerfettoEventsMeetTheImportersRules(t *testing.T) {
	for name, tr := range map[string]func(*testing.T) *trace.Trace{
		"small":           timelinetest.Small,
		"hostile strings": timelinetest.Hostile,
		"a machine":       timelinetest.Machine,
		"a cluster path":  timelinetest.ClusterCounterexample,
		"journey-4":       func(t *testing.T) *trace.Trace { return timelinetest.Scenario(t, "journey-4", 1) },
		"hostile-network": func(t *testing.T) *trace.Trace { return timelinetest.Scenario(t, "hostile-network", 3) },
		"hostile-nodes":   func(t *testing.T) *trace.Trace { return timelinetest.Scenario(t, "hostile-nodes", 2) },
	} {
		t.Run(name, func(t *testing.T) {
			_, events := writePerfetto(t, tr(t))
			require.NoError(t, checkPerfetto(events))
		})
	}
}

func TestThePerfettoValidatorFindsFaults(t *testing.T) {
	_, sound := writePerfetto(t, timelinetest.Small(t))
	require.NoError(t, checkPerfetto(sound))
	find := func(all []readEvent, ph string) *readEvent {
		i := slices.IndexFunc(all, func(e readEvent) bool {
			return e.Ph == ph || ph == "X of n2" && e.Ph == "X" && e.Name == "up #1" && e.Pid == 2
		})
		return &all[i]
	}
	for want, spoil := range map[string]func([]readEvent){
		"is earlier than":     func(all []readEvent) { all[len(all)-1].Ts = "0.000" },
		"ends after event":    func(all []readEvent) { find(all, "X of n2").Dur = "3000000.000" },
		"begins twice":        func(all []readEvent) { find(all, "s").ID = 2 },
		"ends before it":      func(all []readEvent) { find(all, "f").ID = 99 },
		"counts":              func(all []readEvent) { find(all, "C").Args["value"] = "1" },
		"the scope":           func(all []readEvent) { find(all, "i").S = "" },
		"has no name":         func(all []readEvent) { find(all, "C").Pid = 99 },
		"the phase":           func(all []readEvent) { find(all, "i").Ph = "I" },
		"is no time":          func(all []readEvent) { find(all, "i").Ts = "1" },
		"lasts -1.000":        func(all []readEvent) { find(all, "X").Dur = "-1.000" },
		"flows begin and":     func(all []readEvent) { e := find(all, "f"); e.Ph, e.S = "i", "t" },
		"is in no slice":      func(all []readEvent) { e := find(all, "s"); e.Pid, e.Tid = 2, 20_002 },
		"is the idle thread":  func(all []readEvent) { find(all, "i").Tid = -1 },
		"is of two processes": func(all []readEvent) { find(all, "i").Pid = 2 },
		"process 1 has two":   func(all []readEvent) { all[1] = all[0] },
		"the metadata":        func(all []readEvent) { find(all, "M").Name = "process_title" },
		"process_name is":     func(all []readEvent) { find(all, "M").Args["name"] = 1.0 },
		"sort_index is":       func(all []readEvent) { all[1].Args["sort_index"] = "1" },
		"the flow 1 has two":  func(all []readEvent) { find(all, "f").Name = "another" },
		// A slice that ends where the flow begins is closed: it is the one before it.
		"the flow 1 is in no slice": func(all []readEvent) {
			i := slices.IndexFunc(all, func(e readEvent) bool { return e.Ph == "s" })
			all[i-1].Dur = "0.000"
		},
		"has two names": func(all []readEvent) {
			all[len(all)-1] = *find(all, "M")
			all[len(all)-1].Name = "thread_name"
			all[len(all)-2] = all[len(all)-1]
		},
		"a counter with 2": func(all []readEvent) { find(all, "C").Args["more"] = 1.0 },
	} {
		t.Run(want, func(t *testing.T) {
			_, all := writePerfetto(t, timelinetest.Small(t))
			spoil(all)
			require.ErrorContains(t, checkPerfetto(all), want)
		})
	}
}

// TestEverythingIsThere: messages, commits and callbacks of a run, counted apart.
func TestPerfettoHasEverything(t *testing.T) {
	tr := timelinetest.Scenario(t, "journey-4", 1)
	s, err := timeline.New(tr)
	require.NoError(t, err)
	_, events := writePerfetto(t, tr)
	count := make(map[string]int)
	for _, e := range events {
		count[e.Ph+" "+e.Cat]++
	}
	arrived := 0
	for _, m := range s.Messages {
		if m.Lost == "" && m.Arrives <= s.At(len(tr.Events)) {
			arrived++
		}
		arrived += len(m.Duplicates)
	}
	require.Positive(t, arrived)
	require.Equal(t, arrived, count["s message"])
	require.Equal(t, arrived, count["f message"])
	require.Equal(t, len(s.Commits), count["i commit"])
	require.EqualValues(t, tr.Footer.Counters[string(trace.CallbackStarted)], count["X callback"])
	require.EqualValues(t, tr.Footer.Counters[string(trace.WorkStarted)], count["X work"])
	require.Equal(t, len(s.Calls), count["X call"])
	require.Positive(t, count["C count"])
	require.Positive(t, count["X task"])
}

func TestGoldenPerfetto(t *testing.T) {
	got, _ := writePerfetto(t, timelinetest.Small(t))
	golden := filepath.Join("testdata", "perfetto", "small.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestHostileTextsStayInPerfettoStrings(t *testing.T) {
	got, events := writePerfetto(t, timelinetest.Hostile(t))
	// No control character and no tag is in the file as it is, yet all of them come back.
	for _, c := range got {
		require.True(t, c == '\n' || c >= ' ', "%q", c)
	}
	require.NotContains(t, string(got), "<")
	names := make(map[string]bool)
	for _, e := range events {
		if e.Name == "process_name" {
			names[e.Args["name"].(string)] = true
		}
	}
	for _, x := range timelinetest.Hostiles {
		require.Contains(t, names, "node n"+strings.ToValidUTF8(x, "\uFFFD"))
	}
}
