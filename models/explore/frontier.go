package explore

import (
	"math/bits"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// chunkStates is how many states a chunk of a frontier holds, at most: few enough to
// share a level of expensive states among workers.
const chunkStates = 256

// chunk holds states that wait to be expanded. Those of more than two words are packed:
// each as what differs from the one before it, since neighbours of a frontier differ
// little.
type chunk[S any] struct {
	n      int
	plain  []S
	packed []byte
	held   int // bytes that plain refers to
}

// frontier collects the states of a level. Each worker has one of its own.
type frontier[S any] struct {
	memory *gauge
	pack   bool
	// held returns the bytes that a state refers to; nil for a type without references.
	held   func(*S) int
	chunks []chunk[S]
	buffer []S
	bytes  []byte
	n      uint64
}

// gauge counts bytes in use and remembers the most.
type gauge struct{ now, peak atomic.Int64 }

func (g *gauge) add(n int) {
	now := g.now.Add(int64(n))
	for peak := g.peak.Load(); now > peak && !g.peak.CompareAndSwap(peak, now); {
		peak = g.peak.Load()
	}
}

func newFrontier[S any](memory *gauge, c *content[S]) *frontier[S] {
	f := &frontier[S]{memory: memory, pack: packable[S]()}
	if c.shared {
		f.held = c.size
	}
	return f
}

// packable reports whether a state may be taken as bytes: it is of some size and has no
// pointers.
func packable[S any]() bool {
	t := reflect.TypeFor[S]()
	return t.Size() > 16 && pointerless(t)
}

func pointerless(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return pointerless(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !pointerless(f.Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
}

func (f *frontier[S]) push(s *S) {
	if f.buffer == nil {
		f.buffer = make([]S, 0, chunkStates)
	}
	f.buffer = append(f.buffer, *s)
	f.n++
	if len(f.buffer) == chunkStates {
		f.seal()
	}
}

// seal makes a chunk of what was pushed since the last one.
func (f *frontier[S]) seal() {
	if len(f.buffer) == 0 {
		return
	}
	c := chunk[S]{n: len(f.buffer)}
	if f.pack {
		f.bytes = f.bytes[:0]
		var before S
		for i := range f.buffer {
			f.bytes = packDifference(f.bytes, bytesOf(&before), bytesOf(&f.buffer[i]))
			before = f.buffer[i]
		}
		c.packed = append(make([]byte, 0, len(f.bytes)), f.bytes...)
	} else {
		c.plain = append(make([]S, 0, len(f.buffer)), f.buffer...)
		for i := range c.plain {
			if f.held != nil {
				c.held += f.held(&c.plain[i])
			}
		}
	}
	f.chunks = append(f.chunks, c)
	f.buffer = f.buffer[:0]
	f.memory.add(c.size())
}

func (c *chunk[S]) size() int {
	return int(unsafe.Sizeof(*c)) + cap(c.packed) + cap(c.plain)*int(unsafe.Sizeof(*new(S))) + c.held
}

// take returns the states of a chunk, in a buffer or of its own, and leaves it empty.
func (c *chunk[S]) take(buffer []S, memory *gauge) []S {
	memory.add(-c.size())
	states := c.plain
	if c.packed != nil {
		states = resize(buffer, c.n)
		var before S
		rest := c.packed
		for i := range states {
			states[i] = before
			rest = unpackDifference(rest, bytesOf(&states[i]))
			before = states[i]
		}
	}
	*c = chunk[S]{}
	return states
}

func bytesOf[S any](s *S) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s))
}

// packDifference appends what makes after of before, bytes of the same length: for every
// 8 groups of 8 bytes a mask of the groups that differ, and for each of those a mask of
// its bytes that differ, with their new values.
func packDifference(dst, before, after []byte) []byte {
	for at := 0; at < len(after); at += 64 {
		groups := len(dst)
		dst = append(dst, 0)
		for g := 0; g < 8 && at+8*g < len(after); g++ {
			low := at + 8*g
			high := min(low+8, len(after))
			mask := len(dst)
			for i, v := range after[low:high] {
				if v == before[low+i] {
					continue
				}
				if dst[groups]>>g&1 == 0 {
					dst[groups] |= 1 << g
					dst = append(dst, 0)
				}
				dst[mask] |= 1 << i
				dst = append(dst, v)
			}
		}
	}
	return dst
}

// unpackDifference applies one difference to a state and returns what follows it.
func unpackDifference(src, state []byte) []byte {
	for at := 0; at < len(state); at += 64 {
		groups := src[0]
		src = src[1:]
		for ; groups != 0; groups &= groups - 1 {
			low := at + 8*bits.TrailingZeros8(groups)
			mask := src[0]
			src = src[1:]
			for ; mask != 0; mask &= mask - 1 {
				state[low+bits.TrailingZeros8(mask)] = src[0]
				src = src[1:]
			}
		}
	}
	return src
}
