package fsm

import "dtsim/fsm/api"

// RecordPreparationCompleteAck records the outcome of one node's preparation. A
// failure fails a PREPARING task; the success of the last owning node takes it to
// SWAPPING (P5). An ack that comes in STARTED counts on entering PREPARING. The
// first ack of a node wins; acks for SWAPPING and terminal tasks come too late and
// have no effect.
func (m *Manager) RecordPreparationCompleteAck(a *api.ApplyRequest) error {
	q, err := decode[api.RecordDistributedTaskPreparationCompleteAckRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	c.present("node id", q.NodeId)
	at := c.instant(q.AckedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		t := r.task
		switch {
		case t.Status.IsTerminal(), t.Status == TaskStatusSwapping:
			return false, nil
		case t.Status != TaskStatusStarted && t.Status != TaskStatusPreparing:
			return false, r.notIn("cannot take a preparation ack")
		}
		ack := PostCompletionAck{Success: q.Success, Error: q.Error, AckedAt: at}
		if !r.store(&t.PreparationCompletionAcks, &r.prepared, q.NodeId, ack) {
			return false, nil
		}
		r.advance(at)
		return true, nil
	})
}

// RecordPostCompletionAck records the outcome of one node's swap. A failure fails a
// SWAPPING task, unless every owning node has acknowledged success: then it comes
// from a node without units, and the schema may have changed already, so it is
// refused (P8). A success changes no status. An ack that comes in STARTED counts on
// entering SWAPPING; in PREPARING it is refused for now. The first ack of a node
// wins; acks for terminal tasks come too late and have no effect.
func (m *Manager) RecordPostCompletionAck(a *api.ApplyRequest) error {
	q, err := decode[api.RecordDistributedTaskPostCompletionAckRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	c.present("node id", q.NodeId)
	at := c.instant(q.AckedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		t := r.task
		switch {
		case t.Status.IsTerminal():
			return false, nil
		case t.Status != TaskStatusStarted && t.Status != TaskStatusSwapping:
			return false, r.notIn("cannot take a post-completion ack")
		}
		ack := PostCompletionAck{Success: q.Success, Error: q.Error, AckedAt: at}
		if _, acked := t.PostCompletionAcks[q.NodeId]; !acked && !ack.Success && t.Status == TaskStatusSwapping && r.allSwapped() {
			return false, r.committed("cannot take a failed post-completion ack")
		}
		if !r.store(&t.PostCompletionAcks, &r.swapped, q.NodeId, ack) {
			return false, nil
		}
		r.advance(at)
		return true, nil
	})
}
