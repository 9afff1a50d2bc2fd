package replica

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// ProtectedRaft is a raft that its known defects do not reach. It is used like the
// *raft.Raft that it embeds, whose methods it replaces where a protection needs that; the
// embedded raft must not be asked for a transfer of leadership directly.
//
// Each protection is against one defect of hashicorp/raft. All of them are there in 1.8.0,
// the newest version when this was written.
//
//   - The heartbeats of a leader are processed in order with everything else. By itself,
//     raft lets the goroutine of the transport process them ([raft.Transport], method
//     SetHeartbeatHandler), so that term and state change under its main loop. A leader that
//     is held up between two statements then appends entries under the term of its
//     successor, and a candidate becomes leader of a term in which nobody has voted for it:
//     two nodes hold, and apply, different entries of one index and term (P1, R1, R2).
//     A lease shorter than the heartbeat timeout makes that rarer and does not exclude it.
//     The price is that a follower whose disk is slow answers heartbeats late. Affected are
//     all versions that have the handler. To see whether it is still needed:
//     TestACandidateThatIsHeldUpDoesNotLeadATermOfOthers. Transports without the handler,
//     like raft.InmemTransport, are not affected.
//   - An append commits no more on a follower than what it shows that the follower has, as Figure 2 of
//     the Raft paper has it. By itself, raft commits up to the end of the follower's log,
//     whatever stands there ([raft.AppendEntriesRequest], LeaderCommitIndex): a follower with
//     entries of a former leader applies those if an append is short and late, because the goroutine
//     that sends it was held up while the leader committed more (P1, R2, R4). Affected are
//     all versions up to 1.8.0. To see whether it is still needed:
//     TestAnAppendCommitsNoMoreThanItShows.
//   - Leadership is not transferred a second time to a server that did not catch up the
//     first time, see [ProtectedRaft.LeadershipTransferToServer]. By itself, raft may refuse
//     all commands for ever (R7, P14, P16). Affected are the versions from 1.1.0, the first
//     with transfers. To see whether it is still needed:
//     TestAFailedTransferDoesNotOutliveTheLeadership.
//   - Log and snapshots agree: see [receiver]. By itself, raft may send a follower
//     the same snapshot for ever, go back to an older state, or panic; and a follower may vote
//     for a candidate without what is committed (R3, R4, R6, P1, P16). To see whether it is still
//     needed: TestAFollowerGoesOnBehindASnapshot, TestASnapshotThatComesTooLateIsNotInstalled
//     and TestASnapshotTakesTheEntriesOfAFormerLeaderAway.
//
// Those tests try raft with and without the protection: one that fails without says that
// the library was mended. Each protection is also a mutant of package scenarios/mutation.
type ProtectedRaft struct {
	*raft.Raft
	id        raft.ServerID
	transfers *transfers
	receiver  *receiver
}

// NewRaft is raft.NewRaft with protections. All parameters mean the same. Beside raft's own
// goroutines there is one more, which ends when raft is shut down, or shuts itself down.
func NewRaft(c *raft.Config, fsm raft.FSM, log raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, t raft.Transport,
) (*ProtectedRaft, error) {
	received, snapshots, err := protectStores(log, snapshots)
	if err != nil {
		return nil, fmt.Errorf("protect stores: %w", err)
	}
	p := &ProtectedRaft{id: c.LocalID, transfers: newTransfers(), receiver: newReceiver(t.Consumer(), received)}
	p.Raft, err = raft.NewRaft(c, fsm, received, stable, snapshots, protectTransport(t, p.transfers, p.receiver))
	if err != nil {
		return nil, err
	}
	p.receiver.applied = p.AppliedIndex
	p.RegisterObserver(raft.NewObserver(nil, false, p.receiver.observe))
	if p.State() == raft.Shutdown {
		p.receiver.close()
	}
	go p.receiver.run()
	return p, nil
}

// protectTransport returns the transport as raft is to see it. It can do pre-votes if, and
// only if, t can.
func protectTransport(t raft.Transport, seen *transfers, in *receiver) raft.Transport {
	p := &protectedTransport{t, seen, in}
	if votes, ok := t.(raft.WithPreVote); ok {
		return &preVotingTransport{p, votes}
	}
	return p
}

// protectedTransport is a transport without a path for heartbeats past raft's main loop, whose
// requests come through the receiver. It notes what transfers of leadership need to know.
type protectedTransport struct {
	raft.Transport
	seen *transfers
	in   *receiver
}

// preVotingTransport is a transport that can do pre-votes.
type preVotingTransport struct {
	*protectedTransport
	raft.WithPreVote
}

// SetHeartbeatHandler does nothing: the transport puts heartbeats where it puts the other
// requests.
func (*protectedTransport) SetHeartbeatHandler(func(raft.RPC)) {}

// Consumer implements raft.Transport.
func (p *protectedTransport) Consumer() <-chan raft.RPC { return p.in.to }

// AppendEntries implements raft.Transport.
func (p *protectedTransport) AppendEntries(id raft.ServerID, to raft.ServerAddress, q *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse) error {
	err := p.Transport.AppendEntries(id, to, q, r)
	if err == nil {
		p.seen.answered(id, r.LastLog)
	}
	return err
}

// TimeoutNow implements raft.Transport.
func (p *protectedTransport) TimeoutNow(id raft.ServerID, to raft.ServerAddress, q *raft.TimeoutNowRequest, r *raft.TimeoutNowResponse) error {
	p.seen.caughtUp(id)
	return p.Transport.TimeoutNow(id, to, q, r)
}

// Close implements raft.WithClose: it closes the transport if that can be closed.
func (p *protectedTransport) Close() error {
	if t, ok := p.Transport.(raft.WithClose); ok {
		return t.Close()
	}
	return nil
}
