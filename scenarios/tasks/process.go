package tasks

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/sirupsen/logrus"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sched"
	"dtsim/sim/cluster"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// process is the task manager on one incarnation of a node.
type process struct {
	*cluster.Incarnation
	run *run

	replica   Replica
	shards    *provider.Shards
	providers Providers
	client    Client
	// clients is how clients are made, own how many were made for one call each.
	clients ClientConfig
	own     atomic.Int64
	// scheduler is set once there is one: a replica wakes it as soon as it can.
	scheduler atomic.Pointer[scheduled]
	// follow holds a token when the shards have to follow the schema.
	follow chan struct{}
}

// scheduled is the scheduler of a process.
type scheduled struct{ Scheduler }

var (
	_ cluster.RaftMaker = (*process)(nil)
	_ cluster.Restored  = (*process)(nil)
	_ cluster.Resting   = (*process)(nil)
)

// Machine implements cluster.Process.
func (p *process) Machine() cluster.Machine { return machine{p.replica, p} }

// machine is the replica of a process.
type machine struct {
	Replica
	process *process
}

// Apply implements raft.FSM.
func (m machine) Apply(entry *raft.Log) any {
	m.process.readConcurrently()
	return m.Replica.Apply(entry)
}

// NewRaft implements cluster.RaftMaker.
func (p *process) NewRaft(
	c *raft.Config, fsm raft.FSM, log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, t raft.Transport,
) (*raft.Raft, cluster.Transferrer, error) {
	return p.run.sys.NewRaft(c, fsm, log, stable, snapshots, t)
}

// Start implements cluster.Process.
func (p *process) Start(r *raft.Raft) error {
	p.clients = ClientConfig{
		ID: fmt.Sprintf("%s#%d", p.Node(), p.Number()), Node: p.Node(), Raft: r, Forwarder: p.Endpoint(),
		Clock: p.Clock(), CompletedTaskTTL: p.run.plan.CompletedTaskTTL.D(),
		AttemptTimeout: p.run.plan.AttemptTimeout.D(), Logger: quiet(),
		OnRequest: p.proposed,
	}
	var err error
	if p.client, err = p.replica.NewClient(p.clients); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	p.Endpoint().HandleForward(p.client.Serve)
	p.schedule()
	p.Go(p.followSchema)
	return nil
}

// leastPatience and mostPatience bound how long a server waits with its start for the
// scheduler's first list, each time for another while.
const (
	leastPatience = time.Second
	mostPatience  = 8 * time.Second
)

// schedule starts the scheduler; its first list waits for a leader, while the server has
// patience.
func (p *process) schedule() {
	calls := (*caller)(p)
	tick := p.run.plan.SchedulerTick.D()
	if tick == sched.DefaultTickInterval {
		tick = 0 // as most programs do
	}
	scheduler := p.run.sys.NewScheduler(sched.SchedulerParams{
		CompletionRecorder: calls, TaskLister: calls, TaskCleaner: calls, TaskFinalizer: calls, AckRecorder: calls,
		Providers: p.providers.Providers(), Clock: p.Clock(), Logger: quiet(),
		LocalNode: p.Node(), CompletedTaskTTL: p.run.plan.CompletedTaskTTL.D(), TickInterval: tick,
	})
	p.scheduler.Store(&scheduled{scheduler})
	patience := keyed.New(p.run.plan.Seed, "start").Str(p.Node()).Int(uint64(p.Number())).Duration(leastPatience, mostPatience)
	p.Go(func() {
		start, stop := context.WithTimeout(p.Halt(), patience)
		defer stop()
		if err := scheduler.Start(start); err != nil && p.Halt().Err() == nil {
			panic(fmt.Sprintf("tasks: scheduler of %s: %s", p.Node(), err))
		}
		again := "" // it has been started a second time
		if err := scheduler.Start(start); err != nil {
			again = err.Error()
		}
		p.EmitLocked(&taskevent.StartedAgain{Error: again})
	})
}

// notifier passes wakes on to the scheduler, once there is one. It is called during an
// apply, or a restore.
type notifier process

// Wake implements fsm.SchedulerNotifier.
func (n *notifier) Wake() {
	if s := n.scheduler.Load(); s != nil {
		s.Wake()
	}
}

// Stop implements cluster.Process.
func (p *process) Stop() {
	p.EmitLocked(&taskevent.SchedulerClosing{})
	p.scheduler.Load().Close()
	p.EmitLocked(&taskevent.SchedulerClosed{})
	p.client.Close()
}

// followSoon asks for the shards to follow the schema.
func (p *process) followSoon() {
	select {
	case p.follow <- struct{}{}:
	default:
	}
}

// StateRestored implements cluster.Restored.
func (p *process) StateRestored() { p.followSoon() }

// followAgain is how long the shards wait for a disk that has failed.
const followAgain = time.Second

// followSchema keeps the shards in line with the schema.
func (p *process) followSchema() {
	for {
		select {
		case <-p.follow:
		case <-p.Halt().Done():
			return
		}
		index := p.replica.AppliedIndex()
		if err := p.shards.Follow(p.replica.Collections(), index); err != nil && p.Halt().Err() == nil {
			// The disk has failed; it may do better later.
			p.Clock().AfterFunc(followAgain, p.followSoon)
		}
	}
}

// onRecord reports whether the replica has a record of a run.
func (p *process) onRecord(run provider.Run) bool {
	status, _ := p.replica.Unit(run, "")
	return status != ""
}

// provided appends an event of a provider. Those of the lives of handles come from callers
// that hold locks.
func (p *process) provided(body trace.Body) {
	switch body.(type) {
	case *taskevent.HandleStarted, *taskevent.HandleTerminated, *taskevent.HandleExited:
		p.EmitLocked(body)
	default:
		p.Emit(body)
	}
}

// reach announces a moment of a run.
func (p *process) reach(moment plan.Moment, run provider.Run) { p.Reach(moment, about(run, "")) }

// ownersIn returns the nodes that own units of the current run of a task, sorted.
func ownersIn(r Replica, namespace, task string) []string {
	var names []string
	for _, t := range r.Tasks()[namespace] {
		if t.ID != task {
			continue
		}
		for _, u := range t.Units {
			if u.NodeID != "" && !slices.Contains(names, u.NodeID) {
				names = append(names, u.NodeID)
			}
		}
	}
	slices.Sort(names)
	return names
}

// quiet returns a logger that writes nothing and costs nothing: the trace has more.
func quiet() logrus.FieldLogger {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	logger.SetLevel(logrus.PanicLevel)
	return logger
}

var _ fsm.SchedulerNotifier = (*notifier)(nil)
