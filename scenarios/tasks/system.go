package tasks

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"
	"dtsim/sim/cluster"
)

// System is the task manager that is simulated: it makes the parts of a node that a run is
// about.
type System interface {
	// NewReplica returns an empty state machine.
	NewReplica(ReplicaConfig) Replica
	// NewRaft starts the raft of a node; see cluster.RaftMaker.
	NewRaft(*raft.Config, raft.FSM, raft.LogStore, raft.StableStore, raft.SnapshotStore, raft.Transport) (*raft.Raft, cluster.Transferrer, error)
	// NewScheduler returns a scheduler that has not been started.
	NewScheduler(sched.SchedulerParams) Scheduler
	// NewProviders returns the providers of a node, and the guards of its replica. With the
	// zero Env only the guards and the extractors have to work.
	NewProviders(provider.Env) Providers
}

// Providers are the providers of a node. The detectors and extractors are pure functions
// (P11).
type Providers interface {
	// Providers, ConflictDetectors, SchemaMutationDetectors and Extractors are by namespace.
	Providers() map[string]fsm.Provider
	ConflictDetectors() map[string]fsm.ConflictDetector
	SchemaMutationDetectors() map[string]fsm.SchemaMutationDetector
	Extractors() map[string]fsm.CollectionExtractor
}

// ReplicaConfig is what a replica is made of.
type ReplicaConfig struct {
	// Guards are the detectors and extractors.
	Guards Providers
	// Notifier is woken when a task has changed.
	Notifier fsm.SchedulerNotifier
	// OnApply is called for every command that was applied, on the thread that applies,
	// while the state is that of its index.
	OnApply func(Applied)
	// Clock and CompletedTaskTTL are the node's. No verdict may depend on them (P1):
	// the log of every run is replayed with others.
	Clock            clockwork.Clock
	CompletedTaskTTL time.Duration
	// MaxSessions is how many clients have a session at once; 0 is the default.
	MaxSessions int
	// Logger gets what is not part of an answer.
	Logger logrus.FieldLogger
}

// Applied is one applied command and its outcome.
type Applied struct {
	Index, Term uint64
	// Type is the command's number, Command its name, Class the collection of a schema command, Body the
	// command as it stands in the log.
	Type                 api.CommandType
	Command, Class, Body string
	// Run is the run of a task that the command is about, Unit its unit; zero when it is
	// about none. A run that the command adds has Index as its version.
	Run  provider.Run
	Unit string
	// Schema reports whether the command is one of the schema.
	Schema bool
	// Err is nil when the command was accepted.
	Err error
	// First is the index at which the command took effect, below Index for a duplicate.
	First uint64
	// Request is the request that the command is; zero when it carries no id.
	Request api.RequestID
}

// Replica is one node's copy of the replicated state.
type Replica interface {
	cluster.Machine
	// Unit returns the status of a run, "" when there is no record of it, and a copy of
	// one of its units, nil when it has none of that id.
	Unit(run provider.Run, unit string) (fsm.TaskStatus, *fsm.Unit)
	// Tasks returns copies of all records by namespace.
	Tasks() map[string][]*fsm.Task
	// Collections returns the schema.
	Collections() []provider.Collection
	// NewClient returns a client of the raft instance that the replica belongs to.
	NewClient(ClientConfig) (Client, error)
}

// Keeper is implemented by a replica that tells what it keeps in memory beside its state. Of one that
// does not, that much of P19 is not judged.
type Keeper interface {
	// Waiting returns how many requests and reads wait for the log.
	Waiting() int
	// Sessions returns for each client how many outcomes it may ask for again.
	Sessions() map[string]int
}

// ClientConfig is what a client is made of.
type ClientConfig struct {
	// ID is never used again, not even by the same node.
	ID               string
	Node             string
	Raft             *raft.Raft
	Forwarder        replica.Forwarder
	Clock            clockwork.Clock
	CompletedTaskTTL time.Duration
	AttemptTimeout   time.Duration
	Logger           logrus.FieldLogger
	// OnRequest is called with the id of a call's request before it is proposed.
	OnRequest func(ctx context.Context, id api.RequestID)
}

// Client changes and reads the replicated state from one node. Its errors match
// replica.ErrRejected, replica.ErrAmbiguous or neither: then the command has had no
// effect.
type Client interface {
	sched.TaskCompletionRecorder
	sched.TaskLister
	sched.TaskCleaner
	sched.TaskFinalizer
	sched.PostCompletionAckRecorder

	AddDistributedTask(ctx context.Context, namespace, taskID string, payload any, unitIDs []string) error
	AddDistributedTaskWithGroups(ctx context.Context, namespace, taskID string, payload any, specs []fsm.UnitSpec) error
	AddDistributedTaskWithBarrier(ctx context.Context, namespace, taskID string, payload any, unitIDs []string) error
	AddDistributedTaskWithGroupsBarrier(ctx context.Context, namespace, taskID string, payload any, specs []fsm.UnitSpec) error
	CancelDistributedTask(ctx context.Context, namespace, taskID string, version uint64) error
	ForceCleanUpDistributedTask(ctx context.Context, namespace, taskID string, version uint64) error
	FailDistributedTask(ctx context.Context, namespace, taskID string, version uint64, reason string) error

	CreateCollection(ctx context.Context, name string, q replica.CreateCollectionRequest) error
	DropCollection(ctx context.Context, name string) error
	UpdateProperty(ctx context.Context, collection, property, tokenization string) error
	SwapTenants(ctx context.Context, collection, property, tokenization, namespace string, task fsm.TaskDescriptor, tenants []string) error
	FlipProperty(ctx context.Context, collection, property, tokenization, namespace string, task fsm.TaskDescriptor, shards []string) error
	AddTenants(ctx context.Context, collection string, tenants []replica.ShardSpec) error
	UpdateTenants(ctx context.Context, collection string, tenants []string, status replica.ShardStatus) error
	DeleteTenants(ctx context.Context, collection string, tenants []string) error

	// Execute commits a command as it is.
	Execute(ctx context.Context, command api.ApplyRequest) (replica.Result, error)
	// Serve answers a request that another node's client has forwarded.
	Serve(ctx context.Context, from string, request []byte) ([]byte, error)
	// Close stops watching raft.
	Close()
}

// TaskFailer is implemented by the TaskFinalizer of a scheduler, and by clients: it fails a task in the
// name of a scheduler, if the task manager has such a command beside the one of operators.
type TaskFailer interface {
	MarkDistributedTaskFailed(ctx context.Context, namespace, taskID string, version uint64, reason string) error
}

// Scheduler looks after the tasks of one node. One with a method Kept, as [sched.Scheduler] has it, tells
// what it keeps in memory; of another that much of P19 is not judged.
type Scheduler interface {
	fsm.SchedulerNotifier
	Start(ctx context.Context) error
	Close()
}
