package replica

import (
	"context"

	"dtsim/fsm"
	"dtsim/fsm/api"
)

// Machine is the state machine of the tasks as a [Replica] drives it. [fsm.Manager] is
// one; another must give the same verdict on the same log on every replica (P1, P11). The
// replica calls Apply, Restore and the Set and Register methods one at a time, and the
// others at any time.
type Machine interface {
	SetConflictDetectors(map[string]fsm.ConflictDetector)
	SetSchemaMutationDetectors(map[string]fsm.SchemaMutationDetector)
	RegisterCollectionExtractor(namespace string, e fsm.CollectionExtractor)
	SetSchedulerNotifier(fsm.SchedulerNotifier)

	// Apply decides one command of the log.
	Apply(c *api.ApplyRequest, index uint64) error
	// CheckAddTask, the checks of mutations and DeleteTasksForCollection are asked while a
	// command is applied that concerns both tasks and schema.
	CheckAddTask(c *api.ApplyRequest) error
	CheckClassMutation(class string) error
	CheckPropertyUpdate(class, property string) error
	CheckTenantMutation(class string, tenants []string) error
	CheckOwnPropertyUpdate(namespace, id string, version uint64, class, property string) error
	DeleteTasksForCollection(collection string) []fsm.TaskDescriptor

	// ListDistributedTasks returns copies of all records by namespace.
	ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error)
	// Task returns a copy of the record of one run; Unit its status and a copy of one unit.
	Task(namespace, id string, version uint64) (*fsm.Task, error)
	Unit(namespace, id string, version uint64, unit string) (fsm.TaskStatus, *fsm.Unit, error)

	// Capture copies the state; AppendState appends its canonical JSON; Restore replaces
	// it, or fails and leaves it as it is.
	Capture() fsm.State
	AppendState(b []byte) ([]byte, error)
	Restore(snapshot []byte) error
}

var _ Machine = (*fsm.Manager)(nil)
