package tracecheck

import (
	"encoding/binary"
	"slices"
	"time"

	"dtsim/sched/reconcile"
)

// look is what one pass shows of a key; its Source distinguishes looks.
type look = reconcile.Look[uint64]

// hypothesis is one state that the scheduler of a node can be in for a key. Hypotheses are
// values: what their slices and pointers refer to is never written to.
type hypothesis struct {
	// decides is what the scheduler decides by.
	decides reconcile.Runner[uint64]
	// coming is listed and not delivered yet.
	coming *look

	// since is when the action under way was decided.
	since time.Duration
	// begun: the beginning of the action is in the trace. ended: its end is, with the
	// outcome, and it is not settled yet.
	begun, ended bool
	outcome      reconcile.Outcome
	// op is the call that the action makes.
	op int64

	// early is when the first action was settled on the assumption that the pass whose list
	// is to come had begun, late when the last one was on the assumption that it had not;
	// never for none.
	early, late time.Duration
}

const never = time.Duration(-1)

// appendLook appends what distinguishes a look from others.
func appendLook(b []byte, l *look) []byte {
	if l == nil {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, l.Source)
}

// append appends what distinguishes a hypothesis from others.
func (h *hypothesis) append(b []byte) []byte {
	b = h.decides.AppendBinary(appendLook(b, h.coming), appendLook)
	b = binary.AppendVarint(binary.AppendVarint(b, int64(h.early)), int64(h.late))
	b = append(b, flag(h.begun), flag(h.ended))
	if h.decides.UnderWay == nil {
		return b
	}
	if h.withoutEnd() {
		b = binary.AppendVarint(b, int64(h.since))
	}
	b = append(b, byte(h.outcome.Result), flag(h.outcome.Answer))
	b = binary.AppendUvarint(binary.AppendVarint(b, h.op), h.outcome.Handle)
	return append(binary.AppendUvarint(b, uint64(len(h.outcome.Err))), h.outcome.Err...)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// action is the action under way; Wait when there is none.
func (h *hypothesis) action() reconcile.Action {
	if h.decides.UnderWay == nil {
		return reconcile.Action{Kind: reconcile.Wait}
	}
	return *h.decides.UnderWay
}

// due reports whether the scheduler has something to do before time can pass. bound: what
// it has decided must begin.
func (h *hypothesis) due(bound bool) bool {
	switch {
	case h.coming != nil, h.ended:
		return true
	case h.decides.UnderWay == nil || h.begun:
		return false
	case h.action().Kind == reconcile.Reap:
		return true
	case h.action().Kind == reconcile.CleanLocal:
		return false // it takes time, and its beginning is not in the trace
	}
	return bound
}

// overdue reports whether the removal of local state has taken longer than it can: it
// waits for a worker to stop, at most ten seconds of a clock that may be slow, then for
// the disk.
func (h *hypothesis) overdue(now time.Duration, n *node) bool {
	a := h.action()
	if a.Kind != reconcile.CleanLocal || n.paused {
		return false
	}
	begun := max(h.since, n.resumed, n.stopped[a.Version])
	return !n.alive(a.Version) && now-begun > removal || now-begun > removal+drain
}

const (
	drain   = 12 * time.Second
	removal = 3 * time.Second
)

// exits are the times at which the workers of handles exited.
type exits map[uint64]time.Duration

// silent returns what h can become by one step that is not in the trace.
func (h *hypothesis) silent(now time.Duration, gone exits, n *node) []hypothesis {
	var all []hypothesis
	if h.coming != nil {
		d := *h
		d.coming = nil
		d.decides.Deliver(h.coming)
		all = append(all, d.next(now, gone)...)
	}
	switch {
	case h.decides.UnderWay == nil:
	case h.ended:
		all = append(all, h.settle(now, gone, n.passes.Begun)...)
	default:
		if outcome, ok := h.unseen(gone, n); ok {
			e := *h
			e.ended, e.outcome = true, outcome
			all = append(all, e)
		}
	}
	return all
}

// unseen returns the outcome with which the action under way can end without an event.
func (h *hypothesis) unseen(gone exits, n *node) (reconcile.Outcome, bool) {
	switch a := h.action(); a.Kind {
	case reconcile.Reap:
		return reconcile.Outcome{}, true
	case reconcile.Terminate:
		// A worker that has exited writes no event when it is terminated.
		_, exited := gone[h.handle(a.Version).ID]
		return reconcile.Outcome{}, exited
	case reconcile.Start:
		return reconcile.Outcome{Result: reconcile.Failed}, h.begun
	case reconcile.CleanLocal:
		// It gives up on a worker, or on a disk, and on nothing else.
		lingers := n.alive(a.Version) || n.stopped[a.Version] >= h.since
		return reconcile.Outcome{Result: reconcile.Failed}, lingers || n.diskFaulty
	}
	return reconcile.Outcome{}, false
}

// handle returns the handle of a version; the zero value when there is none.
func (h *hypothesis) handle(version uint64) reconcile.Handle {
	i := slices.IndexFunc(h.decides.Handles, func(h reconcile.Handle) bool { return h.Version == version })
	if i < 0 {
		return reconcile.Handle{}
	}
	return h.decides.Handles[i]
}

// settle returns what h can become when the action under way is settled and the next one
// is decided.
func (h *hypothesis) settle(now time.Duration, gone exits, passes uint64) []hypothesis {
	after := func(pass uint64, d hypothesis) []hypothesis {
		outcome := h.outcome
		outcome.Pass = pass
		d.decides.Settle(outcome)
		d.begun, d.ended, d.outcome, d.op = false, false, reconcile.Outcome{}, 0
		return d.next(now, gone)
	}
	if !h.countsPasses() {
		return after(passes, *h)
	}
	var all []hypothesis
	if h.early == never {
		d := *h
		if d.late = now; h.outcome.Result == reconcile.Failed && h.withoutEnd() {
			d.late = max(h.late, h.since) // when it ended is not in the trace
		}
		all = after(passes, d)
	}
	if h.coming == nil { // else the pass before is not over
		d := *h
		if d.early == never {
			d.early = now
		}
		all = append(all, after(passes+1, d)...)
	}
	return all
}

// withoutEnd reports whether the action under way can fail at any time without an event.
func (h *hypothesis) withoutEnd() bool {
	kind := h.action().Kind
	return kind == reconcile.Start || kind == reconcile.CleanLocal
}

// countsPasses reports whether settling the action under way depends on how many passes
// have begun.
func (h *hypothesis) countsPasses() bool {
	switch h.action().Kind {
	case reconcile.Start, reconcile.Reap, reconcile.CleanLocal:
		return true
	case reconcile.AckPreparation, reconcile.AckPost, reconcile.Finalize, reconcile.CleanRecord:
		return h.outcome.Result == reconcile.OK
	}
	return false
}

// next returns what h can become by deciding what to perform next, for each set of workers
// that can have exited by now.
func (h *hypothesis) next(now time.Duration, gone exits) []hypothesis {
	if r := &h.decides; r.UnderWay != nil || r.Pending == nil && r.Current == nil {
		return []hypothesis{*h}
	}
	var all []hypothesis
	for _, exited := range exited(h.decides.Handles, now, gone) {
		d := *h
		d.decides.Next(func(h reconcile.Handle) bool { return slices.Contains(exited, h.ID) })
		if d.decides.UnderWay != nil {
			d.since = now
		}
		all = append(all, d)
	}
	return all
}

// exited returns the sets of workers that a scheduler can find exited: one that exits in
// this instant may or may not be.
func exited(handles []reconcile.Handle, now time.Duration, gone exits) [][]uint64 {
	all := [][]uint64{nil}
	for _, h := range handles {
		at, exited := gone[h.ID]
		if !exited {
			continue
		}
		for i, before := range all {
			all[i] = append(slices.Clip(before), h.ID)
			if at == now {
				all = append(all, before)
			}
		}
	}
	return all
}
