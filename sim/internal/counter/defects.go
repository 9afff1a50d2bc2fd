package counter

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/cluster"
)

// The defects between raft and what it runs on. Each contradicts one property of Raft, and most
// of them others in what follows.
const (
	// CorruptEntries lets the log of each node store something of its own (R2).
	CorruptEntries Bug = "corrupt-entries"
	// TakeVotes lets candidates take every answer, or none, for a vote (R3).
	TakeVotes Bug = "take-votes"
	// TakeAppends lets leaders take every answer, or none, for an acknowledgement (R3).
	TakeAppends Bug = "take-appends"
	// KeepSuffix lets the log of each node keep its last entry where others are removed (R2).
	KeepSuffix Bug = "keep-suffix"
	// LoseEntries lets the log of n3 acknowledge entries that it keeps in memory (R5).
	LoseEntries Bug = "lose-entries"
	// LoseVotes lets n3 keep its votes in memory (R5).
	LoseVotes Bug = "lose-votes"
	// HoldLock lets the end of n3 wait for a lock that stays held, while something goes on by a timer
	// (R8).
	HoldLock Bug = "hold-lock"
	// RefuseAll lets leaders refuse every command after a while (R7).
	RefuseAll Bug = "refuse-all"
)

// NewRaft implements cluster.RaftMaker.
func (p *process) NewRaft(c *raft.Config, fsm raft.FSM, log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, t raft.Transport,
) (*raft.Raft, cluster.Transferrer, error) {
	third := p.Node() == "n3"
	switch bug := p.machine.bug; {
	case bug == CorruptEntries:
		log = corruptLog{log, p.Node()}
	case bug == KeepSuffix:
		log = stickyLog{log}
	case bug == LoseEntries && third:
		log = &leakyLog{LogStore: log, lost: make(map[uint64]*raft.Log)}
	case bug == LoseVotes && third:
		stable = &leakyStable{StableStore: stable}
	case bug == TakeVotes:
		t = credulous{t.(preVoting)}
	case bug == TakeAppends:
		t = hasty{t.(preVoting)}
	}
	r, err := raft.NewRaft(c, fsm, log, stable, snapshots, t)
	return r, r, err
}

// corruptLog stores other commands than it is given.
type corruptLog struct {
	raft.LogStore
	node string
}

func (l corruptLog) StoreLogs(logs []*raft.Log) error {
	logs = slices.Clone(logs)
	for i, entry := range logs {
		if entry.Type == raft.LogCommand && entry.Index%7 == 0 {
			other := *entry
			other.Data = []byte(l.node[1:])
			logs[i] = &other
		}
	}
	return l.LogStore.StoreLogs(logs)
}

// stickyLog removes nothing at its end.
type stickyLog struct{ raft.LogStore }

func (l stickyLog) DeleteRange(from, to uint64) error {
	last, err := l.LastIndex()
	if err != nil || to < last {
		return l.LogStore.DeleteRange(from, to)
	}
	return nil
}

// leakyLog keeps every eleventh entry in memory alone.
type leakyLog struct {
	raft.LogStore
	mu   sync.Mutex
	lost map[uint64]*raft.Log
}

func (l *leakyLog) StoreLogs(logs []*raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kept []*raft.Log
	for _, entry := range logs {
		if entry.Index%11 == 0 {
			l.lost[entry.Index] = entry
		} else {
			kept = append(kept, entry)
		}
	}
	return l.LogStore.StoreLogs(kept)
}

func (l *leakyLog) GetLog(index uint64, to *raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry := l.lost[index]; entry != nil {
		*to = *entry
		return nil
	}
	return l.LogStore.GetLog(index, to)
}

// leakyStable keeps the candidates of votes in memory.
type leakyStable struct {
	raft.StableStore
	mu   sync.Mutex
	vote []byte
}

func (s *leakyStable) Set(key, value []byte) error {
	if string(key) != "LastVoteCand" {
		return s.StableStore.Set(key, value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vote = slices.Clone(value)
	return nil
}

func (s *leakyStable) Get(key []byte) ([]byte, error) {
	if string(key) != "LastVoteCand" {
		return s.StableStore.Get(key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.vote), nil
}

// holdLock does not return.
func holdLock() {
	go func() {
		for {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}

// preVoting is a transport with pre-vote.
type preVoting interface {
	raft.Transport
	raft.WithPreVote
}

// credulous takes every answer for a vote, and none, too.
type credulous struct{ preVoting }

func (t credulous) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	_ = t.preVoting.RequestVote(id, to, req, resp)
	resp.Granted, resp.Term = true, req.Term
	return nil
}

func (t credulous) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	_ = t.preVoting.RequestPreVote(id, to, req, resp)
	resp.Granted, resp.Term = true, req.Term
	return nil
}

// hasty takes every answer for an acknowledgement, and none, too.
type hasty struct{ preVoting }

func (t hasty) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	_ = t.preVoting.AppendEntries(id, to, req, resp)
	resp.Success, resp.Term = true, req.Term
	return nil
}

// refuseAfter is the index behind which [RefuseAll] accepts nothing.
const refuseAfter = 20

var errRefused = errors.New("refused as planted")
