package fsm

import (
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"

	"dtsim/fsm/api"
)

// ManagerParameters are the settings of a Manager. No verdict
// depends on them (P1).
type ManagerParameters struct {
	// Clock is part of the reference's signature and not read: commands carry the
	// times they need.
	Clock clockwork.Clock
	// CompletedTaskTTL is part of the reference's signature and not read: clean-up
	// commands carry it.
	CompletedTaskTTL time.Duration
	// Logger receives what is not an outcome of a command; nil discards it.
	Logger logrus.FieldLogger
}

// Manager is the state machine of all distributed tasks. Methods that take an
// [api.ApplyRequest] apply one committed command and are called in log order; all
// methods are safe for concurrent use.
//
// An apply validates everything before it changes anything: one that returns an
// error has changed nothing.
type Manager struct {
	logger logrus.FieldLogger

	mu sync.RWMutex
	// records holds one record per namespace and task ID; no namespace is empty.
	records           map[string]map[string]*record
	conflictDetectors map[string]ConflictDetector
	mutationDetectors map[string]SchemaMutationDetector
	extractors        map[string]CollectionExtractor
	notifier          SchedulerNotifier
}

// NewManager returns a Manager without tasks.
func NewManager(params ManagerParameters) *Manager {
	logger := params.Logger
	if logger == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		logger = silent
	}
	return &Manager{
		logger:     logger,
		records:    make(map[string]map[string]*record),
		extractors: make(map[string]CollectionExtractor),
	}
}

// SetSchedulerNotifier sets what to wake when a task has changed, and replaces the one set
// before; nil is none. Wake is called after the change is visible and
// without any lock of the Manager.
func (m *Manager) SetSchedulerNotifier(notifier SchedulerNotifier) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notifier = notifier
}

// Apply applies the command c, which is at index in the log, by its type.
func (m *Manager) Apply(c *api.ApplyRequest, index uint64) error {
	if c == nil {
		return invalid("there is no command")
	}
	switch c.Type {
	case api.CommandAddTask:
		return m.AddTask(c, index)
	case api.CommandCancelTask:
		return m.CancelTask(c)
	case api.CommandCleanUpTask:
		return m.CleanUpTask(c)
	case api.CommandRecordUnitCompletion:
		return m.RecordUnitCompletion(c)
	case api.CommandUpdateUnitProgress:
		return m.UpdateUnitProgress(c)
	case api.CommandMarkTaskFinalized:
		return m.MarkTaskFinalized(c)
	case api.CommandRecordPostAck:
		return m.RecordPostCompletionAck(c)
	case api.CommandRecordPreparationAck:
		return m.RecordPreparationCompleteAck(c)
	case api.CommandMarkTaskFailed:
		return m.MarkTaskFailed(c)
	}
	return invalid("unknown command %s", c.Type)
}

// verdict decides one command and, when it accepts it, carries it out. It reports
// whether the scheduler should look at the change at once.
type verdict func() (wake bool, err error)

// decide runs a verdict under the lock, and wakes the scheduler after it.
func (m *Manager) decide(v verdict) error {
	wake, notifier, err := m.locked(v)
	if wake && notifier != nil {
		m.wake(notifier)
	}
	return err
}

func (m *Manager) locked(v verdict) (bool, SchedulerNotifier, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wake, err := v()
	return wake, m.notifier, err
}

// wake recovers a panic of the notifier: the change is made on every replica, so this one
// must not return that it failed (P18).
func (m *Manager) wake(notifier SchedulerNotifier) {
	defer func() {
		if p := recover(); p != nil {
			m.logger.WithField("panic", p).Error("scheduler notifier panicked")
		}
	}()
	notifier.Wake()
}

// decideOn is decide for a command about the run of a task that exists.
func (m *Manager) decideOn(namespace, id string, version uint64, v func(*record) (wake bool, err error)) error {
	return m.decide(func() (bool, error) {
		r, err := m.find(namespace, id, version)
		if err != nil {
			return false, err
		}
		return v(r)
	})
}

// find returns the record of one run. The caller holds the lock.
func (m *Manager) find(namespace, id string, version uint64) (*record, error) {
	r, ok := m.records[namespace][id]
	if !ok || r.task.Version != version {
		return nil, wrapPermanent(ErrTaskDoesNotExist, "task %s/%s/%d does not exist", namespace, id, version)
	}
	return r, nil
}

// put stores r in place of any record of the same ID. The caller holds the lock.
func (m *Manager) put(r *record) {
	namespace := m.records[r.task.Namespace]
	if namespace == nil {
		namespace = make(map[string]*record)
		m.records[r.task.Namespace] = namespace
	}
	namespace[r.task.ID] = r
}

// remove drops a record. The caller holds the lock.
func (m *Manager) remove(namespace, id string) {
	delete(m.records[namespace], id)
	if len(m.records[namespace]) == 0 {
		delete(m.records, namespace)
	}
}

// clones returns copies of all records of a namespace, sorted by ID. The caller
// holds the lock.
func (m *Manager) clones(namespace string) []*Task {
	records := m.records[namespace]
	tasks := make([]*Task, 0, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		tasks = append(tasks, records[id].task.Clone())
	}
	return tasks
}
