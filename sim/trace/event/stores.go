package event

import (
	"strconv"
	"strings"

	"dtsim/sim/trace"
)

// StoresOpened: an incarnation begins with what its node's disk holds for Raft.
type StoresOpened struct {
	// First and Last are the indices of the first and the last entry of the log, Entries is how
	// many there are, and Sum the exclusive or of their [LogEntry.Mix]; zero for an empty log.
	First, Last uint64
	Entries     int64
	Sum         uint64
	// Term is Raft's current term, VoteTerm and Vote are the last vote; see [StableStored].
	Term, VoteTerm uint64
	Vote           string
	// Snapshot is where the newest snapshot ends, 0 for none.
	Snapshot uint64
}

func (*StoresOpened) Kind() trace.Kind { return trace.StoresOpened }
func (b *StoresOpened) Schema(s *trace.Schema) {
	s.Uint("first", &b.First)
	s.Uint("last", &b.Last)
	s.Int("entries", &b.Entries)
	s.Uint("sum", &b.Sum)
	s.Uint("term", &b.Term)
	s.OptUint("vote_term", &b.VoteTerm)
	s.OptStr("vote", &b.Vote)
	s.Uint("snapshot", &b.Snapshot)
}

// LogEntry is an entry of a log without its data.
type LogEntry struct {
	Index, Term uint64
	// Sum is 64 bits of the hash of the entry: its type and its data. Of a command without
	// extensions it is that of [Applied].
	Sum uint64
}

// Mix returns 64 bits that depend on all of the entry.
func (e LogEntry) Mix() uint64 {
	x := e.Sum
	for _, n := range [...]uint64{e.Index, e.Term} {
		x = (x ^ n) * 0x9e3779b97f4a7c15
		x ^= x >> 29
	}
	return x
}

// LogStored: entries without a gap are in the log on the disk. One that was there at an index is
// replaced.
type LogStored struct {
	// First is the index of the first of them, and Term the term of the last.
	First, Term uint64
	// Terms are the terms of all of them if they differ, Sums the sums; see [LogEntry].
	Terms, Sums []uint64
}

func (*LogStored) Kind() trace.Kind { return trace.LogStored }
func (b *LogStored) Schema(s *trace.Schema) {
	s.Uint("first", &b.First)
	last := b.Last()
	s.Uint("last", &last)
	s.Uint("term", &b.Term)
	numbers(s, "terms", &b.Terms)
	numbers(s, "sums", &b.Sums)
}

// Last is the index of the last entry.
func (b *LogStored) Last() uint64 { return b.First + uint64(max(len(b.Sums), 1)) - 1 }

// Entry returns the entry at a position.
func (b *LogStored) Entry(i int) LogEntry {
	term := b.Term
	if i < len(b.Terms) {
		term = b.Terms[i]
	}
	return LogEntry{b.First + uint64(i), term, b.Sums[i]}
}

// numbers is a list of numbers in hexadecimal, with spaces between them, that is left out if
// it is empty.
func numbers(s *trace.Schema, key string, v *[]uint64) {
	text := ""
	if len(*v) == 1 {
		text = strconv.FormatUint((*v)[0], 16)
	} else if len(*v) > 1 {
		b := make([]byte, 0, 17*len(*v))
		for i, n := range *v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendUint(b, n, 16)
		}
		text = string(b)
	}
	s.OptStr(key, &text)
	if len(*v) == 0 && text != "" {
		for word := range strings.SplitSeq(text, " ") {
			n, err := strconv.ParseUint(word, 16, 64)
			if err != nil {
				*v = nil
				return
			}
			*v = append(*v, n)
		}
	}
}

// LogDeleted: the log on the disk has no entries any more between two indices, both
// included.
type LogDeleted struct{ From, To uint64 }

func (*LogDeleted) Kind() trace.Kind { return trace.LogDeleted }
func (b *LogDeleted) Schema(s *trace.Schema) {
	s.Uint("from", &b.From)
	s.Uint("to", &b.To)
}

// The keys of Raft's own promises.
const (
	CurrentTerm  = "CurrentTerm"
	LastVoteTerm = "LastVoteTerm"
	LastVoteCand = "LastVoteCand"
)

// StableStored: a value is in the stable store on the disk.
type StableStored struct {
	// Key is [CurrentTerm], [LastVoteTerm], [LastVoteCand], or the application's.
	Key string
	// N is the value if it is a number, else Text is it.
	N    trace.Opt[uint64]
	Text string
}

func (*StableStored) Kind() trace.Kind { return trace.StableStored }
func (b *StableStored) Schema(s *trace.Schema) {
	s.Str("key", &b.Key)
	s.SomeUint("n", &b.N)
	s.OptStr("text", &b.Text)
}
