package projection

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/trace/event"
)

// Inherited is what a run begins with: the snapshot of a newer version, as far as it can
// be read here.
type Inherited struct {
	// Index is that of the last entry that it covers.
	Index uint64
	// Tasks is the part about tasks, as it is there.
	Tasks json.RawMessage
	// Err is why it cannot be read; nil if it can.
	Err error
}

// inheritSnapshot folds in the snapshot that is on every disk: its collections, and its tasks
// as runs that have been in their statuses from the start.
func (l *Log) inheritSnapshot(e *event.Inherited) {
	snapshot, err := taskevent.ReadSnapshot(e)
	l.Inherited = &Inherited{Index: e.Index, Tasks: snapshot.Raw, Err: err}
	l.Newest, l.Committed = e.Index, l.Now
	for _, c := range snapshot.Collections {
		l.Collections[strings.ToLower(c.Name)] = inheritCollection(&c, Act{c.Version, l.Seq, l.Now})
	}
	for _, t := range snapshot.Records {
		r := inheritRun(&t, Act{e.Index, l.Seq, l.Now})
		l.Runs[r.ID] = r
		l.Order = append(l.Order, r)
		l.Current[r.ID.Key()] = r
	}
	slices.SortFunc(l.Order, func(a, b *Run) int { return cmp.Compare(a.ID.Version, b.ID.Version) })
}

func inheritCollection(c *taskevent.Collection, at Act) *Collection {
	found := &Collection{
		Name: c.Name, Born: c.Version, Properties: make(map[string]string), FlippedBy: make(map[string]uint64),
		UpdatedAt: make(map[string]uint64), Shards: make(map[string][]string), Serves: make(map[string]map[string]string), Changed: at,
	}
	for name, p := range c.Properties {
		found.Properties[name], found.FlippedBy[name], found.UpdatedAt[name] = p.Tokenization, p.FlippedBy, p.UpdatedAt
	}
	for name, s := range c.Shards {
		found.place(name, s.Nodes)
		for property, swap := range s.Swapped {
			found.keep(name, property, swap.Tokenization, swap.By)
		}
	}
	return found
}

func inheritRun(t *taskevent.Record, at Act) *Run {
	r := emptyRun(t.Run(), t.Barrier, t.Payload)
	r.Inherited = true
	r.Status = t.Status
	r.Reached[t.Status] = true
	r.History = []Stage{{Act: at, Status: t.Status, Cause: "a newer version"}}
	for id, u := range t.Units {
		if u == nil {
			continue
		}
		r.Units[id] = &Unit{Group: u.Group, Seq: at.Seq, Status: u.Status, Owner: u.Node, Progress: float64(u.Progress)}
		if !u.Status.IsTerminal() {
			r.Unfinished++
		}
	}
	inheritAcks(r.Prepared, t.Prepared, at)
	inheritAcks(r.Swapped, t.Swapped, at)
	return r
}

func inheritAcks(acks map[string]Ack, from map[string]*taskevent.NodeAck, at Act) {
	for node, a := range from {
		if a != nil {
			acks[node] = Ack{at, a.Success, a.Error}
		}
	}
}
