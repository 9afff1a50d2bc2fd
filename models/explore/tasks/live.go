package tasks

import "dtsim/models/explore"

// Settled implements explore.Live: every task has ended and every node that is there has
// run its callbacks, or the record is gone and with it all that nodes had of it; no
// record outlives its time, and nothing is in flight (P16, and P17 for those whose
// participant is gone). Of a provider whose OnTaskCompleted never succeeds no node ever
// gets so far: only the task has to end (P17).
func (m *Model) Settled(s *State) bool {
	if s.flight != 0 {
		return false
	}
	for key := range m.Tasks {
		k := &s.tasks[key]
		r := m.records.at(k.record)
		if active(r.status()) || r.task != nil && r.aged {
			return false
		}
		for node := range m.Nodes {
			if !m.NeverCompletes && s.left&(1<<node) == 0 && !m.at(k.parts[node], k.record).settled {
				return false
			}
		}
	}
	return true
}

// LivenessNames implements explore.LivenessNamer.
func (m *Model) LivenessNames() (progress, reachability string) {
	if m.Leaves > 0 || m.NeverCompletes {
		return "P17", "P17"
	}
	return "P16", "P16"
}

// Class implements explore.Live: each scheduler's line of actions for each task goes on,
// and so does each worker, the network, and the operator once a node is gone, or if no task
// can complete. Faults
// need never happen.
func (m *Model) Class(s *State, action explore.Action) int {
	switch a := unpack(action); a.kind {
	case nodeMoves:
		if a.cost() != free || a.move.kind == list && a.arg > 0 {
			return -1
		}
		class := 2 * (int(a.key)*m.Nodes + int(a.node))
		switch a.move.kind {
		case claim, complete, exits:
			class++
		}
		return class
	case ghostLands, ghostDrops:
		return m.Classes() - 2
	case operatorEnds:
		return m.Classes() - 1
	}
	return -1
}

// Classes implements explore.Live.
func (m *Model) Classes() int { return 2*m.Tasks*m.Nodes + 2 }

// Process implements explore.Concurrent: the scheduler and the worker of each node for
// each task, and the world outside.
func (m *Model) Process(_ *State, action explore.Action) int {
	a := unpack(action)
	if a.kind != nodeMoves {
		return m.Processes() - 1
	}
	process := 2 * (int(a.key)*m.Nodes + int(a.node))
	switch a.move.kind {
	case claim, complete, failUnit, workUnanswered, workLost, exits:
		process++
	}
	return process
}

// Processes implements explore.Concurrent.
func (m *Model) Processes() int { return 2*m.Tasks*m.Nodes + 1 }

// Kind implements explore.Kinded: kinds of moves first, then those from outside.
func (m *Model) Kind(action explore.Action) int {
	a := unpack(action)
	if a.kind == nodeMoves {
		return int(a.move.kind)
	}
	return int(moveKinds) + int(a.kind)
}

// Kinds implements explore.Kinded.
func (m *Model) Kinds() int { return int(moveKinds) + int(operatorEnds) + 1 }
