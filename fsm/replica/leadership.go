package replica

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Raft is what a [Client] needs of a *raft.Raft.
type Raft interface {
	// Apply proposes an entry; the future is not waited for.
	Apply(cmd []byte, timeout time.Duration) raft.ApplyFuture
	State() raft.RaftState
	CurrentTerm() uint64
	LeaderWithID() (raft.ServerAddress, raft.ServerID)
	RegisterObserver(*raft.Observer)
	DeregisterObserver(*raft.Observer)
}

// leadership watches which node leads. It needs no goroutine: raft calls the observer's
// filter as part of the change.
type leadership struct {
	raft     Raft
	observer *raft.Observer

	mu      sync.Mutex
	changed chan struct{}
}

func watchLeadership(r Raft) *leadership {
	l := &leadership{raft: r, changed: make(chan struct{})}
	l.observer = raft.NewObserver(nil, false, l.filter)
	r.RegisterObserver(l.observer)
	return l
}

func (l *leadership) stop() { l.raft.DeregisterObserver(l.observer) }

// filter is called by raft for everything it observes. It passes nothing on.
func (l *leadership) filter(o *raft.Observation) bool {
	switch o.Data.(type) {
	case raft.RaftState, raft.LeaderObservation:
		l.mu.Lock()
		defer l.mu.Unlock()
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return false
}

// view is the leadership at one moment.
type view struct {
	// leading reports whether this node leads, in term.
	leading bool
	term    uint64
	// leader is the node that leads as far as is known here, or "".
	leader string
	// shutdown reports whether raft has shut down.
	shutdown bool
	// changed is closed when the view may be out of date.
	changed <-chan struct{}
}

func (l *leadership) view() view {
	l.mu.Lock()
	v := view{changed: l.changed} // before reading the state, so that no change is missed
	l.mu.Unlock()
	switch l.raft.State() {
	case raft.Leader:
		v.leading, v.term = true, l.raft.CurrentTerm()
	case raft.Shutdown:
		v.shutdown = true
	}
	_, id := l.raft.LeaderWithID()
	v.leader = string(id)
	return v
}
