package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/sim/trace"
)

// nodeEvent projects an event of a node.
func (p *stateProjector) nodeEvent(h *nodeState) {
	e := p.e
	switch e.Kind {
	case trace.NodeStarted:
		p.reset(h)
		p.set(h.part, fmt.Sprintf("up #%d", e.Incarnation))
	case trace.NodeStopped:
		p.reset(h)
		p.set(h.part, "down ("+e.Str("how")+")")
	case trace.NodePaused:
		p.set(h.part, fmt.Sprintf("paused #%d", e.Incarnation))
	case trace.NodeResumed:
		p.set(h.part, fmt.Sprintf("up #%d", e.Incarnation))
	case trace.NodeLeft:
		p.reset(h)
		p.set(h.part, "left")
	case trace.ClockSet:
		p.set(h.part+"/clock", offBy(e))
	case trace.NodeState:
		p.below(h.part, h.part+"/raft", fmt.Sprintf("%s in term %d", e.Str("state"), uintOf(e, "term")))
	case trace.LeaderSeen:
		p.below(h.part, h.part+"/leader", e.Str("leader"))
	case trace.Applied, trace.SnapshotRestored:
		p.applied(h, uintOf(e, "index"))
	case trace.HandleStarted, trace.HandleTerminated, trace.HandleExited:
		p.handle(h)
	case trace.CallbackStarted:
		r := taskRunOf(e)
		value := fmt.Sprintf("%s v%d", e.Str("callback"), r.version)
		if group := e.Str("group"); group != "" {
			value += " of group " + group
		}
		p.below(h.part, h.part+"/"+path("callback", r.namespace, r.task), value)
	case trace.CallbackEnded:
		r := taskRunOf(e)
		p.set(h.part+"/"+path("callback", r.namespace, r.task), "")
	case trace.ShardChanged:
		p.shard(h)
	}
}

// reset drops the volatile state of a node. Its shards stay.
func (p *stateProjector) reset(h *nodeState) {
	p.clear(h.part)
	h.index, h.schema, h.handles = 0, nil, make(map[taskRun][]handle)
}

func offBy(e *trace.Event) string {
	ahead, drift := time.Duration(e.Int("ahead")), e.Int("drift")
	var words []string
	switch {
	case ahead > 0:
		words = append(words, ahead.String()+" ahead")
	case ahead < 0:
		words = append(words, (-ahead).String()+" behind")
	}
	if drift != 0 {
		words = append(words, fmt.Sprintf("gains %dµs a second", drift))
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
	for _, part := range was.parts() {
		if is.get(part) == "" {
			p.set(h.part+"/"+part, "")
		}
	}
	for _, part := range is.parts() {
		p.below(h.part, h.part+"/"+part, is.get(part))
	}
}

// handle projects an event of a handle.
func (p *stateProjector) handle(h *nodeState) {
	r, number := taskRunOf(p.e), p.e.Int("handle")
	all := h.handles[r]
	at := slices.IndexFunc(all, func(o handle) bool { return o.number == number })
	switch {
	case p.e.Kind == trace.HandleStarted:
		all = append(all, handle{number: number})
	case at < 0:
	case p.e.Kind == trace.HandleTerminated:
		all[at].terminating = true
	default:
		all = slices.Delete(all, at, at+1)
	}
	if h.handles == nil {
		h.handles = make(map[taskRun][]handle)
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
	part := h.part + "/" + path("handle", r.namespace, r.task) + "@" + strconv.FormatInt(r.version, 10)
	p.below(h.part, part, strings.Join(words, ", "))
}

// shard projects the state of a shard replica.
func (p *stateProjector) shard(h *nodeState) {
	e := p.e
	part := h.part + "/" + path("shard", e.Str("collection"), e.Str("shard"))
	why := e.Str("why")
	if why == "removed" {
		delete(h.serves, part)
		p.set(part, "")
		return
	}
	if h.serves == nil {
		h.serves = make(map[string]map[string]string)
	}
	if h.serves[part] == nil || why == "created" {
		h.serves[part] = make(map[string]string)
	}
	if property := e.Str("property"); property != "" {
		h.serves[part][property] = e.Str("tokenization")
	}
	var words []string
	for _, property := range slices.Sorted(maps.Keys(h.serves[part])) {
		words = append(words, property+"="+h.serves[part][property])
	}
	if r := taskRunOf(e); r.task != "" {
		why += fmt.Sprintf(" by %s/%s@%d", r.namespace, r.task, r.version)
	}
	p.set(part, strings.Join(append(words, why), ", "))
}
