// Package keyed draws the simulator's random choices by identity.
//
// Every draw is a pure hash of the seed, the site that draws and the identity of
// what is drawn for (node, message, task, unit, occurrence), never the next number
// of a shared stream. So a reordering inside one instant does not cascade, and
// removing one fault from a plan leaves all other decisions as they were.
package keyed

import (
	"time"
	"unsafe"
)

// Draw is 64 uniformly distributed bits that belong to one identity.
type Draw uint64

// New returns the draw of a site under a seed. Narrow it with Str and Int.
func New(seed uint64, site string) Draw {
	return Draw(mix(seed ^ 0x9e3779b97f4a7c15)).Str(site)
}

// Str narrows the draw by a string.
func (d Draw) Str(s string) Draw { return d.fold(s) }

// Bytes narrows the draw by bytes, as Str does by the same bytes in a string.
func (d Draw) Bytes(b []byte) Draw { return d.fold(unsafe.String(unsafe.SliceData(b), len(b))) }

// fold takes eight bytes at a time; contents of messages pass through here.
func (d Draw) fold(s string) Draw {
	h := uint64(len(s)) * 0x9fb21c651e98df25
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = (h ^ w) * 0x9fb21c651e98df25
		h ^= h >> 29
	}
	var w uint64
	for i := range len(s) {
		w |= uint64(s[i]) << (8 * i)
	}
	return Draw(mix(uint64(d) ^ mix(h^w)))
}

// Int narrows the draw by a number.
func (d Draw) Int(n uint64) Draw {
	return Draw(mix(uint64(d)*0xff51afd7ed558ccd + n + 1))
}

// Uint64 returns the draw's bits.
func (d Draw) Uint64() uint64 { return mix(uint64(d)) }

// N returns a number in [0, n); 0 for n = 0.
func (d Draw) N(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	return d.Uint64() % n
}

// Duration returns a duration in [lo, hi), or lo when hi is not above it. Its
// granularity is the nanosecond, so that draws rarely share an instant.
func (d Draw) Duration(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(d.N(uint64(hi-lo)))
}

// Chance is true with probability ppm in a million.
func (d Draw) Chance(ppm uint64) bool { return d.N(1_000_000) < ppm }

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
