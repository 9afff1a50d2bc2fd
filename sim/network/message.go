package network

import (
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// kind is what a message is about.
type kind uint8

const (
	appendEntries kind = iota
	heartbeat
	requestVote
	requestPreVote
	installSnapshot
	timeoutNow
	forward
)

// kinds holds each kind's names in the trace and where the hash of its contents
// begins.
var kinds = func() (k [forward + 1]struct {
	request, reply string
	hash           [2]keyed.Draw
}) {
	for i, name := range [...]string{"append", "heartbeat", "vote", "pre-vote", "snapshot", "timeout-now", "forward"} {
		k[i].request, k[i].reply = name, name+"-reply"
		k[i].hash[0], k[i].hash[1] = keyed.New(0, k[i].request), keyed.New(0, k[i].reply)
	}
	return k
}()

// isHeartbeat reports whether a request may take the fast path, as hashicorp/raft's
// own network transport does.
func isHeartbeat(r *raft.AppendEntriesRequest) bool {
	return r.Term != 0 && r.PrevLogEntry == 0 && r.PrevLogTerm == 0 &&
		len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}

// requestID returns the identity of a request: the hash of its content. What a
// node's clock has put into it does not count.
func requestID(l *leg) uint64 {
	d := kinds[l.kind].hash[0]
	switch r := l.request.(type) {
	case *raft.AppendEntriesRequest:
		d = d.Int(r.Term).Int(r.PrevLogEntry).Int(r.PrevLogTerm).Int(r.LeaderCommitIndex)
		for _, e := range r.Entries {
			d = d.Int(e.Index).Int(e.Term).Int(uint64(e.Type)).Bytes(e.Data)
		}
	case *raft.RequestVoteRequest:
		d = d.Int(r.Term).Int(r.LastLogIndex).Int(r.LastLogTerm)
	case *raft.RequestPreVoteRequest:
		d = d.Int(r.Term).Int(r.LastLogIndex).Int(r.LastLogTerm)
	case *raft.InstallSnapshotRequest:
		d = d.Int(r.Term).Int(r.LastLogIndex).Int(r.LastLogTerm).Bytes(l.data)
	case nil: // a forwarded request
		d = d.Bytes(l.data)
	}
	return d.Uint64()
}

// replyID returns the identity of a reply: the hash of its content and of the request.
func replyID(l *leg, requestID uint64) uint64 {
	d := kinds[l.kind].hash[1].Int(requestID)
	switch r := l.response.(type) {
	case *raft.AppendEntriesResponse:
		d = d.Int(r.Term).Int(r.LastLog).Int(truth(r.Success))
	case *raft.RequestVoteResponse:
		d = d.Int(r.Term).Int(truth(r.Granted))
	case *raft.RequestPreVoteResponse:
		d = d.Int(r.Term).Int(truth(r.Granted))
	case *raft.InstallSnapshotResponse:
		d = d.Int(r.Term).Int(truth(r.Success))
	case nil:
		d = d.Bytes(l.data)
	}
	if l.err != nil {
		d = d.Str(l.err.Error())
	}
	return d.Uint64()
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// clone returns a copy of a request that shares nothing which its sender may still
// change. An append request is copied into space.
func clone(request any, space *raft.AppendEntriesRequest) any {
	switch r := request.(type) {
	case *raft.AppendEntriesRequest:
		*space = *r
		space.Entries = cloneEntries(r.Entries)
		return space
	case *raft.RequestVoteRequest:
		c := *r
		return &c
	case *raft.RequestPreVoteRequest:
		c := *r
		return &c
	case *raft.InstallSnapshotRequest:
		c := *r
		return &c
	case *raft.TimeoutNowRequest:
		c := *r
		return &c
	}
	panic("network: unknown request")
}

// cloneEntries copies log entries with their data, into one block each.
func cloneEntries(entries []*raft.Log) []*raft.Log {
	if len(entries) == 0 {
		return nil
	}
	size := 0
	for _, e := range entries {
		size += len(e.Data) + len(e.Extensions)
	}
	data := make([]byte, 0, size)
	own := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		data = append(data, b...)
		return data[len(data)-len(b) : len(data) : len(data)]
	}
	logs := make([]raft.Log, len(entries))
	copies := make([]*raft.Log, len(entries))
	for i, e := range entries {
		logs[i] = *e
		logs[i].Data, logs[i].Extensions = own(e.Data), own(e.Extensions)
		copies[i] = &logs[i]
	}
	return copies
}

// recordSent records a message that leaves its sender.
func (n *Network) recordSent(l *leg, sender *Endpoint, to int, now, arrives time.Duration) {
	b := &l.sent
	*b = event.MessageSent{Message: n.identify(l, to), Arrives: arrives}
	if l.reply {
		switch r := l.response.(type) {
		case *raft.AppendEntriesResponse:
			b.Term, b.Last, b.OK = trace.Some(r.Term), trace.Some(r.LastLog), trace.Some(r.Success)
			if asked, ok := l.request.(*raft.AppendEntriesRequest); ok && r.Success && len(asked.Entries) > 0 {
				last := asked.Entries[len(asked.Entries)-1]
				b.Acked, b.AckedTerm = trace.Some(last.Index), trace.Some(last.Term)
			}
		case *raft.RequestVoteResponse:
			b.Term, b.OK = trace.Some(r.Term), trace.Some(r.Granted)
		case *raft.RequestPreVoteResponse:
			b.Term, b.OK = trace.Some(r.Term), trace.Some(r.Granted)
		case *raft.InstallSnapshotResponse:
			b.Term, b.OK = trace.Some(r.Term), trace.Some(r.Success)
			if asked, ok := l.request.(*raft.InstallSnapshotRequest); ok && r.Success {
				b.Acked, b.AckedTerm = trace.Some(asked.LastLogIndex), trace.Some(asked.LastLogTerm)
			}
		case nil:
			b.Size = trace.Some(int64(len(l.data)))
		}
		if l.err != nil {
			b.Error = l.err.Error()
		}
	} else {
		switch r := l.request.(type) {
		case *raft.AppendEntriesRequest:
			b.Term = trace.Some(r.Term)
			if l.kind == appendEntries {
				b.Prev, b.Entries, b.Commit = trace.Some(r.PrevLogEntry), trace.Some(int64(len(r.Entries))), trace.Some(r.LeaderCommitIndex)
			}
		case *raft.RequestVoteRequest:
			b.Term, b.Last = trace.Some(r.Term), trace.Some(r.LastLogIndex)
		case *raft.RequestPreVoteRequest:
			b.Term, b.Last = trace.Some(r.Term), trace.Some(r.LastLogIndex)
		case *raft.InstallSnapshotRequest:
			b.Term, b.Last, b.Size = trace.Some(r.Term), trace.Some(r.LastLogIndex), trace.Some(int64(len(l.data)))
		case nil:
			b.Size = trace.Some(int64(len(l.data)))
		}
	}
	n.config.Recorder.Record(now, sender.name, sender.incarnation, b)
}

// recordLost records a message that is not delivered.
func (n *Network) recordLost(l *leg, from *Endpoint, to int, why string) {
	n.config.Recorder.Record(time.Since(n.config.Start), from.name, from.incarnation, &event.MessageLost{Message: n.identify(l, to), Why: why})
}

// identify names a message.
func (n *Network) identify(l *leg, to int) event.Message {
	name := kinds[l.kind].request
	if l.reply {
		name = kinds[l.kind].reply
	}
	return event.Message{To: n.config.Nodes[to], Msg: name, ID: l.id >> 16, N: uint64(l.occurrence)}
}
