package story

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dtsim/sim/trace"
)

// onNode takes in what happens on a node.
func (t *teller) onNode(h *host) {
	e := t.e
	switch e.Kind {
	case trace.NodeStarted:
		t.forget(h)
		t.set(h.part, fmt.Sprintf("up #%d", e.Incarnation))
	case trace.NodeStopped:
		t.forget(h)
		t.set(h.part, "down ("+e.Str("how")+")")
	case trace.NodePaused:
		t.set(h.part, fmt.Sprintf("paused #%d", e.Incarnation))
	case trace.NodeResumed:
		t.set(h.part, fmt.Sprintf("up #%d", e.Incarnation))
	case trace.NodeLeft:
		t.forget(h)
		t.set(h.part, "left")
	case trace.ClockSet:
		t.set(h.part+"/clock", offBy(e))
	case trace.NodeState:
		t.below(h.part, h.part+"/raft", fmt.Sprintf("%s in term %d", e.Str("state"), uintOf(e, "term")))
	case trace.LeaderSeen:
		t.below(h.part, h.part+"/leader", e.Str("leader"))
	case trace.Applied, trace.SnapshotRestored:
		t.applied(h, uintOf(e, "index"))
	case trace.HandleStarted, trace.HandleTerminated, trace.HandleExited:
		t.handle(h)
	case trace.CallbackStarted:
		r := runOf(e)
		value := fmt.Sprintf("%s v%d", e.Str("callback"), r.version)
		if group := e.Str("group"); group != "" {
			value += " of group " + group
		}
		t.below(h.part, h.part+"/"+path("callback", r.namespace, r.task), value)
	case trace.CallbackEnded:
		r := runOf(e)
		t.set(h.part+"/"+path("callback", r.namespace, r.task), "")
	case trace.ShardChanged:
		t.shard(h)
	}
}

// forget lets go of what a node knows only while it lives. Its shards stay.
func (t *teller) forget(h *host) {
	t.clear(h.part)
	h.index, h.schema, h.handles = 0, nil, make(map[run][]handle)
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

// applied takes in how far a replica has come, and with it the schema up to there.
func (t *teller) applied(h *host, index uint64) {
	if index == h.index {
		return
	}
	h.index = index
	t.below(h.part, h.applied, strconv.FormatUint(index, 10))
	was, is := h.schema, t.schema.at(index)
	if was == is {
		return
	}
	h.schema = is
	for _, p := range was.parts() {
		if is.get(p) == "" {
			t.set(h.part+"/"+p, "")
		}
	}
	for _, p := range is.parts() {
		t.below(h.part, h.part+"/"+p, is.get(p))
	}
}

// handle takes in what becomes of a handle.
func (t *teller) handle(h *host) {
	r, number := runOf(t.e), t.e.Int("handle")
	all := h.handles[r]
	at := slices.IndexFunc(all, func(o handle) bool { return o.number == number })
	switch {
	case t.e.Kind == trace.HandleStarted:
		all = append(all, handle{number: number})
	case at < 0:
	case t.e.Kind == trace.HandleTerminated:
		all[at].told = true
	default:
		all = slices.Delete(all, at, at+1)
	}
	if h.handles == nil {
		h.handles = make(map[run][]handle)
	}
	h.handles[r] = all
	var words []string
	for _, o := range all {
		word := "live"
		if o.told {
			word = "told to stop"
		}
		words = append(words, fmt.Sprintf("%s #%d", word, o.number))
	}
	part := h.part + "/" + path("handle", r.namespace, r.task) + "@" + strconv.FormatInt(r.version, 10)
	t.below(h.part, part, strings.Join(words, ", "))
}

// shard takes in what a replica of a shard is.
func (t *teller) shard(h *host) {
	e := t.e
	part := h.part + "/" + path("shard", e.Str("collection"), e.Str("shard"))
	why := e.Str("why")
	if why == "removed" {
		delete(h.serves, part)
		t.set(part, "")
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
	if r := runOf(e); r.task != "" {
		why += fmt.Sprintf(" by %s/%s@%d", r.namespace, r.task, r.version)
	}
	t.set(part, strings.Join(append(words, why), ", "))
}
