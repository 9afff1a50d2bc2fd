package replica

import (
	"slices"
	"strconv"
	"sync"

	"dtsim/fsm/api"
)

// clientSession gives requests their ids. It is the client's half of the session
// table.
type clientSession struct {
	name string

	mu         sync.Mutex
	generation int
	// since is a log index before all of its requests.
	since uint64
	last  uint64
	// open are the sequence numbers without an outcome, ascending.
	open []uint64
}

// newClientSession returns the session of a client that has seen the log up to an index.
func newClientSession(name string, seen uint64) clientSession {
	return clientSession{name: name, since: max(1, seen)}
}

// begin returns the id of a new request.
func (s *clientSession) begin() api.RequestID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.open = append(s.open, s.last)
	return api.RequestID{Client: s.client(), Seq: s.last, Low: s.open[0], Since: s.since}
}

// end records that the request's outcome is no longer awaited.
func (s *clientSession) end(id api.RequestID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id.Client == s.client() {
		s.open = slices.DeleteFunc(s.open, func(seq uint64) bool { return seq == id.Seq })
	}
}

// renew takes a new name, unless that has happened since client was the name. Seen is the log
// index of the answer that said so.
func (s *clientSession) renew(client string, seen uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if client == s.client() {
		s.generation++
		s.last, s.open, s.since = 0, nil, max(s.since, seen)
	}
}

func (s *clientSession) client() string {
	if s.generation == 0 {
		return s.name
	}
	return s.name + "~" + strconv.Itoa(s.generation)
}
