package tasks

import (
	"encoding/json"
	"fmt"
	"time"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
)

// What the tasks are about: one property of a collection with a shard for each unit.
const (
	collection   = "c"
	property     = "text"
	tokenization = "word"
	was          = "field"
)

// world is what does not change: the configuration, and what follows from it. Its
// methods are pure functions of values; nothing here knows of pools and caches.
type world struct {
	Config
	payloads [][]byte
	// spares are of use to a search; nil restores a Manager for every command.
	spares *spares
	// bystanders are tasks that every Manager holds besides, for audits.
	bystanders []*fsm.Task
}

func newWorld(c Config) (*world, error) {
	c = c.withDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := &world{Config: c}
	for key := range c.Tasks {
		payload, err := json.Marshal(w.payload(key))
		if err != nil {
			return nil, fmt.Errorf("configuration %q: %w", c.Name, err)
		}
		w.payloads = append(w.payloads, payload)
	}
	return w, nil
}

// payload is what stands in the record of a task, in the form of scenarios/tasks/provider, so that
// who reads traces can read it.
type payload struct {
	taskplan.Task
	Places map[string]place `json:"places,omitempty"`
}

type place struct {
	Shard string `json:"shard"`
	Node  string `json:"node"`
}

func (w *world) payload(key int) payload {
	p := payload{
		Task: taskplan.Task{
			Kind: taskplan.Reindex, ID: w.taskName(key), Collection: collection, Property: property, Tokenization: tokenization,
			PerTenant: w.Groups > 1, Barrier: w.Barrier, MinUnitTime: plan.Duration(time.Second), Parallel: 1,
		},
		Places: map[string]place{},
	}
	p.Property = w.propertyOf(key)
	if w.Compete {
		p.Task = taskplan.Task{Kind: taskplan.Cleanup, ID: p.ID, Files: w.Units, MinUnitTime: p.MinUnitTime, Parallel: 1}
		return payload{Task: p.Task}
	}
	for unit := range w.Units {
		p.Places[w.unitName(unit)] = place{Shard: w.shardName(unit), Node: w.nodeName(w.home(unit))}
	}
	return p
}

// propertyOf is what a task is about: tasks that do not conflict have one each.
func (w *world) propertyOf(key int) string {
	if w.Tasks > 1 && !w.Conflict {
		return fmt.Sprintf("%s%d", property, key+1)
	}
	return property
}

// namespace is that of all tasks: the kind of their provider.
func (w *world) namespace() string {
	if w.Compete {
		return string(taskplan.Cleanup)
	}
	return string(taskplan.Reindex)
}

func (w *world) taskName(key int) string  { return taskNames[key] }
func (w *world) nodeName(node int) string { return nodeNames[node] }
func (w *world) unitName(unit int) string { return unitNames[unit] }

// groupName is "" for the only group.
func (w *world) groupName(group int) string {
	if w.Groups == 1 {
		return ""
	}
	return groupNames[group]
}

// shardName is that of a unit's shard. Tenants are shards: the units of a group are
// the replicas of one.
func (w *world) shardName(unit int) string {
	if w.Groups > 1 {
		return w.groupName(w.groupOf(unit))
	}
	return fmt.Sprintf("s%d", unit+1)
}

var taskNames, nodeNames, unitNames, groupNames = names("t", MaxTasks), names("n", MaxNodes), names("u", MaxUnits), names("g", MaxUnits)

func names(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s%d", prefix, i+1)
	}
	return all
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// home is the node of a unit.
func (w *world) home(unit int) int { return unit % w.Nodes }

// groupOf is the group of a unit: the units of one node go to one group after the
// other.
func (w *world) groupOf(unit int) int { return unit / w.Nodes % w.Groups }

// localUnits are the units whose replicas are on a node.
func (w *world) localUnits(node int) []int {
	var units []int
	if !w.Compete {
		for unit := node; unit < w.Units; unit += w.Nodes {
			units = append(units, unit)
		}
	}
	return units
}

// alone reports whether each group swaps alone: behind the barrier groups swap together or
// not at all; see scenarios/tasks/provider.
func (w *world) alone() bool { return w.Groups > 1 && !w.Barrier }

// swaps reports whether the replicas of a group end on what the task has built, as far as
// a record can tell.
func (w *world) swaps(task *fsm.Task, group int) bool {
	if !w.alone() {
		return task.Status == fsm.TaskStatusSwapping || task.Status == fsm.TaskStatusFinished
	}
	return groupCompleted(task, w.groupName(group))
}

// groupCompleted reports whether every unit of a group is COMPLETED.
func groupCompleted(task *fsm.Task, group string) bool {
	for _, u := range task.Units {
		if u.GroupID == group && u.Status != fsm.UnitStatusCompleted {
			return false
		}
	}
	return true
}
