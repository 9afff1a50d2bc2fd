package explore

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// The properties of liveness, in models that have no names of their own for them
// ([LivenessNamer]).
const (
	// Progress: no weakly fair run stays away from settled states for ever.
	Progress = "progress"
	// Reachability: from every reachable state a settled state can be reached.
	Reachability = "reachability"
)

// livenessNamesOf returns the names of the properties of liveness in a model.
func livenessNamesOf(m any) (progress, reachability string) {
	if o, ok := m.(LivenessNamer); ok {
		return o.LivenessNames()
	}
	return Progress, Reachability
}

func progressOf(m any) string {
	progress, _ := livenessNamesOf(m)
	return progress
}

// The messages of the ways of not making progress: stuck and stopped where a run ends,
// looping where it goes on for ever.
const (
	stuck   = "nothing can happen any more, and something is still owed"
	stopped = "nothing has to happen any more, and something is still owed"
)

// stop is the message of a run that ends with something owed, in a state with or without
// enabled actions.
func stop(enabled int) string {
	if enabled == 0 {
		return stuck
	}
	return stopped
}

func looping(steps int) string {
	return fmt.Sprintf("the last %d steps can be repeated for ever: every class of actions that is always possible is taken, and something is still owed", steps)
}

// maxClasses is how many fairness classes there may be: those of a component are a word.
const maxClasses = 64

// graph is what liveness needs of the reachable states. A state is its number, in
// the order of the search; an edge's place among those of its state is that of its action
// among the enabled ones.
type graph struct {
	first   []uint64 // where the edges of a state begin, with the end of the last
	to      []uint32
	class   []int8 // of edges, -1 for none and for a step that leaves the state as it is
	settled []uint64
	roots   []uint32 // initial states
	by      []uint64 // between walks all notReached; see [graph.walk]
}

func (g *graph) states() int                  { return len(g.first) - 1 }
func (g *graph) edges(v uint32) (a, b uint64) { return g.first[v], g.first[v+1] }
func (g *graph) isSettled(v uint32) bool      { return g.settled[v/64]>>(v%64)&1 != 0 }

func (g *graph) bytes() uint64 {
	return 8*uint64(cap(g.first)+cap(g.settled)) + 4*uint64(cap(g.to)) + uint64(cap(g.class))
}

// checkLive explores breadth first, keeps the graph, and decides on it. Workers take the
// steps; one of them numbers the states they lead to, in order, so that the graph is the
// same for any number of workers.
func (s *search[S]) live(m Live[S]) (Result, error) {
	b := &builder[S]{search: s, live: m, numbers: newNumbers(s.content, s.o.Exact)}
	s.stored = b.numbers
	var size atomic.Uint64 // of the graph
	b.size = &size
	defer watch(&s.o, func() Snapshot {
		snapshot := s.meter.snapshot()
		snapshot.States, snapshot.Memory = b.numbers.states.Load(), s.memory()+size.Load()
		return snapshot
	})()
	complete := b.build()
	r, err := s.result(complete)
	r.Memory.Visited += b.bytes()
	if err != nil || !complete || s.failed != nil {
		return r, err
	}
	s.meter.say("looking for components")
	l := newLiveness(&b.graph, m.Classes())
	r.Graph = &l.counts
	r.Memory.Frontier = max(r.Memory.Frontier, l.bytes())
	r.Violations = append(r.Violations, b.judge(l)...)
	return r, nil
}

// builder makes the graph.
type builder[S any] struct {
	graph
	search  *search[S]
	live    Live[S]
	numbers *numbers[S]
	size    *atomic.Uint64
}

// expansion is the result of expanding one chunk of a level.
type expansion[S any] struct {
	states  []S
	fps     []uint64
	classes []int8
	degrees []int32
	settled []bool
	found   []finding
}

// atOnce is how many chunks are expanded before their candidates are numbered.
const atOnce = 16

func (b *builder[S]) build() (complete bool) {
	s := b.search
	b.first = []uint64{0}
	next := newFrontier(&s.frontier, s.content)
	for _, state := range s.model.Initial(nil) {
		n, isNew := b.numbers.number(&state, s.fingerprint(&state))
		if isNew {
			next.push(&state)
			b.roots = append(b.roots, n)
		}
	}
	for {
		next.seal()
		level, n := next.chunks, next.n
		if n == 0 {
			return true
		}
		next.chunks, next.n = nil, 0
		s.meter.level(n)
		s.meter.waiting.Store(n)
		if s.ended() {
			return false
		}
		for len(level) > 0 {
			k := min(len(level), max(atOnce, s.o.Jobs))
			if !b.expand(level[:k], next) {
				return false
			}
			level = level[k:]
		}
	}
}

// expand has workers expand some chunks, and numbers what they find.
func (b *builder[S]) expand(level []chunk[S], next *frontier[S]) bool {
	s := b.search
	depth := int(s.meter.depth.Load())
	found := make([]expansion[S], len(level))
	var taken atomic.Int64
	var group sync.WaitGroup
	for range min(s.o.Jobs, len(level)) {
		group.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(level)); i = taken.Add(1) - 1 {
				if s.proceed() {
					found[i] = b.steps(level[i].take(nil, &s.frontier))
				}
			}
		})
	}
	group.Wait()
	if !s.proceed() {
		return false
	}
	for i := range found {
		b.append(&found[i], next, depth)
		if s.stop.Load() {
			return false
		}
	}
	b.size.Store(b.bytes())
	if s.o.MaxMemory > 0 && s.memory()+b.bytes() > s.o.MaxMemory {
		s.end(Memory)
		return false
	}
	return true
}

// steps takes all steps from some states.
func (b *builder[S]) steps(states []S) (x expansion[S]) {
	s := b.search
	var enabled []Action
	for i := range states {
		state, first := &states[i], len(x.states)
		fp := s.fingerprint(state)
		if s.content.shared && !b.numbers.known(state, fp) {
			s.changed(state)
			return expansion[S]{}
		}
		for _, broken := range s.checkState(state) {
			x.found = append(x.found, finding{Broken: broken, at: mark{fp: uint64(i)}, ordinal: -1})
		}
		enabled = s.model.Enabled(state, enabled[:0])
		x.degrees = append(x.degrees, int32(len(enabled)))
		x.settled = append(x.settled, b.live.Settled(state))
		if len(enabled) == 0 {
			s.dead.Add(1)
		}
		for ordinal, a := range enabled {
			next, broken := s.model.Step(state, a)
			x.states = append(x.states, next)
			x.fps = append(x.fps, s.fingerprint(&next))
			class := b.live.Class(state, a)
			if class < -1 || class >= b.live.Classes() {
				s.fail(fmt.Errorf("explore: action %q is of fairness class %d, there are %d", s.model.Describe(state, a), class, b.live.Classes()))
			}
			x.classes = append(x.classes, int8(class))
			if broken != nil {
				// The place of the source in the chunk, until it has a number.
				x.found = append(x.found, finding{Broken: *broken, at: mark{fp: uint64(i)}, ordinal: ordinal})
			}
		}
		if !s.unchanged(states[i:i+1], []uint64{fp}) || !s.unchanged(x.states[first:], x.fps[first:]) {
			return expansion[S]{}
		}
	}
	return x
}

// append adds an expansion to the graph. Its sources have the numbers that come next.
func (b *builder[S]) append(x *expansion[S], next *frontier[S], depth int) {
	s := b.search
	base := uint32(len(b.first) - 1)
	edge := 0
	for i, degree := range x.degrees {
		v := base + uint32(i)
		if int(v/64) >= len(b.settled) {
			b.settled = append(b.settled, 0)
		}
		if x.settled[i] {
			b.settled[v/64] |= 1 << (v % 64)
		}
		for range degree {
			if s.room() == 0 && !b.numbers.known(&x.states[edge], x.fps[edge]) {
				s.end(States)
				return
			}
			n, isNew := b.numbers.number(&x.states[edge], x.fps[edge])
			if isNew {
				next.push(&x.states[edge])
			}
			if n == v {
				x.classes[edge] = -1
			}
			b.to = append(b.to, n)
			b.class = append(b.class, x.classes[edge])
			edge++
		}
		b.first = append(b.first, uint64(len(b.to)))
	}
	s.meter.transitions.Add(uint64(edge))
	s.meter.waiting.Add(-uint64(len(x.degrees)))
	for _, f := range x.found {
		v := base + uint32(f.at.fp)
		f.at.fp, f.steps = uint64(v), depth
		if f.ordinal >= 0 {
			f.steps++
		}
		if known, ok := s.found[f.Property]; ok && f.compare(&known) >= 0 {
			continue
		}
		stem, _ := b.graph.walk(b.roots, nil, func(u uint32, _ uint64) bool { return u == v })
		path := b.path(stem)
		if f.ordinal >= 0 {
			state := b.end(path)
			path.Actions = append(path.Actions, s.model.Enabled(&state, nil)[f.ordinal])
		}
		f.path = &path
		s.report(f)
	}
}

// path turns edges from an initial state into a run.
func (b *builder[S]) path(w walk) Path {
	p := Path{Initial: -1, Loop: -1}
	starts := b.search.model.Initial(nil)
	for i := range starts {
		if n, _ := b.numbers.number(&starts[i], b.search.fingerprint(&starts[i])); n == w.from {
			p.Initial = i
			break
		}
	}
	at := starts[p.Initial]
	v := w.from
	for _, e := range w.edges {
		a := b.search.model.Enabled(&at, nil)[e-b.graph.first[v]]
		p.Actions = append(p.Actions, a)
		at, _ = b.search.model.Step(&at, a)
		v = b.graph.to[e]
	}
	return p
}

// end takes the steps of a run and returns where it ends.
func (b *builder[S]) end(p Path) S {
	at := b.search.model.Initial(nil)[p.Initial]
	for _, a := range p.Actions {
		at, _ = b.search.model.Step(&at, a)
	}
	return at
}

// judge returns the violations that the graph shows.
func (b *builder[S]) judge(l *liveness) (found []Violation) {
	progress, reachability := livenessNamesOf(b.search.model)
	report := func(property, message string, w walk, loop []uint64) {
		v := Violation{Broken: Broken{Property: property, Message: message}}
		stem := len(w.edges)
		w.edges = append(w.edges, loop...)
		v.Path = b.path(w)
		if len(loop) > 0 {
			v.Path.Loop = stem
		}
		found = append(found, v)
	}
	if w, ok := l.deadlock(); ok {
		first, end := l.graph.edges(l.end(w))
		report(progress, stop(int(end-first)), w, nil)
		return found
	}
	if w, loop, ok := l.wedge(); ok {
		report(reachability, "no settled state can be reached any more", w, loop)
	}
	if w, loop, ok := l.livelock(); ok {
		report(progress, looping(len(loop)), w, loop)
	}
	return found
}
