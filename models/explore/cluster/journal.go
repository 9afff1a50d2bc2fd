package cluster

import "dtsim/sched/reconcile"

type journal struct{}

const (
	handleStarted = iota
	handleTerminated
	handleExited
)

func (j *journal) begin(w *world)                                       {}
func (j *journal) booted(s *step)                                       {}
func (j *journal) listed(s *step, l *look)                              {}
func (j *journal) decided(s *step, a reconcile.Action)                  {}
func (j *journal) handle(s *step, what int, version uint64)             {}
func (j *journal) recovery(s *step, done bool)                          {}
func (j *journal) committed(w *world, c command, done applied)          {}
func (j *journal) startAsked(s *step, version uint64)                   {}
func (j *journal) shard(s *step, unit int, d shard, why string)         {}
func (j *journal) localRemoved(s *step, version uint64)                 {}
func (j *journal) callbackStarted(s *step, a reconcile.Action)          {}
func (j *journal) callbackEnded(s *step, a reconcile.Action, err error) {}
