package explore

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// mark names a state: by its fingerprint, and by itself where states are stored.
type mark[S comparable] struct {
	fp    uint64
	state S
	whole bool // state counts, not fp
}

func (m *mark[S]) is(state *S, fp uint64) bool {
	if m.whole {
		return m.state == *state
	}
	return m.fp == fp
}

// exact is a visited set of whole states.
type exact[S comparable] struct {
	shards [shardCount]exactShard[S]
	states atomic.Uint64
}

type exactShard[S comparable] struct {
	mu     sync.Mutex
	states map[S]origin[S]
	_      [64]byte
}

// origin is where a state was first reached from, and its level. Of several parents that
// with the least fingerprint is kept.
type origin[S comparable] struct {
	parent S
	fp     uint64
	level  int
}

func newExact[S comparable]() *exact[S] {
	e := &exact[S]{}
	for i := range e.shards {
		e.shards[i].states = map[S]origin[S]{}
	}
	return e
}

func (e *exact[S]) len() uint64 { return e.states.Load() }

// bytes estimates what the maps take: Go's are at most 7/8 full and double when they
// grow, so that a slot and its control byte stand for two thirds of an entry.
func (e *exact[S]) bytes() uint64 {
	entry := uint64(unsafe.Sizeof(*new(S))+unsafe.Sizeof(origin[S]{})) + 1
	return e.len() * entry * 3 / 2
}

func (e *exact[S]) put(state *S, fp uint64, from origin[S]) verdict {
	shard := &e.shards[shardOf(fp)]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	known, ok := shard.states[*state]
	switch {
	case !ok:
		shard.states[*state] = from
		e.states.Add(1)
		return fresh
	case known.level != from.level:
		return behind
	case from.fp < known.fp:
		shard.states[*state] = from
	}
	return ahead
}

func (e *exact[S]) add(b *batch[S], level int) {
	b.verdicts = resize(b.verdicts, len(b.fps))
	for i, fp := range b.fps {
		from := b.from[i]
		b.verdicts[i] = e.put(&b.states[i], fp, origin[S]{b.sources[from], b.parents[from], level})
	}
}

func (e *exact[S]) insert(state *S, fp uint64) bool {
	return e.put(state, fp, origin[S]{}) == fresh
}

func (e *exact[S]) has(state *S, fp uint64) bool {
	shard := &e.shards[shardOf(fp)]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	_, ok := shard.states[*state]
	return ok
}

func (e *exact[S]) chains(to mark[S], level int, yield func([]mark[S]) bool) {
	chain := []mark[S]{to}
	for ; level > 0; level-- {
		at := chain[len(chain)-1]
		from, ok := e.shards[shardOf(at.fp)].states[at.state]
		if !ok {
			return
		}
		chain = append(chain, mark[S]{fp: from.fp, state: from.parent, whole: true})
	}
	yield(reversed(chain))
}
