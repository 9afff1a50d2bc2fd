package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rules are what the namespaces add to the machine. All functions must be pure; one
// that panics has refused, or, as an extractor, has found no collection. Tasks are
// those of the function's own namespace, sorted by ID.
type Rules struct {
	// Guards are asked before a task is added or the schema changes, by namespace.
	Guards map[string]Guard
	// Collections read the collection that a payload is bound to, by namespace.
	Collections map[string]func(payload []byte) (collection string, ok bool)
}

// Guard holds the checks of one namespace; each returns why it refuses, and one that
// is nil refuses nothing.
type Guard struct {
	// Payload returns why a payload can never be accepted; it is asked first.
	Payload  func(payload []byte) error
	Conflict func(payload []byte, tasks []*Task) error
	Property func(class, property string, tasks []*Task) error
	Class    func(class string, tasks []*Task) error
	Tenants  func(class string, tenants []string, tasks []*Task) error
}

// CheckPropertyUpdate returns why the update of a property is refused: by the first
// namespace that does, in sorted order. So do the other two checks.
func (m Machine) CheckPropertyUpdate(class, property string) error {
	return m.ask(func(g Guard, tasks []*Task) error {
		if g.Property == nil {
			return nil
		}
		return g.Property(class, property, tasks)
	})
}

// CheckClassMutation returns why a destructive change of a class is refused.
func (m Machine) CheckClassMutation(class string) error {
	return m.ask(func(g Guard, tasks []*Task) error {
		if g.Class == nil {
			return nil
		}
		return g.Class(class, tasks)
	})
}

// CheckTenantMutation returns why tenants must not become unavailable.
func (m Machine) CheckTenantMutation(class string, tenants []string) error {
	return m.ask(func(g Guard, tasks []*Task) error {
		if g.Tenants == nil {
			return nil
		}
		return g.Tenants(class, tenants, tasks)
	})
}

func (m Machine) ask(f func(Guard, []*Task) error) error {
	if m.rules == nil {
		return nil
	}
	for _, namespace := range slices.Sorted(maps.Keys(m.rules.Guards)) {
		if err := guarded(func() error { return f(m.rules.Guards[namespace], m.Tasks(namespace)) }); err != nil {
			return err
		}
	}
	return nil
}

// Unreadable reports whether the namespace can never accept a payload.
func (m Machine) Unreadable(namespace string, payload []byte) bool {
	if m.rules == nil || m.rules.Guards[namespace].Payload == nil {
		return false
	}
	return guarded(func() error { return m.rules.Guards[namespace].Payload(payload) }) != nil
}

// conflict returns why the namespace refuses a new task.
func (m Machine) conflict(namespace string, payload []byte) error {
	if m.rules == nil || m.rules.Guards[namespace].Conflict == nil {
		return nil
	}
	return guarded(func() error { return m.rules.Guards[namespace].Conflict(payload, m.Tasks(namespace)) })
}

func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// Collection returns the collection that a payload is bound to; false if to none.
func (m Machine) Collection(namespace string, payload []byte) (collection string, ok bool) {
	if m.rules == nil || m.rules.Collections[namespace] == nil {
		return "", false
	}
	defer func() {
		if recover() != nil {
			collection, ok = "", false
		}
	}()
	return m.rules.Collections[namespace](payload)
}

// Descriptor names one run of a task.
type Descriptor struct {
	ID      string
	Version uint64
}

// DeleteTasksForCollection removes every task that is bound to a collection, whatever
// its status, and returns them, sorted by ID and version. Case does not matter; the
// collection "" has no tasks.
func (m Machine) DeleteTasksForCollection(collection string) (Machine, []Descriptor) {
	if collection == "" {
		return m, nil
	}
	var gone []Descriptor
	for _, namespace := range m.Namespaces() {
		for _, t := range m.Tasks(namespace) {
			if bound, ok := m.Collection(namespace, t.Payload); ok && strings.EqualFold(bound, collection) {
				m = m.without(t)
				gone = append(gone, Descriptor{t.ID, t.Version})
			}
		}
	}
	slices.SortStableFunc(gone, func(a, b Descriptor) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	return m, gone
}
