// Package pause has what comes up for a process while it is paused: messages, timers that become due,
// goroutines that were on their way. When the process goes on, all of it is there at once, and
// nothing says in which order the process gets to see it, except that a stream keeps its own.
//
// The package depends on nothing but package sim/keyed.
package pause

import (
	"cmp"
	"slices"
	"time"

	"dtsim/sim/keyed"
)

// Step is one thing that has waited for the end of a pause.
type Step struct {
	// Stream names what keeps its order: of two steps of one stream, the one that came up first is
	// done first.
	Stream string
	// Message is set for a message that has arrived.
	Message bool
	// Do is called in a goroutine of its own.
	Do func()
}

// Order returns the steps, which came up in this order, in the order in which they are to be done.
// What is drawn for a step belongs to its stream and its place in there.
func Order(draw keyed.Draw, steps []Step) []Step {
	type drawn struct {
		key  uint64
		from int
	}
	streams := make(map[string][]int)
	for i, s := range steps {
		streams[s.Stream] = append(streams[s.Stream], i)
	}
	all := make([]drawn, len(steps))
	for stream, of := range streams { // each writes what is its own
		keys := make([]uint64, len(of))
		for n := range of {
			keys[n] = draw.Str(stream).Int(uint64(n)).Uint64()
		}
		slices.Sort(keys)
		for n, i := range of {
			all[i] = drawn{keys[n], i}
		}
	}
	slices.SortStableFunc(all, func(a, b drawn) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.from, b.from)) })
	ordered := make([]Step, len(steps))
	for n, d := range all {
		ordered[n] = steps[d.from]
	}
	return ordered
}

// Release does the steps in the order that is drawn, a nanosecond apart; it does not wait for them.
func Release(draw keyed.Draw, steps []Step) {
	for n, s := range Order(draw, steps) {
		time.AfterFunc(time.Duration(n+1), s.Do)
	}
}
