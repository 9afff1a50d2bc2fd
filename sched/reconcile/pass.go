package reconcile

import (
	"maps"
	"slices"
	"time"

	"dtsim/fsm"
)

// Passes numbers the passes of one incarnation of a node. The zero value has begun none.
type Passes struct {
	// Begun is the number of the newest pass, the first is 1.
	Begun uint64
	// Listed: a list of this incarnation has succeeded.
	Listed bool
}

// Begin returns the number of the pass that begins.
func (p *Passes) Begin() uint64 {
	p.Begun++
	return p.Begun
}

// Succeed notes that a pass has got its list, and reports whether it is the first list of
// the incarnation. A list that fails is none: a later one takes its place.
func (p *Passes) Succeed() (first bool) {
	first, p.Listed = !p.Listed, true
	return first
}

// Pass is one pass of a node over the tasks of a namespace.
type Pass struct {
	// Node is the name of the node.
	Node string
	Caps Caps
	// Number and First are what [Passes] returned.
	Number uint64
	First  bool
	// Now is the time of the node's clock.
	Now time.Time
	// TTL is how long the record of a terminal task is kept. Cleaner: the node can propose
	// the removal of records.
	TTL     time.Duration
	Cleaner bool
}

// View returns what the pass shows of a key: the listed record, nil when none is listed,
// and the versions that the provider holds local state of, ascending. It keeps no
// reference to the record.
func (p *Pass) View(task *fsm.Task, local []uint64) View {
	v := View{Caps: p.Caps, Pass: p.Number, First: p.First, LocalState: local}
	if task != nil {
		v.Present = true
		v.Task = Observe(task, p.Node)
		v.Expired = p.Cleaner && Expired(task, p.Now, p.TTL)
	}
	return v
}

// Expired reports whether the record is terminal and past its time to live. That counts
// from when the task became terminal, where it is known, else from its finish.
func Expired(task *fsm.Task, now time.Time, ttl time.Duration) bool {
	if !task.Status.IsTerminal() {
		return false
	}
	ended := task.TerminalAt
	if ended.IsZero() {
		ended = task.FinishedAt
	}
	return now.Sub(ended) >= ttl
}

// Newest returns the listed records by id. Entries that are nil are left out, and of two
// with one id the newer stays (P18).
func Newest(tasks []*fsm.Task) map[string]*fsm.Task {
	records := make(map[string]*fsm.Task, len(tasks))
	for _, task := range tasks {
		if task == nil {
			continue
		}
		if known := records[task.ID]; known == nil || known.Version < task.Version {
			records[task.ID] = task
		}
	}
	return records
}

// LocalState returns the versions that a provider holds local state of by id, ascending
// and each once.
func LocalState(runs []fsm.TaskDescriptor) map[string][]uint64 {
	local := make(map[string][]uint64, len(runs))
	for _, run := range runs {
		local[run.ID] = append(local[run.ID], run.Version)
	}
	for id, versions := range local {
		slices.Sort(versions)
		local[id] = slices.Compact(versions)
	}
	return local
}

// IDs returns the ids that a pass has to look at, sorted: those with a record, with local
// state, or with a [Runner].
func IDs(records map[string]*fsm.Task, local map[string][]uint64, runners []string) []string {
	ids := slices.Concat(slices.Collect(maps.Keys(records)), slices.Collect(maps.Keys(local)), runners)
	slices.Sort(ids)
	return slices.Compact(ids)
}
