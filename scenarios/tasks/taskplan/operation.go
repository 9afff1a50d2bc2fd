package taskplan

import "dtsim/sim/plan"

// Action is what an [Operation] does.
type Action string

// The actions of a workload.
const (
	// AddTask submits Operation.Task.
	AddTask Action = "add-task"
	// CancelTask cancels the run of TaskID that is current when it is issued.
	CancelTask Action = "cancel-task"
	// FailTask gives up the current run of TaskID (P17).
	FailTask Action = "fail-task"
	// CleanUpTask removes the record of the current run of TaskID, which must be
	// terminal, without regard to its age.
	CleanUpTask Action = "clean-up-task"
	// CreateCollection creates Operation.Collection.
	CreateCollection Action = "create-collection"
	// DropCollection drops Target.
	DropCollection Action = "drop-collection"
	// UpdateProperty sets Property of Target to Tokenization, as a user would.
	UpdateProperty Action = "update-property"
	// AddTenants adds Tenants to Target, with as many replicas as it was created with.
	AddTenants Action = "add-tenants"
	// FreezeTenants offloads Tenants of Target, ThawTenants has them back.
	FreezeTenants Action = "freeze-tenants"
	ThawTenants   Action = "thaw-tenants"
	// DeleteTenants removes Tenants from Target.
	DeleteTenants Action = "delete-tenants"
	// SendStray sends Stray about TaskID: a command that must not have an effect.
	SendStray Action = "send-stray"
	// ListTasks lists all tasks.
	ListTasks Action = "list-tasks"
)

// Operation is one step of the workload: at a time, one node's client does one
// thing and waits for its outcome; operations do not wait for each other.
type Operation struct {
	// At is when, since the start of the run.
	At plan.Duration `json:"at"`
	// Node is the node whose client is used, "n1" and so on.
	Node string `json:"node"`
	// Do is the action; it determines which of the fields below are used.
	Do Action `json:"do"`
	// Retry is how often it is done again, as another request, when it is not known
	// whether it took effect.
	Retry int `json:"retry,omitempty"`
	// Within is how long its caller waits for an outcome, each time; 20 s if it does not say.
	Within plan.Duration `json:"within,omitempty"`
	// OwnClient: it is sent by a client that is there for it alone, as that of a program that starts
	// for it and ends with it.
	OwnClient bool `json:"own_client,omitempty"`
	// ReadBack: its caller lists the tasks again and again while it waits, and once more when it has
	// an outcome, before the list under way has returned.
	ReadBack bool `json:"read_back,omitempty"`

	Task       *Task       `json:"task,omitempty"`
	Collection *Collection `json:"collection,omitempty"`

	// Namespace and TaskID name a task that was added earlier.
	Namespace string `json:"namespace,omitempty"`
	TaskID    string `json:"task_id,omitempty"`

	// Target names a collection.
	Target       string   `json:"target,omitempty"`
	Property     string   `json:"property,omitempty"`
	Tokenization string   `json:"tokenization,omitempty"`
	Tenants      []string `json:"tenants,omitempty"`
	// Stray is the command and what is wrong with it, "complete-unit/older-run".
	Stray Stray `json:"stray,omitempty"`
}

// Collection is created with one shard per name (or per tenant); replica r of
// shard s lives on node 1 + (s+r) mod nodes.
type Collection struct {
	Name string `json:"name"`
	// Properties maps a property to its tokenization.
	Properties map[string]string `json:"properties"`
	// Shards are the shard names; for a multi-tenant collection use Tenants instead:
	// each tenant is a shard of its own.
	Shards  []string `json:"shards,omitempty"`
	Tenants []string `json:"tenants,omitempty"`
	// Replicas is how many nodes hold each shard.
	Replicas int `json:"replicas"`
}

// Kind is what a task does to the data; it is also the task's namespace.
type Kind string

// The kinds of tasks, after the journeys of the package page.
const (
	// Cleanup spreads Files over any nodes; no callbacks (journey 1).
	Cleanup Kind = "cleanup"
	// Repair rebuilds every replica of a collection with the same configuration;
	// each shard swaps on its own, before it reports completion (journey 2).
	Repair Kind = "repair"
	// Reindex changes a property's tokenization: all replicas reindex, then all
	// swap, then the schema flips (journey 3; with PerTenant journey 4).
	Reindex Kind = "reindex"
	// ShardNoop is done by the provider that comes with package sched: its units are those
	// of a Repair, and nothing is done to them. What that provider has no word for, plans
	// cannot ask for: its slow unit and the one that fails are at most one each.
	ShardNoop Kind = "shard-noop"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Cleanup, Repair, Reindex, ShardNoop} }

// Task is a task to submit.
type Task struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
	// Files is the number of units of a Cleanup task, named file-0001 and so on.
	Files int `json:"files,omitempty"`
	// Collection is what Repair, Reindex and ShardNoop work on; their units are all
	// replicas of all shards, named shard__node.
	Collection string `json:"collection,omitempty"`
	// Property and Tokenization are what Reindex changes.
	Property     string `json:"property,omitempty"`
	Tokenization string `json:"tokenization,omitempty"`
	// PerTenant gives every tenant its own group.
	PerTenant bool `json:"per_tenant,omitempty"`
	// Barrier asks for the preparation barrier.
	Barrier bool `json:"barrier,omitempty"`
	// UnitTime bounds how long the work on one unit takes; the draw is keyed by the
	// unit. Zero MaxUnitTime means MinUnitTime exactly.
	MinUnitTime plan.Duration `json:"min_unit_time"`
	MaxUnitTime plan.Duration `json:"max_unit_time,omitempty"`
	// SlowUnits take ten times as long.
	SlowUnits []string `json:"slow_units,omitempty"`
	// FailUnits report failure instead of completion.
	FailUnits []string `json:"fail_units,omitempty"`
	// Parallel is how many units a node works on at once (1 to 1,000).
	Parallel int `json:"parallel"`
	// Tacit workers report the end of a unit and nothing before: that report claims it.
	// Units of a Cleanup are of the node that claims them first, before the work.
	Tacit bool `json:"tacit,omitempty"`
	// Flaw is what is wrong with the submission.
	Flaw Flaw `json:"flaw,omitempty"`
}

// Promise is one expectation about how the run ends. Expect determines which of the
// other fields are used.
type Promise struct {
	Expect Expectation `json:"expect"`

	// Namespace and TaskID name a task; Run counts the accepted submissions of that
	// id from 1, an inherited task before them, zero means the last.
	Namespace string `json:"namespace,omitempty"`
	TaskID    string `json:"task_id,omitempty"`
	Run       int    `json:"run,omitempty"`
	// Status is the terminal status for TaskEnds.
	Status string `json:"status,omitempty"`

	// Operations are positions in the workload, from 0.
	Operations []int `json:"operations,omitempty"`
	// Outcome is "ok" or "rejected".
	Outcome string `json:"outcome,omitempty"`
	// Exactly is how many of Operations have the outcome; zero means all.
	Exactly int `json:"exactly,omitempty"`

	Collection   string `json:"collection,omitempty"`
	Property     string `json:"property,omitempty"`
	Tokenization string `json:"tokenization,omitempty"`
	Tenant       string `json:"tenant,omitempty"`
}

// Expectation is what a [Promise] is about.
type Expectation string

// The expectations.
const (
	// TaskEnds: the run of the task reached Status, and no other terminal one.
	TaskEnds Expectation = "task-ends"
	// UnitsOnce: every unit was completed exactly once, by one node.
	UnitsOnce Expectation = "units-once"
	// CallbacksOnce: every owning node ran each group callback (and each swap of a
	// barrier task) exactly once, and every node ran OnTaskCompleted exactly once.
	CallbacksOnce Expectation = "callbacks-once"
	// SwapsOnce: every owned replica swapped exactly once for this run, on its owner.
	SwapsOnce Expectation = "swaps-once"
	// NoSwap: no replica swapped for this task.
	NoSwap Expectation = "no-swap"
	// TaskStays: the run, an inherited one, had no other status than it began with, and
	// every node that is up has its record.
	TaskStays Expectation = "task-stays"
	// RecordGone: the record is gone, and so is every node's local state of it.
	RecordGone Expectation = "record-gone"
	// OperationsEnd: Exactly so many of Operations ended with Outcome.
	OperationsEnd Expectation = "operations-end"
	// SchemaIs: Property of Collection has Tokenization in every node's schema.
	SchemaIs Expectation = "schema-is"
	// ShardsAre: every replica of Collection (of Tenant, if given) serves Property
	// with Tokenization.
	ShardsAre Expectation = "shards-are"
	// CollectionGone: Collection is neither in the schema nor on any disk.
	CollectionGone Expectation = "collection-gone"
	// GroupsEarly: at least one group of the task ran its callback while the task
	// was still STARTED.
	GroupsEarly Expectation = "groups-early"
)
