package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"dtsim/fsm/api"
)

// DefaultMaxSessions is how many clients have a session. A node uses one session for each of its
// starts, so only clients that have been gone for hundreds of restarts are dropped.
const DefaultMaxSessions = 1024

// sessions holds the outcomes that clients may request again (Ongaro's Raft
// dissertation, 6.3). It belongs to the replicated state: its contents are a
// function of the log.
type sessions struct {
	limit   int
	clients map[string]*session
	// dropped is the last index of the session that was dropped last, 0 if none was. Those that are
	// left are behind it. A client that may have been there before it gets no new session: its
	// command might have had its effect.
	dropped uint64
}

// session holds the outcomes that one client may still request.
type session struct {
	// low is the lowest sequence number whose outcome is still remembered.
	low uint64
	// last is the log index of the client's last command; indexes are unique, so they
	// order the clients strictly.
	last uint64
	// outcomes are sorted by sequence number, all of them at least low.
	outcomes []remembered
}

type remembered struct {
	Seq uint64 `json:"seq"`
	outcome
}

func newSessions(limit int) *sessions {
	return &sessions{limit: limit, clients: make(map[string]*session)}
}

// lookup returns the outcome of a request that has been applied.
func (t *sessions) lookup(client string, seq uint64) (outcome, bool) {
	s := t.clients[client]
	if s == nil {
		return outcome{}, false
	}
	at, found := s.find(seq)
	if !found {
		return outcome{}, false
	}
	return s.outcomes[at].outcome, true
}

// admit is called before a command is applied at index. It returns the first
// outcome of a duplicate, and an error for a request that must not be applied.
func (t *sessions) admit(id api.RequestID, index uint64) (first outcome, duplicate bool, err error) {
	if id.Client == "" || id.Seq == 0 || id.Low == 0 || id.Low > id.Seq {
		return outcome{}, false, invalid("request id %q/%d (low %d) is not one", id.Client, id.Seq, id.Low)
	}
	s := t.clients[id.Client]
	if s == nil {
		if id.Low > 1 || id.Since > 0 && id.Since <= t.dropped {
			return outcome{}, false, fmt.Errorf("request %s/%d: %w", id.Client, id.Seq, errExpired)
		}
		s = t.open(id.Client)
	}
	s.last = index
	s.forgetBelow(id.Low)
	if id.Seq < s.low {
		return outcome{}, false, fmt.Errorf("request %s/%d, low %d: %w", id.Client, id.Seq, s.low, errStale)
	}
	if at, found := s.find(id.Seq); found {
		return s.outcomes[at].outcome, true, nil
	}
	return outcome{}, false, nil
}

// remember keeps the outcome of a request that was admitted.
func (t *sessions) remember(id api.RequestID, o outcome) {
	s := t.clients[id.Client]
	at, _ := s.find(id.Seq)
	s.outcomes = slices.Insert(s.outcomes, at, remembered{Seq: id.Seq, outcome: o})
}

// open adds a client, in place of the one that has been unused for longest if there
// are too many.
func (t *sessions) open(client string) *session {
	if len(t.clients) >= t.limit {
		oldest, last := "", uint64(0)
		for name, s := range t.clients {
			if oldest == "" || s.last < last {
				oldest, last = name, s.last
			}
		}
		delete(t.clients, oldest)
		t.dropped = last
	}
	s := &session{low: 1}
	t.clients[client] = s
	return s
}

func (s *session) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(s.outcomes, seq, func(r remembered, seq uint64) int {
		return cmp.Compare(r.Seq, seq)
	})
}

func (s *session) forgetBelow(low uint64) {
	if low <= s.low {
		return
	}
	s.low = low
	n, _ := s.find(low)
	s.outcomes = slices.Delete(s.outcomes, 0, n)
}

// sessionRecord is a session in a snapshot.
type sessionRecord struct {
	Client   string       `json:"client"`
	Low      uint64       `json:"low"`
	Last     uint64       `json:"last"`
	Outcomes []remembered `json:"outcomes,omitempty"`
}

// capture copies the table, sorted by client.
func (t *sessions) capture() []sessionRecord {
	records := t.view()
	for i := range records {
		records[i].Outcomes = slices.Clone(records[i].Outcomes)
	}
	return records
}

// view is the table, sorted by client, until the next command changes it.
func (t *sessions) view() []sessionRecord {
	records := make([]sessionRecord, 0, len(t.clients))
	for _, client := range slices.Sorted(maps.Keys(t.clients)) {
		s := t.clients[client]
		records = append(records, sessionRecord{Client: client, Low: s.low, Last: s.last, Outcomes: s.outcomes})
	}
	return records
}

// restoreSessions validates what capture wrote.
func restoreSessions(limit int, dropped uint64, records []sessionRecord) (*sessions, error) {
	t := newSessions(limit)
	t.dropped = dropped
	if len(records) > limit {
		return nil, fmt.Errorf("sessions: %d clients, more than %d", len(records), limit)
	}
	lasts := make(map[uint64]string, len(records))
	for i, r := range records {
		if r.Client == "" || r.Low == 0 {
			return nil, fmt.Errorf("sessions[%d]: client %q with low %d is not one", i, r.Client, r.Low)
		}
		if t.clients[r.Client] != nil {
			return nil, fmt.Errorf("sessions[%d]: client %q stands there twice", i, r.Client)
		}
		if r.Last <= dropped && dropped > 0 {
			return nil, fmt.Errorf("sessions[%d]: client %q has the last index %d, and all up to %d were dropped", i, r.Client, r.Last, dropped)
		}
		if other, twice := lasts[r.Last]; twice {
			return nil, fmt.Errorf("sessions[%d]: client %q has the last index %d of client %q", i, r.Client, r.Last, other)
		}
		lasts[r.Last] = r.Client
		next := r.Low
		for j, o := range r.Outcomes {
			if o.Seq < next {
				return nil, fmt.Errorf("sessions[%d].outcomes[%d]: sequence number %d, want at least %d", i, j, o.Seq, next)
			}
			next = o.Seq + 1
		}
		t.clients[r.Client] = &session{low: r.Low, last: r.Last, outcomes: r.Outcomes}
	}
	return t, nil
}
