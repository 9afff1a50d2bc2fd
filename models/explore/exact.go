package explore

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// mark names a state: by its fingerprint, or by its content where states are stored.
type mark struct {
	fp  uint64
	key string
	// whole reports that key counts, not fp.
	whole bool
}

func (m mark) is(other mark) bool {
	if m.whole {
		return m.key == other.key
	}
	return m.fp == other.fp
}

// exact is a visited set of whole states, each as its encoding.
type exact[S any] struct {
	content *content[S]
	shards  [shardCount]exactShard
	states  atomic.Uint64
	// encoded is the length of all encodings, those of parents included.
	encoded atomic.Uint64
}

type exactShard struct {
	mu     sync.Mutex
	states map[string]origin
	_      [64]byte
}

// origin is where a state was first reached from, and its level. Of several parents that
// with the least fingerprint is kept.
type origin struct {
	parent string
	fp     uint64
	level  int
}

func newExact[S any](c *content[S]) *exact[S] {
	e := &exact[S]{content: c}
	for i := range e.shards {
		e.shards[i].states = map[string]origin{}
	}
	return e
}

func (e *exact[S]) len() uint64 { return e.states.Load() }

// bytes estimates what the maps take: Go's are at most 7/8 full and double when they
// grow, so that a slot and its control byte stand for two thirds of an entry.
func (e *exact[S]) bytes() uint64 {
	const entry = uint64(unsafe.Sizeof("")+unsafe.Sizeof(origin{})) + 1
	return e.len()*entry*3/2 + e.encoded.Load()
}

// put adds a state at a level, reached from a parent, which is nil if none is to be kept.
func (e *exact[S]) put(state *S, fp uint64, parent *S, parentFP uint64, level int) (v verdict) {
	shard := &e.shards[shardOf(fp)]
	e.content.with(state, func(key []byte) {
		shard.mu.Lock()
		defer shard.mu.Unlock()
		known, ok := shard.states[string(key)]
		switch {
		case ok && known.level != level:
			v = behind
			return
		case ok && parentFP >= known.fp:
			v = ahead
			return
		case ok:
			v = ahead
			e.encoded.Add(-uint64(len(known.parent)))
		default:
			v = fresh
			e.states.Add(1)
			e.encoded.Add(uint64(len(key)))
		}
		from := origin{fp: parentFP, level: level}
		if parent != nil {
			from.parent = e.content.key(parent)
		}
		e.encoded.Add(uint64(len(from.parent)))
		shard.states[string(key)] = from
	})
	return v
}

func (e *exact[S]) add(b *batch[S], level int) {
	b.verdicts = resize(b.verdicts, len(b.fps))
	for i, fp := range b.fps {
		from := b.from[i]
		b.verdicts[i] = e.put(&b.states[i], fp, &b.sources[from], b.parents[from], level)
	}
}

func (e *exact[S]) insert(state *S, fp uint64) bool {
	return e.put(state, fp, nil, 0, 0) == fresh
}

func (e *exact[S]) has(state *S, fp uint64) (ok bool) {
	shard := &e.shards[shardOf(fp)]
	e.content.with(state, func(key []byte) {
		shard.mu.Lock()
		defer shard.mu.Unlock()
		_, ok = shard.states[string(key)]
	})
	return ok
}

func (e *exact[S]) chains(to mark, level int, yield func([]mark) bool) {
	chain := []mark{to}
	for ; level > 0; level-- {
		at := chain[len(chain)-1]
		from, ok := e.shards[shardOf(at.fp)].states[at.key]
		if !ok {
			return
		}
		chain = append(chain, mark{fp: from.fp, key: from.parent, whole: true})
	}
	yield(reversed(chain))
}
