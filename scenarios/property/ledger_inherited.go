package property

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"dtsim/fsm"
	"dtsim/fsm/replica"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
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
func (l *ledger) inheritSnapshot(e *trace.Event) {
	index, _ := e.Get("index")
	var document struct {
		Tasks  json.RawMessage       `json:"distributed_tasks"`
		Schema []*replica.Collection `json:"schema"`
	}
	var state fsm.State
	err := json.Unmarshal([]byte(e.Str("snapshot")), &document)
	if err == nil {
		err = json.Unmarshal(document.Tasks, &state)
	}
	l.inherited = &inherited{index: index.Uint(), tasks: document.Tasks, err: err}
	l.newest, l.committed = index.Uint(), e.At
	for _, c := range document.Schema {
		l.collections[strings.ToLower(c.Name)] = inheritCollection(c, act{c.Version, e.Seq, e.At})
	}
	for _, tasks := range state.Tasks {
		for _, t := range tasks {
			r := inheritRun(t, act{index.Uint(), e.Seq, e.At})
			l.runs[r.id] = r
			l.order = append(l.order, r)
			l.current[[2]string{t.Namespace, t.ID}] = r
		}
	}
	slices.SortFunc(l.order, func(a, b *run) int { return cmp.Compare(a.id.Version, b.id.Version) })
}

func inheritCollection(c *replica.Collection, at act) *collection {
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

func inheritRun(t *fsm.Task, at act) *run {
	r := emptyRun(provider.Run{Namespace: t.Namespace, Task: t.ID, Version: t.Version}, t.NeedsPreparationBarrier, t.Payload)
	r.inherited = true
	r.status = t.Status
	r.reached[t.Status] = true
	r.history = []stage{{act: at, status: t.Status, cause: "a newer version"}}
	for id, u := range t.Units {
		r.units[id] = &unit{group: u.GroupID, seq: at.seq, status: u.Status, owner: u.NodeID, progress: float64(u.Progress)}
		if !u.Status.IsTerminal() {
			r.unfinished++
		}
	}
	return r
}
