package timeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/fsm"
	"dtsim/fsm/replica"
)

// inherit projects the snapshot that is on every disk when the run begins. It ignores a snapshot
// that does not decode.
func (p *stateProjector) inherit() {
	var document struct {
		Tasks  json.RawMessage       `json:"distributed_tasks"`
		Schema []*replica.Collection `json:"schema"`
	}
	var state fsm.State
	snapshot := []byte(p.e.Str("snapshot"))
	if json.Unmarshal(snapshot, &document) != nil || json.Unmarshal(document.Tasks, &state) != nil {
		return
	}
	index := uintOf(p.e, "index")
	p.set("log", strconv.FormatUint(index, 10))
	is := &schema{index: index, all: make(map[string]map[string]string), by: make(map[string]map[string]uint64), before: p.schema}
	for _, c := range document.Schema {
		if c == nil {
			continue
		}
		of, by := make(map[string]string), make(map[string]uint64)
		for property, p := range c.Properties {
			part := path("schema", c.Name, property)
			of[part], by["run "+part], by["user "+part] = p.Tokenization, p.FlippedBy, p.UpdatedAt
		}
		for tenant, shard := range c.Shards {
			for property, swap := range shard.Swapped {
				of[path("schema", c.Name, property, tenant)] = swap.Tokenization
			}
		}
		is.all[strings.ToLower(c.Name)], is.by[strings.ToLower(c.Name)] = of, by
	}
	p.schema = is
	for _, part := range is.parts() {
		p.set(part, is.get(part))
	}
	for _, namespace := range slices.Sorted(maps.Keys(state.Tasks)) {
		for _, task := range state.Tasks[namespace] {
			if task != nil {
				p.inheritTask(task)
			}
		}
	}
}

func (p *stateProjector) inheritTask(of *fsm.Task) {
	r := &task{part: path("task", of.Namespace, of.ID), version: int64(of.Version), status: string(of.Status)}
	p.tasks[[2]string{of.Namespace, of.ID}] = r
	p.set(r.part, fmt.Sprintf("v%d %s", r.version, r.status))
	for _, id := range slices.Sorted(maps.Keys(of.Units)) {
		u := of.Units[id]
		if u == nil {
			continue
		}
		progress := ""
		if u.NodeID != "" {
			progress = strconv.FormatFloat(float64(u.Progress), 'g', -1, 32)
		}
		p.below(r.part, r.part+"/"+path("unit", id), unitIs(string(u.Status), u.NodeID, progress))
	}
	p.inheritAcks(r, "prepared", of.PreparationCompletionAcks)
	p.inheritAcks(r, "swapped", of.PostCompletionAcks)
}

func (p *stateProjector) inheritAcks(r *task, name string, acks map[string]fsm.PostCompletionAck) {
	for _, node := range slices.Sorted(maps.Keys(acks)) {
		p.below(r.part, r.part+"/"+path(name, node), ackIs(acks[node].Success, acks[node].Error))
	}
}
