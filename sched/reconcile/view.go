package reconcile

import "slices"

// Caps are what a node's collaborators can do. They do not change in the life of
// a memory.
type Caps struct {
	// UnitAware: the provider has callbacks.
	UnitAware bool
	// RecoveryAware: the provider can tell whether its part of a terminal task is
	// done.
	RecoveryAware bool
	// Acks: the outcome of callbacks can be recorded.
	Acks bool
	// Finalizer: tasks can be finished.
	Finalizer bool
}

// HandleState is how far a launched worker is.
type HandleState uint8

const (
	// Running: launched, not terminated.
	Running HandleState = iota
	// Terminating: asked to stop, not known to have exited.
	Terminating
	// Exited: gone, for whatever reason.
	Exited
)

// Handle is a worker launched by this incarnation of the node.
type Handle struct {
	Version uint64
	State   HandleState
	// ID is what the caller knows the worker by; no decision depends on it.
	ID uint64
	// Unwatched: the worker cannot report that it has exited.
	Unwatched bool
}

// View is what a node sees of one key.
type View struct {
	Caps Caps
	// Pass numbers the lists of one incarnation from 1; this view's list was number
	// Pass.
	Pass uint64
	// First: the list is the first of the incarnation.
	First bool
	// Present: the list has a record of the key, which Task describes; if it has
	// none, Bootstrap, Expired and Task mean nothing.
	Present bool
	Task    Observation
	// Bootstrap: this version was terminal already in the first list of this
	// incarnation. It stays true for as long as the record is listed. A [Runner] sets it.
	Bootstrap bool
	// Expired: the record is terminal, past its time to live, and this node can
	// propose its removal.
	Expired bool
	// Handles are the workers of all versions of the key, by ascending version, as
	// they are now (not as they were at the time of the list). A [Runner] sets them.
	Handles []Handle
	// LocalState are the versions of the key the provider holds local state of,
	// ascending, read before the list was.
	LocalState []uint64
}

// superseded reports whether the version is not the listed one any more.
func (v View) superseded(version uint64) bool {
	return !v.Present || version < v.Task.Version
}

// handle returns the state of the listed version's handle; Exited when it has
// none.
func (v View) handle() HandleState {
	for _, h := range v.Handles {
		if h.Version == v.Task.Version && h.State != Exited {
			return h.State
		}
	}
	return Exited
}

// holdsLocalState reports whether the provider has local state of the listed version.
func (v View) holdsLocalState() bool { return slices.Contains(v.LocalState, v.Task.Version) }

// basis is what the view adds to what the node has seen.
func (v View) basis() Basis {
	b := Basis{Pass: v.Pass}
	if v.Present {
		b.Version, b.Progress = v.Task.Version, v.Task.Progress
	}
	return b
}

// Basis is what an action was decided on; settling the action stores it.
type Basis struct {
	Pass uint64
	// Version is 0 when no record was listed.
	Version  uint64
	Progress Progress
}
