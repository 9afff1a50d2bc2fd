package spec

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// digest collects the fields of a value, one after the other.
type digest uint64

func (d digest) num(v uint64) digest {
	return digest((bits.RotateLeft64(uint64(d), 23) ^ v) * 0x9e3779b97f4a7c15)
}

func (d digest) str(s string) digest { return d.num(hash(s)) }

// hash hashes eight bytes at a time: payloads are long and are hashed often.
func hash[T string | []byte](s T) uint64 {
	h := digest(len(s)) + 0x51ed270b
	for ; len(s) >= 8; s = s[8:] {
		h = h.num(binary.LittleEndian.Uint64([]byte(s[:8])))
	}
	for i := range len(s) {
		h = h.num(uint64(s[i]))
	}
	return mix(uint64(h))
}

// mix spreads every bit over all others, so that sums of digests do not cancel out.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Digest implements the law of digester.
func (u Unit) Digest() uint64 {
	return uint64(digest(1).str(u.Group).str(u.Node).str(string(u.Status)).num(uint64(math.Float32bits(u.Progress))).
		str(u.Error).num(instant(u.UpdatedAt)).num(instant(u.FinishedAt)))
}

// Digest implements the law of digester.
func (a Ack) Digest() uint64 {
	success := uint64(0)
	if a.Success {
		success = 1
	}
	return uint64(digest(2).num(success).str(a.Error).num(instant(a.At)))
}

// Digest implements the law of digester; the time it takes is that of hashing the
// payload.
func (h Head) Digest() uint64 {
	flags := uint64(0)
	for i, set := range []bool{h.Barrier, h.AcksRequired, h.Payload != nil} {
		if set {
			flags |= 1 << i
		}
	}
	return uint64(digest(3).str(h.Namespace).str(h.ID).num(h.Version).num(hash(h.Payload)).num(flags).str(string(h.Status)).
		num(instant(h.StartedAt)).num(instant(h.FinishedAt)).num(instant(h.TerminalAt)).str(h.Error))
}

// Digest implements the law of digester.
func (t *Task) Digest() uint64 {
	return TaskDigest(t.Head, t.Units.Digest(), t.Prepared.Digest(), t.Swapped.Digest())
}

// TaskDigest is the digest of a task whose maps have these digests: for tasks that
// are stored in another form. The digest of a map is the sum of its [EntryDigest]s.
func TaskDigest(h Head, units, prepared, swapped uint64) uint64 {
	return mix(uint64(digest(h.Digest()).num(units).num(prepared).num(swapped)))
}
