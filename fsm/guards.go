package fsm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SetConflictDetectors sets, by namespace, the detectors that are called before a task is
// added, and replaces those set before. Detectors are part of the state machine: set the same ones
// on every replica before the first apply (P11). They run under the Manager's lock
// and must not call it.
func (m *Manager) SetConflictDetectors(detectors map[string]ConflictDetector) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conflictDetectors = maps.Clone(detectors)
}

// SetSchemaMutationDetectors sets, by namespace, the detectors that are called before the
// schema changes, and replaces those set before. Detectors are part of the state machine: set
// the same ones on every replica before the first apply (P11). They run under the
// Manager's lock and must not call it.
func (m *Manager) SetSchemaMutationDetectors(detectors map[string]SchemaMutationDetector) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mutationDetectors = maps.Clone(detectors)
}

// RegisterCollectionExtractor sets how a collection is read from the payloads of a
// namespace, so that [Manager.DeleteTasksForCollection] finds its tasks. The last
// one wins; an empty namespace and a nil extractor are ignored. Extractors are
// part of the state machine: register the same ones on every replica before the
// first apply. They run under the Manager's lock and must not call it.
func (m *Manager) RegisterCollectionExtractor(namespace string, extractor CollectionExtractor) {
	if namespace == "" || extractor == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.extractors[namespace] = extractor
}

// checkPayload calls the detector of the task's namespace, if it is a [PayloadChecker].
func (m *Manager) checkPayload(task *Task) error {
	m.mu.RLock()
	checker, ok := m.conflictDetectors[task.Namespace].(PayloadChecker)
	m.mu.RUnlock()
	if !ok {
		return nil
	}
	if err := guarded(task.Namespace, func() error { return checker.CheckPayload(task.Payload) }); err != nil {
		return invalid("payload of task %s/%s: %s", task.Namespace, task.ID, err)
	}
	return nil
}

// checkConflict calls the detector of the task's namespace, if there is one. The
// caller holds the lock.
func (m *Manager) checkConflict(task *Task) error {
	detector := m.conflictDetectors[task.Namespace]
	if detector == nil {
		return nil
	}
	err := guarded(task.Namespace, func() error {
		return detector.CheckConflict(task.Payload, m.clones(task.Namespace))
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("task %s/%s conflicts with an existing task: %w", task.Namespace, task.ID, err)
	if reason, _ := Reason(err); reason == "" {
		err = &refusal{err, reasonTaskConflict}
	}
	return err
}

// guarded turns a detector's panic into a rejection: it occurs on every replica, and no
// command may be applied in part (P18).
func guarded(namespace string, ask func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = refuse(reasonPanicked, "detector of namespace %s panicked: %v", namespace, p)
		}
	}()
	return ask()
}

// CheckPropertyUpdate calls every schema mutation detector about an update of a
// property, in the order of their namespaces, and returns the first refusal as it
// is. To be called while the update is applied.
func (m *Manager) CheckPropertyUpdate(className, propertyName string) error {
	return m.checkMutation("", func(d SchemaMutationDetector, tasks []*Task) error {
		return d.CheckPropertyUpdate(className, propertyName, tasks)
	})
}

// CheckOwnPropertyUpdate is [Manager.CheckPropertyUpdate] for an update that a task
// makes itself: the flip at the end of a migration. The task must be SWAPPING with
// a successful swap of every owning node, or FINISHED (P8); the detector of its
// namespace is not called. Otherwise: [ErrTaskDoesNotExist],
// [ErrTaskNotInFinalizingState].
func (m *Manager) CheckOwnPropertyUpdate(namespace, taskID string, version uint64, className, propertyName string) error {
	if err := m.checkFlip(namespace, taskID, version); err != nil {
		return err
	}
	return m.checkMutation(namespace, func(d SchemaMutationDetector, tasks []*Task) error {
		return d.CheckPropertyUpdate(className, propertyName, tasks)
	})
}

func (m *Manager) checkFlip(namespace, taskID string, version uint64) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, err := m.find(namespace, taskID, version)
	if err != nil {
		return err
	}
	switch {
	case r.task.Status == TaskStatusFinished:
		return nil
	case r.task.Status == TaskStatusSwapping && r.allSwapped():
		return nil
	}
	return r.notIn("cannot change the schema")
}

// CheckClassMutation calls every schema mutation detector about a destructive change
// of a class, in the order of their namespaces, and returns the first refusal as it
// is. To be called while the change is applied.
func (m *Manager) CheckClassMutation(className string) error {
	return m.checkMutation("", func(d SchemaMutationDetector, tasks []*Task) error {
		return d.CheckClassMutation(className, tasks)
	})
}

// CheckTenantMutation calls every schema mutation detector about a change that makes
// tenants unavailable, in the order of their namespaces, and returns the first
// refusal as it is. To be called while the change is applied.
func (m *Manager) CheckTenantMutation(className string, tenants []string) error {
	return m.checkMutation("", func(d SchemaMutationDetector, tasks []*Task) error {
		return d.CheckTenantMutation(className, slices.Clone(tenants), tasks)
	})
}

// checkMutation calls the detectors of all namespaces but one.
func (m *Manager) checkMutation(except string, ask func(SchemaMutationDetector, []*Task) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, namespace := range slices.Sorted(maps.Keys(m.mutationDetectors)) {
		detector := m.mutationDetectors[namespace]
		if detector == nil || namespace == except {
			continue
		}
		if err := guarded(namespace, func() error { return ask(detector, m.clones(namespace)) }); err != nil {
			return err
		}
	}
	return nil
}

// DeleteTasksForCollection removes every task, whatever its status, whose payload is
// bound to the collection, compared without regard to case; "" removes nothing. It
// returns what it removed, sorted by ID and version. To be called while the drop of
// the collection is applied (P12).
func (m *Manager) DeleteTasksForCollection(collection string) []TaskDescriptor {
	if collection == "" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var removed []TaskDescriptor
	for _, namespace := range slices.Sorted(maps.Keys(m.extractors)) {
		for _, id := range slices.Sorted(maps.Keys(m.records[namespace])) {
			task := m.records[namespace][id].task
			bound, ok := m.collectionOf(task, m.extractors[namespace])
			if ok && strings.EqualFold(bound, collection) {
				removed = append(removed, task.TaskDescriptor)
				m.remove(namespace, id)
			}
		}
	}
	slices.SortFunc(removed, func(a, b TaskDescriptor) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	return removed
}

// collectionOf calls an extractor; a payload that makes it panic is bound to nothing
// (P18).
func (m *Manager) collectionOf(task *Task, extractor CollectionExtractor) (collection string, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			m.logger.WithField("panic", p).WithField("namespace", task.Namespace).WithField("task", task.ID).
				Error("collection extractor panicked")
			collection, ok = "", false
		}
	}()
	return extractor(task.Payload)
}
