package fsm

import (
	"dtsim/fsm/api"
)

// RecordUnitCompletion completes a unit, or, when the command carries an error,
// fails it and with it the task at once (P10). It claims an unclaimed
// unit. The last completion takes the task to its next phase. All rejections
// are permanent.
func (m *Manager) RecordUnitCompletion(a *api.ApplyRequest) error {
	q, err := decode[api.RecordDistributedTaskUnitCompletionRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	c.present("node id", q.NodeId)
	c.present("unit id", q.UnitId)
	at := c.instant(q.FinishedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		u, err := r.reportedUnit(q.UnitId, q.NodeId)
		if err != nil {
			return false, err
		}
		if u.Status.IsTerminal() {
			return false, wrapPermanent(ErrUnitAlreadyTerminal, "unit %s of %s is already terminal: its status is %s", u.ID, r.name(), u.Status)
		}
		r.claim(u, q.NodeId)
		r.open--
		u.FinishedAt = at
		if q.Error != "" {
			u.Status, u.Error = UnitStatusFailed, q.Error
			r.fail(at, "unit "+u.ID+" failed: "+q.Error)
			return true, nil
		}
		u.Status, u.Progress = UnitStatusCompleted, 1
		r.advance(at)
		return true, nil
	})
}

// UpdateUnitProgress records a unit's progress; the first one claims the unit. A
// progress below the stored one only updates UpdatedAt (P4), and one for a
// terminal unit is late and does nothing. All rejections are permanent.
func (m *Manager) UpdateUnitProgress(a *api.ApplyRequest) error {
	q, err := decode[api.UpdateDistributedTaskUnitProgressRequest](a)
	if err != nil {
		return err
	}
	var c check
	c.task(q.Namespace, q.Id)
	c.present("node id", q.NodeId)
	c.present("unit id", q.UnitId)
	if !(q.Progress >= 0 && q.Progress <= 1) { // also refuses NaN
		c.refuse("progress %v of unit %s is not between 0.0 and 1.0", q.Progress, q.UnitId)
	}
	at := c.instant(q.UpdatedAtUnixMillis)
	if c.err != nil {
		return c.err
	}
	return m.decideOn(q.Namespace, q.Id, q.Version, func(r *record) (bool, error) {
		u, err := r.reportedUnit(q.UnitId, q.NodeId)
		if err != nil {
			return false, err
		}
		if u.Status.IsTerminal() {
			return false, nil
		}
		if q.Progress < u.Progress {
			m.logger.WithField("task", r.name()).WithField("unit", u.ID).
				Debugf("progress %v is below the recorded %v and is ignored", q.Progress, u.Progress)
		}
		r.claim(u, q.NodeId)
		u.Progress = max(u.Progress, q.Progress)
		u.UpdatedAt = at
		started := u.Status == UnitStatusPending
		if started {
			u.Status = UnitStatusInProgress
		}
		return started, nil
	})
}

// reportedUnit returns the unit that a report of node is about. The task must run
// and the unit must not be another node's (P4, P10).
func (r *record) reportedUnit(unit, node string) (*Unit, error) {
	if err := r.running(); err != nil {
		return nil, err
	}
	u, ok := r.task.Units[unit]
	if !ok {
		return nil, wrapPermanent(ErrTaskDoesNotExist, "unit %s of %s does not exist", unit, r.name())
	}
	if u.NodeID != "" && u.NodeID != node {
		return nil, wrapPermanent(ErrUnitWrongNode, "unit %s of %s belongs to node %s, not %s", u.ID, r.name(), u.NodeID, node)
	}
	return u, nil
}
