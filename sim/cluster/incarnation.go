package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/clock"
	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/network"
	"dtsim/sim/plan"
	"dtsim/sim/stall"
	"dtsim/sim/stall/point"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Incarnation is one start of a node. Its exported methods are what an application's
// process may use; they are safe for concurrent use, and after a crash none of them has
// an effect.
type Incarnation struct {
	cluster *Cluster
	node    *Node
	number  int

	// halt ends when the incarnation does; the process and its calls listen to it.
	halt   context.Context
	cancel context.CancelFunc

	mount    *disk.Mount
	endpoint *network.Endpoint
	clock    *clock.Clock
	threads  *stall.Node
	process  Process
	machine  Machine
	raft     *raft.Raft
	// transfers transfers the leadership.
	transfers Transferrer

	// begun is set when all of the above are there.
	begun atomic.Bool
	// up is closed then, ended when a shutdown is over.
	up, ended chan struct{}
	// gate is shut while the node is paused.
	gate gate

	// paused is set, with applying held, while the node is paused; pauses counts those that have
	// ended.
	paused bool
	pauses uint64
	// dead is set, with applying held, when nothing of the incarnation may show any
	// more.
	dead bool
	// work are the goroutines of the process that the run waits for.
	work sync.WaitGroup

	// apply is the apply under way; applying guards it.
	apply Apply

	// restoring is set while the state is replaced by a user, as long as the node is ahead of what is
	// committed.
	restoring atomic.Bool
	// leading is set while raft is leader, as far as it was observed.
	leading atomic.Bool
	// configurations are those that were appended by the incarnation and are not committed as far
	// as it is known; faults.mu guards them.
	configurations []event.LogEntry
}

// incarnate returns an incarnation of n that has not begun. n.mu is held.
func (c *Cluster) incarnate(n *Node, number int) *Incarnation {
	i := &Incarnation{cluster: c, node: n, number: number, up: make(chan struct{}), ended: make(chan struct{})}
	i.halt, i.cancel = context.WithCancel(context.Background())
	i.mount = n.disk.Open(number)
	i.endpoint = c.network.Open(n.name, number)
	i.clock = n.nextClock()
	i.threads = c.threads.Open(n.name, number, i.clock, i.heldUp)
	i.endpoint.OnServe(i.own)
	return i
}

// begin brings the incarnation up. What it is made of was made by the simulator, so a
// failure is a bug and panics. One that crashes meanwhile is brought up all the same,
// to be taken apart.
func (i *Incarnation) begin() {
	c, n := i.cluster, i.node
	defer close(i.up)
	defer i.threads.Own()()
	defer point.Exempt()()
	c.applying.Lock()
	c.counters.Starts++
	c.applying.Unlock()
	i.emit(&event.NodeStarted{})

	must := func(what string, err error) {
		if err != nil {
			panic(fmt.Sprintf("cluster: %s of %s: %s", what, n.name, err))
		}
	}
	var err error
	i.process, err = c.app.NewProcess(i)
	must("process", err)
	i.machine = i.process.Machine()
	newRaft := startRaft
	if m, ok := i.process.(RaftMaker); ok {
		newRaft = m.NewRaft
	}
	i.raft, i.transfers, err = newRaft(n.raftConfig(), (*machine)(i), i.mount.Log(), i.mount.Stable(), i.mount.Snapshots(), i.endpoint)
	must("raft", err)
	i.raft.RegisterObserver(raft.NewObserver(nil, false, i.observed))
	must("start", i.process.Start(i.raft))
	i.begun.Store(true)
}

// startRaft is the [RaftMaker] of processes that are none.
func startRaft(c *raft.Config, fsm raft.FSM, log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, t raft.Transport,
) (*raft.Raft, Transferrer, error) {
	r, err := raft.NewRaft(c, fsm, log, stable, snapshots, t)
	return r, r, err
}

// crash puts the fence up, and takes the rest apart behind it. It reports whether the
// incarnation was still alive.
func (i *Incarnation) crash() bool {
	if !i.fence(&event.NodeStopped{How: event.Crash}, func() { i.endpoint.Mute(); i.mount.Crash() }) {
		return false
	}
	i.endpoint.Close()
	i.threads.End()
	i.cancel()
	i.resume()
	i.node.mu.Lock()
	ending := i.node.ending == i
	i.node.mu.Unlock()
	if ending {
		return true // its shutdown takes the rest apart
	}
	i.cluster.work(func() {
		<-i.up
		i.takeDown()
	})
	return true
}

// shutdown ends the incarnation in order. Of those that have started, half of the processes are
// stopped while all their calls go on, so that they have to end them themselves.
func (i *Incarnation) shutdown() {
	defer i.node.hasEnded(i)
	calm := keyed.New(i.cluster.plan.Seed, "shutdown").Str(i.node.name).Int(uint64(i.number)).Chance(500_000)
	select {
	case <-i.up:
	default:
		calm = false // what it waits for may need the end of a call
	}
	if !calm {
		i.cancel()
	}
	i.resume()
	<-i.up
	i.takeDown()
	i.endpoint.Close()
	i.mount.Close()
	open := i.mount.OpenSnapshots()
	i.fence(&event.NodeStopped{How: event.Shutdown, Sinks: open.Sinks, Readers: open.Readers}, func() {})
}

// fence records the end of the incarnation and silences it, as one step with cut. It
// reports whether the incarnation was still alive.
func (i *Incarnation) fence(stopped *event.NodeStopped, cut func()) bool {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	if i.dead {
		return false
	}
	cut()
	i.append(stopped)
	i.dead = true
	return true
}

// takeDown ends the process, then raft, and waits for what they have started.
func (i *Incarnation) takeDown() {
	i.process.Stop()
	i.cancel()
	if err := i.raft.Shutdown().Error(); err != nil {
		panic(fmt.Sprintf("cluster: shutdown of raft on %s: %s", i.node.name, err))
	}
	i.work.Wait()
}

// own makes the calling goroutine one of the incarnation; of nobody's if that is nil.
func (i *Incarnation) own() {
	if i == nil {
		point.Own(0)
		return
	}
	i.threads.Enter()
}

// heldUp records that a goroutine of the incarnation is about to be held up. It may have locks that
// an apply under way waits for, so that it does not wait for that.
func (i *Incarnation) heldUp(h stall.Held) {
	i.cluster.work(func() {
		i.emit(&event.Stalled{At: h.At, Nth: int64(h.Nth), For: h.For.D(), Thread: h.Thread, Locked: h.Locked})
	})
}

// emit appends an event of the incarnation, once the apply under way is in the trace.
func (i *Incarnation) emit(body trace.Body) {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	i.append(body)
}

// append appends an event with applying held.
func (i *Incarnation) append(body trace.Body) {
	if i.dead {
		return
	}
	i.cluster.rec.Record(time.Since(i.cluster.start), i.node.name, i.number, body)
}

// observed records changes of raft's state and leader. It is a filter that lets
// nothing through: raft calls it as part of the change.
func (i *Incarnation) observed(o *raft.Observation) bool {
	switch data := o.Data.(type) {
	case raft.RaftState:
		if data == raft.Leader {
			i.cluster.applying.Lock()
			i.cluster.lastLeader = i.node.name
			i.cluster.threads.Lead(i.node.name)
			i.cluster.applying.Unlock()
		}
		leads := data == raft.Leader
		lost := i.leading.Swap(leads) && data == raft.Follower
		i.Emit(&event.NodeState{State: data.String(), Term: TermOf(i.raft)})
		switch {
		case i.Fenced():
		case !leads && i.restoring.Load():
			i.node.Crash()
		case leads:
			i.Reach(plan.LeaderElected, nil)
		case lost:
			i.Reach(plan.LeadershipLost, nil)
		}
	case raft.LeaderObservation:
		i.Emit(&event.LeaderSeen{Leader: string(data.LeaderID)})
	}
	return false
}
