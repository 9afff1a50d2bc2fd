package explore

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// verdict is the answer of a visited set about a candidate.
type verdict uint8

const (
	// fresh: the state was not known.
	fresh verdict = iota
	// ahead: the state is known and is of the next level.
	ahead
	// behind: the state is known and is of this level or one before.
	behind
)

// A visited set keeps what was seen. Its methods are safe for concurrent use.
type visited[S any] interface {
	// add takes the candidates of a batch, which are of the given level if they are new,
	// and leaves a verdict for each.
	add(b *batch[S], level int)
	// insert takes one state and reports whether it is new.
	insert(state *S, fp uint64) bool
	has(state *S, fp uint64) bool
	// chains yields the candidates for how a state of a level was first reached: from an
	// initial state on, ending with it. Which it is shows in taking the steps.
	chains(to mark, level int, yield func([]mark) bool)
	stored
}

// stored is how many states are kept somewhere, and what that takes.
type stored interface {
	len() uint64
	bytes() uint64
}

// mix spreads a model's fingerprint over all bits. It is a bijection (the finalizer of
// MurmurHash3), so different fingerprints stay different.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	if x == 0 {
		return 1 // 0 is an empty slot
	}
	return x
}

// table is a visited set of fingerprints, 16 bytes a slot.
//
// It is split into shards by the first bits of a fingerprint, each an open-addressed
// array in which a fingerprint's home is proportional to its value and collisions go to
// the next slot, in order of value (Amble and Knuth, "Ordered hash tables", 1974). So a
// shard is a sorted list with gaps: a search ends at the first greater entry, and growing
// is one pass over it, which makes it cheap to grow by an eighth and to stay dense.
type table[S any] struct {
	shards [shardCount]shard
	states atomic.Uint64
	slots  atomic.Uint64
}

const (
	shardBits  = 7
	shardCount = 1 << shardBits
	slotBytes  = 16
	firstSlots = 24
)

// slot is one entry. link holds the first 48 bits of the fingerprint of the state it
// was reached from, and in the last 16 its level, which sticks at the greatest.
type slot struct{ fp, link uint64 }

const (
	levelBits = 16
	lastLevel = 1<<levelBits - 1
)

func link(parent uint64, level int) uint64 {
	return parent&^lastLevel | uint64(min(level, lastLevel))
}

type shard struct {
	mu    sync.Mutex
	slots []slot // the last few are no home, and hold what overflows
	homes uint64
	used  uint64
	_     [64]byte // a shard has its own cache line
}

func newTable[S any]() *table[S] {
	t := &table[S]{}
	for i := range t.shards {
		t.shards[i].slots = make([]slot, firstSlots+margin(firstSlots))
		t.shards[i].homes = firstSlots
		t.slots.Add(uint64(len(t.shards[i].slots)))
	}
	return t
}

// margin is the room behind the last home.
func margin(homes uint64) uint64 { return 8 + homes/64 }

func (t *table[S]) len() uint64   { return t.states.Load() }
func (t *table[S]) bytes() uint64 { return t.slots.Load() * slotBytes }

func shardOf(fp uint64) int { return int(fp >> (64 - shardBits)) }

// home is where a fingerprint would best be.
func (s *shard) home(fp uint64) uint64 {
	h, _ := bits.Mul64(fp<<shardBits, s.homes)
	return h
}

// put adds a fingerprint with the shard locked. With a link to a lesser parent of the
// same level it improves the one that is there.
func (s *shard) put(fp, link uint64) verdict {
	i := s.home(fp)
	for s.slots[i].fp != 0 && s.slots[i].fp < fp {
		i++
	}
	if e := &s.slots[i]; e.fp == fp {
		level := link & lastLevel
		if e.link&lastLevel != level || level == lastLevel {
			return behind
		}
		if link < e.link {
			e.link = link
		}
		return ahead
	}
	end := i
	for s.slots[end].fp != 0 {
		end++
	}
	copy(s.slots[i+1:end+1], s.slots[i:end])
	s.slots[i] = slot{fp, link}
	s.used++
	if end+2 >= uint64(len(s.slots)) || s.used*20 > s.homes*17 {
		s.grow()
	}
	return fresh
}

// grow makes a shard larger by an eighth.
func (s *shard) grow() {
	homes := s.homes
	for {
		homes += homes/8 + 8
		if s.spread(homes) {
			return
		}
	}
}

// spread moves the entries to a new array, or reports false if it has too little room at its end.
func (s *shard) spread(homes uint64) bool {
	old := s.slots
	next := shard{slots: make([]slot, homes+margin(homes)), homes: homes}
	free := uint64(0)
	for _, e := range old {
		if e.fp == 0 {
			continue
		}
		at := max(next.home(e.fp), free)
		if at+2 >= uint64(len(next.slots)) {
			return false
		}
		next.slots[at] = e
		free = at + 1
	}
	s.slots, s.homes = next.slots, homes
	return true
}

// add sorts the candidates by shard, so that each shard is locked once for many of them.
func (t *table[S]) add(b *batch[S], level int) {
	var starts [shardCount + 1]int32
	for _, fp := range b.fps {
		starts[shardOf(fp)+1]++
	}
	for i := range shardCount {
		starts[i+1] += starts[i]
	}
	b.order = resize(b.order, len(b.fps))
	b.verdicts = resize(b.verdicts, len(b.fps))
	next := starts
	for i, fp := range b.fps {
		at := &next[shardOf(fp)]
		b.order[*at] = int32(i)
		*at++
	}
	added := uint64(0)
	for i := range shardCount {
		if group := b.order[starts[i]:starts[i+1]]; len(group) > 0 {
			added += t.addTo(&t.shards[i], b, group, level)
		}
	}
	t.states.Add(added)
}

func (t *table[S]) addTo(s *shard, b *batch[S], group []int32, level int) (added uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.slots)
	// Loads that do not wait for each other bring the slots into the cache.
	for _, i := range group {
		b.touched += s.slots[s.home(b.fps[i])].fp
	}
	for _, i := range group {
		v := s.put(b.fps[i], link(b.parents[b.from[i]], level))
		b.verdicts[i] = v
		if v == fresh {
			added++
		}
	}
	t.slots.Add(uint64(len(s.slots) - before))
	return added
}

func (t *table[S]) insert(_ *S, fp uint64) bool {
	s := &t.shards[shardOf(fp)]
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.slots)
	if s.put(fp, 0) != fresh {
		return false
	}
	t.slots.Add(uint64(len(s.slots) - before))
	t.states.Add(1)
	return true
}

func (t *table[S]) has(_ *S, fp uint64) bool {
	s := &t.shards[shardOf(fp)]
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.get(fp)
	return ok
}

func (s *shard) get(fp uint64) (slot, bool) {
	for i := s.home(fp); s.slots[i].fp != 0 && s.slots[i].fp <= fp; i++ {
		if s.slots[i].fp == fp {
			return s.slots[i], true
		}
	}
	return slot{}, false
}

// chains follows the links, of which each names its parent by 48 bits.
func (t *table[S]) chains(to mark, level int, yield func([]mark) bool) {
	t.follow([]mark{to}, level, yield)
}

// follow extends a chain, which is kept from its end to its beginning.
func (t *table[S]) follow(chain []mark, level int, yield func([]mark) bool) bool {
	for level > 0 {
		at := chain[len(chain)-1].fp
		e, ok := t.shards[shardOf(at)].get(at)
		if !ok {
			return true
		}
		level--
		parents := t.named(e.link, min(level, lastLevel))
		if len(parents) != 1 {
			for _, p := range parents {
				if !t.follow(append(chain[:len(chain):len(chain)], mark{fp: p}), level, yield) {
					return false
				}
			}
			return true
		}
		chain = append(chain, mark{fp: parents[0]})
	}
	return yield(reversed(chain))
}

// named returns the states of a level that a link may mean.
func (t *table[S]) named(link uint64, level int) (found []uint64) {
	first, last := link&^lastLevel, link|lastLevel
	s := &t.shards[shardOf(first)]
	for i := s.home(first); i < uint64(len(s.slots)); i++ {
		e := s.slots[i]
		if e.fp == 0 && i >= s.home(last) || e.fp > last {
			break
		}
		if e.fp != 0 && e.fp >= first && e.link&lastLevel == uint64(level) {
			found = append(found, e.fp)
		}
	}
	return found
}
