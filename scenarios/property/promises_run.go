package property

import (
	"fmt"
	"maps"
	"slices"

	"dtsim/scenarios/projection"
	"dtsim/scenarios/tasks/taskevent"
)

// ends: the run reached the status, and no other terminal one.
func ends(r *projection.Run, status string) error {
	for _, s := range []taskevent.TaskStatus{finished, failed, cancelled} {
		if want := string(s) == status; r.Reached[s] != want {
			return fmt.Errorf("%s is %s, not %s", r.ID, r.Status, status)
		}
	}
	return nil
}

// unitsOnce: every unit was completed, once.
func unitsOnce(r *projection.Run) error {
	for _, id := range r.UnitIDs() {
		if u := r.Units[id]; u.Completions != 1 || u.Status != taskevent.UnitCompleted {
			return fmt.Errorf("unit %s of %s is %s and was completed %d times", id, r.ID, u.Status, u.Completions)
		}
	}
	return nil
}

// callbacksOnce: every owner ran the callbacks of its groups once, every node
// OnTaskCompleted once.
func callbacksOnce(r *projection.Run, nodes []string) error {
	ran := make(map[projection.Callback]int)
	for _, c := range r.Callbacks {
		if c.Err != "" {
			return fmt.Errorf("%s of %s failed on %s: %s", c.Name, r.ID, c.Node, c.Err)
		}
		ran[projection.Callback{Node: c.Node, Name: c.Name, Group: c.Group}]++
	}
	var want []projection.Callback
	for _, node := range nodes {
		want = append(want, projection.Callback{Node: node, Name: taskevent.TaskCompleted})
		for _, group := range r.Groups() {
			if len(r.Local(group, node)) == 0 {
				continue
			}
			want = append(want, projection.Callback{Node: node, Name: taskevent.GroupCompleted, Group: group})
			if r.Barrier {
				want = append(want, projection.Callback{Node: node, Name: taskevent.SwapRequested, Group: group})
			}
		}
	}
	for _, c := range want {
		if ran[c] != 1 {
			return fmt.Errorf("%s of %s, group %q, ran %d times on %s", c.Name, r.ID, c.Group, ran[c], c.Node)
		}
		delete(ran, c)
	}
	if len(ran) > 0 {
		return fmt.Errorf("%d callbacks of %s ran on nodes that own nothing of their group", len(ran), r.ID)
	}
	return nil
}

// swapsOnce: every replica that a unit stands for swapped once, nothing else did.
func swapsOnce(r *projection.Run) error {
	left := maps.Clone(r.Swaps)
	for _, id := range r.UnitIDs() {
		at := r.Payload.Places[id]
		key := [2]string{at.Node, at.Shard}
		if n := left[key]; n != 1 {
			return fmt.Errorf("shard %s swapped %d times on %s for %s", at.Shard, n, at.Node, r.ID)
		}
		delete(left, key)
	}
	if len(left) > 0 {
		return fmt.Errorf("%d replicas swapped that are no units of %s", len(left), r.ID)
	}
	return nil
}

// noSwap: no replica swapped.
func noSwap(r *projection.Run) error {
	if len(r.Swaps) == 0 {
		return nil
	}
	first := slices.SortedFunc(maps.Keys(r.Swaps), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })[0]
	return fmt.Errorf("shard %s swapped on %s for %s", first[1], first[0], r.ID)
}
