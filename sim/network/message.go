package network

import (
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/keyed"
	"dtsim/sim/trace"
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

// recordSent emits the event of a message that leaves its sender.
func (n *Network) recordSent(l *leg, sender *Endpoint, to int, now, arrives time.Duration) {
	var space [12]trace.Field
	f := n.identify(space[:0], l, to)
	if l.reply {
		switch r := l.response.(type) {
		case *raft.AppendEntriesResponse:
			f = append(f, trace.Uint("term", r.Term), trace.Uint("last", r.LastLog), trace.Bool("ok", r.Success))
		case *raft.RequestVoteResponse:
			f = append(f, trace.Uint("term", r.Term), trace.Bool("ok", r.Granted))
		case *raft.RequestPreVoteResponse:
			f = append(f, trace.Uint("term", r.Term), trace.Bool("ok", r.Granted))
		case *raft.InstallSnapshotResponse:
			f = append(f, trace.Uint("term", r.Term), trace.Bool("ok", r.Success))
		case nil:
			f = append(f, trace.Int("size", int64(len(l.data))))
		}
		if l.err != nil {
			f = append(f, trace.Str("error", l.err.Error()))
		}
	} else {
		switch r := l.request.(type) {
		case *raft.AppendEntriesRequest:
			f = append(f, trace.Uint("term", r.Term))
			if l.kind == appendEntries {
				f = append(f, trace.Uint("prev", r.PrevLogEntry), trace.Int("entries", int64(len(r.Entries))),
					trace.Uint("commit", r.LeaderCommitIndex))
			}
		case *raft.RequestVoteRequest:
			f = append(f, trace.Uint("term", r.Term), trace.Uint("last", r.LastLogIndex))
		case *raft.RequestPreVoteRequest:
			f = append(f, trace.Uint("term", r.Term), trace.Uint("last", r.LastLogIndex))
		case *raft.InstallSnapshotRequest:
			f = append(f, trace.Uint("term", r.Term), trace.Uint("last", r.LastLogIndex), trace.Int("size", int64(len(l.data))))
		case nil:
			f = append(f, trace.Int("size", int64(len(l.data))))
		}
	}
	f = append(f, trace.Dur("arrives", arrives))
	n.config.Recorder.Emit(trace.Event{At: now, Node: sender.name, Incarnation: sender.incarnation, Kind: trace.MessageSent, Fields: f})
}

// recordLost emits the event of a message that is not delivered.
func (n *Network) recordLost(l *leg, from *Endpoint, to int, why string) {
	if n.config.Recorder == nil {
		return
	}
	var space [5]trace.Field
	f := append(n.identify(space[:0], l, to), trace.Str("why", why))
	n.config.Recorder.Emit(trace.Event{At: time.Since(n.config.Start), Node: from.name, Incarnation: from.incarnation, Kind: trace.MessageLost, Fields: f})
}

// identify appends the fields that name a message.
func (n *Network) identify(f []trace.Field, l *leg, to int) []trace.Field {
	name := kinds[l.kind].request
	if l.reply {
		name = kinds[l.kind].reply
	}
	return append(f, trace.Str("to", n.config.Nodes[to]), trace.Str("msg", name),
		trace.Uint("id", l.id>>16), trace.Uint("n", uint64(l.occurrence)))
}
