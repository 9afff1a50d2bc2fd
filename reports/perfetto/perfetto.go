// Package perfetto writes a run in the trace event format that the Perfetto UI
// (https://ui.perfetto.dev) and chrome://tracing open.
//
// Every node is a process: its lives and pauses, its part in Raft, callbacks, starts,
// handles, units at work and calls are slices on threads of it; what it sends and gets
// are short slices, and a flow leads from the one to the other. Commands are instants on
// the node that applied them first. The harness is a process with the faults, and so are
// the tasks, with the progress of units and the number of those that are done as
// counters.
//
// Its invariant is what importers require, and a test holds it against real runs: events
// are in the order of time; slices of a thread are nested or apart; every flow begins
// once and ends once, under one name, in a slice at each end that is open at that time; a
// thread is of one process, and neither has the number 0.
package perfetto

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"dtsim/reports/timeline"
)

// event is an event of the format. Times are in microseconds.
type event struct {
	Name  string         `json:"name,omitempty"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	At    stamp          `json:"ts"`
	Dur   *stamp         `json:"dur,omitempty"`
	Pid   int            `json:"pid"`
	Tid   int            `json:"tid,omitempty"` // importers know 0 as the idle thread
	ID    int            `json:"id,omitempty"`
	Bind  string         `json:"bp,omitempty"`
	Scope string         `json:"s,omitempty"`
	Args  map[string]any `json:"args,omitempty"`
}

// stamp is a time that is written in microseconds, to the nanosecond.
type stamp time.Duration

// MarshalJSON writes the time.
func (s stamp) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%03d", int64(s)/1000, int64(s)%1000), nil
}

// Write writes a run.
func Write(w io.Writer, s *timeline.Timeline) error {
	d := &drawing{tl: s, words: s.Describer()}
	if n := len(s.Trace.Events); n > 0 {
		d.end = s.At(n)
	}
	d.nodes()
	d.messages()
	d.harness()
	d.tasks()
	slices.SortStableFunc(d.events, func(a, b event) int { return int(min(max(a.At-b.At, -1), 1)) })

	b := bufio.NewWriter(w)
	b.WriteString(`{"displayTimeUnit":"ms","otherData":`)
	h := &s.Trace.Header
	if err := put(b, map[string]any{"plan": h.Plan.Name, "seed": fmt.Sprint(h.Plan.Seed), "engine": h.Engine, "build": h.Build, "hash": s.Trace.Footer.Hash}); err != nil {
		return err
	}
	b.WriteString(`,"traceEvents":[`)
	for i, e := range slices.Concat(d.names, d.events) {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		if err := put(b, e); err != nil {
			return err
		}
	}
	b.WriteString("\n]}\n")
	return b.Flush()
}

// put writes a value as JSON.
func put(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// drawing is a run on its way into the format.
type drawing struct {
	tl    *timeline.Timeline
	words *timeline.Describer
	end   time.Duration
	// names name processes and threads.
	names  []event
	events []event
	// threads counts those of each process.
	threads map[int]int
}

// process names a process; pids are from 1, in the order in which they are shown.
func (d *drawing) process(pid int, name string) {
	d.names = append(d.names,
		event{Name: "process_name", Phase: "M", Pid: pid, Args: map[string]any{"name": name}},
		event{Name: "process_sort_index", Phase: "M", Pid: pid, Args: map[string]any{"sort_index": pid}})
}

// thread adds a thread to a process and returns its number, which no thread of any other
// process has: some importers take them for the same one.
func (d *drawing) thread(pid int, name string) int {
	if d.threads == nil {
		d.threads = make(map[int]int)
	}
	d.threads[pid]++
	tid := pid*10_000 + d.threads[pid]
	d.names = append(d.names,
		event{Name: "thread_name", Phase: "M", Pid: pid, Tid: tid, Args: map[string]any{"name": name}},
		event{Name: "thread_sort_index", Phase: "M", Pid: pid, Tid: tid, Args: map[string]any{"sort_index": tid}})
	return tid
}

// slice adds a slice.
func (d *drawing) slice(pid, tid int, cat, name string, from, until time.Duration, args map[string]any) {
	dur := stamp(until - from)
	d.events = append(d.events, event{Name: name, Cat: cat, Phase: "X", At: stamp(from), Dur: &dur, Pid: pid, Tid: tid, Args: args})
}

// times are those of a span; what has no end lasts to the end of the run.
func (d *drawing) times(s timeline.Span) (from, until time.Duration) {
	from, until = d.tl.At(s.From), d.end
	if s.Until != 0 {
		until = d.tl.At(s.Until)
	}
	return from, until
}

// pool are threads that slices which may overlap are put on: each on the first that is
// free.
type pool struct {
	pid  int
	name string
	tids []int
	free []time.Duration
}

// on returns the thread for a slice. Slices come in the order in which they begin.
func (d *drawing) on(p *pool, from, until time.Duration) int {
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
