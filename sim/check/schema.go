package check

import (
	"maps"
	"slices"
	"strings"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// schemaCheck is P8: the schema flips iff the task finishes, and at rest the schema
// and every replica's shards serve what the ends of the tasks add up to.
type schemaCheck struct{ *findings }

func (c *schemaCheck) observe(e *trace.Event, l *ledger) {
	if r := l.flipped; r != nil {
		if r.status != swapping && r.status != finished {
			c.report("P8", e.Node, "the schema flips at index %d for %s, which is %s", l.command.index, r.id, r.status)
		}
		if missing := r.missing(r.swapped); len(missing) > 0 {
			c.report("P8", e.Node, "the schema flips at index %d for %s before %v have swapped", l.command.index, r.id, missing)
		}
		if r.flips > 1 {
			c.report("P8", e.Node, "the schema flips at index %d for %s, for the %d. time", l.command.index, r.id, r.flips)
		}
		if b := l.command.body; !strings.EqualFold(l.command.class, r.payload.Collection) || b.Property != r.payload.Property || b.Tokenization != r.payload.Tokenization {
			c.report("P8", e.Node, "the flip at index %d sets %s.%s to %s, %s is about %s.%s and %s", l.command.index,
				l.command.class, b.Property, b.Tokenization, r.id, r.payload.Collection, r.payload.Property, r.payload.Tokenization)
		}
	}
	if r := l.swappedAlone; r != nil {
		for _, tenant := range l.command.body.names() {
			if !r.completed(tenant) || !r.payload.PerTenant || r.barrier {
				c.report("P8", e.Node, "tenant %s keeps at index %d what %s has made of it, whose units are not all completed", tenant, l.command.index, r.id)
			}
		}
	}
	if ch := l.change; ch != nil && ch.after.IsTerminal() && !ch.before.IsTerminal() {
		if r := ch.run; r.payload.Kind == plan.Reindex && ch.after == finished && r.flips == 0 {
			c.report("P8", e.Node, "%s is FINISHED at index %d and the schema has not flipped", r.id, l.command.index)
		}
		l.settle(ch.run)
	}
}

// finish looks at what is at rest. Collections that a task is still at work on are
// not.
func (c *schemaCheck) finish(l *ledger) {
	for _, r := range l.order {
		if r.flips > 0 && (r.status == failed || r.status == cancelled) {
			c.report("P8", "", "the schema has flipped for %s, which is %s", r.id, r.status)
		}
	}
	held := make(map[[3]string]bool)
	for i := range l.atRest {
		e := &l.atRest[i]
		what := e.Str("what")
		if what != "schema" && what != "shard" {
			continue
		}
		name, property, got := e.Str("collection"), e.Str("property"), e.Str("tokenization")
		found := l.collections[strings.ToLower(name)]
		if found == nil {
			c.report("P8", e.Node, "%s of collection %s, which the log has dropped or never created", what, name)
			continue
		}
		if c.busy(l, found) {
			continue
		}
		want := found.properties[property]
		if what == "shard" {
			shard := e.Str("shard")
			held[[3]string{e.Node, strings.ToLower(name), shard}] = true
			want = found.serves[shard][property]
			name += "/" + shard
		}
		if got != want {
			c.report("P8", e.Node, "the %s says %s for %s.%s, the log comes to %s", what, quoted(got), name, property, quoted(want))
		}
	}
	c.all(l, held)
}

// all: every replica that the schema places is there.
func (c *schemaCheck) all(l *ledger, held map[[3]string]bool) {
	up := l.nodesAtRest()
	for _, key := range slices.Sorted(maps.Keys(l.collections)) {
		found := l.collections[key]
		for _, shard := range slices.Sorted(maps.Keys(found.shards)) {
			for _, node := range found.shards[shard] {
				if up[node] && !held[[3]string{node, key, shard}] && !c.busy(l, found) {
					c.report("P8", node, "the replica of %s/%s is not there", found.name, shard)
				}
			}
		}
	}
}

// busy says that a task is at work on the collection.
func (c *schemaCheck) busy(l *ledger, found *collection) bool {
	return slices.ContainsFunc(l.order, func(r *run) bool { return r.active() && r.touches(found.name, "") })
}

// nodesAtRest are the nodes that were up when the run ended.
func (l *ledger) nodesAtRest() map[string]bool {
	up := make(map[string]bool)
	for i := range l.atRest {
		up[l.atRest[i].Node] = true
	}
	return up
}

func quoted(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
