package explore

import (
	"math/bits"
	"slices"
	"sort"
)

// noEdge stands for the edge by which a walk comes to its first state.
const noEdge = ^uint64(0)

// notReached stands for the edge by which a walk has not come to a state.
const notReached = noEdge - 1

// walk is a path through a graph.
type walk struct {
	from  uint32
	edges []uint64
}

// walk returns the shortest walk from one of some states to where goal holds, through
// states in which inside holds (nil for all). goal is asked about states with the edge
// they are reached by; that walk has at least one edge when it refuses noEdge.
func (g *graph) walk(from []uint32, inside func(uint32) bool, goal func(v uint32, by uint64) bool) (walk, bool) {
	var queue []uint32
	defer func() {
		for _, v := range queue {
			g.by[v] = notReached
		}
	}()
	reach := func(v uint32, e uint64) {
		for int(v) >= len(g.by) {
			g.by = append(g.by, notReached)
		}
		if g.by[v] == notReached {
			g.by[v] = e
			queue = append(queue, v)
		}
	}
	for _, v := range from {
		if goal(v, noEdge) {
			return walk{from: v}, true
		}
		reach(v, noEdge)
	}
	for i := 0; i < len(queue); i++ {
		first, end := g.edges(queue[i])
		for e := first; e < end; e++ {
			to := g.to[e]
			if inside != nil && !inside(to) {
				continue
			}
			if goal(to, e) {
				return g.trace(e), true
			}
			reach(to, e)
		}
	}
	return walk{}, false
}

// trace is the walk that ends with an edge, back through what was reached.
func (g *graph) trace(last uint64) (w walk) {
	for last != noEdge {
		w.edges = append(w.edges, last)
		w.from = g.source(last)
		last = g.by[w.from]
	}
	slices.Reverse(w.edges)
	return w
}

// source is the state that an edge begins at.
func (g *graph) source(e uint64) uint32 {
	return uint32(sort.Search(g.states(), func(v int) bool { return g.first[v+1] > e }))
}

// components calls each for every strongly connected component of the states that are not
// left out, after those that it leads to, and numbers them: the states of a component, and
// no others, have the same entry in of. It is Pearce's PEA_FIND_SCC2 ("A Space-Efficient
// Algorithm for Finding Strongly Connected Components", 2016), with a stack of its own in
// the place of recursion: Tarjan's algorithm in one array.
func (g *graph) components(of []uint32, leaveOut func(uint32) bool, each func(members []uint32)) {
	type frame struct {
		next uint64 // the edge to look at
		v    uint32
		root bool
	}
	clear(of)
	var (
		frames []frame
		stack  []uint32
		index  = uint32(1)
		number = ^uint32(0)
	)
	enter := func(v uint32) {
		of[v] = index
		index++
		frames = append(frames, frame{g.first[v], v, true})
	}
	for start := range uint32(g.states()) {
		if of[start] != 0 || leaveOut != nil && leaveOut(start) {
			continue
		}
		enter(start)
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if f.next < g.first[f.v+1] {
				to := g.to[f.next]
				switch {
				case leaveOut != nil && leaveOut(to):
				case of[to] == 0:
					enter(to) // and look at this edge again
					continue
				case of[to] < of[f.v]:
					of[f.v], f.root = of[to], false
				}
				f.next++
				continue
			}
			v, root := f.v, f.root
			frames = frames[:len(frames)-1]
			if !root {
				stack = append(stack, v)
				continue
			}
			low := of[v]
			bottom := len(stack)
			for bottom > 0 && low <= of[stack[bottom-1]] {
				bottom--
			}
			stack = append(stack, v)
			members := stack[bottom:]
			for _, w := range members {
				of[w] = number
			}
			index -= uint32(len(members))
			number--
			each(members)
			stack = stack[:bottom]
		}
	}
}

// liveness is what was decided on a graph.
type liveness struct {
	graph   *graph
	classes uint64
	// component numbers those of the unsettled states; fair marks the states of those that
	// can be stayed in, reaches the states from which a settled one can be reached.
	component     []uint32
	fair, reaches []uint64
	counts        GraphCounts
}

func newLiveness(g *graph, classes int) *liveness {
	n := g.states()
	words := (n + 63) / 64
	l := &liveness{
		graph: g, classes: 1<<classes - 1,
		component: make([]uint32, n), fair: make([]uint64, words), reaches: make([]uint64, words),
	}
	for _, w := range g.settled {
		l.counts.Settled += uint64(bits.OnesCount64(w))
	}
	g.components(l.component, nil, l.reach)
	g.components(l.component, g.isSettled, l.stay)
	return l
}

// bytes is what deciding takes at most: of Tarjan's algorithm the numbers, and the two
// stacks when all states are on them; of a walk an edge for each state.
func (l *liveness) bytes() uint64 {
	return (4+16+8+4)*uint64(len(l.component)) + 8*uint64(len(l.fair)+len(l.reaches))
}

func has(set []uint64, v uint32) bool { return set[v/64]>>(v%64)&1 != 0 }
func include(set []uint64, v uint32)  { set[v/64] |= 1 << (v % 64) }

// reach marks a component from which a settled state can be reached.
func (l *liveness) reach(members []uint32) {
	for _, v := range members {
		first, end := l.graph.edges(v)
		if l.graph.isSettled(v) || slices.ContainsFunc(l.graph.to[first:end], func(to uint32) bool { return has(l.reaches, to) }) {
			for _, w := range members {
				include(l.reaches, w)
			}
			return
		}
	}
}

// stay marks a component of unsettled states that a weakly fair run can stay in: each
// class is taken inside, or disabled somewhere inside. A run that goes through all of the
// component for ever does then what fairness asks, and no run in a part of it has more to
// show.
func (l *liveness) stay(members []uint32) {
	cycle := false
	taken, disabled := uint64(0), uint64(0)
	for _, v := range members {
		disabled |= l.disabled(v)
		first, end := l.graph.edges(v)
		for e := first; e < end; e++ {
			if to := l.graph.to[e]; to != v && !l.graph.isSettled(to) && l.component[to] == l.component[v] {
				cycle = true
				taken |= l.class(e)
			}
		}
	}
	if !cycle {
		return
	}
	l.counts.Components++
	l.counts.Largest = max(l.counts.Largest, uint64(len(members)))
	if (taken|disabled)&l.classes == l.classes {
		for _, v := range members {
			include(l.fair, v)
		}
	}
}

// class is the class of an edge as a set.
func (l *liveness) class(e uint64) uint64 {
	if c := l.graph.class[e]; c >= 0 {
		return 1 << c
	}
	return 0
}

// disabled are the classes of which no action is enabled in a state.
func (l *liveness) disabled(v uint32) uint64 {
	enabled := uint64(0)
	first, end := l.graph.edges(v)
	for e := first; e < end; e++ {
		enabled |= l.class(e)
	}
	return l.classes &^ enabled
}

// deadlock finds the nearest unsettled state in which a fair run may stop: no class is
// enabled there.
func (l *liveness) deadlock() (walk, bool) {
	return l.stem(func(v uint32) bool {
		return !l.graph.isSettled(v) && l.disabled(v) == l.classes
	})
}

// wedge finds the nearest state from which no settled one can be reached, and from there a
// loop that a fair run may end in.
func (l *liveness) wedge() (stem walk, loop []uint64, ok bool) {
	stem, ok = l.stem(func(v uint32) bool { return !has(l.reaches, v) })
	if !ok {
		return stem, nil, false
	}
	at := l.end(stem)
	on, ok := l.graph.walk([]uint32{at}, nil, func(v uint32, _ uint64) bool { return has(l.fair, v) })
	if !ok {
		return stem, nil, true
	}
	stem.edges = append(stem.edges, on.edges...)
	return stem, l.loop(l.end(stem)), true
}

// livelock finds the nearest fair loop that could still be left for a settled state.
func (l *liveness) livelock() (stem walk, loop []uint64, ok bool) {
	stem, ok = l.stem(func(v uint32) bool { return has(l.fair, v) && has(l.reaches, v) })
	if !ok {
		return stem, nil, false
	}
	return stem, l.loop(l.end(stem)), true
}

// stem walks from an initial state to the nearest that is wanted.
func (l *liveness) stem(want func(uint32) bool) (walk, bool) {
	for v := range uint32(l.graph.states()) { // in the order of the search: by distance
		if want(v) {
			return l.graph.walk(l.graph.roots, nil, func(u uint32, _ uint64) bool { return u == v })
		}
	}
	return walk{}, false
}

func (l *liveness) end(w walk) uint32 {
	if len(w.edges) == 0 {
		return w.from
	}
	return l.graph.to[w.edges[len(w.edges)-1]]
}

// loop goes from a state of a fair component back to it, and on the way takes an action
// of each class or passes a state in which the class is disabled: each time the nearest.
func (l *liveness) loop(start uint32) (loop []uint64) {
	inside := func(v uint32) bool {
		return !l.graph.isSettled(v) && l.component[v] == l.component[start]
	}
	at, owed := start, l.classes&^l.disabled(start)
	extend := func(goal func(uint32, uint64) bool) {
		w, ok := l.graph.walk([]uint32{at}, inside, goal)
		if !ok {
			panic("explore: a fair component without a fair loop")
		}
		for _, e := range w.edges {
			at = l.graph.to[e]
			owed &^= l.class(e) | l.disabled(at)
			loop = append(loop, e)
		}
	}
	for owed != 0 {
		extend(func(v uint32, by uint64) bool {
			return by != noEdge && (l.class(by)|l.disabled(v))&owed != 0
		})
	}
	if at != start || len(loop) == 0 {
		extend(func(v uint32, by uint64) bool { return by != noEdge && v == start })
	}
	return loop
}
