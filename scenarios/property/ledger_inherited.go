package property

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace/event"
)

// inherited is what a run begins with: the snapshot of a newer version, as far as it can
// be read here.
type inherited struct {
	// index is that of the last entry that it stands for.
	index uint64
	// tasks is the part about tasks, as it stands there.
	tasks json.RawMessage
	// err says why it cannot be read.
	err error
}

// inheritSnapshot folds in the snapshot that stands on every disk: its collections, and its tasks
// as runs that have been in their statuses from the start.
func (l *ledger) inheritSnapshot(e *event.Inherited) {
	snapshot, err := taskevent.ReadSnapshot(e)
	l.inherited = &inherited{index: e.Index, tasks: snapshot.Raw, err: err}
	l.newest, l.committed = e.Index, l.now
	for _, c := range snapshot.Collections {
		l.collections[strings.ToLower(c.Name)] = inheritCollection(&c, act{c.Version, l.seq, l.now})
	}
	for _, t := range snapshot.Records {
		r := inheritRun(&t, act{e.Index, l.seq, l.now})
		l.runs[r.id] = r
		l.order = append(l.order, r)
		l.current[r.id.Key()] = r
	}
	slices.SortFunc(l.order, func(a, b *run) int { return cmp.Compare(a.id.Version, b.id.Version) })
}

func inheritCollection(c *taskevent.Collection, at act) *collection {
	found := &collection{
		name: c.Name, born: c.Version, properties: make(map[string]string), flippedBy: make(map[string]uint64),
		updatedAt: make(map[string]uint64), shards: make(map[string][]string), serves: make(map[string]map[string]string), changed: at,
	}
	for name, p := range c.Properties {
		found.properties[name] = p.Tokenization
	}
	for name, s := range c.Shards {
		found.place(name, s.Nodes)
	}
	return found
}

func inheritRun(t *taskevent.Record, at act) *run {
	r := emptyRun(t.Run(), t.Barrier, t.Payload)
	r.inherited = true
	r.status = t.Status
	r.reached[t.Status] = true
	r.history = []stage{{act: at, status: t.Status, cause: "a newer version"}}
	for id, u := range t.Units {
		if u == nil {
			continue
		}
		r.units[id] = &unit{group: u.Group, seq: at.seq, status: u.Status, owner: u.Node, progress: float64(u.Progress)}
		if !u.Status.IsTerminal() {
			r.unfinished++
		}
	}
	return r
}
