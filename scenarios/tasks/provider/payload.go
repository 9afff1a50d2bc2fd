package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/keyed"
)

// Payload is what stands in the record of a task: the plan of it,
// and where its units are.
type Payload struct {
	taskplan.Task
	// Places has for each unit of a task on a collection which replica it is.
	Places map[string]Place `json:"places,omitempty"`
	noopPayload
}

// Place is one replica of a shard.
type Place struct {
	Shard string `json:"shard"`
	Node  string `json:"node"`
}

// NewPayload returns the payload of a task with these units.
func NewPayload(t taskplan.Task, units []taskplan.Unit) Payload {
	p := Payload{Task: t}
	if t.Kind == taskplan.Cleanup {
		return p
	}
	p.Places = make(map[string]Place, len(units))
	for _, u := range units {
		p.Places[u.ID] = Place{Shard: u.Shard, Node: u.Node}
	}
	if t.Kind == taskplan.ShardNoop {
		p.noopPayload = newNoopPayload(t, p.Places)
	}
	return p
}

// group is the group of a shard's units.
func (p Payload) group(shard string) string {
	if p.PerTenant {
		return shard
	}
	return ""
}

// DecodePayload reads the payload of a record. It must name the kind of the
// task and, unless that is a cleanup, the collection.
func DecodePayload(b []byte) (Payload, error) {
	var p Payload
	if err := json.Unmarshal(b, &p); err != nil {
		return Payload{}, fmt.Errorf("payload: %w", err)
	}
	switch {
	case !slices.Contains(taskplan.Kinds(), p.Kind):
		return Payload{}, fmt.Errorf("payload: %q is no kind of task", p.Kind)
	case p.Kind != taskplan.Cleanup && p.Collection == "":
		return Payload{}, fmt.Errorf("payload: %s without a collection", p.Kind)
	}
	return p, nil
}

// local returns the units whose replicas are on node, sorted.
func (p Payload) local(node string) []string {
	var units []string
	for _, id := range slices.Sorted(maps.Keys(p.Places)) {
		if p.Places[id].Node == node {
			units = append(units, id)
		}
	}
	return units
}

// shards returns the shards that the units are replicas of, sorted.
func (p Payload) shards() []string {
	var all []string
	for _, place := range p.Places {
		all = append(all, place.Shard)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// touches reports whether two tasks are about the same data: the same collection and,
// unless one of them is about all properties, the same property.
func (p Payload) touches(collection, property string) bool {
	return strings.EqualFold(p.Collection, collection) &&
		(p.Property == "" || property == "" || p.Property == property)
}

// fails reports whether the work on a unit ends in failure.
func (p Payload) fails(unit string) bool { return slices.Contains(p.FailUnits, unit) }

// workTime is how long the work on a unit takes, in every run of the task.
func (p Payload) workTime(seed uint64, unit string) time.Duration {
	d := keyed.New(seed, "work").Str(string(p.Kind)).Str(p.ID).Str(unit).
		Duration(p.MinUnitTime.D(), p.MaxUnitTime.D())
	if slices.Contains(p.SlowUnits, unit) {
		d *= 10
	}
	return d
}

// parallel is how many units a node works on at once.
func (p Payload) parallel() int { return max(1, p.Parallel) }
