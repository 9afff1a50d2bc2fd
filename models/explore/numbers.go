package explore

import (
	"math"
	"sync/atomic"
	"unsafe"
)

// numbers gives each state a number. One goroutine asks for them.
type numbers[S any] struct {
	states  atomic.Uint64
	content *content[S]
	exact   map[string]uint32 // by encoding
	encoded uint64            // length of all encodings
	slots   []numbered
	size    atomic.Uint64
}

// numbered is a slot of 12 bytes.
type numbered struct {
	high, low uint32 // the fingerprint
	number    uint32
}

func newNumbers[S any](c *content[S], exact bool) *numbers[S] {
	n := &numbers[S]{content: c}
	if exact {
		n.exact = map[string]uint32{}
	} else {
		n.slots = make([]numbered, 1024)
	}
	return n
}

// number returns the number of a state, a new one for a new state.
func (n *numbers[S]) number(state *S, fp uint64) (number uint32, isNew bool) {
	count := n.states.Load()
	if count >= math.MaxUint32 {
		panic("explore: more states than numbers")
	}
	if n.exact != nil {
		key := n.content.key(state)
		known, ok := n.exact[key]
		if ok {
			return known, false
		}
		n.exact[key] = uint32(count)
		n.encoded += uint64(len(key))
		n.size.Store((count+1)*uint64(unsafe.Sizeof(key)+5)*3/2 + n.encoded)
		n.states.Add(1)
		return uint32(count), true
	}
	at := n.find(fp)
	if s := *at; s.high != 0 || s.low != 0 {
		return s.number, false
	}
	if (count+1)*4 > uint64(len(n.slots))*3 {
		n.grow()
		at = n.find(fp)
	}
	*at = numbered{uint32(fp >> 32), uint32(fp), uint32(count)}
	n.states.Add(1)
	n.size.Store(uint64(len(n.slots)) * uint64(unsafe.Sizeof(numbered{})))
	return uint32(count), true
}

// known reports whether a state has a number. It is safe for concurrent use while no number
// is asked for.
func (n *numbers[S]) known(state *S, fp uint64) (ok bool) {
	if n.exact != nil {
		n.content.with(state, func(key []byte) { _, ok = n.exact[string(key)] })
		return ok
	}
	s := *n.find(fp)
	return s.high != 0 || s.low != 0
}

func (n *numbers[S]) find(fp uint64) *numbered {
	mask := uint64(len(n.slots) - 1)
	for i := fp & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.high == uint32(fp>>32) && s.low == uint32(fp) || s.high == 0 && s.low == 0 {
			return s
		}
	}
}

func (n *numbers[S]) grow() {
	old := n.slots
	n.slots = make([]numbered, 2*len(old))
	for _, s := range old {
		if s.high != 0 || s.low != 0 {
			*n.find(uint64(s.high)<<32 | uint64(s.low)) = s
		}
	}
}

func (n *numbers[S]) len() uint64   { return n.states.Load() }
func (n *numbers[S]) bytes() uint64 { return n.size.Load() }
