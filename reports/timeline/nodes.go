package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace/event"
)

// nodeEvent projects an event of a node.
func (p *stateProjector) nodeEvent(h *nodeState) {
	switch b := p.e.Body.(type) {
	case *event.NodeStarted:
		p.reset(h)
		p.set(h.part, fmt.Sprintf("up #%d", p.e.Incarnation))
	case *event.NodeStopped:
		p.reset(h)
		p.set(h.part, "down ("+b.How+")")
	case *event.NodePaused:
		p.set(h.part, fmt.Sprintf("paused #%d", p.e.Incarnation))
	case *event.NodeResumed:
		p.set(h.part, fmt.Sprintf("up #%d", p.e.Incarnation))
	case *event.NodeLeft:
		p.reset(h)
		p.set(h.part, "left")
	case *event.ClockSet:
		p.set(h.part+"/clock", clockText(b))
	case *event.NodeState:
		p.below(h.part, h.part+"/raft", fmt.Sprintf("%s in term %d", b.State, b.Term))
	case *event.LeaderSeen:
		p.below(h.part, h.part+"/leader", b.Leader)
	case *event.Applied:
		p.applied(h, b.Index)
	case *event.SnapshotRestored:
		p.applied(h, b.Index)
	case *taskevent.HandleStarted:
		p.handles(h, b.Run, append(h.handles[b.Run], handle{number: b.Number}))
	case *taskevent.HandleTerminated:
		all := h.handles[b.Run]
		for i := range all {
			all[i].terminating = all[i].terminating || all[i].number == b.Number
		}
		p.handles(h, b.Run, all)
	case *taskevent.HandleExited:
		p.handles(h, b.Run, slices.DeleteFunc(h.handles[b.Run], func(o handle) bool { return o.number == b.Number }))
	case *taskevent.CallbackStarted:
		value := fmt.Sprintf("%s v%d", b.Name, b.Version)
		if b.Group != "" {
			value += " of group " + b.Group
		}
		p.below(h.part, h.part+"/"+path("callback", b.Namespace, b.Task), value)
	case *taskevent.CallbackEnded:
		p.set(h.part+"/"+path("callback", b.Namespace, b.Task), "")
	case *taskevent.ShardChanged:
		p.shard(h, b)
	}
}

// reset drops the volatile state of a node. Its shards stay.
func (p *stateProjector) reset(h *nodeState) {
	p.clear(h.part)
	h.index, h.schema, h.handles = 0, new(schema), make(map[taskevent.Run][]handle)
}

// clockText returns how far a clock is off.
func clockText(b *event.ClockSet) string {
	var words []string
	switch {
	case b.Ahead > 0:
		words = append(words, b.Ahead.String()+" ahead")
	case b.Ahead < 0:
		words = append(words, (-b.Ahead).String()+" behind")
	}
	if b.Drift != 0 {
		words = append(words, fmt.Sprintf("gains %dµs a second", b.Drift))
	}
	return strings.Join(words, ", ")
}

// applied projects the applied index of a replica and the schema up to it.
func (p *stateProjector) applied(h *nodeState, index uint64) {
	if index == h.index {
		return
	}
	h.index = index
	p.below(h.part, h.applied, strconv.FormatUint(index, 10))
	was, is := h.schema, p.schema.at(index)
	if was == is {
		return
	}
	h.schema = is
	replaceParts(was.parts, is.parts, func(part, value string) { p.below(h.part, h.part+"/"+part, value) })
}

// handles projects the handles of a run on a node.
func (p *stateProjector) handles(h *nodeState, r taskevent.Run, all []handle) {
	if h.handles == nil {
		h.handles = make(map[taskevent.Run][]handle)
	}
	h.handles[r] = all
	var words []string
	for _, o := range all {
		word := "live"
		if o.terminating {
			word = "asked to stop"
		}
		words = append(words, fmt.Sprintf("%s #%d", word, o.number))
	}
	part := h.part + "/" + path("handle", r.Namespace, r.Task) + "@" + strconv.FormatUint(r.Version, 10)
	p.below(h.part, part, strings.Join(words, ", "))
}

// shard projects the state of a shard replica.
func (p *stateProjector) shard(h *nodeState, b *taskevent.ShardChanged) {
	part := h.part + "/" + path("shard", b.Collection, b.Shard)
	if b.Why == taskevent.ShardRemoved {
		delete(h.serves, part)
		p.set(part, "")
		return
	}
	if h.serves == nil {
		h.serves = make(map[string]map[string]string)
	}
	if h.serves[part] == nil || b.Why == taskevent.ShardCreated {
		h.serves[part] = make(map[string]string)
	}
	if b.Property != "" {
		h.serves[part][b.Property] = b.Tokenization
	}
	var words []string
	for _, property := range slices.Sorted(maps.Keys(h.serves[part])) {
		words = append(words, property+"="+h.serves[part][property])
	}
	why := b.Why
	if b.Task != "" {
		why += " by " + b.Run.String()
	}
	p.set(part, strings.Join(append(words, why), ", "))
}
