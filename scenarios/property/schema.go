package property

import (
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// schemaCheck is P8: the schema flips iff the task finishes, and at rest the schema
// and every replica's shards serve what the ends of the tasks add up to.
type schemaCheck struct {
	*findings
	callbacks *callbacks
}

func (c *schemaCheck) observe(e *trace.Event, l *ledger) {
	if b, ok := e.Body.(*taskevent.CallbackStarted); ok && b.Name == taskevent.TaskCompleted {
		c.completes(e, b, l)
	}
	if r := l.Flipped; r != nil {
		c.exercise("P8")
		if r.Status != swapping && r.Status != finished {
			c.report("P8", e.Node, r.Events(), "the schema flips at index %d for %s, which is %s", l.Command.Index, r.ID, r.Status)
		}
		if missing := r.Missing(r.Swapped); len(missing) > 0 {
			c.report("P8", e.Node, r.Events(), "the schema flips at index %d for %s before %v have swapped", l.Command.Index, r.ID, missing)
		}
		if r.Flips > 1 {
			c.report("P8", e.Node, r.Events(), "the schema flips at index %d for %s, for the %d. time", l.Command.Index, r.ID, r.Flips)
		}
		if b := l.Command.Args; !strings.EqualFold(l.Command.Class, r.Payload.Collection) || b.Property != r.Payload.Property || b.Tokenization != r.Payload.Tokenization {
			c.report("P8", e.Node, r.Events(), "the flip at index %d sets %s.%s to %s, %s is about %s.%s and %s", l.Command.Index,
				l.Command.Class, b.Property, b.Tokenization, r.ID, r.Payload.Collection, r.Payload.Property, r.Payload.Tokenization)
		}
	}
	if r := l.SwappedAlone; r != nil {
		c.exercise("P8")
		for _, tenant := range l.Command.TenantNames() {
			if !r.Completed(tenant) || !r.Payload.PerTenant || r.Barrier {
				c.report("P8", e.Node, r.Events(), "tenant %s keeps at index %d what %s has made of it, whose units are not all completed", tenant, l.Command.Index, r.ID)
			}
		}
	}
	if ch := l.Change; ch != nil && ch.After.IsTerminal() && !ch.Before.IsTerminal() {
		if r := ch.Run; r.Payload.Kind == taskplan.Reindex && ch.After == finished && r.Flips == 0 {
			c.report("P8", e.Node, r.Events(), "%s is FINISHED at index %d and the schema has not flipped", r.ID, l.Command.Index)
		}
	}
}

// completes: OnTaskCompleted, which changes the schema, runs for a task that has ended
// or can only finish.
func (c *schemaCheck) completes(e *trace.Event, b *taskevent.CallbackStarted, l *ledger) {
	r := l.Runs[b.Run]
	if r == nil {
		return
	}
	c.exercise("P8")
	switch missing := r.Missing(r.Swapped); {
	case b.Status.IsTerminal():
	case b.Status != swapping:
		c.report("P8", e.Node, r.Events(), "OnTaskCompleted of %s, which it sees %s", r.ID, b.Status)
	case len(missing) > 0:
		c.report("P8", e.Node, r.Events(), "OnTaskCompleted of %s, which is SWAPPING, before a successful ack of %v", r.ID, missing)
	}
}

// finish looks at what is at rest.
func (c *schemaCheck) finish(l *ledger) {
	for _, r := range l.Order {
		if r.Flips > 0 && (r.Status == failed || r.Status == cancelled) {
			c.report("P8", "", nil, "the schema has flipped for %s, which is %s", r.ID, r.Status)
		}
	}
	present := make(map[[3]string]bool)
	for i := range l.atRest {
		e := &l.atRest[i]
		what := e.What
		if what != taskevent.RestSchema && what != taskevent.RestShard {
			continue
		}
		name, property, got := e.Collection, e.Property, e.Tokenization
		found := l.Collections[strings.ToLower(name)]
		if !c.quiet(l, e.node, name, what == taskevent.RestShard) {
			continue
		}
		c.exercise("P8")
		if found == nil {
			c.report("P8", e.node, []int{e.seq}, "%s of collection %s, which the log has dropped or never created", what, name)
			continue
		}
		want := found.Properties[property]
		if what == taskevent.RestShard {
			shard := e.Shard
			present[[3]string{e.node, strings.ToLower(name), shard}] = true
			want = found.Serves[shard][property]
			name += "/" + shard
		}
		if got != want {
			c.report("P8", e.node, []int{e.seq, found.Changed.Seq}, "the %s has %s for %s.%s, the log comes to %s", what, quoted(got), name, property, quoted(want))
		}
	}
	c.all(l, present)
	c.alone(l)
}

// alone: what a node knows of tenants that have swapped alone is what the log comes to. It
// decides for a replica that comes back when the record of the run is gone.
func (c *schemaCheck) alone(l *ledger) {
	recorded := make(map[string]map[[3]string]uint64)
	for i := range l.atRest {
		if e := &l.atRest[i]; e.What == taskevent.RestAlone {
			if recorded[e.node] == nil {
				recorded[e.node] = make(map[[3]string]uint64)
			}
			recorded[e.node][[3]string{strings.ToLower(e.Collection), e.Shard, e.Property}] = e.Version
		}
	}
	for _, n := range l.resting() {
		want := make(map[[3]string]uint64)
		for key, found := range l.Collections {
			for of, version := range found.Alone {
				want[[3]string{key, of[0], of[1]}] = version
			}
		}
		all := maps.Clone(want)
		maps.Copy(all, recorded[n.name])
		for _, key := range slices.SortedFunc(maps.Keys(all), func(a, b [3]string) int { return slices.Compare(a[:], b[:]) }) {
			if !c.quiet(l, n.name, key[0], false) {
				continue
			}
			c.exercise("P8")
			if got := recorded[n.name][key]; got != want[key] {
				c.report("P8", n.name, []int{l.lastChange(key[0]).Seq}, "by the schema tenant %s of %s has swapped %s for version %d, the log comes to version %d (0: for none)",
					key[1], key[0], key[2], got, want[key])
			}
		}
	}
}

// lastChange is the last command that was about a collection.
func (l *ledger) lastChange(collection string) projection.Act {
	if found := l.Collections[strings.ToLower(collection)]; found != nil {
		return found.Changed
	}
	return l.Dropped[strings.ToLower(collection)]
}

// all: every replica that the schema places is there.
func (c *schemaCheck) all(l *ledger, present map[[3]string]bool) {
	up := l.nodesAtRest()
	for _, key := range slices.Sorted(maps.Keys(l.Collections)) {
		found := l.Collections[key]
		for _, shard := range slices.Sorted(maps.Keys(found.Shards)) {
			for _, node := range found.Shards[shard] {
				if up[node] && !present[[3]string{node, key, shard}] && c.quiet(l, node, found.Name, true) {
					c.report("P8", node, []int{found.Changed.Seq}, "the replica of %s/%s is not there", found.Name, shard)
				}
			}
		}
	}
}

// followTime is how long a node may take to bring its shards in line with a schema that
// it has.
const followTime = 5 * time.Second

// quiet reports whether nothing is under way about a collection on a node: it has applied the
// last change, no task is at work on it, and each one that was has come to its end on
// the node. Shards follow the schema, which takes time.
func (c *schemaCheck) quiet(l *ledger, name, collection string, shards bool) bool {
	n, changed := l.at(name), l.lastChange(collection)
	switch {
	case n.restIndex < changed.Index:
		return false
	case !shards:
		return true
	case l.end-max(changed.At, n.since, l.quiescence) < followTime:
		return false
	}
	return !slices.ContainsFunc(l.Order, func(r *projection.Run) bool { return r.Touches(collection, "") && !c.settled(l, name, r) })
}

// settled reports whether a run has come to its end on a node: its OnTaskCompleted has
// succeeded there, or its record is gone and with it what the node had of it.
func (c *schemaCheck) settled(l *ledger, node string, r *projection.Run) bool {
	s := r.At(l.end)
	if _, done := c.callbacks.succeeded(node, r, taskevent.TaskCompleted, ""); done && s.Status.IsTerminal() {
		return true
	}
	return s.Status == absent && s.Index <= l.at(node).restIndex && l.end-s.At >= followTime &&
		!slices.ContainsFunc(l.atRest, func(e restItem) bool {
			return e.node == node && e.What == taskevent.RestLocal && e.Run == r.ID
		})
}

// nodesAtRest are the nodes that were up when the run ended.
func (l *ledger) nodesAtRest() map[string]bool {
	up := make(map[string]bool)
	for i := range l.atRest {
		up[l.atRest[i].node] = true
	}
	return up
}

func quoted(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
