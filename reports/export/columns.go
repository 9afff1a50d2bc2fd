package export

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/models/explore/counterexample"
	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

// ColumnOptions choose what of a run is printed, and how.
type ColumnOptions struct {
	// Width is the number of cells of a line, at least [MinWidth].
	Width int
	Color bool
	// From and Until are times of the run; an Until of 0 is its end.
	From, Until time.Duration
	// Tasks are NAMESPACE/ID or ID: only events of these, faults, starts and stops of nodes are
	// printed. None is all.
	Tasks []string
	// Nodes are the columns; none is all.
	Nodes []string
	// Kinds are kinds of events, or groups of them, of which all events are printed; one with a
	// + is added to the default. None is the default: what explains the run.
	Kinds []string
}

// MinWidth is the smallest width.
const MinWidth = 40

// Columns prints a run for a terminal: one column a node, one row an event; an event of no node
// is printed across all columns. No text of a trace reaches the terminal as a control sequence,
// and no line is wider than asked for.
type Columns struct {
	ColumnOptions
	tl        *timeline.Timeline
	describer *timeline.Describer
	// columns are the lanes that are shown.
	columns []int
	// asked are the kinds that were asked for, added those that were asked for with a +.
	asked, added map[trace.Kind]bool
	// facts are the events of violations, violated the violations by their last event.
	facts    map[int]bool
	violated map[int][]trace.Violation
	bars     map[int]*timeline.Bar
	calls    map[int]*timeline.Call
	steps    bool
}

// NewColumns returns a printer of a run. It returns an error that names the option that asks for
// something that is not in the run.
func NewColumns(s *timeline.Timeline, o ColumnOptions) (*Columns, error) {
	o.Width = max(o.Width, MinWidth)
	t := &Columns{
		ColumnOptions: o, tl: s, describer: s.Describer(), asked: make(map[trace.Kind]bool), added: make(map[trace.Kind]bool), facts: make(map[int]bool),
		violated: make(map[int][]trace.Violation), bars: make(map[int]*timeline.Bar), calls: make(map[int]*timeline.Call),
		steps: s.Trace.Header.Engine == counterexample.Engine,
	}
	present := make(map[trace.Kind]bool)
	for i := range s.Trace.Events {
		present[s.Trace.Events[i].Kind] = true
	}
	var nodes []string
	for i, l := range s.Lanes {
		nodes = append(nodes, l.Name)
		if len(o.Nodes) == 0 || slices.Contains(o.Nodes, l.Name) {
			t.columns = append(t.columns, i)
		}
	}
	if err := o.check(nodes, present); err != nil {
		return nil, err
	}
	t.choose(present)
	for _, v := range s.Trace.Footer.Verdict.Violations {
		last := len(s.Trace.Events)
		if len(v.Events) > 0 {
			last = slices.Max(v.Events)
		}
		t.violated[last] = append(t.violated[last], v)
		for _, seq := range v.Events {
			t.facts[seq] = true
		}
	}
	for i := range s.Bars {
		t.bars[s.Bars[i].From] = &s.Bars[i]
	}
	for i := range s.Calls {
		t.calls[s.Calls[i].Called], t.calls[s.Calls[i].Returned] = &s.Calls[i], &s.Calls[i]
	}
	return t, t.checkTasks()
}

// choose sets the kinds that are asked for; present are those of the run.
func (t *Columns) choose(present map[trace.Kind]bool) {
	for _, name := range t.Kinds {
		into := t.asked
		bare, plus := strings.CutPrefix(name, "+")
		if plus {
			into = t.added
		}
		switch kinds, group := kindGroups[bare]; {
		case bare == allKinds:
			maps.Copy(into, present)
		case group:
			for _, kind := range kinds {
				into[kind] = true
			}
		default:
			into[trace.Kind(bare)] = true
		}
	}
}

// checkTasks returns an error unless the tasks that are asked for are in the run.
func (t *Columns) checkTasks() error {
	if len(t.Tasks) == 0 {
		return nil
	}
	there := make(map[string]bool)
	for i := range t.tl.Trace.Events {
		if task := t.describer.Task(&t.tl.Trace.Events[i]); task != "" {
			there[task] = true
		}
	}
	for _, name := range t.Tasks {
		found := false
		for task := range there {
			found = found || names(task, name)
		}
		if !found {
			return fmt.Errorf("no task %q in the run (tasks: %s)", name, cmp.Or(nameList(slices.Sorted(maps.Keys(there))), "none"))
		}
	}
	return nil
}

// names reports whether a name, NAMESPACE/ID or ID, is that of a task, NAMESPACE/ID.
func names(task, name string) bool {
	_, id, _ := strings.Cut(task, "/")
	return task == name || id == name
}

// Write prints the run.
func (t *Columns) Write(w io.Writer) error {
	p := &columnPrinter{Columns: t, out: bufio.NewWriter(w), hidden: make(map[string]int), lists: make(map[string]string)}
	p.print()
	return p.out.Flush()
}

// paint colours a text.
func (t *Columns) paint(s string, colors text.Colors) string {
	if !t.Color || len(colors) == 0 || s == "" {
		return s
	}
	return colors.EscapeSeq() + s + text.Reset.EscapeSeq()
}
