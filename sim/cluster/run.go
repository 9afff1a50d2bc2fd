package cluster

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/disk"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Counters say how much a run was.
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
	plan  *taskplan.Plan
	sys   System
	rec   *trace.Recorder
	start time.Time

	network *network.Network
	nodes   []*Node
	log     *journal
	// inherited is what stands on every disk at the start; nil for nothing.
	inherited *inheritance
	// ops numbers the calls of schedulers and providers, above the workload's.
	ops atomic.Int64

	// applying is held during an apply and its events, and for every other event: see
	// the package comment. Nobody waits for time to pass while holding it.
	applying sync.Mutex
	counters Counters
	faults   *faults
	// lastLeader is the node that became leader last; applying guards it.
	lastLeader string
	// behind are the goroutines that the run still has to wait for.
	behind sync.WaitGroup
}

// Run runs a plan to its end and returns the verdict of judge. It is called inside a
// bubble; every goroutine it started has ended when it returns. The plan must be valid.
// A nil recorder stands for one whose trace is thrown away.
func Run(p *plan.Plan, sys System, rec *trace.Recorder, judge trace.Judge) (trace.Verdict, Counters) {
	t, err := taskplan.Of(p)
	if err == nil && rec == nil {
		rec, err = trace.NewRecorder(io.Discard, trace.Header{Plan: *p})
	}
	if err != nil {
		return trace.Verdict{Violations: []trace.Violation{{Property: "plan", Message: err.Error()}}}, Counters{}
	}
	finish := judge(p, rec)
	c := New(t, sys, rec)
	c.Play()
	c.Stop()
	return finish(), c.counters
}

// New makes a cluster and starts all its nodes.
func New(p *taskplan.Plan, sys System, rec *trace.Recorder) *Cluster {
	c := &Cluster{plan: p, sys: sys, rec: rec, start: time.Now(), log: newJournal(p)}
	c.ops.Store(int64(len(p.Workload) + len(p.Faults)))
	c.faults = newFaults(c)
	names := p.Cluster.NodeNames()
	c.network = network.New(network.Config{
		Seed: p.Seed, Nodes: names,
		MinLatency: p.Cluster.Network.MinLatency.D(), MaxLatency: p.Cluster.Network.MaxLatency.D(),
		CallTimeout: p.Cluster.Network.CallTimeout.D(), Start: c.start, Recorder: rec,
	})
	c.emit(trace.RunStarted, trace.Uint("seed", p.Seed), trace.Int("nodes", int64(len(names))), trace.Dur("duration", p.Duration.D()),
		trace.Int("start", c.start.UnixMilli()))
	if c.inherited = c.inherit(p.Inherited); c.inherited != nil {
		c.emit(trace.Inherited, trace.Uint("index", c.inherited.index), trace.Str("snapshot", string(c.inherited.snapshot)))
		for _, run := range c.inherited.runs {
			c.log.added(run)
		}
	}
	for _, name := range names {
		n := &Node{cluster: c, name: name, milestones: make(map[milestone]bool)}
		n.disk = disk.New(disk.Config{
			Node: name, SyncLatency: p.Cluster.Disk.SyncLatency.D(), Start: c.start, Recorder: rec, Fatal: n.fatal,
		})
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.bootstrap(names)
		n.Start()
	}
	return c
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
	for position := range c.plan.Workload {
		op := &c.plan.Workload[position]
		steps = c.take(steps, op.At.D())
		c.sleepUntil(op.At.D())
		i := c.Node(op.Node).running()
		operations.Go(func() { c.operate(ctx, i, position) })
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

// Stop says what is at rest, shuts every node down, replays the log, and returns when
// no goroutine of the cluster is left.
func (c *Cluster) Stop() {
	c.faults.close()
	synctest.Wait()
	for _, n := range c.nodes {
		n.rest()
	}
	for _, n := range c.nodes {
		n.close()
	}
	c.behind.Wait()
	c.replay()
	c.counters.Virtual = time.Since(c.start)
	c.emit(trace.RunEnded)
}

// emit appends an event of the harness.
func (c *Cluster) emit(kind trace.Kind, fields ...trace.Field) {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.rec.Emit(trace.Event{At: time.Since(c.start), Kind: kind, Fields: fields})
}
