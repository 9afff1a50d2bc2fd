package cluster

import (
	"github.com/hashicorp/raft"

	"dtsim/sim/disk"
	"dtsim/sim/trace/event"
)

// rest records what the node holds at the end of the run.
func (n *Node) rest() {
	i := n.running()
	if i == nil {
		return
	}
	i.emit(&event.AtRest{What: event.RestState, Index: i.machine.AppliedIndex(), Hash: stateOf(i.machine)})
	first, last, end, covered := logOf(i.mount)
	i.emit(&event.AtRest{What: event.RestLog, First: first, Last: last, Snapshot: end, Covered: covered})
	if r, ok := i.process.(Resting); ok {
		r.Rest()
	}
}

// logOf returns between which indices the log on a disk holds entries, where the newest
// snapshot ends, and how many of the entries that covers; all zero for none.
func logOf(m *disk.Mount) (first, last, end uint64, covered int64) {
	if list, err := m.Snapshots().List(); err == nil && len(list) > 0 {
		end = list[0].Index
	}
	log := m.Log()
	first, _ = log.FirstIndex()
	last, _ = log.LastIndex()
	for index := first; first > 0 && index <= min(last, end); index++ {
		if log.GetLog(index, new(raft.Log)) == nil {
			covered++
		}
	}
	return first, last, end, covered
}
