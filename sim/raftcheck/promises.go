package raftcheck

import (
	"fmt"

	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// promises is R5: what a node has promised by a message is on its disk when the message leaves,
// and its disk forgets nothing of that, whatever restarts.
//
//   - Its term never goes back, and no answer is of a later term than the disk.
//   - It votes once a term; a vote that it grants is on its disk.
//   - The entries, or the snapshot, that it acknowledges are on its disk. They may be replaced
//     by the entries of a leader of a later term, unless they are committed.
//   - What the disk held, it holds when the next incarnation begins, unless it was emptied meanwhile.
type promises struct {
	*run
	nodes map[string]*promised
}

// promised is what a node has stored of its term and votes.
type promised struct {
	term, voteTerm uint64
	vote           string
	// votes are the candidates by term, with the place of the event.
	votes map[uint64]witness
	// seq is the place of the event of the term.
	seq int
}

func (c *promises) of(node string) *promised {
	p := c.nodes[node]
	if p == nil {
		p = &promised{votes: make(map[uint64]witness)}
		c.nodes[node] = p
	}
	return p
}

func (c *promises) observe(e *trace.Event) {
	switch b := e.Body.(type) {
	case *event.StableStored:
		c.stable(e, b)
	case *event.MessageSent:
		if n := c.node(e.Node); b.OK.Set && n.disk.known {
			c.answer(e, b, n)
		}
	case *event.LogDeleted:
		c.deleted(e)
	case *event.StoresOpened:
		c.opened(e, b)
	case *event.DiskEmptied:
		// What the node has promised counts no more: it has been removed, or all that there was was
		// given up for the log of one node.
		delete(c.nodes, e.Node)
	}
}

// stable: terms and votes.
func (c *promises) stable(e *trace.Event, b *event.StableStored) {
	p := c.of(e.Node)
	switch b.Key {
	case event.CurrentTerm:
		c.exercise("R5")
		if b.N.Value < p.term {
			c.report("R5", e.Node, []int{p.seq}, "the term of %s goes back from %d to %d", e.Node, p.term, b.N.Value)
		}
		p.term, p.seq = b.N.Value, e.Seq
	case event.LastVoteTerm:
		if b.N.Value < p.voteTerm {
			c.report("R5", e.Node, []int{p.votes[p.voteTerm].seq}, "%s votes in term %d after it has voted in term %d", e.Node, b.N.Value, p.voteTerm)
		}
		p.voteTerm = b.N.Value // the candidate follows
	case event.LastVoteCand:
		p.vote = b.Text
		c.voted(e, p, p.voteTerm, b.Text)
	}
}

// voted takes in a vote that is on the disk.
func (c *promises) voted(e *trace.Event, p *promised, term uint64, candidate string) {
	c.exercise("R5")
	before, ok := p.votes[term]
	if ok && before.node != candidate {
		c.report("R5", e.Node, []int{before.seq}, "in term %d %s votes for %s and for %s", term, e.Node, before.node, candidate)
	}
	p.votes[term] = witness{node: candidate, seq: e.Seq}
}

// answer: what an answer promises.
func (c *promises) answer(e *trace.Event, b *event.MessageSent, n *node) {
	p := c.of(e.Node)
	switch b.Msg {
	case "vote-reply":
		if b.OK.Value {
			c.granted(e, p, b.Term.Value, b.To)
		}
	case "append-reply", "heartbeat-reply", "snapshot-reply":
	default:
		return // a pre-vote promises nothing
	}
	if b.Term.Value > p.term {
		c.report("R5", e.Node, []int{p.seq}, "%s answers %s in term %d, and its disk has term %d", e.Node, b.To, b.Term.Value, p.term)
	}
	if !b.Acked.Set || b.Term.Value < p.term {
		return // another leader may have replaced it
	}
	c.exercise("R5")
	if index, term := b.Acked.Value, b.AckedTerm.Value; !n.disk.holds(index, term) {
		c.report("R5", e.Node, nil, "%s acknowledges index %d of term %d to %s, and has it neither in its log, %s, nor below its snapshot, which ends at %d",
			e.Node, index, term, b.To, n.disk.extent(), n.disk.snapshot.Index)
	}
}

// granted: a vote that leaves the node. A candidate that stands on the disk from an older
// term, since the write of the new one has failed, counts as the vote.
func (c *promises) granted(e *trace.Event, p *promised, term uint64, candidate string) {
	vote, ok := p.votes[term]
	switch {
	case ok && vote.node == candidate:
		c.exercise("R5")
	case !ok && p.voteTerm == term && p.vote == candidate:
		c.voted(e, p, term, candidate)
	case ok:
		c.report("R5", e.Node, []int{vote.seq}, "%s grants %s its vote in term %d, and has voted for %s", e.Node, candidate, term, vote.node)
	default:
		c.report("R5", e.Node, nil, "%s grants %s its vote in term %d, and its disk has no vote in that term", e.Node, candidate, term)
	}
}

// deleted: what is committed leaves the log only when a snapshot holds it.
func (c *promises) deleted(e *trace.Event) {
	d := &c.node(e.Node).disk
	for _, l := range d.removed {
		if l.Index <= d.snapshot.Index {
			continue
		}
		c.exercise("R5")
		if at, ok := c.committed[l.Index]; ok {
			if first := &c.commits[at]; first.term == l.Term && first.sum == l.Sum {
				c.report("R5", e.Node, []int{first.by.seq}, "%s removes index %d of term %d from its log, which %s has applied and no snapshot of its holds",
					e.Node, l.Index, l.Term, first.by.node)
				return
			}
		}
	}
}

// opened compares what an incarnation finds with what the one before has stored.
func (c *promises) opened(e *trace.Event, b *event.StoresOpened) {
	n, p := c.node(e.Node), c.of(e.Node)
	d := &n.disk
	if !d.known {
		return
	}
	c.exercise("R5")
	had := event.StoresOpened{
		Entries: int64(len(d.log)), Sum: d.sum, Term: p.term, VoteTerm: p.voteTerm, Vote: p.vote, Snapshot: d.snapshot.Index,
	}
	if len(d.log) > 0 {
		had.First, had.Last = d.log[0].Index, d.log[len(d.log)-1].Index
	}
	if *b != had {
		c.report("R5", e.Node, []int{p.seq}, "%s finds on its disk %s, and had stored %s", e.Node, found(b), found(&had))
	}
}

// found renders what a disk holds.
func found(b *event.StoresOpened) string {
	vote := "no vote"
	if b.VoteTerm > 0 {
		vote = fmt.Sprintf("a vote for %s in term %d", b.Vote, b.VoteTerm)
	}
	return fmt.Sprintf("term %d, %s, %d entries from %d to %d of sum %016x and a snapshot up to %d", b.Term, vote, b.Entries, b.First, b.Last, b.Sum, b.Snapshot)
}

// extent renders where the log begins and ends.
func (d *disk) extent() string {
	if len(d.log) == 0 {
		return "which is empty"
	}
	return fmt.Sprintf("from %d to %d", d.log[0].Index, d.log[len(d.log)-1].Index)
}

func (c *promises) finish() {}
