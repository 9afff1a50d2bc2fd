package cluster

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// faults are the faults of the plan as they happen. Safe for concurrent use; none of
// its methods is called with a lock held that others wait for, applying least of all.
type faults struct {
	cluster *Cluster
	all     []*fault
	// awaited is how many faults wait for a moment.
	awaited atomic.Int32

	mu     sync.Mutex
	calm   bool // nothing begins any more
	alarms []*alarm
}

// fault is one fault of the plan in a run.
type fault struct {
	*plan.Fault
	index int
	// do is what an operator does; nil for a fault of another kind.
	do *taskplan.Operation
	// draw is what all draws of the fault are narrowed from.
	draw keyed.Draw

	// Who is struck, resolved at the beginning and constant from then on; empty means
	// any node.
	nodes []string
	peer  string

	// Guarded by faults.mu.
	phase   phase
	reached int // moments that matched
	bites   int
	asked   map[string]uint64 // how often a rule was asked, by identity
	undo    func()
}

// phase is how far a fault has come.
type phase uint8

const (
	expected phase = iota
	beginning
	lasting
	over
)

// alarm is something to do at a time.
type alarm struct {
	timer *time.Timer
	done  bool
}

func newFaults(c *Cluster) *faults {
	s := &faults{cluster: c}
	for i := range c.plan.Faults {
		f := &c.plan.Faults[i]
		s.all = append(s.all, &fault{
			Fault: f, index: i, do: c.plan.Does(i), asked: make(map[string]uint64),
			draw: keyed.New(c.plan.Seed, "fault").Int(c.plan.FaultKey(i)).Str(string(f.Kind)),
		})
		if f.When != nil {
			s.awaited.Add(1)
		}
	}
	return s
}

// waiting says whether moments have to be announced.
func (s *faults) waiting() bool { return s.awaited.Load() > 0 }

// start sets the times at which faults begin, and that of the calm.
func (s *faults) start() {
	if s.cluster.plan.Calm == 0 {
		return
	}
	s.after(time.Until(s.cluster.start.Add(s.cluster.plan.Calm.D())), s.settle)
	for _, f := range s.all {
		if f.When == nil {
			begin := f.At.D() + time.Duration(f.index) // no two in one instant
			s.after(time.Until(s.cluster.start.Add(begin)), func() { s.begin(f, arrival{}) })
		}
	}
}

// after does something once a time has passed, in a goroutine of its own that the run
// waits for. When the calm begins, what is not due by then is forgotten.
func (s *faults) after(d time.Duration, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm {
		return
	}
	a := &alarm{}
	s.cluster.behind.Add(1)
	a.timer = time.AfterFunc(d, func() {
		s.mu.Lock()
		forgotten := a.done
		a.done = true
		s.mu.Unlock()
		if !forgotten {
			defer s.cluster.behind.Done()
			do()
		}
	})
	s.alarms = append(s.alarms, a)
}

// forget forgets the alarms. mu is held.
func (s *faults) forget() {
	for _, a := range s.alarms {
		if !a.done {
			a.done = true
			a.timer.Stop()
			s.cluster.behind.Done()
		}
	}
	s.alarms = nil
}

// arrive lets the faults strike that wait for a moment.
func (s *faults) arrive(a arrival) {
	if !s.waiting() {
		return
	}
	now := time.Since(s.cluster.start)
	var struck []*fault
	s.mu.Lock()
	for _, f := range s.all {
		if f.When == nil || f.phase != expected || now < f.At.D() || !matches(f.When, a) {
			continue
		}
		if f.reached++; f.reached == max(f.When.Nth, 1) {
			struck = append(struck, f)
		}
	}
	s.mu.Unlock()
	for _, f := range struck {
		s.begin(f, a)
	}
}

// matches says whether an arrival is one of those that a trigger counts.
func matches(t *plan.Trigger, a arrival) bool {
	if t.Node == "" && a.copied {
		return false
	}
	return t.Moment == a.moment && in(t.Node, a.node) && in(t.About[taskplan.AboutNamespace], a.run.Namespace) && in(t.About[taskplan.AboutTask], a.run.Task)
}

// in says whether a filter lets a value through.
func in(filter, value string) bool { return filter == "" || filter == value }

// begin begins a fault that was not begun before; a is the moment it waited for.
func (s *faults) begin(f *fault, a arrival) {
	s.mu.Lock()
	if s.calm || f.phase != expected {
		s.mu.Unlock()
		return
	}
	f.phase = beginning
	s.mu.Unlock()
	if f.When != nil {
		s.awaited.Add(-1)
	}
	c := s.cluster
	c.resolve(f, a)
	fields := f.fields()
	if f.When != nil {
		fields = append(fields, trace.Str("moment", string(a.moment)))
	}
	if len(f.nodes) > 0 {
		fields = append(fields, trace.Str("nodes", strings.Join(f.nodes, ",")))
	}
	if f.peer != "" {
		fields = append(fields, trace.Str("peer", f.peer))
	}
	c.emit(trace.FaultBegan, fields...)
	undo := c.strike(f)

	s.mu.Lock()
	f.phase, f.undo = lasting, undo
	if undo == nil {
		f.phase = over
	}
	late := s.calm
	s.mu.Unlock()
	switch {
	case late:
		s.end(f)
	case undo != nil && f.For > 0:
		s.after(f.For.D()+time.Duration(f.index), func() { s.end(f) })
	}
}

// end ends a fault that lasts.
func (s *faults) end(f *fault) {
	s.mu.Lock()
	if f.phase != lasting {
		s.mu.Unlock()
		return
	}
	f.phase = over
	s.mu.Unlock()
	s.cluster.emit(trace.FaultEnded, f.fields()...)
	f.undo()
}

// settle begins the calm: every fault ends, clocks are right, and every node that has
// not left is up.
func (s *faults) settle() {
	s.mu.Lock()
	s.calm = true
	s.awaited.Store(0)
	s.forget()
	s.mu.Unlock()
	for _, f := range s.all {
		s.end(f)
	}
	c := s.cluster
	c.emit(trace.Calm)
	for _, n := range c.nodes {
		n.setClock()
		n.restart()
	}
}

// close ends the faults with the run.
func (s *faults) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
	s.awaited.Store(0)
	s.forget()
}

// fields name the fault in its events.
func (f *fault) fields() []trace.Field {
	return []trace.Field{trace.Int("fault", int64(f.index)), trace.Str("what", string(f.Kind))}
}

// strike makes a fault happen and returns what ends it; nil for one that is over at
// once. What is not here is a rule, which [incarnation.bites] asks about.
func (c *Cluster) strike(f *fault) (undo func()) {
	switch f.Kind {
	case plan.Delay, plan.Loss, plan.Duplicate, plan.Reorder, plan.ReplyLoss, plan.LateDuplicate:
		return c.disturb(f)
	case plan.Partition, plan.OneWay:
		return c.cut(f)
	case plan.Flap:
		return c.flap(f)
	case plan.Crash:
		return c.crash(f)
	case plan.Shutdown:
		return c.shutdown(f)
	case plan.Pause:
		return c.pause(f)
	case plan.Leave:
		return c.leave(f)
	case plan.Remove:
		return c.remove(f)
	case plan.Transfer:
		return c.transfer(f)
	case plan.TornFiles, plan.DiskError, plan.DiskFull, plan.SnapshotError, plan.InstallError:
		return c.spoil(f)
	case plan.ForceSnapshot:
		return c.forceSnapshot(f)
	case plan.ClockOffset, plan.ClockDrift, plan.ClockJump:
		return c.skew(f)
	case plan.Operate:
		c.operateFault(f)
		return nil
	}
	return func() {}
}

// decision is what a rule is asked about.
type decision struct {
	// op is the call or the callback, as in the trace.
	op                    string
	namespace, task, unit string
	// identity tells the decision from all others of its kind on the node; one that
	// comes again draws again.
	identity string
}

// bites asks the rules of a kind about a decision of this incarnation: it returns the
// first that bites, with a draw of its own, or nil. That it bit is counted and in the
// trace, with the fields.
func (i *incarnation) bites(kind plan.FaultKind, d decision, fields ...trace.Field) (*fault, keyed.Draw) {
	s := i.cluster.faults
	if len(s.all) == 0 {
		return nil, 0
	}
	f, draw := s.ask(kind, i.node.name, d)
	if f != nil {
		i.emit(trace.FaultBit, append(f.fields(), fields...)...)
	}
	return f, draw
}

func (s *faults) ask(kind plan.FaultKind, node string, d decision) (*fault, keyed.Draw) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		if f.Kind != kind || f.phase != lasting || f.Count > 0 && f.bites >= f.Count || !f.concerns(node, d) {
			continue
		}
		key := node + "\x00" + d.op + "\x00" + d.namespace + "\x00" + d.task + "\x00" + d.unit + "\x00" + d.identity
		f.asked[key]++
		draw := f.draw.Str(key).Int(f.asked[key])
		if f.always() || draw.Str("rate").Chance(f.Rate) {
			f.bites++
			return f, draw
		}
	}
	return nil, 0
}

// always says that the fault bites wherever it can.
func (f *fault) always() bool { return f.Rate == 0 }

// concerns says whether a decision of a node is one that the fault is about.
func (f *fault) concerns(node string, d decision) bool {
	if len(f.nodes) > 0 {
		found := false
		for _, name := range f.nodes {
			found = found || name == node
		}
		if !found {
			return false
		}
	}
	return (in(f.Op, d.op) || f.Op == taskplan.AnyAck && strings.HasPrefix(d.op, "ack-")) && in(f.About[taskplan.AboutNamespace], d.namespace) &&
		in(f.About[taskplan.AboutTask], d.task) && in(f.About[taskplan.AboutUnit], d.unit)
}

// wait returns the time that the fault lets pass, drawn for one bite.
func (f *fault) wait(draw keyed.Draw) time.Duration {
	return draw.Str("wait").Duration(f.Min.D(), f.Max.D())
}
