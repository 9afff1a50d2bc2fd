package trace

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sort"
)

// blockLines is how many lines of a trace share one sum of [Fingerprint].
const blockLines = 256

// Fingerprint is what is kept of a trace to find out later where another one parts
// from it: for each block of lines, a hash of all lines up to the block's end. Two
// fingerprints that agree in a block agree in all blocks before it, so the first
// block that differs is found by bisection.
type Fingerprint [][sha256.Size]byte

// NewFingerprint returns the fingerprint of a trace.
func NewFingerprint(trace []byte) Fingerprint {
	var f Fingerprint
	for _, block := range blocks(trace) {
		h := sha256.New()
		if n := len(f); n > 0 {
			h.Write(f[n-1][:])
		}
		h.Write(block)
		f = append(f, [sha256.Size]byte(h.Sum(nil)))
	}
	return f
}

// Parts returns the first block, counted from 0, in which two fingerprints differ;
// false when they are equal.
func (f Fingerprint) Parts(g Fingerprint) (block int, differ bool) {
	shared := min(len(f), len(g))
	block = sort.Search(shared, func(i int) bool { return f[i] != g[i] })
	return block, block < shared || len(f) != len(g)
}

// blocks cuts a trace into blocks of lines.
func blocks(trace []byte) [][]byte {
	var all [][]byte
	for len(trace) > 0 {
		end := 0
		for range blockLines {
			at := bytes.IndexByte(trace[end:], '\n')
			if at < 0 {
				end = len(trace)
				break
			}
			end += at + 1
		}
		all, trace = append(all, trace[:end]), trace[end:]
	}
	return all
}

// Divergence is the first place in which two traces differ.
type Divergence struct {
	// Line is the number of the line, from 1; Event is that of the event in it, from 1,
	// and 0 when neither side has an event there: it is the header or the footer.
	Line, Event int
	// A and B are the lines of the two sides; empty for a side that has ended before.
	A, B string
}

// Diverge returns the first place in which two traces differ, byte for byte; nil when
// they are equal. They need not be valid.
func Diverge(a, b []byte) *Divergence {
	block, differ := NewFingerprint(a).Parts(NewFingerprint(b))
	if !differ {
		return nil
	}
	left, right := linesOf(a, block), linesOf(b, block)
	// All before the first line that differs is equal, and nothing behind it counts.
	at := sort.Search(min(len(left), len(right)), func(i int) bool {
		return !bytes.Equal(bytes.Join(left[:i+1], nil), bytes.Join(right[:i+1], nil))
	})
	d := &Divergence{Line: block*blockLines + at + 1}
	if at < len(left) {
		d.A = string(bytes.TrimSuffix(left[at], []byte("\n")))
	}
	if at < len(right) {
		d.B = string(bytes.TrimSuffix(right[at], []byte("\n")))
	}
	if isEvent(d.A) || isEvent(d.B) {
		d.Event = d.Line - 1
	}
	return d
}

// linesOf returns the lines of a block with their ends; none for a block behind the
// last one.
func linesOf(trace []byte, block int) [][]byte {
	all := blocks(trace)
	if block >= len(all) {
		return nil
	}
	return bytes.SplitAfter(all[block], []byte("\n"))
}

func isEvent(line string) bool {
	_, err := parseEvent(line)
	return err == nil
}

// String names the place, with both sides.
func (d *Divergence) String() string {
	where := fmt.Sprintf("line %d", d.Line)
	if d.Event > 0 {
		where = fmt.Sprintf("event %d (line %d)", d.Event, d.Line)
	}
	return fmt.Sprintf("they part in %s: %s here, %s there", where, excerpt(d.A), excerpt(d.B))
}

// excerpt is a line, or its beginning when it is long.
func excerpt(line string) string {
	const enough = 300
	switch {
	case line == "":
		return "nothing"
	case len(line) > enough:
		return line[:enough] + "..."
	}
	return line
}
