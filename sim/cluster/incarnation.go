package cluster

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/sirupsen/logrus"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
	"dtsim/sim/clock"
	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/network"
	"dtsim/sim/trace"
)

// incarnation is one start of a node.
type incarnation struct {
	cluster *Cluster
	node    *Node
	number  int

	// halt ends when the incarnation does; providers and calls listen to it.
	halt   context.Context
	cancel context.CancelFunc

	mount     *disk.Mount
	endpoint  *network.Endpoint
	clock     *clock.Clock
	raft      *raft.Raft
	replica   Replica
	client    Client
	shards    *provider.Shards
	providers *provider.Set
	scheduler Scheduler

	// begun is set when all of the above are there.
	begun atomic.Bool
	// up is closed then, ended when a shutdown is over.
	up, ended chan struct{}
	// gate is shut while the node is paused.
	gate gate

	// paused is set, with applying held, while the node is paused.
	paused bool
	// dead is set, with applying held, when nothing of the incarnation may show any
	// more.
	dead bool
	// follow holds a token when the shards have to follow the schema.
	follow chan struct{}
	// work are the incarnation's own goroutines.
	work sync.WaitGroup

	// Of the apply under way: whether this is the first replica to apply the entry, and
	// the entry's hash.
	first bool
	sum   uint64
}

// incarnate returns an incarnation of n that has not begun. n.mu is held.
func (c *Cluster) incarnate(n *Node, number int) *incarnation {
	i := &incarnation{
		cluster: c, node: n, number: number, follow: make(chan struct{}, 1),
		up: make(chan struct{}), ended: make(chan struct{}),
	}
	i.halt, i.cancel = context.WithCancel(context.Background())
	i.mount = n.disk.Open(number)
	i.endpoint = c.network.Open(n.name, number)
	i.clock = n.nextClock()
	return i
}

// begin brings the incarnation up. What it is made of was made by the simulator, so a
// failure is a bug and panics. One that crashes meanwhile is brought up all the same,
// to be taken apart.
func (i *incarnation) begin() {
	c, n := i.cluster, i.node
	defer close(i.up)
	c.applying.Lock()
	c.counters.Starts++
	c.applying.Unlock()
	i.emit(trace.NodeStarted)

	var err error
	if i.shards, err = provider.OpenShards(n.name, i.mount.Files(), i.provided, i.reach); err != nil {
		panic(fmt.Sprintf("cluster: %s: %s", n.name, err))
	}
	i.providers = provider.NewSet(provider.Env{
		Node: n.name, Seed: c.plan.Seed, Clock: i.clock, Files: i.mount.Files(), Shards: i.shards,
		Schema: (*schema)(i), Emit: i.provided, OnRecord: i.onRecord, Halt: i.halt,
		Trouble: (*trouble)(i), Reach: i.reach,
	})
	i.replica = c.sys.NewReplica(ReplicaConfig{
		Guards: i.providers, Notifier: (*notifier)(i), OnApply: i.applied,
		Clock: i.clock, CompletedTaskTTL: c.plan.CompletedTaskTTL.D(), Logger: quiet(),
	})
	log, snapshots, err := c.sys.Stores(i.mount.Log(), i.mount.Snapshots())
	if err != nil {
		panic(fmt.Sprintf("cluster: stores of %s: %s", n.name, err))
	}
	i.raft, err = raft.NewRaft(n.raftConfig(), (*machine)(i), log, i.mount.Stable(), snapshots, i.endpoint)
	if err != nil {
		panic(fmt.Sprintf("cluster: raft on %s: %s", n.name, err))
	}
	i.raft.RegisterObserver(raft.NewObserver(nil, false, i.observed))
	i.client, err = i.replica.NewClient(ClientConfig{
		ID: fmt.Sprintf("%s#%d", n.name, i.number), Node: n.name, Raft: i.raft, Forwarder: i.endpoint,
		Clock: i.clock, CompletedTaskTTL: c.plan.CompletedTaskTTL.D(), Logger: quiet(),
		OnRequest: (*caller)(i).proposed,
	})
	if err != nil {
		panic(fmt.Sprintf("cluster: client on %s: %s", n.name, err))
	}
	i.endpoint.HandleForward(i.client.Serve)
	i.schedule()
	i.work.Go(i.followSchema)
	i.begun.Store(true)
}

// onRecord says whether the replica has a record of a run.
func (i *incarnation) onRecord(run provider.Run) bool {
	status, _ := i.replica.Unit(run, "")
	return status != ""
}

// leastPatience and mostPatience bound how long a server waits with its start for the
// scheduler's first list, each time for another while.
const (
	leastPatience = time.Second
	mostPatience  = 8 * time.Second
)

// schedule starts the scheduler; its first list waits for a leader, while the server has
// patience.
func (i *incarnation) schedule() {
	calls := (*caller)(i)
	p := i.cluster.plan
	tick := p.SchedulerTick.D()
	if tick == sched.DefaultTickInterval {
		tick = 0 // as most programs do
	}
	scheduler := i.cluster.sys.NewScheduler(sched.SchedulerParams{
		CompletionRecorder: calls, TaskLister: calls, TaskCleaner: calls, TaskFinalizer: calls, AckRecorder: calls,
		Providers: i.providers.Providers(), Clock: i.clock, Logger: quiet(),
		LocalNode: i.node.name, CompletedTaskTTL: p.CompletedTaskTTL.D(), TickInterval: tick,
	})
	i.cluster.applying.Lock()
	i.scheduler = scheduler
	i.cluster.applying.Unlock()
	patience := keyed.New(i.cluster.plan.Seed, "start").Str(i.node.name).Int(uint64(i.number)).Duration(leastPatience, mostPatience)
	i.work.Go(func() {
		start, stop := context.WithTimeout(i.halt, patience)
		defer stop()
		if err := scheduler.Start(start); err != nil && i.halt.Err() == nil {
			panic(fmt.Sprintf("cluster: scheduler of %s: %s", i.node.name, err))
		}
		again := "" // and it is
		if err := scheduler.Start(start); err != nil {
			again = err.Error()
		}
		i.emit(trace.StartedAgain, trace.Str("error", again))
	})
}

// notifier passes wakes on to the scheduler, once there is one. It is called during
// an apply, or a restore, with applying held.
type notifier incarnation

// Wake implements fsm.SchedulerNotifier.
func (n *notifier) Wake() {
	if n.scheduler != nil {
		n.scheduler.Wake()
	}
}

// followSchema keeps the shards in line with the schema.
func (i *incarnation) followSchema() {
	for {
		select {
		case <-i.follow:
		case <-i.halt.Done():
			return
		}
		index := i.replica.AppliedIndex()
		if err := i.shards.Follow(i.replica.Collections(), index); err != nil && i.halt.Err() == nil {
			// The disk has failed; it may do better later.
			i.clock.AfterFunc(followAgain, i.followSoon)
		}
	}
}

// followAgain is how long the shards wait for a disk that has failed.
const followAgain = time.Second

// crash puts the fence up, and takes the rest apart behind it. It says whether the
// incarnation was still alive.
func (i *incarnation) crash() bool {
	if !i.fence("crash", func() { i.endpoint.Mute(); i.mount.Crash() }) {
		return false
	}
	i.endpoint.Close()
	i.cancel()
	i.resume()
	i.node.mu.Lock()
	ending := i.node.ending == i
	i.node.mu.Unlock()
	if ending {
		return true // its shutdown takes the rest apart
	}
	i.cluster.behind.Go(func() {
		<-i.up
		i.scheduler.Close()
		i.takeDown()
	})
	return true
}

// shutdown ends the incarnation in order.
func (i *incarnation) shutdown() {
	defer i.node.hasEnded(i)
	i.cancel()
	i.resume()
	<-i.up
	i.emit(trace.SchedulerClosing)
	i.scheduler.Close()
	i.emit(trace.SchedulerClosed)
	i.takeDown()
	i.endpoint.Close()
	i.mount.Close()
	i.fence("shutdown", func() {})
}

// fence tells the end of the incarnation and silences it, as one step with cut. It
// says whether the incarnation was still alive.
func (i *incarnation) fence(how string, cut func()) bool {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	if i.dead {
		return false
	}
	cut()
	i.append(trace.NodeStopped, trace.Str("how", how))
	i.dead = true
	return true
}

// fenced says whether the incarnation is dead.
func (i *incarnation) fenced() bool {
	i.cluster.applying.Lock()
	defer i.cluster.applying.Unlock()
	return i.dead
}

// takeDown ends what is below the scheduler.
func (i *incarnation) takeDown() {
	i.client.Close()
	if err := i.raft.Shutdown().Error(); err != nil {
		panic(fmt.Sprintf("cluster: shutdown of raft on %s: %s", i.node.name, err))
	}
	i.work.Wait()
}

// emit appends an event of the incarnation, once the apply under way is in the trace.
func (i *incarnation) emit(kind trace.Kind, fields ...trace.Field) {
	i.cluster.applying.Lock()
	dead := i.dead
	i.append(kind, fields...)
	i.cluster.applying.Unlock()
	if !dead {
		i.announce(kind, fields)
	}
}

// step is emit for what the node does on its own: it waits while the node is paused.
func (i *incarnation) step(kind trace.Kind, fields ...trace.Field) {
	i.gate.pass()
	i.emit(kind, fields...)
}

// append appends an event with applying held.
func (i *incarnation) append(kind trace.Kind, fields ...trace.Field) {
	if i.dead {
		return
	}
	i.cluster.rec.Emit(trace.Event{
		At: time.Since(i.cluster.start), Node: i.node.name, Incarnation: i.number, Kind: kind, Fields: fields,
	})
}

// provided is emit for providers: they tell of the lives of their handles with locks
// held, so that these events do not wait.
func (i *incarnation) provided(kind trace.Kind, fields ...trace.Field) {
	switch kind {
	case trace.HandleStarted, trace.HandleTerminated, trace.HandleExited:
		i.emit(kind, fields...)
	default:
		i.step(kind, fields...)
	}
}

// observed tells about changes of raft's state and leader. It is a filter that lets
// nothing through: raft calls it as part of the change.
func (i *incarnation) observed(o *raft.Observation) bool {
	switch data := o.Data.(type) {
	case raft.RaftState:
		if data == raft.Leader {
			i.cluster.applying.Lock()
			i.cluster.lastLeader = i.node.name
			i.cluster.applying.Unlock()
		}
		i.step(trace.NodeState, trace.Str("state", data.String()), trace.Uint("term", i.raft.CurrentTerm()))
	case raft.LeaderObservation:
		i.step(trace.LeaderSeen, trace.Str("leader", string(data.LeaderID)))
	}
	return false
}

// schema is what the providers of the node need of the schema.
type schema incarnation

// Collections implements provider.Schema.
func (s *schema) Collections() []provider.Collection { return s.replica.Collections() }

// Index implements provider.Schema.
func (s *schema) Index() uint64 { return s.replica.AppliedIndex() }

// Flip implements provider.Schema.
func (s *schema) Flip(ctx context.Context, collection, property, tokenization string, run provider.Run) error {
	fields := append(about(run), trace.Str("collection", collection), trace.Str("property", property), trace.Str("tokenization", tokenization))
	return (*caller)(s).call(ctx, "flip-property", fields, func(ctx context.Context, c Client) error {
		return c.FlipProperty(ctx, collection, property, tokenization, run.Namespace, fsm.TaskDescriptor{ID: run.Task, Version: run.Version})
	})
}

// SwapTenants implements provider.Schema.
func (s *schema) SwapTenants(ctx context.Context, collection, property, tokenization string, run provider.Run, tenants []string) error {
	fields := append(about(run), trace.Str("collection", collection), trace.Str("property", property),
		trace.Str("tokenization", tokenization), trace.Str("tenants", strings.Join(tenants, ",")))
	return (*caller)(s).call(ctx, "swap-tenants", fields, func(ctx context.Context, c Client) error {
		return c.SwapTenants(ctx, collection, property, tokenization, run.Namespace,
			fsm.TaskDescriptor{ID: run.Task, Version: run.Version}, tenants)
	})
}

// quiet returns a logger that says nothing and costs nothing: the trace tells more.
func quiet() logrus.FieldLogger {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	logger.SetLevel(logrus.PanicLevel)
	return logger
}
