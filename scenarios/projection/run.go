package projection

import (
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskevent"
)

func newRun(c *taskevent.Command) *Run {
	r := emptyRun(c.Run(), c.NeedsPreparationBarrier, c.Payload)
	for _, u := range c.Units() {
		r.Units[u.ID] = &Unit{Group: u.Group, Status: taskevent.UnitPending}
	}
	r.Unfinished = len(r.Units)
	return r
}

// emptyRun returns a run of which nothing has been seen, without its units.
func emptyRun(id taskevent.Run, barrier bool, payload []byte) *Run {
	r := &Run{
		ID:       id,
		Barrier:  barrier,
		Units:    make(map[string]*Unit),
		Reached:  make(map[taskevent.TaskStatus]bool),
		Prepared: make(map[string]Ack),
		Swapped:  make(map[string]Ack),
		Swaps:    make(map[[2]string]int),
	}
	if p, err := provider.DecodePayload(payload); err == nil {
		r.Payload = p
	} else {
		r.Unreadable = true
	}
	return r
}

// Owners returns the nodes that own units of the run, sorted.
func (r *Run) Owners() []string {
	owners := make(map[string]bool)
	for _, u := range r.Units {
		if u.Owner != "" {
			owners[u.Owner] = true
		}
	}
	return slices.Sorted(maps.Keys(owners))
}

// Missing returns the owners without a successful ack in acks.
func (r *Run) Missing(acks map[string]Ack) []string {
	return slices.DeleteFunc(r.Owners(), func(node string) bool { return acks[node].Success })
}

// Last returns the newest stage; the zero stage of a run that was never seen.
func (r *Run) Last() Stage {
	if len(r.History) == 0 {
		return Stage{}
	}
	return r.History[len(r.History)-1]
}

// LeftStarted returns the stage after STARTED, false if there is none yet.
func (r *Run) LeftStarted() (Stage, bool) {
	i := slices.IndexFunc(r.History, func(s Stage) bool { return s.Status != taskevent.Started })
	if i < 0 {
		return Stage{}, false
	}
	return r.History[i], true
}

// Terminal returns the stage in which the run ended, false while it has not.
func (r *Run) Terminal() (Stage, bool) {
	i := slices.IndexFunc(r.History, func(s Stage) bool { return s.Status.IsTerminal() })
	if i < 0 {
		return Stage{}, false
	}
	return r.History[i], true
}

// As returns the newest stage of the run at an index of the log.
func (r *Run) As(index uint64) Stage {
	var s Stage
	for _, next := range r.History {
		if next.Index <= index {
			s = next
		}
	}
	return s
}

// At returns the newest stage of the run at a time.
func (r *Run) At(now time.Duration) Stage {
	var s Stage
	for _, next := range r.History {
		if next.At <= now {
			s = next
		}
	}
	return s
}

// Events returns the events of the run's stages.
func (r *Run) Events() []int {
	var seqs []int
	for _, s := range r.History {
		seqs = append(seqs, s.Seq)
	}
	return seqs
}

// UnitIDs returns the units in order.
func (r *Run) UnitIDs() []string { return slices.Sorted(maps.Keys(r.Units)) }

// Groups returns the groups in order.
func (r *Run) Groups() []string {
	groups := make(map[string]bool)
	for _, u := range r.Units {
		groups[u.Group] = true
	}
	return slices.Sorted(maps.Keys(groups))
}

// Local returns the units of a group that a node owns, sorted.
func (r *Run) Local(group, node string) []string {
	var local []string
	for _, id := range r.UnitIDs() {
		if u := r.Units[id]; u.Group == group && u.Owner == node {
			local = append(local, id)
		}
	}
	return local
}

// Seqs returns the events of the last changes of units.
func (r *Run) Seqs(units []string) []int {
	var seqs []int
	for _, id := range units {
		seqs = append(seqs, r.Units[id].Seq)
	}
	return seqs
}

// Open returns the units of a group that are not terminal, sorted.
func (r *Run) Open(group string) []string {
	var open []string
	for _, id := range r.UnitIDs() {
		if u := r.Units[id]; u.Group == group && !u.Status.IsTerminal() {
			open = append(open, id)
		}
	}
	return open
}

// Completed reports whether every unit of a group is COMPLETED.
func (r *Run) Completed(group string) bool {
	for _, u := range r.Units {
		if u.Group == group && u.Status != taskevent.UnitCompleted {
			return false
		}
	}
	return true
}

// Active reports whether the record is in place and not terminal. It does not ask fsm, which is
// what is checked.
func (r *Run) Active() bool { return !r.Gone && !r.Status.IsTerminal() }

// Foreign reports whether only a newer version knows what the run's status means.
func (r *Run) Foreign() bool {
	return !r.Gone && r.Status.IsForeign()
}

// Touches reports whether the run works on the property of the collection; an empty
// property means all of them.
func (r *Run) Touches(collection, property string) bool {
	p := r.Payload
	return p.Collection != "" && strings.EqualFold(p.Collection, collection) &&
		(p.Property == "" || property == "" || p.Property == property)
}
