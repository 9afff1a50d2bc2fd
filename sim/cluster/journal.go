package cluster

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/raft"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
)

// journal is the cluster's log as the replicas have applied it, each entry once, and
// the runs that are on record according to it. The cluster's applying lock guards it.
type journal struct {
	entries  []*raft.Log
	onRecord map[provider.Run]bool
	// stride is how far apart the indexes are at which states are compared.
	stride uint64
}

// With up to fewUnits in the plan's tasks, every index is compared. Hashing a state
// takes as long as it has units, so with more of them the indexes are the further
// apart the more there are: the cost of a run stays in proportion to its commands.
const (
	fewUnits       = 64
	unitsPerStride = 8
)

func newJournal(p *taskplan.Plan) *journal {
	units := 0
	for i, op := range p.Workload {
		if op.Do == taskplan.AddTask {
			units += len(p.TaskUnits(i))
		}
	}
	if h := p.Inherited; h != nil {
		for i := range h.Tasks {
			units += len(h.Units(&h.Tasks[i], p.Cluster.Nodes))
		}
	}
	j := &journal{onRecord: make(map[provider.Run]bool), stride: 1}
	if units > fewUnits {
		j.stride = uint64(units / unitsPerStride)
	}
	return j
}

// sampled says whether the state at an index is compared.
func (j *journal) sampled(index uint64) bool { return index%j.stride == 0 }

// offer takes an entry in; false if it is there already.
func (j *journal) offer(entry *raft.Log) bool {
	if n := len(j.entries); n > 0 && entry.Index <= j.entries[n-1].Index {
		return false
	}
	j.entries = append(j.entries, entry)
	return true
}

// added puts a run on record, in the place of an older one of its task.
func (j *journal) added(run provider.Run) {
	maps.DeleteFunc(j.onRecord, func(old provider.Run, _ bool) bool {
		return old.Namespace == run.Namespace && old.Task == run.Task
	})
	j.onRecord[run] = true
}

func (j *journal) knows(run provider.Run) bool { return j.onRecord[run] }

func (j *journal) removed(run provider.Run) { delete(j.onRecord, run) }

// runs returns the runs on record, sorted.
func (j *journal) runs() []provider.Run {
	return slices.SortedFunc(maps.Keys(j.onRecord), func(a, b provider.Run) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Version, b.Version))
	})
}

// number is the one way a progress stands in the trace.
func number(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 32) }
