package property

import (
	"fmt"
	"maps"
	"slices"

	"dtsim/scenarios/tasks/taskevent"
)

// ends: the run reached the status, and no other terminal one.
func (r *run) ends(status string) error {
	for _, s := range []taskevent.TaskStatus{finished, failed, cancelled} {
		if want := string(s) == status; r.reached[s] != want {
			return fmt.Errorf("%s is %s, not %s", r.id, r.status, status)
		}
	}
	return nil
}

// unitsOnce: every unit was completed, once.
func (r *run) unitsOnce() error {
	for _, id := range r.unitIDs() {
		if u := r.units[id]; u.completions != 1 || u.status != taskevent.UnitCompleted {
			return fmt.Errorf("unit %s of %s is %s and was completed %d times", id, r.id, u.status, u.completions)
		}
	}
	return nil
}

// callbacksOnce: every owner ran the callbacks of its groups once, every node
// OnTaskCompleted once.
func (r *run) callbacksOnce(nodes []string) error {
	ran := make(map[callback]int)
	for _, c := range r.callbacks {
		if c.err != "" {
			return fmt.Errorf("%s of %s failed on %s: %s", c.name, r.id, c.node, c.err)
		}
		ran[callback{node: c.node, name: c.name, group: c.group}]++
	}
	var want []callback
	for _, node := range nodes {
		want = append(want, callback{node: node, name: taskevent.TaskCompleted})
		for _, group := range r.groups() {
			if len(r.local(group, node)) == 0 {
				continue
			}
			want = append(want, callback{node: node, name: taskevent.GroupCompleted, group: group})
			if r.barrier {
				want = append(want, callback{node: node, name: taskevent.SwapRequested, group: group})
			}
		}
	}
	for _, c := range want {
		if ran[c] != 1 {
			return fmt.Errorf("%s of %s, group %q, ran %d times on %s", c.name, r.id, c.group, ran[c], c.node)
		}
		delete(ran, c)
	}
	if len(ran) > 0 {
		return fmt.Errorf("%d callbacks of %s ran on nodes that own nothing of their group", len(ran), r.id)
	}
	return nil
}

// swapsOnce: every replica that a unit stands for swapped once, nothing else did.
func (r *run) swapsOnce() error {
	left := maps.Clone(r.swaps)
	for _, id := range r.unitIDs() {
		at := r.payload.Places[id]
		key := [2]string{at.Node, at.Shard}
		if n := left[key]; n != 1 {
			return fmt.Errorf("shard %s swapped %d times on %s for %s", at.Shard, n, at.Node, r.id)
		}
		delete(left, key)
	}
	if len(left) > 0 {
		return fmt.Errorf("%d replicas swapped that are no units of %s", len(left), r.id)
	}
	return nil
}

// noSwap: no replica swapped.
func (r *run) noSwap() error {
	if len(r.swaps) == 0 {
		return nil
	}
	first := slices.SortedFunc(maps.Keys(r.swaps), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })[0]
	return fmt.Errorf("shard %s swapped on %s for %s", first[1], first[0], r.id)
}
