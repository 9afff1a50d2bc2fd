package cluster

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"dtsim/sim/check"
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

// Cluster is a run under way. Its methods are called by one goroutine, the one that
// called [New].
type Cluster struct {
	plan  *plan.Plan
	sys   System
	rec   *trace.Recorder
	start time.Time

	network *network.Network
	nodes   []*Node
	log     *journal
	// ops numbers the calls of schedulers and providers, above the workload's.
	ops atomic.Int64

	// applying is held during an apply and its events, and for every other event: see
	// the package comment. Nobody waits for time to pass while holding it.
	applying sync.Mutex
	counters Counters
	// behind are the goroutines that the run still has to wait for.
	behind sync.WaitGroup
}

// Run runs a plan to its end and returns what the checks say. It is called inside a
// bubble; every goroutine it started has ended when it returns. The plan must be
// valid. The verdict is that of the events the recorder has got, which include all
// that [check.Trace] needs to come to it again; a nil recorder is as good as one that
// writes to nobody.
func Run(p *plan.Plan, sys System, rec *trace.Recorder) (trace.Verdict, Counters) {
	if rec == nil {
		var err error
		if rec, err = trace.NewRecorder(io.Discard, trace.Header{Plan: *p}); err != nil {
			return trace.Verdict{Violations: []trace.Violation{{Property: "plan", Message: err.Error()}}}, Counters{}
		}
	}
	observer := check.New(p)
	rec.Watch(observer.Observe, check.Kinds()...)
	c := New(p, sys, rec)
	c.Play()
	c.Stop()
	return observer.Verdict(), c.counters
}

// New makes a cluster and starts all its nodes.
func New(p *plan.Plan, sys System, rec *trace.Recorder) *Cluster {
	c := &Cluster{plan: p, sys: sys, rec: rec, start: time.Now(), log: newJournal(p)}
	c.ops.Store(int64(len(p.Workload)))
	names := p.Cluster.NodeNames()
	c.network = network.New(network.Config{
		Seed: p.Seed, Nodes: names,
		MinLatency: p.Cluster.Network.MinLatency.D(), MaxLatency: p.Cluster.Network.MaxLatency.D(),
		CallTimeout: p.Cluster.Network.CallTimeout.D(), Start: c.start, Recorder: rec,
	})
	c.emit(trace.RunStarted, trace.Uint("seed", p.Seed), trace.Int("nodes", int64(len(names))), trace.Dur("duration", p.Duration.D()))
	for _, name := range names {
		n := &Node{cluster: c, name: name, disk: disk.New(disk.Config{
			Node: name, SyncLatency: p.Cluster.Disk.SyncLatency.D(), Start: c.start, Recorder: rec,
		})}
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

// Play issues the workload and returns at the end of the plan's duration, with every
// operation returned.
func (c *Cluster) Play() {
	ctx, cancel := context.WithCancel(context.Background())
	var operations sync.WaitGroup
	for i := range c.plan.Workload {
		time.Sleep(time.Until(c.start.Add(c.plan.Workload[i].At.D())))
		operations.Go(func() { c.operate(ctx, i) })
	}
	time.Sleep(time.Until(c.start.Add(c.plan.Duration.D())))
	cancel()
	operations.Wait()
}

// Stop says what is at rest, shuts every node down, replays the log, and returns when
// no goroutine of the cluster is left.
func (c *Cluster) Stop() {
	synctest.Wait()
	for _, n := range c.nodes {
		n.rest()
	}
	for _, n := range c.nodes {
		n.Stop()
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
