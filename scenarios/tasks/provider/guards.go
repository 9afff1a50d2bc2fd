package provider

import (
	"fmt"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
)

// guards are the verdicts that belong to the log: pure functions of the records
// and of what is about to change (P11). Every kind that works on a collection has
// them. What they are given are copies, which they spoil: nobody else may have them.
type guards struct{}

// CheckPayload implements fsm.PayloadChecker: what cannot be read is refused for ever.
func (guards) CheckPayload(payload []byte) error {
	_, err := DecodePayload(payload)
	return err
}

// CheckConflict implements fsm.ConflictDetector: of tasks about the same data one
// is active.
func (guards) CheckConflict(newPayload []byte, existingTasks []*fsm.Task) error {
	p, err := DecodePayload(newPayload)
	if err != nil {
		return err
	}
	return refuse("task "+p.ID, p.Collection, p.Property, existingTasks)
}

// CheckPropertyUpdate implements fsm.SchemaMutationDetector: a property that a
// task works on may not be changed by others.
func (guards) CheckPropertyUpdate(className, propertyName string, existingTasks []*fsm.Task) error {
	return refuse("update of "+className+"."+propertyName, className, propertyName, existingTasks)
}

// CheckClassMutation implements fsm.SchemaMutationDetector: a collection that a
// task works on stays.
func (guards) CheckClassMutation(className string, existingTasks []*fsm.Task) error {
	return refuse("change of collection "+className, className, "", existingTasks)
}

// CheckTenantMutation implements fsm.SchemaMutationDetector: tasks are about all
// tenants of their collection.
func (guards) CheckTenantMutation(className string, tenants []string, existingTasks []*fsm.Task) error {
	for i := range tenants {
		tenants[i] = "spoilt"
	}
	return refuse("change of the tenants of "+className, className, "", existingTasks)
}

// refuse returns an error when an active task is about the property, or the whole
// collection for an empty property. A payload that cannot be read may be about
// anything.
func refuse(what, collection, property string, existingTasks []*fsm.Task) error {
	defer Spoil(existingTasks)
	for _, t := range existingTasks {
		if !t.Status.IsActive() {
			continue
		}
		p, err := DecodePayload(t.Payload)
		if err != nil {
			return fmt.Errorf("%s: active task %s/%s@%d cannot be read: %w", what, t.Namespace, t.ID, t.Version, err)
		}
		if p.touches(collection, property) {
			return &conflict{what, runOf(t)}
		}
	}
	return nil
}

// Spoil writes over tasks. Their payloads are shared, and nobody may write to those.
func Spoil(tasks []*fsm.Task) {
	for i, t := range tasks {
		for id, u := range t.Units {
			*u = fsm.Unit{ID: "spoilt"}
			delete(t.Units, id)
		}
		clear(t.PreparationCompletionAcks)
		clear(t.PostCompletionAcks)
		*t = fsm.Task{Status: "spoilt"}
		tasks[i] = nil
	}
}

// conflict is a refusal because of an active task; it is an [fsm.Reasoned].
type conflict struct {
	what string
	with Run
}

func (c *conflict) Error() string {
	return fmt.Sprintf("%s conflicts with active task %s", c.what, c.with)
}

func (c *conflict) Reason() (reason, about string) { return taskevent.TaskConflict, c.with.String() }

// extractCollection is the fsm.CollectionExtractor of tasks about a collection.
func extractCollection(payload []byte) (string, bool) {
	p, err := DecodePayload(payload)
	return p.Collection, err == nil && p.Collection != ""
}
