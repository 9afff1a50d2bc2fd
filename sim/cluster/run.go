package cluster

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"dtsim/sim/disk"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/stall"
	"dtsim/sim/stall/point"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Counters measure a run.
type Counters struct {
	// Virtual is the time that passed in the bubble.
	Virtual time.Duration
	// Commands is how many commands were committed, reads not among them.
	Commands int
	// Starts is how many incarnations there were.
	Starts int
}

// Cluster is a run under way. Its exported methods are called by one goroutine, the
// one that called [New].
type Cluster struct {
	plan  *plan.Plan
	app   Instance
	rec   *trace.Recorder
	start time.Time

	network *network.Network
	nodes   []*Node
	log     journal
	// initial is what stands on every disk at the start; nil for nothing.
	initial    *Initial
	operations []Operation
	// calls numbers the calls of processes, above the operations of clients and faults.
	calls atomic.Int64

	// applying is held during an apply and its events, and for every other event: see
	// the package comment. It must not be held while waiting for time to pass.
	applying sync.Mutex
	counters Counters
	faults   *faults
	members  *members
	threads  *stall.Threads
	// lastLeader is the node that became leader last; applying guards it.
	lastLeader string
	// behind are the goroutines that the run still has to wait for.
	behind sync.WaitGroup
	// endless ends a run that does not come to its end.
	endless *time.Timer
}

// Run runs a plan to its end, judges it and returns the verdict. It is called inside a
// bubble; every goroutine it started has ended when it returns. The plan must be valid.
// The verdict is that of the events the recorder has got. The error is the reason why the plan is
// not one of the application.
func Run(p *plan.Plan, app Application, rec *trace.Recorder, judge trace.Judge) (trace.Verdict, Counters, error) {
	finish := judge(p, rec)
	c, err := New(p, app, rec)
	if err != nil {
		return trace.Verdict{}, Counters{}, err
	}
	c.Play()
	c.Stop()
	return finish(), c.counters, nil
}

// New makes a cluster of an application's nodes and starts all of them. The error is the reason why
// the plan is not one of the application.
func New(p *plan.Plan, app Application, rec *trace.Recorder) (*Cluster, error) {
	c := &Cluster{plan: p, rec: rec, start: time.Now()}
	var err error
	if c.threads, err = stall.New(p, c.start); err != nil {
		return nil, err
	}
	if c.app, err = app.Begin(c); err != nil {
		return nil, err
	}
	c.operations = c.app.Operations()
	c.calls.Store(int64(len(c.operations) + len(p.Faults)))
	c.faults, c.members = newFaults(c), newMembers()
	names := p.Cluster.NodeNames()
	c.network = network.New(network.Config{
		Seed: p.Seed, Nodes: names,
		MinLatency: p.Cluster.Network.MinLatency.D(), MaxLatency: p.Cluster.Network.MaxLatency.D(),
		CallTimeout: p.Cluster.Network.CallTimeout.D(), QueueHeartbeats: p.Cluster.Raft.QueueHeartbeats,
		Start: c.start, Recorder: rec, Reached: c.reachedOnTheWay,
	})
	c.emit(&event.RunStarted{Seed: p.Seed, Nodes: int64(len(names)), Duration: p.Duration.D(), Start: c.start.UnixMilli()})
	if b, ok := c.app.(Beginner); ok {
		c.initial = b.Initial()
	}
	if c.initial != nil {
		c.emit(&event.Inherited{Index: c.initial.Index, Snapshot: string(c.initial.Snapshot)})
	}
	for _, name := range names {
		n := &Node{cluster: c, name: name}
		n.disk = disk.New(disk.Config{
			Node: name, SyncLatency: p.Cluster.Disk.SyncLatency.D(), Start: c.start, Recorder: rec, Fatal: n.fatal,
			Stored: n.stored, Writing: n.writing,
		})
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.bootstrap(names)
		n.Start()
	}
	return c, nil
}

// Plan returns the plan of the run.
func (c *Cluster) Plan() *plan.Plan { return c.plan }

// Began returns when the run began, in the bubble's time.
func (c *Cluster) Began() time.Time { return c.start }

// Running returns the incarnations that are up, in the order of their nodes.
func (c *Cluster) Running() []*Incarnation {
	var up []*Incarnation
	for _, n := range c.nodes {
		if i := n.running(); i != nil {
			up = append(up, i)
		}
	}
	return up
}

// Node returns a node by name, or nil.
func (c *Cluster) Node(name string) *Node {
	i := slices.IndexFunc(c.nodes, func(n *Node) bool { return n.name == name })
	if i < 0 {
		return nil
	}
	return c.nodes[i]
}

// Step is something that happens to the cluster at a time, besides the workload.
type Step struct {
	// At is the time since the start of the run.
	At time.Duration
	// Do is called by the goroutine that plays. Time that it takes delays what follows.
	Do func(*Cluster)
}

// Play issues the workload and takes the steps, each at its time, and returns at the
// end of the plan's duration with every operation returned. Steps are sorted by time;
// one comes before an operation of the same time.
func (c *Cluster) Play(steps ...Step) {
	ctx, cancel := context.WithCancel(context.Background())
	var operations sync.WaitGroup
	c.faults.start()
	c.endless = time.AfterFunc(c.plan.Duration.D()+shutdown, endless)
	for _, op := range c.operations {
		steps = c.take(steps, op.At)
		c.sleepUntil(op.At)
		i := c.Node(op.Node).running()
		operations.Go(func() {
			i.own()
			op.Do(ctx, i)
		})
	}
	c.take(steps, c.plan.Duration.D())
	c.sleepUntil(c.plan.Duration.D())
	cancel()
	operations.Wait()
}

// take takes the steps up to a time and returns the others.
func (c *Cluster) take(steps []Step, until time.Duration) []Step {
	for len(steps) > 0 && steps[0].At <= until {
		c.sleepUntil(steps[0].At)
		steps[0].Do(c)
		steps = steps[1:]
	}
	return steps
}

func (c *Cluster) sleepUntil(at time.Duration) { time.Sleep(time.Until(c.start.Add(at))) }

// shutdown is how long the end of a run may take: calls that return, what is at rest, the shutdown of all
// nodes. What waits for longer waits for ever, though something of the system may go on by a timer, so
// that virtual time would go on, too.
const shutdown = 10 * time.Minute

func endless() { panic(event.Endless + shutdown.String()) }

// Stop records what is at rest, shuts every node down, replays the log, and returns when
// no goroutine of the cluster is left.
func (c *Cluster) Stop() {
	if c.endless != nil { // else nothing was played
		c.endless.Stop()
	}
	c.endless = time.AfterFunc(shutdown, endless)
	c.faults.close()
	synctest.Wait()
	for _, n := range c.nodes {
		n.rest()
	}
	for _, n := range c.nodes {
		n.close()
	}
	c.behind.Wait()
	c.endless.Stop()
	c.threads.Close()
	c.replay()
	c.counters.Virtual = time.Since(c.start)
	c.emit(&event.RunEnded{})
}

// work calls f in a goroutine of the harness that the run waits for.
func (c *Cluster) work(f func()) {
	c.behind.Go(func() {
		point.Own(0)
		f()
	})
}

// emit appends an event of the harness.
func (c *Cluster) emit(body trace.Body) { c.emitOf("", body) }

// emitOf appends an event of the harness about a node.
func (c *Cluster) emitOf(node string, body trace.Body) {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.rec.Record(time.Since(c.start), node, 0, body)
}

// Counters returns how much the run was. Call it after [Cluster.Stop].
func (c *Cluster) Counters() Counters { return c.counters }
