package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"dtsim/reports/timeline"
)

// perfettoEvent is an event of the format.
type perfettoEvent struct {
	Name  string         `json:"name,omitempty"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	At    microseconds   `json:"ts"`
	Dur   *microseconds  `json:"dur,omitempty"`
	Pid   int            `json:"pid"`
	Tid   int            `json:"tid,omitempty"` // importers take 0 for the idle thread
	ID    int            `json:"id,omitempty"`
	Bind  string         `json:"bp,omitempty"`
	Scope string         `json:"s,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

// microseconds is a time that is written in microseconds, with nanoseconds as decimals.
type microseconds time.Duration

// MarshalJSON writes the time.
func (s microseconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%03d", int64(s)/1000, int64(s)%1000), nil
}

// Perfetto writes a run in the trace event format of the Perfetto UI
// (https://ui.perfetto.dev) and chrome://tracing.
//
// Every node is a process: its incarnations and pauses, its roles in Raft, callbacks, starts,
// handles, units at work and calls are slices on threads of it; its messages are short
// slices, with a flow from sending to arrival. Commands are instants on the node that applied
// them first. The harness is a process with the faults, and so are the tasks, with counters
// of the progress of units and of finished units.
//
// Importers require, and a test checks with real runs: events are in the order of time;
// slices of a thread are nested or apart; every flow begins once and ends once, under one
// name, in a slice at each end that is open at that time; a thread is of one process, and
// neither has the number 0.
func Perfetto(w io.Writer, s *timeline.Timeline) error {
	d := &perfettoTrace{tl: s, describer: s.Describer()}
	if n := len(s.Trace.Events); n > 0 {
		d.end = s.At(n)
	}
	d.nodes()
	d.messages()
	d.harness()
	d.tasks()
	slices.SortStableFunc(d.events, func(a, b perfettoEvent) int { return int(min(max(a.At-b.At, -1), 1)) })

	b := bufio.NewWriter(w)
	b.WriteString(`{"displayTimeUnit":"ms","otherData":`)
	h := &s.Trace.Header
	if err := writeJSON(b, map[string]any{"plan": h.Plan.Name, "seed": fmt.Sprint(h.Plan.Seed), "engine": h.Engine, "build": h.Build, "hash": s.Trace.Footer.Hash}); err != nil {
		return err
	}
	b.WriteString(`,"traceEvents":[`)
	for i, e := range slices.Concat(d.names, d.events) {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		if err := writeJSON(b, e); err != nil {
			return err
		}
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

// writeJSON writes a value as JSON.
func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// perfettoTrace is a run in the making of its file.
type perfettoTrace struct {
	tl        *timeline.Timeline
	describer *timeline.Describer
	end       time.Duration
	// names name processes and threads.
	names  []perfettoEvent
	events []perfettoEvent
	// threads are the numbers of threads by process.
	threads map[int]int
}

// process names a process; pids are from 1, in the order of display.
func (d *perfettoTrace) process(pid int, name string) {
	d.names = append(d.names,
		perfettoEvent{Name: "process_name", Phase: "M", Pid: pid, Args: map[string]any{"name": name}},
		perfettoEvent{Name: "process_sort_index", Phase: "M", Pid: pid, Args: map[string]any{"sort_index": pid}})
}

// thread adds a thread to a process and returns its number, which is unique among all processes:
// some importers require it.
func (d *perfettoTrace) thread(pid int, name string) int {
	if d.threads == nil {
		d.threads = make(map[int]int)
	}
	d.threads[pid]++
	tid := pid*10_000 + d.threads[pid]
	d.names = append(d.names,
		perfettoEvent{Name: "thread_name", Phase: "M", Pid: pid, Tid: tid, Args: map[string]any{"name": name}},
		perfettoEvent{Name: "thread_sort_index", Phase: "M", Pid: pid, Tid: tid, Args: map[string]any{"sort_index": tid}})
	return tid
}

// slice adds a slice.
func (d *perfettoTrace) slice(pid, tid int, cat, name string, from, until time.Duration, args map[string]any) {
	dur := microseconds(until - from)
	d.events = append(d.events, perfettoEvent{Name: name, Cat: cat, Phase: "X", At: microseconds(from), Dur: &dur, Pid: pid, Tid: tid, Args: args})
}

// times returns the times of a span; an open one lasts to the end of the run.
func (d *perfettoTrace) times(s timeline.Span) (from, until time.Duration) {
	from, until = d.tl.At(s.From), d.end
	if s.Until != 0 {
		until = d.tl.At(s.Until)
	}
	return from, until
}

// threadPool is a set of threads for slices that may overlap: each goes to the first free
// thread.
type threadPool struct {
	pid  int
	name string
	tids []int
	free []time.Duration
}

// threadFor returns the thread for a slice. Slices come in the order of their beginnings.
func (d *perfettoTrace) threadFor(p *threadPool, from, until time.Duration) int {
	for i, free := range p.free {
		if free <= from {
			p.free[i] = until
			return p.tids[i]
		}
	}
	name := p.name
	if len(p.tids) > 0 {
		name = fmt.Sprintf("%s %d", p.name, len(p.tids)+1)
	}
	p.tids, p.free = append(p.tids, d.thread(p.pid, name)), append(p.free, until)
	return p.tids[len(p.tids)-1]
}
