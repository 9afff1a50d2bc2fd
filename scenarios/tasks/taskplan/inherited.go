package taskplan

import (
	"fmt"
	"slices"
	"strings"
)

// Inherited is the replicated state with which a run begins: the cluster was rolled
// back to this version of the software, and a newer one had written the snapshot that
// stands on every disk.
//
// A snapshot is the only way in which a record of a status that a binary does not know
// comes to it: a command that it does not know is refused by every replica alike.
type Inherited struct {
	// Collections are there from the start.
	Collections []Collection `json:"collections,omitempty"`
	// Tasks are those at which the newer version was at work in its own way.
	Tasks []InheritedTask `json:"tasks,omitempty"`
}

// InheritedTask is a task whose status only a newer version knows. Its units are
// claimed and half done where they belong to a node, and unclaimed otherwise.
type InheritedTask struct {
	Task Task `json:"task"`
	// Status is none of those that this version has.
	Status string `json:"status"`
}

// collection returns an inherited collection, nil if there is none of that name.
func (h *Inherited) collection(name string) *Collection {
	if h == nil {
		return nil
	}
	for i := range h.Collections {
		if strings.EqualFold(h.Collections[i].Name, name) {
			return &h.Collections[i]
		}
	}
	return nil
}

// has reports whether a task is inherited.
func (h *Inherited) has(namespace, id string) bool {
	return h != nil && slices.ContainsFunc(h.Tasks, func(t InheritedTask) bool {
		return string(t.Task.Kind) == namespace && t.Task.ID == id
	})
}

// Units returns the units of an inherited task, in order.
func (h *Inherited) Units(t *InheritedTask, nodes int) []Unit {
	return UnitsOf(&t.Task, h.collection(t.Task.Collection), nodes)
}

// known are the statuses that this version has.
var known = []string{"STARTED", "PREPARING", "SWAPPING", "FINISHED", "FAILED", "CANCELLED"}

func (v *validator) inherited() {
	h := v.p.Inherited
	if h == nil {
		return
	}
	if len(h.Collections)+len(h.Tasks) == 0 {
		v.Failf("tasks.inherited", "there is nothing in it; leave it out")
	}
	for i := range h.Collections {
		c, path := &h.Collections[i], fmt.Sprintf("tasks.inherited.collections[%d]", i)
		v.collection(path, c)
		v.stored(path+".name", c.Name)
		if slices.ContainsFunc(h.Collections[:i], func(o Collection) bool { return strings.EqualFold(o.Name, c.Name) }) {
			v.Failf(path+".name", "%q is there twice", c.Name)
		}
		v.collections[strings.ToLower(c.Name)] = c
	}
	for i := range h.Tasks {
		v.inheritedTask(fmt.Sprintf("tasks.inherited.tasks[%d]", i), &h.Tasks[i])
	}
}

func (v *validator) inheritedTask(path string, t *InheritedTask) {
	v.ID(path+".status", t.Status)
	if slices.Contains(known, t.Status) {
		v.Failf(path+".status", "%s is a status of this version; an inherited task has one that it does not know", t.Status)
	}
	v.task(path+".task", &t.Task)
	if t.Task.Flaw != "" {
		v.Failf(path+".task.flaw", "an inherited task is not submitted")
	}
	key := [2]string{string(t.Task.Kind), t.Task.ID}
	if v.tasks[key]++; v.tasks[key] > 1 {
		v.Failf(path+".task.id", "%q of %s is there twice", t.Task.ID, t.Task.Kind)
	}
}

// stored complains about a name that no collection of a snapshot can have.
func (v *validator) stored(path, name string) {
	if name == "" {
		return
	}
	if c := name[0]; '0' <= c && c <= '9' || strings.Contains(name, ".") {
		v.Failf(path, "%q is no name of a collection: it begins with a letter and has no dots", name)
	}
}
