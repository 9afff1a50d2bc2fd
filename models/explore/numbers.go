package explore

import (
	"math"
	"sync/atomic"
	"unsafe"
)

// numbers gives each state a number. One goroutine asks for them.
type numbers[S comparable] struct {
	states atomic.Uint64
	exact  map[S]uint32
	slots  []numbered
	size   atomic.Uint64
}

// numbered is a slot of 12 bytes.
type numbered struct {
	high, low uint32 // the fingerprint
	number    uint32
}

func newNumbers[S comparable](exact bool) *numbers[S] {
	n := &numbers[S]{}
	if exact {
		n.exact = map[S]uint32{}
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
		known, ok := n.exact[*state]
		if ok {
			return known, false
		}
		n.exact[*state] = uint32(count)
		n.size.Store((count + 1) * uint64(unsafe.Sizeof(*state)+5) * 3 / 2)
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
