package tasks

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
)

// The tables that states are made of. A state holds the ids of its components; each
// component stands once in a pool, found by its whole content. All of it is safe for
// concurrent use. Ids depend on the order in which components were met: nothing that
// leaves the model may.

const (
	poolShards = 64
	chunkBits  = 12
	chunkSize  = 1 << chunkBits
	chunks     = 1 << 14
)

// pool holds values of one kind by id, from 1.
type pool[T any] struct {
	shards [poolShards]struct {
		mu  sync.RWMutex
		ids map[string]uint32
	}
	last   atomic.Uint32
	kept   *atomic.Uint64
	each   uint64 // bytes of a value besides its content
	grow   sync.Mutex
	chunks [chunks]atomic.Pointer[[chunkSize]atomic.Pointer[T]]
}

// newPool counts in kept what its values take: each so many bytes besides the content.
func newPool[T any](kept *atomic.Uint64, each uint64) *pool[T] {
	p := &pool[T]{kept: kept, each: each}
	for i := range p.shards {
		p.shards[i].ids = make(map[string]uint32)
	}
	return p
}

// intern returns the value of that content; made is called for content that is new,
// with the id it gets.
func (p *pool[T]) intern(content []byte, made func(id uint32) *T) *T {
	s := &p.shards[hash(content)%poolShards]
	s.mu.RLock()
	id, known := s.ids[string(content)]
	s.mu.RUnlock()
	if known {
		return p.at(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, known := s.ids[string(content)]; known {
		return p.at(id)
	}
	id = p.last.Add(1)
	v := made(id)
	p.slot(id).Store(v)
	s.ids[string(content)] = id
	p.kept.Add(p.each + uint64(len(content)))
	return v
}

// at returns the value of an id.
func (p *pool[T]) at(id uint32) *T { return p.chunks[id>>chunkBits].Load()[id%chunkSize].Load() }

func (p *pool[T]) slot(id uint32) *atomic.Pointer[T] {
	at := &p.chunks[id>>chunkBits]
	if at.Load() == nil {
		p.grow.Lock()
		if at.Load() == nil {
			at.Store(new([chunkSize]atomic.Pointer[T]))
		}
		p.grow.Unlock()
	}
	return &at.Load()[id%chunkSize]
}

// memo remembers the values of a pure function, by a key of 64 bits. Two callers that
// miss at the same time both compute; the values are equal, and one of them stays.
type memo[V any] struct {
	buckets []atomic.Pointer[memoEntry[V]]
	kept    *atomic.Uint64
	each    uint64
}

type memoEntry[V any] struct {
	key   uint64
	value V
	next  *memoEntry[V]
}

func newMemo[V any](kept *atomic.Uint64, each uint64, bits int) *memo[V] {
	kept.Add(8 << bits)
	return &memo[V]{buckets: make([]atomic.Pointer[memoEntry[V]], 1<<bits), kept: kept, each: each}
}

func (m *memo[V]) bucket(key uint64) *atomic.Pointer[memoEntry[V]] {
	return &m.buckets[mix(key)&uint64(len(m.buckets)-1)]
}

func (m *memo[V]) get(key uint64) (*V, bool) {
	for e := m.bucket(key).Load(); e != nil; e = e.next {
		if e.key == key {
			return &e.value, true
		}
	}
	return nil, false
}

// put keeps a value and returns the one that stays.
func (m *memo[V]) put(key uint64, value V) *V {
	b := m.bucket(key)
	e := &memoEntry[V]{key: key, value: value}
	for {
		head := b.Load()
		for old := head; old != nil; old = old.next {
			if old.key == key {
				return &old.value
			}
		}
		e.next = head
		if b.CompareAndSwap(head, e) {
			m.kept.Add(m.each)
			return &e.value
		}
	}
}

func pair(a, b uint32) uint64 { return uint64(a)<<32 | uint64(b) }

// hash is the hash of content, the same in every process.
func hash(b []byte) uint64 {
	h := uint64(len(b)) + 0x51ed270b
	for ; len(b) >= 8; b = b[8:] {
		h = fold(h, binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		h = fold(h, uint64(c))
	}
	return mix(h)
}

// fold adds a word to a hash; mix ends it, so that every bit depends on all others.
func fold(h, v uint64) uint64 { return (bits.RotateLeft64(h, 23) ^ v) * 0x9e3779b97f4a7c15 }

func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
