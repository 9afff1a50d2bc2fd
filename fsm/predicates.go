package fsm

import (
	"maps"
	"slices"
)

// AllUnitsTerminal reports whether every unit has completed or failed; true
// without units.
func (t *Task) AllUnitsTerminal() bool {
	for _, u := range t.Units {
		if !u.Status.IsTerminal() {
			return false
		}
	}
	return true
}

// AnyUnitFailed reports whether a unit has failed.
func (t *Task) AnyUnitFailed() bool {
	for _, u := range t.Units {
		if u.Status == UnitStatusFailed {
			return true
		}
	}
	return false
}

// Groups returns the distinct groups of the units, "" included, sorted.
func (t *Task) Groups() []string {
	groups := make(map[string]struct{})
	for _, u := range t.Units {
		groups[u.GroupID] = struct{}{}
	}
	return slices.Sorted(maps.Keys(groups))
}

// AllGroupUnitsTerminal reports whether every unit of the group has completed or
// failed; true for a group without units (P6).
func (t *Task) AllGroupUnitsTerminal(groupID string) bool {
	for _, u := range t.Units {
		if u.GroupID == groupID && !u.Status.IsTerminal() {
			return false
		}
	}
	return true
}

// LocalGroupUnitIDs returns the sorted IDs of the group's units that nodeID owns;
// nil when there are none. The node "" stands for unclaimed units.
func (t *Task) LocalGroupUnitIDs(groupID, nodeID string) []string {
	return t.unitIDs(func(u *Unit) bool { return u.GroupID == groupID && u.NodeID == nodeID })
}

// LocalUnitIDs returns the sorted IDs of the units that nodeID owns; nil when there
// are none. The node "" stands for unclaimed units.
func (t *Task) LocalUnitIDs(nodeID string) []string {
	return t.unitIDs(func(u *Unit) bool { return u.NodeID == nodeID })
}

func (t *Task) unitIDs(keep func(*Unit) bool) []string {
	var ids []string
	for id, u := range t.Units {
		if keep(u) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// NodeHasNonTerminalUnits reports whether there is work for nodeID: a unit that is
// not terminal and that it owns or that is unclaimed.
func (t *Task) NodeHasNonTerminalUnits(nodeID string) bool {
	for _, u := range t.Units {
		if !u.Status.IsTerminal() && (u.NodeID == nodeID || u.NodeID == "") {
			return true
		}
	}
	return false
}

// NodesWithLocalUnits returns the nodes that own a unit, sorted: the nodes whose
// acknowledgements count (P5, P7).
func (t *Task) NodesWithLocalUnits() []string {
	nodes := make(map[string]struct{})
	for _, u := range t.Units {
		if u.NodeID != "" {
			nodes[u.NodeID] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(nodes))
}

// MissingPostCompletionAckNodes returns the nodes that own a unit and have not
// acknowledged the swap, with success or without, sorted; nil when there are none.
func (t *Task) MissingPostCompletionAckNodes() []string {
	var missing []string
	for _, node := range t.NodesWithLocalUnits() {
		if _, acked := t.PostCompletionAcks[node]; !acked {
			missing = append(missing, node)
		}
	}
	return missing
}

// AnyPostCompletionAckFailed reports whether a node has acknowledged a failed swap.
func (t *Task) AnyPostCompletionAckFailed() bool {
	for _, ack := range t.PostCompletionAcks {
		if !ack.Success {
			return true
		}
	}
	return false
}

// AllPreparationAcksSucceeded reports whether every node that owns a unit has
// acknowledged a successful preparation: the barrier of P5. True when no node owns
// one.
func (t *Task) AllPreparationAcksSucceeded() bool {
	return len(t.nodesWithoutSuccess(t.PreparationCompletionAcks)) == 0
}

// AllPostCompletionAcksSucceeded reports whether every node that owns a unit has
// acknowledged a successful swap: the barrier of P7. True when no node owns one.
func (t *Task) AllPostCompletionAcksSucceeded() bool {
	return len(t.nodesWithoutSuccess(t.PostCompletionAcks)) == 0
}

// nodesWithoutSuccess returns the nodes that own a unit and have no successful ack
// among acks, sorted.
func (t *Task) nodesWithoutSuccess(acks map[string]PostCompletionAck) []string {
	var nodes []string
	for _, node := range t.NodesWithLocalUnits() {
		if !acks[node].Success {
			nodes = append(nodes, node)
		}
	}
	return nodes
}
