package weaviate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/taskevent"

	published "github.com/weaviate/weaviate/cluster/distributedtask"
	publishedapi "github.com/weaviate/weaviate/cluster/proto/api"
)

// machine is the published Manager as the state machine of the tasks of a replica.
type machine struct{ *published.Manager }

var _ replica.Machine = machine{}

func newMachine(p fsm.ManagerParameters) replica.Machine {
	return machine{published.NewManager(published.ManagerParameters{Clock: p.Clock, CompletedTaskTTL: p.CompletedTaskTTL, Logger: p.Logger})}
}

// failer is implemented by a Manager that knows the command 309: since v1.39.0.
type failer interface {
	MarkTaskFailed(*publishedapi.ApplyRequest) error
}

// Apply implements replica.Machine.
func (m machine) Apply(c *api.ApplyRequest, index uint64) error {
	q := &publishedapi.ApplyRequest{Type: publishedapi.ApplyRequest_Type(c.Type), Class: c.Class, Version: c.Version, SubCommand: c.SubCommand}
	return ownError(m.decide(c.Type, q, index))
}

func (m machine) decide(t api.CommandType, q *publishedapi.ApplyRequest, index uint64) error {
	switch t {
	case api.CommandAddTask:
		return m.AddTask(q, index)
	case api.CommandCancelTask:
		return m.CancelTask(q)
	case api.CommandCleanUpTask:
		return m.CleanUpTask(q)
	case api.CommandRecordUnitCompletion:
		return m.RecordUnitCompletion(q)
	case api.CommandUpdateUnitProgress:
		return m.UpdateUnitProgress(q)
	case api.CommandMarkTaskFinalized:
		return m.MarkTaskFinalized(q)
	case api.CommandRecordPostAck:
		return m.RecordPostCompletionAck(q)
	case api.CommandRecordPreparationAck:
		return m.RecordPreparationCompleteAck(q)
	case api.CommandMarkTaskFailed:
		if f, ok := any(m.Manager).(failer); ok {
			return f.MarkTaskFailed(q)
		}
	}
	return fmt.Errorf("unknown command %s", replica.CommandName(t))
}

// CheckAddTask implements replica.Machine. It is asked about tasks that are refused for another
// reason; the published Manager has no check beside AddTask.
func (machine) CheckAddTask(*api.ApplyRequest) error { return nil }

// CheckOwnPropertyUpdate implements replica.Machine: the flip at the end of a migration passes
// the guards of the published schema.
func (machine) CheckOwnPropertyUpdate(string, string, uint64, string, string) error { return nil }

// detector is detectors of this side as the published Manager calls them.
type detector struct {
	published.Provider // of which it calls nothing
	conflict           fsm.ConflictDetector
	mutation           fsm.SchemaMutationDetector
}

func (d detector) CheckConflict(payload []byte, existing []*published.Task) error {
	return refusal(d.conflict.CheckConflict(slices.Clone(payload), convertAll(existing, ownTask)))
}

func (d detector) CheckPropertyUpdate(class, property string, existing []*published.Task) error {
	return refusal(d.mutation.CheckPropertyUpdate(class, property, convertAll(existing, ownTask)))
}

func (d detector) CheckClassMutation(class string, existing []*published.Task) error {
	return refusal(d.mutation.CheckClassMutation(class, convertAll(existing, ownTask)))
}

func (d detector) CheckTenantMutation(class string, tenants []string, existing []*published.Task) error {
	return refusal(d.mutation.CheckTenantMutation(class, slices.Clone(tenants), convertAll(existing, ownTask)))
}

// refused is the error of every detector. The published Manager asks them, and shows them tasks, in
// the order of maps: which task is in the way first is another one on each node, and the sessions of
// a replica keep the text of a rejection.
type refused struct{}

func (refused) Error() string { return "conflicts with a task that is active" }

// Reason implements fsm.Reasoned.
func (refused) Reason() (reason, about string) { return taskevent.TaskConflict, "" }

// refusal returns the refusal for an error of a detector.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	return refused{}
}

// SetConflictDetectors implements replica.Machine.
func (m machine) SetConflictDetectors(all map[string]fsm.ConflictDetector) {
	m.Manager.SetConflictDetectors(convertMap(all, func(d fsm.ConflictDetector) published.ConflictDetector { return detector{conflict: d} }))
}

// SetSchemaMutationDetectors implements replica.Machine.
func (m machine) SetSchemaMutationDetectors(all map[string]fsm.SchemaMutationDetector) {
	m.Manager.SetSchemaMutationDetectors(convertMap(all, func(d fsm.SchemaMutationDetector) published.SchemaMutationDetector { return detector{mutation: d} }))
}

// RegisterCollectionExtractor implements replica.Machine.
func (m machine) RegisterCollectionExtractor(namespace string, e fsm.CollectionExtractor) {
	if e == nil {
		return
	}
	m.Manager.RegisterCollectionExtractor(namespace, func(payload []byte) (string, bool) { return e(slices.Clone(payload)) })
}

// SetSchedulerNotifier implements replica.Machine.
func (m machine) SetSchedulerNotifier(n fsm.SchedulerNotifier) {
	if n != nil {
		m.Manager.SetSchedulerNotifier(n)
	}
}

// DeleteTasksForCollection implements replica.Machine.
func (m machine) DeleteTasksForCollection(collection string) []fsm.TaskDescriptor {
	return convertAll(m.Manager.DeleteTasksForCollection(collection), func(d published.TaskDescriptor) fsm.TaskDescriptor { return fsm.TaskDescriptor(d) })
}

// ListDistributedTasks implements replica.Machine.
func (m machine) ListDistributedTasks(ctx context.Context) (map[string][]*fsm.Task, error) {
	all, err := m.Manager.ListDistributedTasks(ctx)
	if err != nil {
		return nil, err
	}
	return convertMap(all, func(of []*published.Task) []*fsm.Task { return convertAll(of, ownTask) }), nil
}

// Task implements replica.Machine.
func (m machine) Task(namespace, id string, version uint64) (*fsm.Task, error) {
	all, err := m.Manager.ListDistributedTasks(context.Background())
	if err != nil {
		return nil, err
	}
	for _, t := range all[namespace] {
		if t.ID == id && t.Version == version {
			return ownTask(t), nil
		}
	}
	return nil, fmt.Errorf("task %s/%s@%d: %w: %w", namespace, id, version, fsm.ErrTaskDoesNotExist, fsm.ErrPermanentRejection)
}

// Unit implements replica.Machine.
func (m machine) Unit(namespace, id string, version uint64, unit string) (fsm.TaskStatus, *fsm.Unit, error) {
	t, err := m.Task(namespace, id, version)
	if err != nil {
		return "", nil, err
	}
	return t.Status, t.Units[unit], nil
}

// Capture implements replica.Machine.
func (m machine) Capture() fsm.State {
	all, err := m.ListDistributedTasks(context.Background())
	if err != nil {
		panic(fmt.Sprintf("weaviate: a list of the tasks in memory: %v", err)) // it has nothing that can fail
	}
	for _, of := range all {
		slices.SortFunc(of, func(a, b *fsm.Task) int { return cmp.Compare(a.ID, b.ID) })
	}
	return fsm.State{Tasks: all}
}

// AppendState implements replica.Machine.
func (m machine) AppendState(b []byte) ([]byte, error) { return m.Capture().AppendJSON(b) }
