package replica

import (
	"errors"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// receiver hands on to raft what other servers ask of this node, one request at a time and in
// order, and sees to it that log and snapshots agree.
//
// The Raft paper (section 7) has a follower that is given a snapshot keep its log if that holds
// the snapshot's last entry, and drop all of it if not. hashicorp/raft keeps what there is, installs
// the snapshot also where everything is applied, and looks in the log alone for what an append begins
// behind. So it may refuse for ever what comes behind a snapshot (R6), go back to an older state, or,
// with entries of a former leader behind a snapshot of the present one, give its vote to a candidate
// without what is committed, and make others apply those entries once it leads (R3, R4).
//
// A leader has all that was ever committed, so that what is in a snapshot of this node, or
// applied by it, is the same there. Requests of leaders of earlier terms are refused by raft as
// they are without a receiver.
type receiver struct {
	from <-chan raft.RPC
	to   chan raft.RPC
	log  *receivedLog
	// applied is the index up to which raft has applied.
	applied func() uint64

	stop sync.Once
	done chan struct{}
}

func newReceiver(from <-chan raft.RPC, log *receivedLog) *receiver {
	return &receiver{from: from, to: make(chan raft.RPC), log: log, done: make(chan struct{})}
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
		r.install(rpc, q)
		return
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
	end, term := r.log.end.get()
	heartbeat := q.PrevLogEntry == 0 && len(q.Entries) == 0
	if heartbeat || q.PrevLogEntry > end || end > r.applied() || q.PrevLogEntry == end && q.PrevLogTerm != term {
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
	rest.PrevLogEntry, rest.PrevLogTerm, rest.Entries = 0, 0, entries // it is there: raft need not look for it
	return &rest
}

// install hands on a request to install a snapshot. If this node has all that the snapshot has, all that
// is left of the request is that its sender leads: what a heartbeat tells.
func (r *receiver) install(rpc raft.RPC, q *raft.InstallSnapshotRequest) {
	// Behind the answer raft is done with the requests before.
	answer := r.tell(q, nil)
	p, ok := answer.Response.(*raft.AppendEntriesResponse)
	if !ok {
		drain(rpc)
		rpc.Respond(nil, answer.Error)
		return
	}
	if p.Success && answer.Error == nil {
		has, err := r.has(q)
		if err == nil && !has {
			err = r.drop(q)
		}
		if err == nil && !has {
			r.send(rpc)
			return
		}
		answer.Error = err
		p.Success = has
	}
	drain(rpc)
	rpc.Respond(&raft.InstallSnapshotResponse{RPCHeader: p.RPCHeader, Term: p.Term, Success: p.Success}, answer.Error)
}

// drain reads what comes with a request: a transport may have the next one behind it.
func drain(rpc raft.RPC) { _, _ = io.Copy(io.Discard, rpc.Reader) }

// has reports whether everything that a snapshot has is applied or in the log.
func (r *receiver) has(q *raft.InstallSnapshotRequest) (bool, error) {
	if q.LastLogIndex <= r.applied() {
		return true, nil
	}
	own, err := r.log.termOf(q.LastLogIndex)
	return own == q.LastLogTerm, err
}

// drop lets raft drop what stands in the log at the end of a snapshot and behind it, of a former leader.
func (r *receiver) drop(q *raft.InstallSnapshotRequest) error {
	last, err := r.log.LastIndex()
	if err != nil || last < q.LastLogIndex {
		return err
	}
	before := raft.Log{Index: q.LastLogIndex - 1, Type: raft.LogNoop}
	switch err := r.log.GetLog(before.Index, &before); {
	case errors.Is(err, raft.ErrLogNotFound):
		_, before.Term = r.log.end.get() // it is in the snapshot that the log begins behind
	case err != nil:
		return err
	}
	r.log.cut.Store(before.Index)
	defer r.log.cut.Store(0)
	return r.tell(q, []*raft.Log{&before}).Error
}

// tell has raft process an append by the sender of a request, and returns the answer.
func (r *receiver) tell(q *raft.InstallSnapshotRequest, entries []*raft.Log) raft.RPCResponse {
	answers := make(chan raft.RPCResponse, 1)
	r.send(raft.RPC{
		Command:  &raft.AppendEntriesRequest{RPCHeader: q.RPCHeader, Term: q.Term, Leader: q.Leader, Entries: entries},
		RespChan: answers,
	})
	return <-answers
}
