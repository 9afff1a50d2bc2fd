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
	last       uint64
	// open are the sequence numbers without an outcome, ascending.
	open []uint64
}

func newClientSession(name string) clientSession { return clientSession{name: name} }

// begin returns the id of a new request.
func (s *clientSession) begin() api.RequestID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.open = append(s.open, s.last)
	return api.RequestID{Client: s.client(), Seq: s.last, Low: s.open[0]}
}

// end records that the request's outcome is no longer awaited.
func (s *clientSession) end(id api.RequestID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id.Client == s.client() {
		s.open = slices.DeleteFunc(s.open, func(seq uint64) bool { return seq == id.Seq })
	}
}

// renew takes a new name, unless that has happened since client was the name.
func (s *clientSession) renew(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if client == s.client() {
		s.generation++
		s.last, s.open = 0, nil
	}
}

func (s *clientSession) client() string {
	if s.generation == 0 {
		return s.name
	}
	return s.name + "~" + strconv.Itoa(s.generation)
}
