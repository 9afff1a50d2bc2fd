package replica

import (
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// receiver hands on to raft what other servers ask of this node, one request at a time and in
// order. What the node is known to have it takes out of the requests: raft looks for all of it in
// the log, where it is not if a snapshot has it, and may refuse for ever what begins there (R6).
//
// A leader has all that was ever committed, so that what is in a snapshot of this node, or
// applied by it, is the same there. Requests of leaders of earlier terms are refused by raft as
// they are without a receiver.
type receiver struct {
	from <-chan raft.RPC
	to   chan raft.RPC
	// end is the end of the newest snapshot, and applied the index up to which raft has applied.
	end     *snapshotEnd
	applied func() uint64

	stop sync.Once
	done chan struct{}
}

func newReceiver(from <-chan raft.RPC, end *snapshotEnd) *receiver {
	return &receiver{from: from, to: make(chan raft.RPC), end: end, done: make(chan struct{})}
}

// run hands on requests until the receiver is closed. One that raft has not taken by then fails with
// raft.ErrRaftShutdown.
func (r *receiver) run() {
	for {
		select {
		case rpc := <-r.from:
			r.handOn(rpc)
		case <-r.done:
			return
		}
	}
}

// observe closes the receiver when raft is shut down, also by itself. It is a filter of observations
// that lets none through: raft calls it as part of the change.
func (r *receiver) observe(o *raft.Observation) bool {
	if o.Data == raft.Shutdown {
		r.close()
	}
	return false
}

// close lets run return. It may be called more than once.
func (r *receiver) close() { r.stop.Do(func() { close(r.done) }) }

func (r *receiver) handOn(rpc raft.RPC) {
	switch q := rpc.Command.(type) {
	case *raft.AppendEntriesRequest:
		rpc.Command = r.behindSnapshot(boundCommit(q))
	case *raft.InstallSnapshotRequest:
		if q.LastLogIndex <= r.applied() {
			r.acknowledge(rpc, q)
			return
		}
	}
	r.send(rpc)
}

func (r *receiver) send(rpc raft.RPC) {
	select {
	case r.to <- rpc:
	case <-r.done:
		rpc.Respond(nil, raft.ErrRaftShutdown)
	}
}

// boundCommit lets a request commit no more than what it shows that the follower has: up to its
// last entry, or the entry before those.
func boundCommit(q *raft.AppendEntriesRequest) *raft.AppendEntriesRequest {
	last := q.PrevLogEntry
	if n := len(q.Entries); n > 0 {
		last = q.Entries[n-1].Index
	}
	if q.LeaderCommitIndex <= last {
		return q
	}
	bounded := *q // the leader may still read its own
	bounded.LeaderCommitIndex = last
	return &bounded
}

// behindSnapshot returns a request without the entries that the newest snapshot has. A request is
// returned as it is if it contradicts the snapshot, or if that could not be restored.
func (r *receiver) behindSnapshot(q *raft.AppendEntriesRequest) *raft.AppendEntriesRequest {
	end, term := r.end.get()
	heartbeat := q.PrevLogEntry == 0 && len(q.Entries) == 0
	if heartbeat || q.PrevLogEntry >= end || end > r.applied() {
		return q
	}
	entries := q.Entries
	for len(entries) > 0 && entries[0].Index <= end {
		if entries[0].Index == end && entries[0].Term != term {
			return q
		}
		entries = entries[1:]
	}
	rest := *q
	rest.PrevLogEntry, rest.PrevLogTerm, rest.Entries = end, term, entries
	return &rest
}

// acknowledge answers a request to install a snapshot of which everything is applied. All that is
// left of the request is that its sender leads: what a heartbeat tells.
func (r *receiver) acknowledge(rpc raft.RPC, q *raft.InstallSnapshotRequest) {
	_, _ = io.Copy(io.Discard, rpc.Reader) // a transport may have the next request behind it
	answers := make(chan raft.RPCResponse, 1)
	r.send(raft.RPC{
		Command:  &raft.AppendEntriesRequest{RPCHeader: q.RPCHeader, Term: q.Term, Leader: q.Leader},
		RespChan: answers,
	})
	answer := <-answers
	p, ok := answer.Response.(*raft.AppendEntriesResponse)
	if !ok {
		rpc.Respond(nil, answer.Error)
		return
	}
	rpc.Respond(&raft.InstallSnapshotResponse{RPCHeader: p.RPCHeader, Term: p.Term, Success: p.Success}, answer.Error)
}
