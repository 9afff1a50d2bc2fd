package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dtsim/sim/keyed"
	"dtsim/sim/plan"
	"dtsim/sim/trace/event"
)

// faults are the faults of the plan as they happen. Safe for concurrent use; none of
// its methods is called with a lock held that others wait for, applying least of all.
type faults struct {
	cluster *Cluster
	all     []*fault
	// awaited is how many faults wait for a moment.
	awaited atomic.Int32

	mu     sync.Mutex
	quiet  bool // nothing begins any more
	alarms []*alarm
	// counted are the moments that every replica comes to and some have.
	counted map[counted]bool
}

// fault is one fault of the plan in a run.
type fault struct {
	*plan.Fault
	index int
	// operation is what a client does; nil for a fault of another kind.
	operation *Operation
	// draw is what all draws of the fault are narrowed from.
	draw keyed.Draw

	// Whom it is about, resolved at the beginning and constant from then on; empty means
	// any node.
	nodes []string
	peer  string

	// Guarded by faults.mu.
	phase       phase
	reached     int // moments that matched
	activations int
	asked       map[string]uint64 // how often a rule was asked, by identity
	undo        func()
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
	s := &faults{cluster: c, counted: make(map[counted]bool)}
	for i := range c.plan.Faults {
		f := &c.plan.Faults[i]
		added := &fault{
			Fault: f, index: i, asked: make(map[string]uint64),
			draw: keyed.New(c.plan.Seed, "fault").Int(c.plan.FaultKey(i)).Str(string(f.Kind)),
		}
		if o, ok := c.app.(Operator); ok && f.Kind == plan.Operate {
			op := o.Operation(i)
			added.operation = &op
		}
		s.all = append(s.all, added)
		if f.When != nil {
			s.awaited.Add(1)
		}
	}
	return s
}

// waiting reports whether moments have to be announced.
func (s *faults) waiting() bool { return s.awaited.Load() > 0 }

// start sets the times at which faults begin, and that of quiescence.
func (s *faults) start() {
	if s.cluster.plan.Quiescence == 0 {
		return
	}
	s.after(time.Until(s.cluster.start.Add(s.cluster.plan.Quiescence.D())), s.quiesce)
	for _, f := range s.all {
		if f.When == nil {
			begin := f.At.D() + time.Duration(f.index) // no two in one instant
			s.after(time.Until(s.cluster.start.Add(begin)), func() { s.begin(f, arrival{}) })
		}
	}
}

// after does something once a time has passed, in a goroutine of its own that the run
// waits for. At quiescence, what is not due by then is forgotten.
func (s *faults) after(d time.Duration, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quiet {
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

// forget removes the alarms. mu is held.
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

// arrive begins the faults that wait for a moment.
func (s *faults) arrive(a arrival) {
	if !s.waiting() {
		return
	}
	now := time.Since(s.cluster.start)
	var due []*fault
	s.mu.Lock()
	for _, f := range s.all {
		if f.When == nil || f.phase != expected || now < f.At.D() || !matches(f.When, a) {
			continue
		}
		if f.reached++; f.reached == max(f.When.Nth, 1) {
			due = append(due, f)
		}
	}
	s.mu.Unlock()
	for _, f := range due {
		s.begin(f, a)
	}
}

// matches reports whether an arrival is one of those that a trigger counts.
func matches(t *plan.Trigger, a arrival) bool {
	if t.Node == "" && a.copied {
		return false
	}
	return t.Moment == a.moment && in(t.Node, a.node) && in(t.Op, a.op) && in(t.Name, a.name) && a.about.matches(t.About)
}

// in reports whether a filter lets a value through.
func in(filter, value string) bool { return filter == "" || filter == value }

// begin begins a fault that was not begun before; a is the moment it waited for.
func (s *faults) begin(f *fault, a arrival) {
	s.mu.Lock()
	if s.quiet || f.phase != expected {
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
	began := &event.FaultBegan{Fault: f.event(), Nodes: strings.Join(f.nodes, ","), Peer: f.peer}
	if f.When != nil {
		began.Moment = string(a.moment)
	}
	c.emit(began)
	undo := c.realize(f)

	s.mu.Lock()
	f.phase, f.undo = lasting, undo
	if undo == nil {
		f.phase = over
	}
	late := s.quiet
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
	s.cluster.emit(&event.FaultEnded{Fault: f.event()})
	f.undo()
}

// quiesce begins quiescence: every fault ends, clocks are right, and every node that has
// not left is up.
func (s *faults) quiesce() {
	s.mu.Lock()
	s.quiet = true
	s.awaited.Store(0)
	s.forget()
	s.mu.Unlock()
	for _, f := range s.all {
		s.end(f)
	}
	c := s.cluster
	c.threads.Quiesce()
	settles := c.changesMembers()
	if !settles {
		c.emit(&event.Quiescence{})
	}
	for _, n := range c.nodes {
		n.setClock()
		n.restart()
	}
	if settles {
		c.settle()
		c.emit(&event.Quiescence{})
	}
}

// close ends the faults with the run.
func (s *faults) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = true
	s.awaited.Store(0)
	s.forget()
}

// event names the fault in its events.
func (f *fault) event() event.Fault { return event.Fault{Index: int64(f.index), What: string(f.Kind)} }

// realize makes a fault happen and returns what ends it; nil for one that is over at
// once. What is not here is a rule, which [Incarnation.Activated] evaluates.
func (c *Cluster) realize(f *fault) (undo func()) {
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
	case plan.Demote, plan.Rejoin, plan.Replace:
		return c.changeMember(f)
	case plan.Recover:
		return c.recover(f)
	case plan.UserRestore:
		return c.userRestore(f)
	case plan.Transfer:
		return c.transfer(f)
	case plan.TornFiles, plan.TornWrites, plan.DiskSlow, plan.DiskError, plan.DiskFull, plan.SnapshotError, plan.InstallError:
		return c.spoil(f)
	case plan.ForceSnapshot:
		return c.forceSnapshot(f)
	case plan.ClockOffset, plan.ClockDrift, plan.ClockJump:
		return c.skew(f)
	case plan.Operate:
		if f.operation != nil {
			c.operate(f)
		}
		return nil
	}
	return func() {}
}

// operate performs the operation of a fault in a goroutine of its own.
func (c *Cluster) operate(f *fault) {
	var i *Incarnation
	if n := c.Node(f.nodes[0]); n != nil {
		i = n.running()
	}
	c.work(func() {
		i.own()
		f.operation.Do(context.Background(), i)
	})
}

// ask returns the first fault of a kind that a decision of a node activates, with a draw of
// its own; nil if none does.
func (s *faults) ask(kind plan.FaultKind, node string, d Decision) (*fault, keyed.Draw) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.all {
		if f.Kind != kind || f.phase != lasting || f.Count > 0 && f.activations >= f.Count || !f.concerns(node, d) {
			continue
		}
		key := d.key(node)
		f.asked[key]++
		draw := f.draw.Str(key).Int(f.asked[key])
		if f.always() || draw.Str("rate").Chance(f.Rate) {
			f.activations++
			return f, draw
		}
	}
	return nil, 0
}

// always reports whether the fault is activated wherever it can be.
func (f *fault) always() bool { return f.Rate == 0 }

// concerns reports whether a decision of a node is one that the fault is about.
func (f *fault) concerns(node string, d Decision) bool {
	if len(f.nodes) > 0 {
		found := false
		for _, name := range f.nodes {
			found = found || name == node
		}
		if !found {
			return false
		}
	}
	return f.covers(d.Op) && d.About.matches(f.About)
}

// covers reports whether the fault is about an operation: one that it names, or whose name
// begins with that and a dash.
func (f *fault) covers(op string) bool {
	return f.Op == "" || f.Op == op || strings.HasPrefix(op, f.Op+"-")
}

// key identifies a decision of a node, for draws.
func (d Decision) key(node string) string {
	key := node + "\x00" + d.Op
	for _, name := range slices.Sorted(maps.Keys(d.About)) {
		key += "\x00" + d.About[name]
	}
	return key + "\x00" + d.Identity
}

// wait returns the time that the fault lets pass, drawn for one activation.
func (f *fault) wait(draw keyed.Draw) time.Duration {
	return draw.Str("wait").Duration(f.Min.D(), f.Max.D())
}
