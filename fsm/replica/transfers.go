package replica

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/hashicorp/raft"
)

// ErrTransferPending is the error of a transfer of leadership that is refused, because an
// earlier one to the same server, in the same term, may still wait for it to catch up. Another
// server can be chosen. The errors that match it match raft.ErrLeadershipTransferInProgress,
// too.
var ErrTransferPending = fmt.Errorf("an earlier one to this server has not ended: %w", raft.ErrLeadershipTransferInProgress)

// LeadershipTransfer transfers leadership to the voter whose log is the longest, of those
// that may be chosen in this term. See [ProtectedRaft.LeadershipTransferToServer].
func (p *ProtectedRaft) LeadershipTransfer() raft.Future {
	to, err := p.successor()
	if err != nil {
		return failed{fmt.Errorf("leadership transfer: %w", err)}
	}
	return p.LeadershipTransferToServer(to.ID, to.Address)
}

// LeadershipTransferToServer transfers leadership to a server, as raft.Raft does. But
// if a transfer to that server has begun in this term, and the server was never told to
// take over, it fails with [ErrTransferPending] until there is a new term.
//
// Before raft tells the server to take over, it has the replication to that server
// do a round, by a queue for one request. A transfer waits for the round, and gives up after
// the election timeout; its request stays in the queue as long as the replication
// waits for the server, or before it tries again, which may take 10 s and more. A second transfer then waits for a place
// in the queue, and does not give up. If leadership is lost meanwhile, the replication
// ends and leaves both behind: the node refuses commands, transfers and changes of
// configuration with raft.ErrLeadershipTransferInProgress in this and in all later terms
// in which it leads. Only a new raft instance would help, and two goroutines of the old one
// would be left.
//
// A transfer that has told the server to take over has nothing in the queue, and
// in another term the queue is another one. So one request at most is in a queue.
func (p *ProtectedRaft) LeadershipTransferToServer(id raft.ServerID, address raft.ServerAddress) raft.Future {
	if p.State() != raft.Leader {
		return failed{fmt.Errorf("leadership transfer to %s: %w", id, raft.ErrNotLeader)}
	}
	request, ok := p.transfers.begin(id, p.term())
	if !ok {
		return failed{fmt.Errorf("leadership transfer to %s: %w", id, ErrTransferPending)}
	}
	return transfer{p.Raft.LeadershipTransferToServer(id, address), p.transfers, request}
}

// term returns the current term. Versions of the library before 1.7.2 have it in their statistics
// alone.
func (p *ProtectedRaft) term() uint64 {
	if r, ok := any(p.Raft).(interface{ CurrentTerm() uint64 }); ok {
		return r.CurrentTerm()
	}
	term, _ := strconv.ParseUint(p.Stats()["term"], 10, 64)
	return term
}

// successor returns the server that takes over if none is named.
func (p *ProtectedRaft) successor() (raft.Server, error) {
	if p.State() != raft.Leader {
		return raft.Server{}, raft.ErrNotLeader
	}
	configuration := p.GetConfiguration()
	if err := configuration.Error(); err != nil {
		return raft.Server{}, fmt.Errorf("get configuration: %w", err)
	}
	return p.transfers.choose(configuration.Configuration().Servers, p.id, p.term())
}

// transfers are the transfers of leadership that a node has begun. It is safe for concurrent
// use.
type transfers struct {
	mu sync.Mutex
	// pending are the last requests for each server, unless it was told to take over since.
	pending map[raft.ServerID]*request
	// lastLog is the last index that a server has reported.
	lastLog map[raft.ServerID]uint64
}

// request is one transfer of leadership.
type request struct {
	to   raft.ServerID
	term uint64
}

func newTransfers() *transfers {
	return &transfers{pending: make(map[raft.ServerID]*request), lastLog: make(map[raft.ServerID]uint64)}
}

// begin returns the request for a transfer in a term; false if there may be one in the queue.
func (t *transfers) begin(to raft.ServerID, term uint64) (*request, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isPending(to, term) {
		return nil, false
	}
	r := &request{to, term}
	t.pending[to] = r
	return r, true
}

// isPending reports whether a request of a term may be in the queue of a server. mu is held.
func (t *transfers) isPending(to raft.ServerID, term uint64) bool {
	r := t.pending[to]
	return r != nil && r.term >= term
}

// withdraw forgets a request that was not begun.
func (t *transfers) withdraw(r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending[r.to] == r {
		delete(t.pending, r.to)
	}
}

// caughtUp notes that a server is told to take over.
func (t *transfers) caughtUp(id raft.ServerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pending, id)
}

// answered notes the last index of a server's log.
func (t *transfers) answered(id raft.ServerID, lastLog uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastLog[id] = lastLog
}

// choose returns the first of the voters with the longest log that may be chosen in a term.
func (t *transfers) choose(servers []raft.Server, self raft.ServerID, term uint64) (raft.Server, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var best *raft.Server
	err := errors.New("there is no other voter")
	for i, s := range servers {
		switch {
		case s.ID == self || s.Suffrage != raft.Voter:
		case t.isPending(s.ID, term):
			err = ErrTransferPending
		case best == nil || t.lastLog[s.ID] > t.lastLog[best.ID]:
			best = &servers[i]
		}
	}
	if best == nil {
		return raft.Server{}, err
	}
	return *best, nil
}

// transfer is a transfer of leadership under way.
type transfer struct {
	raft.Future
	transfers *transfers
	request   *request
}

// Error implements raft.Future. An error by which raft has not begun with the transfer lets
// the next one be tried.
func (t transfer) Error() error {
	err := t.Future.Error()
	for _, refused := range []error{raft.ErrLeadershipTransferInProgress, raft.ErrNotLeader, raft.ErrEnqueueTimeout, raft.ErrUnsupportedProtocol} {
		if errors.Is(err, refused) {
			t.transfers.withdraw(t.request)
		}
	}
	return err
}

// failed is a future that has failed.
type failed struct{ err error }

// Error implements raft.Future.
func (f failed) Error() error { return f.err }
