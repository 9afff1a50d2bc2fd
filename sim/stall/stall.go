// Package stall decides where goroutines of a run are held up between two statements.
//
// In virtual time code takes none, so that two goroutines of a node are at work in one instant only
// by chance, and a bug that needs one of them to be held up while another goes on is never
// met. The packages that are instrumented (see sim/engine/build) have points before statements
// that touch what other goroutines may see. At a point a goroutine of a node can be held up, for a
// time that its clock does not notice; a lock that it holds stays held.
//
// Who is held up where is drawn by the strategy of the plan, keyed by node, incarnation and how many
// points that has reached, or listed in the plan. What was drawn is reported, and gives
// the same run when it is listed. The same points let a node that is paused take no step.
//
// A goroutine that is making a node's machine apply, capture or restore a state is not held up, nor is
// one that starts a process: those are steps of the simulator.
package stall

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"dtsim/sim/keyed"
	"dtsim/sim/pause"
	"dtsim/sim/plan"
	"dtsim/sim/stall/point"
)

// Held is a goroutine that is being held up.
type Held struct {
	plan.Stall
	// Thread is the function that the goroutine began with.
	Thread string
	// Locked is set if the function holds a lock at the point.
	Locked bool
}

// Threads are the goroutines of a run's nodes. Make it inside the bubble. Its methods are safe
// for concurrent use.
type Threads struct {
	plan  *plan.Stalls
	names []string
	seed  uint64
	// faults are those of the plan that begin at a time.
	faults []plan.Fault
	// bound is when the stalls end, in the bubble's time.
	bound time.Time
	begun time.Time
	// chosen are the sites at which the strategy may hold a goroutine up; nil for all.
	chosen []bool
	// listed are the stalls that the plan lists, by site.
	listed map[point.Site][]*listed

	mu    sync.Mutex
	nodes []*Node // by owner, the first of which is 1
	// due are the stalls of [plan.StallPCT] that are still to come, by their time.
	due []*change
	// elected are the stalls that wait for a leadership.
	elected []*change
	// leader is the node that became leader last, leaderships how often one did.
	leader      string
	leaderships int
	paused      int
	quiet       bool
}

// Node is the goroutines of one incarnation of a node.
type Node struct {
	threads     *Threads
	owner       point.Owner
	name        string
	incarnation int
	clock       point.Clock
	report      func(Held)
	draw        keyed.Draw

	// What follows is read and written at points without a lock: a program with points has
	// one P, and nothing in between lets another goroutine run.

	// counts is how often each site was reached, listed what the plan lists for it.
	counts []uint32
	listed [][]*listed
	// left is how many points it is to the next stall that is drawn; zero for never.
	left uint64
	// drawn counts the stalls that were drawn.
	drawn  uint64
	paused bool
	dead   bool

	mu sync.Mutex
	// waiting are the goroutines that are held up.
	waiting []*waiter
	// releases is how often some of them were let go.
	releases uint64
}

// listed is a stall that the plan lists.
type listed struct {
	*plan.Stall
	// from is when it begins to count, in the bubble's time; reached is how often the point was
	// reached since.
	from    time.Time
	reached int
}

// waiter is a goroutine that is held up.
type waiter struct {
	release chan struct{}
	// pause is set if it waits for the end of a pause.
	pause bool
}

// change is one stall of [plan.StallPCT].
type change struct {
	// at is when the points begin to count, left how many it is to the stall.
	at   time.Time
	left uint64
	draw keyed.Draw
	// node is the node; empty for the one that leads at the time.
	node string
	// leadership is set if points begin to count when a node becomes leader for the
	// how-manieth time: they are those of that node.
	leadership int
}

// New returns the threads of a run and installs them. The error is the reason why the stalls that
// the plan lists cannot be had in this program. In a program without points, a strategy draws none.
func New(p *plan.Plan, begun time.Time) (*Threads, error) {
	t := &Threads{plan: p.Stalls, names: p.Cluster.NodeNames(), seed: p.Seed, begun: begun, bound: begun.Add(p.Quiescence.D())}
	for _, f := range p.Faults {
		if f.When == nil {
			t.faults = append(t.faults, f)
		}
	}
	point.Install(t)
	if t.plan == nil {
		return t, nil
	}
	if !point.Available() || point.Sites() == 0 {
		if len(t.plan.Held) > 0 {
			return nil, errors.New("stalls.held: this program was built without points at which a goroutine could be held up: run the plan by an engine")
		}
		t.plan = nil // a strategy finds no point to draw
		return t, nil
	}
	if err := t.list(); err != nil {
		return nil, err
	}
	if t.plan.Strategy == plan.StallDirected {
		if err := t.direct(); err != nil {
			return nil, err
		}
	}
	if t.plan.Strategy == plan.StallPCT {
		t.deal()
	}
	point.Arm(true)
	return t, nil
}

// list finds the sites of the stalls that the plan lists.
func (t *Threads) list() error {
	if len(t.plan.Held) == 0 {
		return nil
	}
	sites := make(map[string]point.Site, point.Sites())
	for s := range point.Site(point.Sites()) {
		sites[s.String()] = s
	}
	t.listed = make(map[point.Site][]*listed)
	for i := range t.plan.Held {
		h := &t.plan.Held[i]
		s, known := sites[h.At]
		if !known {
			return fmt.Errorf("stalls.held[%d].at: no instrumented package has a point %q", i, h.At)
		}
		t.listed[s] = append(t.listed[s], &listed{Stall: h, from: t.begun.Add(h.From.D())})
	}
	return nil
}

// oneIn is how many functions there are for one that the seed draws.
const oneIn = 16

// direct chooses the sites of the function that the plan names, or of some that its seed draws: many
// functions are never called, so that one alone would often be in vain.
func (t *Threads) direct() error {
	t.chosen = make([]bool, point.Sites())
	found := false
	for s := range point.Site(point.Sites()) {
		name := functionOf(s.String())
		if t.plan.Function != "" {
			t.chosen[s] = strings.HasPrefix(name, t.plan.Function)
		} else {
			t.chosen[s] = keyed.New(t.seed, "stall.function").Str(name).N(oneIn) == 0
		}
		found = found || t.chosen[s]
	}
	if !found && t.plan.Function != "" {
		return fmt.Errorf("stalls.function: no instrumented package has a point in a function %q", t.plan.Function)
	}
	return nil
}

// functionOf returns the function of a site.
func functionOf(site string) string {
	if i := strings.LastIndexByte(site, ':'); i >= 0 {
		return site[:i]
	}
	return site
}

// Close uninstalls the threads.
func (t *Threads) Close() { point.Install(nil) }

// Open returns the threads of an incarnation that begins. Report is called when a goroutine is about
// to be held up, by that goroutine, which may have locks.
func (t *Threads) Open(node string, incarnation int, clock point.Clock, report func(Held)) *Node {
	n := &Node{
		threads: t, name: node, incarnation: incarnation, clock: clock, report: report,
		draw: keyed.New(t.seed, "stall").Str(node).Int(uint64(incarnation)),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nodes = append(t.nodes, n)
	n.owner = point.Owner(len(t.nodes))
	if t.plan == nil {
		return n
	}
	n.counts = make([]uint32, point.Sites())
	n.list()
	if t.plan.Node == "" || t.plan.Node == node {
		n.begin()
	}
	return n
}

// list arms the stalls that the plan lists for the incarnation.
func (n *Node) list() {
	n.listed = make([][]*listed, point.Sites())
	for site, all := range n.threads.listed {
		for _, s := range all {
			if s.Node == n.name && (s.Incarnation == 0 || s.Incarnation == n.incarnation) {
				n.listed[site] = append(n.listed[site], s)
			}
		}
	}
}

// begin draws the first of the stalls that are drawn one after the other.
func (n *Node) begin() {
	switch p := n.threads.plan; p.Strategy {
	case plan.StallRandom, plan.StallDirected:
		n.left = n.gap()
	}
}

// Lead notes that a node has become leader.
//
//go:norace
func (t *Threads) Lead(node string) {
	t.leader = node
	t.leaderships++
	for _, c := range t.elected {
		if c.leadership == t.leaderships && (c.node == "" || c.node == node) {
			c.node, c.at = node, time.Now()
			t.due = append([]*change{c}, t.due...)
		}
	}
}

// gap draws how many points it is to the next stall.
//
//go:norace
func (n *Node) gap() uint64 {
	n.drawn++
	return 1 + n.draw.Int(n.drawn).Str("gap").N(2*uint64(n.threads.plan.Every)-1)
}

// deal draws the stalls of [plan.StallPCT]. A third of them are of a node that has just become leader,
// when it starts goroutines with what is about to change. Of the others, half are of the node that leads
// when they come.
func (t *Threads) deal() {
	for i := range t.plan.Depth {
		d := keyed.New(t.seed, "stall.change").Int(uint64(i))
		if d.Str("elected").N(3) == 0 {
			t.elected = append(t.elected, &change{
				left: 1 + d.Str("left").N(256), draw: d, node: t.plan.Node,
				leadership: 1 + int(d.Str("leadership").N(leaderships)),
			})
			continue
		}
		c := &change{at: t.begun.Add(t.instant(d)), left: spread(d.Str("left"), 1, 4096), draw: d, node: t.plan.Node}
		if c.node == "" && d.Str("leader").Chance(500_000) {
			c.node = t.names[d.Str("node").N(uint64(len(t.names)))]
		}
		t.due = append(t.due, c)
	}
	slices.SortStableFunc(t.due, func(a, b *change) int { return a.at.Compare(b.at) })
}

// leaderships is how many leaderships of a run may have stalls of their own.
const leaderships = 6

// instant draws the time of a stall: half of them come while a fault of the plan is at work, or as
// long after it as it lasted, since that is when more than one thing is going on.
func (t *Threads) instant(d keyed.Draw) time.Duration {
	end := t.bound.Sub(t.begun)
	if len(t.faults) > 0 && d.Str("around").Chance(500_000) {
		f := t.faults[d.Str("fault").N(uint64(len(t.faults)))]
		return min(f.At.D()+d.Str("at").Duration(0, max(2*f.For.D(), 2*time.Second)), end)
	}
	return d.Str("at").Duration(0, end)
}

// spread draws a number from lo to hi, evenly over the orders of magnitude.
func spread(d keyed.Draw, lo, hi uint64) uint64 {
	steps := uint64(0)
	for lo<<(steps+1) <= hi && steps < 62 {
		steps++
	}
	from := lo << d.Str("order").N(steps+1)
	return min(from+d.N(from), hi)
}

// Own makes the calling goroutine, and those that it starts from now on, one of the incarnation, and
// returns what undoes that.
func (n *Node) Own() (undo func()) {
	before := point.Own(n.owner)
	return func() { point.Own(before) }
}

// Enter is Own for a goroutine that stays one of the incarnation.
func (n *Node) Enter() { point.Own(n.owner) }

// At implements [point.Run].
//
//go:norace
func (t *Threads) At(o point.Owner, s point.Site) {
	n := t.nodes[o-1]
	if n.dead {
		return
	}
	if t.plan != nil && !t.quiet {
		n.counts[s]++
		if list := n.listed[s]; list != nil {
			n.holdListed(s, list)
		}
		switch {
		case n.left > 0:
			n.drawRandom(s)
		case len(t.due) > 0:
			n.drawChange(s)
		}
	}
	if n.paused {
		n.wait(&waiter{release: make(chan struct{}), pause: true}, nil)
	}
}

// Clock implements [point.Run].
//
//go:norace
func (t *Threads) Clock(o point.Owner) point.Clock { return t.nodes[o-1].clock }

//go:norace
func (n *Node) drawRandom(s point.Site) {
	if n.threads.chosen != nil && !n.threads.chosen[s] {
		return
	}
	if n.left--; n.left > 0 {
		return
	}
	d := n.draw.Int(n.drawn)
	n.left = n.gap()
	n.hold(s, n.threads.length(d))
}

//go:norace
func (n *Node) drawChange(s point.Site) {
	t := n.threads
	now := time.Now()
	for i, c := range t.due {
		if now.Before(c.at) {
			return
		}
		if c.node != n.name && (c.node != "" || t.leader != n.name) {
			continue
		}
		if c.left--; c.left == 0 {
			for ; i+1 < len(t.due); i++ {
				t.due[i] = t.due[i+1]
			}
			t.due = t.due[:i]
			n.hold(s, t.length(c.draw))
			return
		}
	}
}

// length draws how long a goroutine is held up.
func (t *Threads) length(d keyed.Draw) time.Duration {
	return time.Duration(spread(d.Str("length"), uint64(t.plan.Min), uint64(t.plan.Max)))
}

// holdListed holds the goroutine up as the plan lists it.
//
//go:norace
func (n *Node) holdListed(s point.Site, list []*listed) {
	now := time.Now()
	for _, l := range list {
		if now.Before(l.from) {
			continue
		}
		if l.reached++; l.reached == max(l.Nth, 1) {
			n.hold(s, l.For.D())
		}
	}
}

// hold holds the calling goroutine up.
func (n *Node) hold(s point.Site, length time.Duration) {
	n.report(Held{
		Stall:  plan.Stall{Node: n.name, Incarnation: n.incarnation, At: s.String(), Nth: int(n.counts[s]), For: plan.Duration(length)},
		Thread: thread(), Locked: s.Locked(),
	})
	timer := time.NewTimer(length)
	defer timer.Stop()
	n.wait(&waiter{release: make(chan struct{})}, timer.C)
}

// wait waits until the waiter is released, or for the timer.
func (n *Node) wait(w *waiter, timer <-chan time.Time) {
	n.mu.Lock()
	if n.dead || w.pause && !n.paused {
		n.mu.Unlock()
		return
	}
	n.waiting = append(n.waiting, w)
	n.mu.Unlock()
	select {
	case <-w.release:
	case <-timer:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.waiting, w); i >= 0 {
		n.waiting = slices.Delete(n.waiting, i, i+1)
	}
}

// take takes goroutines out of those that wait. n.mu is held.
func (n *Node) take(which func(*waiter) bool) (taken []*waiter) {
	n.waiting = slices.DeleteFunc(n.waiting, func(w *waiter) bool {
		if which(w) {
			taken = append(taken, w)
			return true
		}
		return false
	})
	return taken
}

// release lets goroutines go on, in an order that is drawn. n.mu is held.
func (n *Node) release(which func(*waiter) bool) {
	n.releases++
	free := n.take(which)
	d := n.draw.Str("release").Int(n.releases)
	for i := len(free) - 1; i > 0; i-- {
		j := d.Int(uint64(i)).N(uint64(i) + 1)
		free[i], free[j] = free[j], free[i]
	}
	for _, w := range free {
		close(w.release)
	}
}

// Pause lets the incarnation's goroutines wait at the next point that each reaches.
func (n *Node) Pause() { n.pause(true) }

// Resume ends a pause, and returns what lets each of them go on, which the caller is to do.
func (n *Node) Resume() []pause.Step {
	n.pause(false)
	n.mu.Lock()
	defer n.mu.Unlock()
	var steps []pause.Step
	for i, w := range n.take(func(w *waiter) bool { return w.pause }) {
		steps = append(steps, pause.Step{Stream: fmt.Sprint("thread/", i), Do: func() { close(w.release) }})
	}
	return steps
}

func (n *Node) pause(on bool) {
	t := n.threads
	t.mu.Lock()
	defer t.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.paused == on || n.dead {
		return
	}
	n.paused = on
	if on {
		t.paused++
	} else {
		t.paused--
	}
	t.arm()
}

// arm lets points call, or not. t.mu is held.
func (t *Threads) arm() { point.Arm(t.plan != nil && !t.quiet || t.paused > 0) }

// Unlock ends the stalls of the incarnation, but not a pause: somebody waits for what a goroutine that
// is held up may hold, and has to go on.
func (n *Node) Unlock() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release(func(w *waiter) bool { return !w.pause })
}

// Stalled reports whether a goroutine of the incarnation is held up.
func (n *Node) Stalled() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.waiting, func(w *waiter) bool { return !w.pause })
}

// End lets go of all goroutines of the incarnation, for good.
func (n *Node) End() {
	n.threads.mu.Lock()
	defer n.threads.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.paused {
		n.paused = false
		n.threads.paused--
		n.threads.arm()
	}
	n.dead = true
	n.release(func(*waiter) bool { return true })
}

// Quiesce ends all stalls, and there are none from now on.
func (t *Threads) Quiesce() {
	t.mu.Lock()
	t.quiet = true
	nodes := slices.Clone(t.nodes)
	t.arm()
	t.mu.Unlock()
	for _, n := range nodes {
		n.Unlock()
	}
}

// thread returns the function that the calling goroutine began with, not counting those that only
// start others: sync.WaitGroup.Go, and that of the Raft library.
func thread() string {
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var first string
	for {
		f, more := frames.Next()
		if f.Function != "" && f.Function != "runtime.goexit" &&
			f.Function != "sync.(*WaitGroup).Go.func1" && !strings.HasSuffix(f.Function, ".goFunc.func1") {
			first = f.Function
		}
		if !more {
			return first[strings.LastIndexByte(first, '/')+1:]
		}
	}
}
