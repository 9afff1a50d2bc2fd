package explore

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// breadthFirst explores level by level. All workers expand the states of one level; what
// they find makes the next. So every level, and with it all that is counted, is the same
// for any number of workers.
func (s *search[S]) breadthFirst() (Result, error) {
	defer watch(&s.o, func() Snapshot {
		snapshot := s.meter.snapshot()
		snapshot.States, snapshot.Memory = s.seen.len(), s.memory()
		return snapshot
	})()

	workers := make([]*worker[S], s.o.Jobs)
	for i := range workers {
		workers[i] = &worker[S]{search: s, next: newFrontier(&s.frontier, s.content)}
	}
	workers[0].begin()
	for {
		level, n := gather(workers)
		if n == 0 {
			return s.result(!s.stop.Load())
		}
		s.meter.level(n)
		s.meter.waiting.Store(n)
		if s.ended() {
			return s.result(false)
		}
		expand(workers, level, len(s.meter.levels)-1)
	}
}

// gather takes what the workers have found as the next level.
func gather[S any](workers []*worker[S]) (level []chunk[S], n uint64) {
	for _, w := range workers {
		w.next.seal()
		level = append(level, w.next.chunks...)
		n += w.next.n
		w.next.chunks, w.next.n = nil, 0
	}
	return level, n
}

// expand has the workers expand the chunks of a level.
func expand[S any](workers []*worker[S], level []chunk[S], depth int) {
	var taken atomic.Int64
	var group sync.WaitGroup
	for _, w := range workers[:min(len(workers), len(level))] {
		group.Go(func() {
			w.level = depth
			for w.search.proceed() {
				i := taken.Add(1) - 1
				if i >= int64(len(level)) {
					break
				}
				n := level[i].n
				w.expand(level[i].take(w.buffer, &w.search.frontier))
				w.search.meter.waiting.Add(-uint64(n))
			}
			w.flush()
		})
	}
	group.Wait()
}

// batchBytes is about how large the candidates of a batch are: some of a cache.
const (
	batchBytes = 256 << 10
	batchMost  = 8192
	batchLeast = 64
)

// worker expands states.
type worker[S any] struct {
	search *search[S]
	level  int // of the states being expanded
	next   *frontier[S]
	batch  batch[S]
	buffer []S

	enabled, ample []Action
	// partial are the sources of the batch of which only ample actions were taken, with
	// their actions.
	partial []partial
	kept    []Action
}

// partial is a source; its enabled actions are kept from first on, the ample ones of them
// from ample to end.
type partial struct{ source, first, ample, end int }

// begin makes the initial states the first level.
func (w *worker[S]) begin() {
	w.level = -1
	var nowhere S
	w.batch.source(&nowhere, 0)
	for _, state := range w.search.model.Initial(nil) {
		w.candidate(&state)
	}
	w.flush()
}

// expand takes the steps from some states of the level.
func (w *worker[S]) expand(states []S) {
	if w.buffer == nil || cap(states) > cap(w.buffer) {
		w.buffer = states
	}
	b := &w.batch
	for i := range states {
		s, fp := &states[i], w.search.fingerprint(&states[i])
		if w.search.content.shared && !w.search.seen.has(s, fp) {
			w.search.changed(s)
			return
		}
		w.enabled = w.search.model.Enabled(s, w.enabled[:0])
		b.source(s, fp)
		first := len(b.states)
		if len(w.enabled) == 0 {
			w.search.dead.Add(1)
		}
		if w.search.reducible == nil || !w.reduce(s) {
			for ordinal, a := range w.enabled {
				w.step(s, a, ordinal)
			}
		}
		last := len(b.sources) - 1
		if !w.search.unchanged(b.sources[last:], b.parents[last:]) || !w.search.unchanged(b.states[first:], b.fps[first:]) {
			return
		}
		if w.full() {
			w.flush()
			if w.search.stop.Load() {
				return
			}
		}
	}
}

// reduce takes ample steps only, if there are such.
func (w *worker[S]) reduce(s *S) bool {
	if len(w.enabled) < 2 {
		return false
	}
	w.ample = w.search.reducible.Ample(s, w.enabled, w.ample[:0])
	if err := w.search.audit(s, w.enabled, w.ample); err != nil {
		w.search.fail(err)
		return false
	}
	if len(w.ample) >= len(w.enabled) {
		return false
	}
	first, ample := len(w.kept), len(w.kept)+len(w.enabled)
	w.partial = append(w.partial, partial{len(w.batch.sources) - 1, first, ample, ample + len(w.ample)})
	w.kept = append(append(w.kept, w.enabled...), w.ample...)
	for _, a := range w.ample {
		w.step(s, a, slices.Index(w.enabled, a))
	}
	return true
}

// step takes an action of the batch's last source.
func (w *worker[S]) step(s *S, a Action, ordinal int) {
	next, broken := w.search.model.Step(s, a)
	w.candidate(&next)
	if broken != nil {
		b := &w.batch
		source, candidate := len(b.sources)-1, len(b.states)-1
		w.search.report(finding{
			Broken: *broken, steps: w.level + 1, ordinal: ordinal,
			at:   w.search.mark(&b.sources[source], b.parents[source]),
			next: w.search.mark(&b.states[candidate], b.fps[candidate]),
		})
	}
}

// candidate adds the representative of a state to the batch.
func (w *worker[S]) candidate(state *S) {
	if w.search.symmetric != nil {
		c := w.search.symmetric.Canonical(state)
		state = &c
	}
	w.batch.candidate(state, w.search.fingerprint(state))
}

func (w *worker[S]) full() bool {
	n := len(w.batch.states)
	return n >= batchMost || uint64(n) > w.search.room() || n >= batchLeast && n*int(unsafe.Sizeof(*new(S))) >= batchBytes
}

// flush gives the batch to the visited set and what is new to the next level. Sources
// whose ample actions led to no state of the next level are expanded in full, see
// [worker.ignoring].
func (w *worker[S]) flush() {
	w.take()
	if w.search.stop.Load() { // maybe with a batch that was cut off
		w.batch.reset()
		w.partial, w.kept = w.partial[:0], w.kept[:0]
		return
	}
	again := w.ignoring()
	w.batch.reset()
	for i := range again {
		s := &again[i]
		w.batch.source(&s.state, s.fp)
		for ordinal, a := range s.enabled {
			if !slices.Contains(s.taken, a) {
				w.step(&s.state, a, ordinal)
			}
		}
	}
	w.take()
	w.batch.reset()
	w.partial, w.kept = w.partial[:0], w.kept[:0]
}

// take gives the batch to the visited set.
func (w *worker[S]) take() {
	b := &w.batch
	if len(b.fps) > 0 {
		w.search.add(b, w.level+1)
		for i, v := range b.verdicts {
			if v == fresh {
				w.reached(&b.states[i], b.fps[i])
			}
		}
	}
	if w.level >= 0 {
		w.search.meter.transitions.Add(uint64(len(b.fps)))
	}
}

// add gives a batch to the visited set. Where a bound on states might be passed, it is taken
// candidate by candidate, and cut off before the first that there is no room for.
func (s *search[S]) add(b *batch[S], level int) {
	if s.o.MaxStates == 0 {
		s.seen.add(b, level)
		return
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	if uint64(len(b.fps)) <= s.room() {
		s.seen.add(b, level)
		return
	}
	all := b.verdicts[:0]
	for i := range b.fps {
		if s.room() == 0 && !s.seen.has(&b.states[i], b.fps[i]) {
			s.end(States)
			b.states, b.fps, b.from = b.states[:i], b.fps[:i], b.from[:i]
			break
		}
		one := batch[S]{sources: b.sources, parents: b.parents, states: b.states[i : i+1], fps: b.fps[i : i+1], from: b.from[i : i+1]}
		s.seen.add(&one, level)
		all = append(all, one.verdicts[0])
	}
	b.verdicts = all
}

// reached checks a new state and adds it to the next level.
func (w *worker[S]) reached(state *S, fp uint64) {
	s := w.search
	for _, b := range s.checkState(state) {
		s.report(finding{Broken: b, steps: w.level + 1, at: s.mark(state, fp), ordinal: -1})
	}
	if s.within(state) {
		w.next.push(state)
	}
}
