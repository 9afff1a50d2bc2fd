package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// module is the path of this module. What of it is not the system is the harness.
const module = "dtsim/"

// clocks is the package of the nodes' clocks. Waiting is the contract of its functions,
// and they panic, as those of package time do, at an argument that is not valid.
const clocks = module + "sim/clock"

// ending is how the system has ended a run. Equal endings are the same defect: nothing in
// them depends on the machine or on what the process did before.
type ending struct {
	// kind is [trace.Panicked] or [trace.LeftBehind].
	kind trace.Kind
	// what is the message of the panic.
	what string
	// n is the number of goroutines left behind.
	n int
	// in is the function that the ending is attributed to, at its file and line.
	in, at string
}

func (e ending) String() string {
	if e.kind == trace.LeftBehind {
		return fmt.Sprintf("%d goroutines left behind, one in %s at %s", e.n, e.in, e.at)
	}
	return fmt.Sprintf("a panic in %s at %s: %s", e.in, e.at, e.what)
}

// event returns the last event of a run with that ending.
func (e ending) event() trace.Event {
	where := []trace.Field{trace.Str("in", e.in), trace.Str("at", e.at)}
	if e.kind == trace.LeftBehind {
		return trace.Event{Kind: e.kind, Fields: append([]trace.Field{trace.Int("n", int64(e.n))}, where...)}
	}
	return trace.Event{Kind: e.kind, Fields: append([]trace.Field{trace.Str("what", e.what)}, where...)}
}

// system are import path prefixes of packages that count as the system.
type system []string

// attribute returns how the system has ended a run, given what the guest printed when it
// crashed; ok is false if the harness has ended it.
//
// A package of the system, a package of the harness (the rest of this module, and the
// guest's program) and a library have an owner; the standard library and the clocks of
// nodes have none. A goroutine belongs to the owner of its innermost frame that has one.
// If that is a library, it belongs to the caller of the library: to the library itself if
// it has no caller, which makes it one of the system's, for the harness uses none that
// starts goroutines. A goroutine without such a frame belongs to its creator.
//
// Memory that runs out, a failed check of the runtime, and a process in which every
// goroutine sleeps cannot be attributed, and count as the harness's.
func (s system) attribute(stderr string) (_ ending, ok bool) {
	reason, dump, ok := lastWords(stderr)
	if !ok {
		return ending{}, false
	}
	all := goroutines(dump)
	if strings.HasPrefix(reason, event.Endless) {
		all = stuck(all)
	}
	if strings.HasPrefix(reason, "deadlock: ") {
		return s.leftBehind(all)
	}
	if len(all) == 0 {
		return ending{}, false
	}
	f, owner := s.ownerOf(all[0])
	if owner != ofSystem {
		return ending{}, false
	}
	return ending{kind: trace.Panicked, what: reason, in: f.name(), at: f.at()}, true
}

// stuck returns the goroutines that wait for a lock, or, if there are none, those that wait for another
// goroutine alone: what has a timer, or has called the harness, goes on.
func stuck(all []goroutine) []goroutine {
	for _, waits := range []func(goroutine) bool{waitsForLock, waitsForGoroutine} {
		if waiting := slices.DeleteFunc(slices.Clone(all), func(g goroutine) bool { return !waits(g) }); len(waiting) > 0 {
			return waiting
		}
	}
	return nil
}

func waitsForLock(g goroutine) bool {
	return g.is("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock")
}

func waitsForGoroutine(g goroutine) bool {
	return g.is("chan send", "chan receive", "sync.WaitGroup.Wait", "sync.Cond.Wait")
}

// is reports whether the goroutine is in one of these states.
func (g goroutine) is(states ...string) bool {
	return slices.ContainsFunc(states, func(state string) bool { return strings.HasPrefix(g.state, state) })
}

// leftBehind returns which goroutines of the system wait forever. One that has called the
// harness, which does not return, is the harness's fault, whatever else waits, and ok is false:
// but for those that wait for a lock of a package in which no such goroutine is. The harness has a lock
// of its own while the system applies a command, for which then everybody waits who calls it.
func (s system) leftBehind(all []goroutine) (_ ending, ok bool) {
	var left, locked []frame
	called := make(map[string]bool) // the packages of goroutines that have called the harness
	for _, g := range all {
		if !strings.Contains(g.state, "synctest bubble") {
			continue
		}
		switch f, owner := s.ownerOf(g); {
		case owner == ofSystem:
			left = append(left, f)
			if waitsForLock(g) {
				locked = append(locked, f)
			}
		case s.hasCalled(g):
			for _, f := range g.frames {
				called[f.pkg()] = true
			}
		}
	}
	if len(called) > 0 {
		left = slices.DeleteFunc(locked, func(f frame) bool { return called[f.pkg()] })
	}
	if len(left) == 0 {
		return ending{}, false
	}
	first := slices.MinFunc(left, func(a, b frame) int { return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.name(), b.name())) })
	return ending{kind: trace.LeftBehind, n: len(left), in: first.name(), at: first.at()}, true
}

// owner is whose code something is.
type owner int

const (
	ofNobody owner = iota
	ofSystem
	ofHarness
	ofLibrary
)

// ownerOfFrame returns whose code a function is.
func (s system) ownerOfFrame(f frame) owner {
	pkg := f.pkg()
	for _, prefix := range s {
		if pkg == prefix || strings.HasPrefix(pkg, prefix+"/") {
			return ofSystem
		}
	}
	root, _, _ := strings.Cut(pkg, "/")
	switch {
	case pkg == clocks:
		return ofNobody
	case pkg == "main" || strings.HasPrefix(pkg, module):
		return ofHarness
	case strings.Contains(root, "."): // the standard library has no domain
		return ofLibrary
	}
	return ofNobody
}

// ownerOf returns to whom a goroutine belongs, and the frame that shows it. It is never
// [ofLibrary].
func (s system) ownerOf(g goroutine) (frame, owner) {
	var library *frame
	for i, f := range append(slices.Clip(g.frames), g.creator) {
		switch owner := s.ownerOfFrame(f); owner {
		case ofLibrary:
			if library == nil {
				library = &f
			}
		case ofSystem, ofHarness:
			if i == len(g.frames) && library != nil && owner == ofSystem {
				return *library, ofSystem // its creator may have returned
			}
			return f, owner
		}
	}
	if library != nil {
		return *library, ofSystem
	}
	return frame{}, ofNobody
}

// hasCalled reports whether the system, or a library, has called the harness in g and the
// harness has not returned.
func (s system) hasCalled(g goroutine) bool {
	inner := slices.IndexFunc(g.frames, func(f frame) bool { return s.ownerOfFrame(f) == ofHarness })
	if inner < 0 {
		return false
	}
	return slices.ContainsFunc(g.frames[inner:], func(f frame) bool {
		owner := s.ownerOfFrame(f)
		return owner == ofSystem || owner == ofLibrary
	})
}
