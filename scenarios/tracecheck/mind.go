package tracecheck

import (
	"encoding/binary"
	"slices"
	"time"

	"dtsim/sched/reconcile"
)

// look is what one pass saw of a key.
type look struct {
	// id tells looks apart.
	id   uint64
	view reconcile.View
}

// hand is a handle as a scheduler keeps it.
type hand struct {
	id         int64
	version    uint64
	terminated bool
}

// mind is one state that the runner of a key can be in; see sched/runner.go. Minds are
// values: slices are never written to.
type mind struct {
	memory reconcile.Memory
	// coming is listed and not delivered yet, pending delivered while an action is under
	// way, current what that was decided on.
	coming, pending, current *look
	handles                  []hand

	busy   bool
	action reconcile.Action
	// since is when it was decided.
	since time.Duration
	// begun: the beginning of the action is in the trace. ended: its end is, and it is
	// not settled yet.
	begun, ended bool
	outcome      reconcile.Outcome
	// op is the call that the action makes, handle the one that a start has returned.
	op, handle int64

	// early is when the first action was settled in the belief that the pass whose list is
	// to come had begun, late when the last one was in the belief that it had not;
	// never for none.
	early, late time.Duration
}

const never = time.Duration(-1)

// append appends what tells minds apart.
func (m *mind) append(b []byte) []byte {
	b = m.memory.AppendBinary(b)
	for _, l := range [...]*look{m.coming, m.pending, m.current} {
		id := uint64(0)
		if l != nil {
			id = l.id
		}
		b = binary.AppendUvarint(b, id)
	}
	b = binary.AppendUvarint(b, uint64(len(m.handles)))
	for _, h := range m.handles {
		b = binary.AppendVarint(b, h.id)
		b = append(b, flag(h.terminated))
	}
	b = binary.AppendVarint(binary.AppendVarint(b, int64(m.early)), int64(m.late))
	b = append(b, flag(m.busy), flag(m.begun), flag(m.ended))
	if !m.busy {
		return b
	}
	b = append(b, byte(m.action.Kind), byte(m.outcome.Result), flag(m.outcome.Answer), flag(m.action.Success))
	b = binary.AppendUvarint(b, m.action.Version)
	if m.withoutEnd() {
		b = binary.AppendVarint(b, int64(m.since))
	}
	b = binary.AppendUvarint(b, m.action.Basis.Pass)
	b = binary.AppendVarint(binary.AppendVarint(b, m.op), m.handle)
	for _, s := range [...]string{m.action.Group, m.action.Message, m.outcome.Err} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// due says that the mind has something to do before time can pass. bound says that it
// is bound to begin what it has decided.
func (m *mind) due(bound bool) bool {
	switch {
	case m.coming != nil, m.busy && m.ended:
		return true
	case !m.busy || m.begun:
		return false
	case m.action.Kind == reconcile.Reap:
		return true
	case m.action.Kind == reconcile.CleanLocal:
		return false // it may take its time, and nobody sees it begin
	}
	return bound
}

// endless says that the removal of local state has taken longer than it can: it waits
// for a worker to stop, at most ten seconds of a clock that may be slow, then for the
// disk.
func (m *mind) endless(now time.Duration, n *node) bool {
	if !m.busy || m.action.Kind != reconcile.CleanLocal || n.paused {
		return false
	}
	begun := max(m.since, n.resumed, n.stopped[m.action.Version])
	return !n.alive(m.action.Version) && now-begun > removal || now-begun > removal+drain
}

const (
	drain   = 12 * time.Second
	removal = 3 * time.Second
)

// exits is when the workers of handles were gone.
type exits map[int64]time.Duration

// silent are the minds that m can become without an event, by one step.
func (m *mind) silent(now time.Duration, gone exits, n *node) []mind {
	var all []mind
	if m.coming != nil {
		d := *m
		d.pending, d.coming = m.coming, nil
		d.memory = m.memory.Saw(m.coming.view)
		if d.busy {
			all = append(all, d)
		} else {
			all = append(all, d.next(now, gone)...)
		}
	}
	switch {
	case !m.busy:
	case m.ended:
		all = append(all, m.settle(now, gone, n.passes)...)
	default:
		if outcome, ok := m.unseen(gone, n); ok {
			e := *m
			e.ended, e.outcome = true, outcome
			all = append(all, e)
		}
	}
	return all
}

// unseen says that the action under way can end without an event.
func (m *mind) unseen(gone exits, n *node) (reconcile.Outcome, bool) {
	switch m.action.Kind {
	case reconcile.Reap:
		return reconcile.Outcome{}, true
	case reconcile.Terminate:
		// A worker that is gone says nothing to being told to stop.
		i := slices.IndexFunc(m.handles, func(h hand) bool { return h.version == m.action.Version })
		_, exited := gone[m.handles[i].id]
		return reconcile.Outcome{}, exited
	case reconcile.Start:
		return reconcile.Outcome{Result: reconcile.Failed}, m.begun
	case reconcile.CleanLocal:
		// It gives up on a worker, or on a disk, and on nothing else.
		lingers := n.alive(m.action.Version) || n.stopped[m.action.Version] >= m.since
		return reconcile.Outcome{Result: reconcile.Failed}, lingers || n.rotten
	}
	return reconcile.Outcome{}, false
}

// settle remembers the outcome of the action under way and decides what is next.
func (m *mind) settle(now time.Duration, gone exits, passes uint64) []mind {
	d := *m
	d.busy, d.begun, d.ended, d.op, d.handle = false, false, false, 0, 0
	switch a := m.action; {
	case a.Kind == reconcile.Reap:
		d.handles = slices.DeleteFunc(slices.Clone(d.handles), func(h hand) bool { return h.version == a.Version })
	case a.Kind == reconcile.Terminate:
		d.handles = slices.Clone(d.handles)
		i := slices.IndexFunc(d.handles, func(h hand) bool { return h.version == a.Version })
		d.handles[i].terminated = true
	case a.Kind == reconcile.Start && m.outcome.Result == reconcile.OK:
		d.handles = append(slices.Clip(d.handles), hand{id: m.handle, version: a.Version})
	}
	after := func(pass uint64, d mind) []mind {
		outcome := m.outcome
		outcome.Pass = pass
		d.memory = m.memory.Settle(m.action, outcome)
		d.action, d.outcome = reconcile.Action{}, reconcile.Outcome{}
		return d.next(now, gone)
	}
	if !m.countsPasses() {
		return after(passes, d)
	}
	var all []mind
	if d.early == never {
		e := d
		if e.late = now; m.outcome.Result == reconcile.Failed && m.withoutEnd() {
			e.late = max(d.late, m.since) // nobody saw when
		}
		all = after(passes, e)
	}
	if m.coming == nil { // else the pass before is not over
		if d.early == never {
			d.early = now
		}
		all = append(all, after(passes+1, d)...)
	}
	return all
}

// withoutEnd says that the action can fail at any time without an event.
func (m *mind) withoutEnd() bool {
	return m.action.Kind == reconcile.Start || m.action.Kind == reconcile.CleanLocal
}

// countsPasses says that settling the action depends on how many passes have begun.
func (m *mind) countsPasses() bool {
	switch m.action.Kind {
	case reconcile.Start, reconcile.Reap, reconcile.CleanLocal:
		return true
	case reconcile.AckPreparation, reconcile.AckPost, reconcile.Finalize, reconcile.CleanRecord:
		return m.outcome.Result == reconcile.OK
	}
	return false
}

// next decides on the newest look what to perform next, for everything that the handles
// can look like by now.
func (m *mind) next(now time.Duration, gone exits) []mind {
	d := *m
	if d.pending != nil {
		d.current, d.pending = d.pending, nil
	}
	if d.current == nil {
		return []mind{d}
	}
	var all []mind
	for _, handles := range polls(d.handles, now, gone) {
		e, v := d, d.current.view
		v.Handles = handles
		a := reconcile.Next(v, e.memory)
		switch a.Kind {
		case reconcile.Wait, reconcile.Relist, reconcile.Forget:
			e.memory = e.memory.Settle(a, reconcile.Outcome{})
			e.current = nil
			if a.Kind == reconcile.Forget {
				e.handles = nil
			}
		default:
			e.busy, e.action, e.since = true, a, now
		}
		all = append(all, e)
	}
	return all
}

// polls are what handles can look like: a worker that exits in this instant may still
// be taken for alive.
func polls(handles []hand, now time.Duration, gone exits) [][]reconcile.Handle {
	all := [][]reconcile.Handle{nil}
	for _, h := range handles {
		alive := reconcile.Running
		if h.terminated {
			alive = reconcile.Terminating
		}
		states := []reconcile.HandleState{alive}
		if at, exited := gone[h.id]; exited {
			states[0] = reconcile.Exited
			if at == now {
				states = append(states, alive)
			}
		}
		var longer [][]reconcile.Handle
		for _, before := range all {
			for _, s := range states {
				longer = append(longer, append(slices.Clip(before), reconcile.Handle{Version: h.version, State: s}))
			}
		}
		all = longer
	}
	return all
}
