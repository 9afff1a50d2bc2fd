package reconcile

import (
	"encoding/binary"
	"slices"
)

// Look is what one pass shows of a key.
type Look[S any] struct {
	// View is what decisions are made on. Its Bootstrap and Handles are filled in by the
	// [Runner].
	View View
	// Source is what the caller made the view from. The Runner returns it with each
	// decision and does not read it.
	Source S
}

// Runner decides what a node does for one key, one action after another, for one
// incarnation of the node: [Runner.Deliver] what each pass shows, call [Runner.Next],
// perform what it returns, [Runner.Settle] the outcome, call Next again. While an action
// is under way newer looks are delivered and replace each other; the next decision is
// made on the newest. The zero value is a key of which nothing is known.
//
// A Runner is a value, and a copy is a clone: methods change fields of their receiver and
// never what a pointer or a slice of it refers to. Equal Runners have equal
// [Runner.AppendBinary]. It is not safe for concurrent use.
type Runner[S any] struct {
	Memory Memory
	// EndedAtStart is the version that was terminal in the first list of the incarnation,
	// for as long as every list since has had a record of the key; 0 for none.
	EndedAtStart uint64
	// Pending is the newest look, as long as no decision was made on it; Current is the
	// look that decisions are made on.
	Pending, Current *Look[S]
	// UnderWay is the action that was returned by Next and is not settled.
	UnderWay *Action
	// Handles are the workers that were launched and not reaped, by ascending version.
	// None of them is Exited: whether a worker has exited is asked for each decision.
	Handles []Handle
}

// Deliver takes a newer look. It decides nothing.
func (r *Runner[S]) Deliver(l *Look[S]) {
	switch v := &l.View; {
	case !v.Present:
		r.EndedAtStart = 0
	case v.First && v.Task.Status.IsTerminal():
		r.EndedAtStart = v.Task.Version
	}
	r.Pending = l
	r.Memory = r.Memory.Saw(l.View)
}

// Next decides on the newest look, and returns the look and the action. exited reports
// whether the worker of a handle has exited by now.
//
// The action is under way until it is settled, unless its kind is [Kind.AtRest]: then
// nothing is to be performed until another look is delivered. Relist asks for that to be
// soon; after Forget the Runner is the zero value. While an action is under way, and when
// there is no look to decide on, Next returns nil and Wait and changes nothing.
func (r *Runner[S]) Next(exited func(Handle) bool) (*Look[S], Action) {
	if r.UnderWay != nil {
		return nil, Action{Kind: Wait}
	}
	if r.Pending != nil {
		r.Current, r.Pending = r.Pending, nil
	}
	l := r.Current
	if l == nil {
		return nil, Action{Kind: Wait}
	}
	action := Next(r.view(l.View, exited), r.Memory)
	switch {
	case action.Kind == Forget:
		*r = Runner[S]{}
	case action.Kind.AtRest():
		r.Memory = r.Memory.Settle(action, Outcome{})
		r.Current = nil
	default:
		r.UnderWay = &action
	}
	return l, action
}

// view completes a view with the state of the runner.
func (r *Runner[S]) view(v View, exited func(Handle) bool) View {
	v.Bootstrap = v.Present && r.EndedAtStart != 0 && r.EndedAtStart == v.Task.Version
	v.Handles = slices.Clone(r.Handles)
	for i := range v.Handles {
		// A worker that cannot report its exit counts as gone once it was terminated.
		if h := &v.Handles[i]; exited(*h) || h.Unwatched && h.State == Terminating {
			h.State = Exited
		}
	}
	return v
}

// Settle ends the action under way. Newer looks may have been delivered since Next
// returned it. It panics when no action is under way.
func (r *Runner[S]) Settle(o Outcome) {
	if r.UnderWay == nil {
		panic("reconcile: Settle without an action under way")
	}
	action := *r.UnderWay
	r.UnderWay = nil
	switch action.Kind {
	case Start:
		if o.Result == OK {
			r.Handles = append(slices.Clip(r.Handles), Handle{Version: action.Version, ID: o.Handle, Unwatched: o.Unwatched})
		}
	case Terminate:
		r.Terminated(action.Version)
	case Reap:
		r.Handles = slices.DeleteFunc(slices.Clone(r.Handles), func(h Handle) bool { return h.Version == action.Version })
	}
	r.Memory = r.Memory.Settle(action, o)
}

// Terminated notes that a worker of the version was terminated. Settle does so for
// Terminate; it is for workers that are stopped without a decision, by a shutdown.
func (r *Runner[S]) Terminated(version uint64) {
	i := slices.IndexFunc(r.Handles, func(h Handle) bool { return h.Version == version && h.State == Running })
	if i >= 0 {
		r.Handles = slices.Clone(r.Handles)
		r.Handles[i].State = Terminating
	}
}

// OldestPass returns the least number of a pass that the looks and the action under way
// refer to, and at most the given one.
func (r *Runner[S]) OldestPass(pass uint64) uint64 {
	for _, l := range [...]*Look[S]{r.Pending, r.Current} {
		if l != nil {
			pass = min(pass, l.View.Pass)
		}
	}
	if r.UnderWay != nil {
		pass = min(pass, r.UnderWay.Basis.Pass)
	}
	return pass
}

// Rebase lowers all passes by the given number, which must be below OldestPass; see
// [Memory.Rebase].
func (r *Runner[S]) Rebase(passes uint64) {
	r.Memory = r.Memory.Rebase(passes)
	r.Pending, r.Current = r.Pending.Rebased(passes), r.Current.Rebased(passes)
	if r.UnderWay != nil {
		action := *r.UnderWay
		action.Basis.Pass -= passes
		r.UnderWay = &action
	}
}

// Rebased returns the look with its pass lowered, nil for nil.
func (l *Look[S]) Rebased(passes uint64) *Look[S] {
	if l == nil {
		return nil
	}
	lower := *l
	lower.View.Pass -= passes
	return &lower
}

// AppendBinary appends an encoding that is equal for equal Runners, and for no others.
// look appends the encoding of a look, which may be nil; a View's First need not be part
// of it, since it has had its effect.
func (r *Runner[S]) AppendBinary(b []byte, look func([]byte, *Look[S]) []byte) []byte {
	b = r.Memory.AppendBinary(b)
	b = binary.AppendUvarint(b, r.EndedAtStart)
	b = look(look(b, r.Pending), r.Current)
	b = r.UnderWay.appendBinary(b)
	b = binary.AppendUvarint(b, uint64(len(r.Handles)))
	for _, h := range r.Handles {
		b = binary.AppendUvarint(binary.AppendUvarint(b, h.Version), h.ID)
		b = append(b, byte(h.State), bit(h.Unwatched))
	}
	return b
}

func (a *Action) appendBinary(b []byte) []byte {
	if a == nil {
		return append(b, 0)
	}
	b = append(b, 1, byte(a.Kind), bit(a.Success))
	p := a.Basis.Progress
	for _, n := range [...]uint64{
		a.Version, a.Basis.Pass, a.Basis.Version, uint64(p.Phase), uint64(p.TerminalUnits), uint64(p.ClaimedUnits),
		uint64(p.PreparationAcks), uint64(p.PostAcks), uint64(len(a.Units)),
	} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendString(appendString(b, a.Group), a.Message)
	for _, unit := range a.Units {
		b = appendString(b, unit)
	}
	return b
}
