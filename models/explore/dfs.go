package explore

import "unsafe"

// depthFirst explores depth first, on one worker. The stack holds the states as they were
// reached, not their representatives, so it is a run of the machine at any time.
func (s *search[S]) depthFirst() (Result, error) {
	defer watch(&s.o, func() Snapshot {
		snapshot := s.meter.snapshot()
		snapshot.States, snapshot.Memory, snapshot.Left = s.seen.len(), s.memory(), -1
		return snapshot
	})()
	d := diver[S]{search: s}
	complete := d.dive()
	s.meter.depth.Store(int64(d.deepest))
	return s.result(complete)
}

// diver is a depth first search.
type diver[S any] struct {
	search  *search[S]
	initial int // the number of the initial state at the bottom of the stack
	stack   []frame[S]
	actions []Action // of all frames
	deepest int
	ample   []Action
	held    int // bytes that the gauge knows of
}

// frame is a state on the stack; actions[next:end] are still to be taken.
type frame[S any] struct {
	state            S
	fp               uint64 // of its representative
	first, next, end int
}

// dive explores everything, or until something is found.
func (d *diver[S]) dive() (complete bool) {
	s := d.search
	for i, start := range s.model.Initial(nil) {
		d.initial = i
		d.enter(&start)
		for steps := 0; len(d.stack) > 0; steps++ {
			if steps%1024 == 0 && !d.proceed() || s.stop.Load() || s.failed != nil || len(s.found) > 0 {
				return false
			}
			top := &d.stack[len(d.stack)-1]
			if top.next == top.end {
				d.actions = d.actions[:top.first]
				d.stack = d.stack[:len(d.stack)-1]
				continue
			}
			a := d.actions[top.next]
			top.next++
			s.meter.transitions.Add(1)
			next, broken := s.model.Step(&top.state, a)
			if s.content.shared && !s.unchanged([]S{s.canonical(&top.state)}, []uint64{top.fp}) {
				return false
			}
			if broken != nil {
				path := d.path()
				s.report(finding{Broken: *broken, path: &path})
				return false
			}
			d.enter(&next)
		}
	}
	return !s.stop.Load() && s.failed == nil && len(s.found) == 0
}

// enter puts a state on the stack if it is new.
func (d *diver[S]) enter(state *S) {
	s := d.search
	c := s.canonical(state)
	fp := s.fingerprint(&c)
	if !s.insert(&c, fp) {
		return
	}
	for _, b := range s.checkState(state) {
		path := d.path()
		s.report(finding{Broken: b, ordinal: -1, path: &path})
	}
	if !s.within(state) {
		return
	}
	first := len(d.actions)
	d.actions = s.model.Enabled(state, d.actions)
	if len(d.actions) == first {
		s.dead.Add(1)
	}
	if s.reducible != nil && len(d.actions) > first+1 {
		d.reduce(state, first)
	}
	d.stack = append(d.stack, frame[S]{*state, fp, first, first, len(d.actions)})
	d.deepest = max(d.deepest, len(d.stack)-1)
}

// reduce leaves the ample actions of a state's, if one of them leads to a new state.
func (d *diver[S]) reduce(state *S, first int) {
	s := d.search
	enabled := d.actions[first:]
	d.ample = s.reducible.Ample(state, enabled, d.ample[:0])
	if err := s.audit(state, enabled, d.ample); err != nil {
		s.fail(err)
		return
	}
	if len(d.ample) >= len(enabled) {
		return
	}
	for _, a := range d.ample {
		next, _ := s.model.Step(state, a)
		if c := s.canonical(&next); !s.seen.has(&c, s.fingerprint(&c)) {
			d.actions = append(d.actions[:first], d.ample...)
			s.reduced.Add(1)
			return
		}
	}
}

// path is the stack as a run.
func (d *diver[S]) path() Path {
	p := Path{Initial: d.initial, Loop: -1}
	for i := range d.stack {
		p.Actions = append(p.Actions, d.actions[d.stack[i].next-1])
	}
	return p
}

func (d *diver[S]) proceed() bool {
	held := cap(d.stack)*int(unsafe.Sizeof(frame[S]{})) + cap(d.actions)*int(unsafe.Sizeof(Action(0)))
	d.search.frontier.add(held - d.held)
	d.held = held
	d.search.meter.depth.Store(int64(len(d.stack) - 1))
	d.search.meter.waiting.Store(uint64(len(d.stack)))
	return d.search.proceed()
}
