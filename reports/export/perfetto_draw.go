package export

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dtsim/reports/timeline"
	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// nodes draws the processes of nodes.
func (d *perfettoTrace) nodes() {
	s := d.tl
	for i := range s.Lanes {
		l, pid := &s.Lanes[i], i+1
		d.process(pid, "node "+l.Name)
		life := d.thread(pid, "life")
		for _, n := range l.Incarnations {
			from, until := d.times(n.Span)
			d.slice(pid, life, "life", fmt.Sprintf("up #%d", n.Number), from, until, arguments("ends", n.How))
		}
		for _, p := range l.Pauses {
			from, until := d.times(p)
			d.slice(pid, life, "life", "paused", from, until, nil)
		}
		raft := d.thread(pid, "raft")
		for _, r := range l.Roles {
			from, until := d.times(r.Span)
			d.slice(pid, raft, "raft", fmt.Sprintf("%s, term %d", r.State, r.Term), from, until, nil)
		}
		d.commits(pid, l.Name)
		for _, kind := range []string{"callback", "start", "handle", "work", "stall"} {
			d.bars(pid, l.Name, kind)
		}
		d.calls(pid, l.Name)
	}
}

// commits draws the commands that a node applied first, and its applied index.
func (d *perfettoTrace) commits(pid int, node string) {
	s := d.tl
	log := d.thread(pid, "first to apply")
	for i := range s.Commits {
		c := &s.Commits[i]
		e := s.Event(c.Seq)
		if e.Node != node {
			continue
		}
		name := fmt.Sprintf("%d: %s", c.Index, d.describer.Commit(c))
		if task := d.describer.Task(e); task != "" {
			name += " for " + task
		}
		d.events = append(d.events, perfettoEvent{
			Name: name, Cat: "commit", Phase: "i", At: microseconds(e.At), Pid: pid, Tid: log, Scope: "t",
			Args: arguments("seq", c.Seq, "term", strconv.FormatUint(c.Term, 10), "outcome", c.Outcome, "body", c.Body),
		})
	}
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		if e.Node != node {
			continue
		}
		switch b := e.Body.(type) {
		case *event.Applied:
			d.count(pid, "applied index", e.At, b.Index)
		case *event.SnapshotRestored:
			d.count(pid, "applied index", e.At, b.Index)
		}
	}
}

// count adds a value of a counter.
func (d *perfettoTrace) count(pid int, name string, at time.Duration, value any) {
	d.events = append(d.events, perfettoEvent{Name: name, Cat: "count", Phase: "C", At: microseconds(at), Pid: pid, Args: map[string]any{"value": value}})
}

// barTitles are the names of the threads of bars.
var barTitles = map[string]string{"callback": "callbacks", "start": "starts", "handle": "handles", "work": "work", "stall": "stalls"}

func (d *perfettoTrace) bars(pid int, node, kind string) {
	p := threadPool{pid: pid, name: barTitles[kind]}
	for i := range d.tl.Bars {
		b := &d.tl.Bars[i]
		if b.Node != node || b.Kind != kind {
			continue
		}
		from, until := d.times(b.Span)
		about := b.Run.String()
		name := about
		if b.Name != "" {
			name = b.Name + " " + about
		}
		a := arguments("seq", b.From, "task", about, "group", b.Group, "outcome", b.Outcome, "incarnation", b.Incarnation)
		if b.Terminated != 0 {
			a["asked to stop"] = d.tl.At(b.Terminated).String()
		}
		d.slice(pid, d.threadFor(&p, from, until), kind, name, from, until, a)
	}
}

func (d *perfettoTrace) calls(pid int, node string) {
	p := threadPool{pid: pid, name: "calls"}
	for i := range d.tl.Calls {
		c := &d.tl.Calls[i]
		if c.Node != node {
			continue
		}
		from, until := d.times(timeline.Span{From: c.Called, Until: c.Returned})
		if c.Returned == 0 && c.Outcome != "" {
			until = from // its end is unknown
		}
		name := c.Do
		if c.Run.Task != "" {
			name += fmt.Sprintf(" %s/%s", c.Run.Namespace, c.Run.Task)
		}
		d.slice(pid, d.threadFor(&p, from, until), "call", name, from, until,
			arguments("seq", c.Called, "op", c.Op, "unit", c.Unit, "outcome", c.Outcome, "class", c.Class, "error", c.Error))
	}
}

// maxMessageSlice is the maximum length of the slice of a message.
const maxMessageSlice = time.Microsecond

// messageEnd is a sending or an arrival.
type messageEnd struct {
	at   time.Duration
	name string
	args map[string]any
	flow int
	ends bool
}

// messages draws the messages of nodes, with a flow from sending to arrival; a lost message has
// none.
func (d *perfettoTrace) messages() {
	s := d.tl
	out, in := make([][]messageEnd, len(s.Lanes)), make([][]messageEnd, len(s.Lanes))
	flows := 0
	for i := range s.Messages {
		m := &s.Messages[i]
		from, ok := s.Lane(m.From)
		if !ok {
			continue
		}
		to, known := s.Lane(m.To)
		a := arguments("seq", m.Sent, "id", strconv.FormatUint(m.ID, 10), "n", m.N, "lost", m.Lost)
		left := s.At(m.Sent)
		times := m.Duplicates
		if m.Lost == "" {
			times = append([]time.Duration{m.Arrives}, m.Duplicates...)
		}
		out[from] = append(out[from], messageEnd{at: left, name: m.Kind + " to " + m.To, args: a})
		for i, at := range times {
			if !known || at > d.end || at < left {
				continue
			}
			flows++
			if i > 0 || m.Lost != "" {
				out[from] = append(out[from], messageEnd{at: left, name: m.Kind + " to " + m.To + ", duplicate", args: a})
			}
			out[from][len(out[from])-1].flow = flows
			in[to] = append(in[to], messageEnd{at: at, name: m.Kind + " from " + m.From, args: a, flow: flows, ends: true})
		}
	}
	for i := range s.Lanes {
		d.stops(i+1, "sent", out[i])
		d.stops(i+1, "received", in[i])
	}
}

// stops draws ends of messages on a thread: slices that end before the next one begins, with the
// flows in them.
func (d *perfettoTrace) stops(pid int, name string, all []messageEnd) {
	if len(all) == 0 {
		return
	}
	tid := d.thread(pid, name)
	slices.SortStableFunc(all, func(a, b messageEnd) int { return cmp.Compare(a.at, b.at) })
	for i, o := range all {
		until := o.at + maxMessageSlice
		for _, next := range all[i+1:] {
			if next.at > o.at {
				until = min(until, next.at)
				break
			}
		}
		d.slice(pid, tid, "message", o.name, o.at, until, o.args)
		if o.flow == 0 {
			continue
		}
		f := perfettoEvent{Name: "message", Cat: "message", Phase: "s", At: microseconds(o.at), Pid: pid, Tid: tid, ID: o.flow}
		if o.ends {
			f.Phase, f.Bind = "f", "e"
		}
		d.events = append(d.events, f)
	}
}

// harness draws faults, steps of the model checker and violations.
func (d *perfettoTrace) harness() {
	s := d.tl
	pid := len(s.Lanes) + 1
	d.process(pid, "harness")
	verdict := d.thread(pid, "verdict")
	if s.Quiescence != 0 {
		d.events = append(d.events, perfettoEvent{Name: "quiescence", Cat: "fault", Phase: "i", At: microseconds(s.At(s.Quiescence)), Pid: pid, Tid: verdict, Scope: "g"})
	}
	for _, v := range s.Trace.Footer.Verdict.Violations {
		d.events = append(d.events, perfettoEvent{
			Name: "violated " + v.Property, Cat: "verdict", Phase: "i", At: microseconds(min(max(v.At, 0), d.end)), Pid: pid, Tid: verdict, Scope: "g",
			Args: arguments("message", v.Message, "node", v.Node, "events", v.Events),
		})
	}
	p := threadPool{pid: pid, name: "faults"}
	for _, f := range s.Faults {
		from, until := d.times(f.Span)
		d.slice(pid, d.threadFor(&p, from, until), "fault", f.What, from, until,
			arguments("seq", f.From, "fault", f.Number, "nodes", f.Nodes, "peer", f.Peer, "activations", len(f.Activations)))
	}
	steps := 0
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		if e.Kind != trace.Step {
			continue
		}
		if steps == 0 {
			steps = d.thread(pid, "steps of the model")
		}
		d.events = append(d.events, perfettoEvent{Name: d.describer.Event(e), Cat: "step", Phase: "i", At: microseconds(e.At), Pid: pid, Tid: steps, Scope: "t"})
	}
}

// maxUnitCounters is the maximum number of units of a run with a counter each.
const maxUnitCounters = 64

// statusSpan is a status of a run while it was in force.
type statusSpan struct {
	name        string
	from, until time.Duration
}

// tasks draws the progress of tasks.
func (d *perfettoTrace) tasks() {
	pid := len(d.tl.Lanes) + 2
	d.process(pid, "tasks")
	log := projection.NewLog()
	for i := range d.tl.Trace.Events {
		log.Take(&d.tl.Trace.Events[i])
		if log.Change != nil && log.Change.Unit != nil {
			d.unit(pid, log.Now, log.Change)
		}
	}
	var stages []statusSpan
	for _, r := range log.Order {
		for i, s := range r.History {
			until := d.end
			if i+1 < len(r.History) {
				until = r.History[i+1].At
			}
			if s.Status != taskevent.Absent {
				stages = append(stages, statusSpan{r.ID.String() + " " + string(s.Status), s.At, until})
			}
		}
	}
	slices.SortStableFunc(stages, func(a, b statusSpan) int { return cmp.Compare(a.from, b.from) })
	p := threadPool{pid: pid, name: "status"}
	for _, g := range stages {
		d.slice(pid, d.threadFor(&p, g.from, g.until), "task", g.name, g.from, g.until, nil)
	}
}

// unit draws the progress of a unit and the number of finished units.
func (d *perfettoTrace) unit(pid int, now time.Duration, ch *projection.Change) {
	r, name, progress := ch.Run, ch.Run.ID.String(), ch.Unit.Progress
	number := progress-progress == 0
	if number && (len(r.Units) <= maxUnitCounters || slices.Index(r.UnitIDs(), ch.UnitID) < maxUnitCounters) {
		d.count(pid, name+" "+ch.UnitID, now, progress)
	}
	if ch.SeqBefore == 0 || ch.Unit.Status.IsTerminal() != ch.UnitBefore.Status.IsTerminal() {
		d.count(pid, name+" units done", now, len(r.Units)-r.Unfinished)
	}
}

// arguments returns named values, without empty ones.
func arguments(pairs ...any) map[string]any {
	all := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		}
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}
