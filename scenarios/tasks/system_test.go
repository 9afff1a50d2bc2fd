package tasks

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sched"
	"dtsim/sim/trace"
)

// altered is the default system with other parts.
type altered struct {
	System
	replica   func(ReplicaConfig, Replica) Replica
	scheduler func(sched.SchedulerParams) sched.SchedulerParams
}

func (a altered) NewReplica(c ReplicaConfig) Replica {
	r := a.System.NewReplica(c)
	if a.replica == nil {
		return r
	}
	return a.replica(c, r)
}

func (a altered) NewScheduler(p sched.SchedulerParams) Scheduler {
	if a.scheduler != nil {
		p = a.scheduler(p)
	}
	return a.System.NewScheduler(p)
}

// hashed is a replica whose state is also about something else.
type hashed struct {
	Replica
	more func() any
}

func (h hashed) Hash() (string, error) {
	hash, err := h.Replica.Hash()
	return fmt.Sprintf("%x", fmt.Sprint(h.more(), hash)), err
}

// spilling is a replica whose snapshots on the disk differ from what it holds.
type spilling struct {
	Replica
	spill func([]byte) []byte
}

func (s spilling) Snapshot() (raft.FSMSnapshot, error) {
	taken, err := s.Replica.Snapshot()
	return spilled{taken, s.spill}, err
}

type spilled struct {
	raft.FSMSnapshot
	spill func([]byte) []byte
}

func (s spilled) Persist(to raft.SnapshotSink) error {
	return s.FSMSnapshot.Persist(spillingSink{to, s.spill})
}

type spillingSink struct {
	raft.SnapshotSink
	spill func([]byte) []byte
}

func (s spillingSink) Write(p []byte) (int, error) {
	_, err := s.SnapshotSink.Write(s.spill(p))
	return len(p), err
}

func TestASnapshotThatNobodyNeedsIsReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		spill   func([]byte) []byte
		message string
	}{
		"a section is lost": {func(b []byte) []byte { return bytes.Replace(b, []byte(`"sessions"`), []byte(`"other"`), 1) }, " has written is"},
		"it is cut off":     {func(b []byte) []byte { return b[:len(b)-1] }, "unmarshal snapshot"},
		"another index is recorded": {func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"applied_index":`), []byte(`"applied_index":1`), 1)
		}, " has written is"},
		"it is as it was": {func(b []byte) []byte { return b }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			events, verdict, _ := playOn(t, reindex(true), altered{System: Default(), replica: func(_ ReplicaConfig, r Replica) Replica {
				return spilling{r, c.spill}
			}})
			require.NotEmpty(t, of(events, trace.SnapshotReread))
			require.Len(t, of(events, trace.SnapshotReread), len(of(events, trace.SnapshotStored)))
			require.Empty(t, of(events, trace.SnapshotRestored), "no node has needed one")
			if c.message == "" {
				require.Empty(t, verdict.Violations)
				return
			}
			require.NotEmpty(t, verdict.Violations)
			require.Equal(t, "P1", verdict.Violations[0].Property)
			require.Contains(t, verdict.Violations[0].Message, c.message)
		})
	}
}

func TestAnotherSystemIsHeldToTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		system   altered
		property string
	}{
		"a state that depends on the time to live": {altered{replica: func(c ReplicaConfig, r Replica) Replica {
			return hashed{r, func() any { return c.CompletedTaskTTL }}
		}}, "P1"},
		"a state that depends on the clock": {altered{replica: func(c ReplicaConfig, r Replica) Replica {
			return hashed{r, func() any { return c.Clock.Now() }}
		}}, "P1"},
		"schedulers that acknowledge nothing": {altered{scheduler: func(p sched.SchedulerParams) sched.SchedulerParams {
			p.AckRecorder = nil
			return p
		}}, "task-ends"},
		"schedulers that finish nothing": {altered{scheduler: func(p sched.SchedulerParams) sched.SchedulerParams {
			p.TaskFinalizer = nil
			return p
		}}, "task-ends"},
		"schedulers without a provider": {altered{scheduler: func(p sched.SchedulerParams) sched.SchedulerParams {
			p.Providers = nil
			return p
		}}, "units-once"},
		"schedulers that keep no record": {altered{scheduler: func(p sched.SchedulerParams) sched.SchedulerParams {
			p.CompletedTaskTTL = time.Nanosecond
			return p
		}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.system.System = Default()
			synctest.Test(t, func(t *testing.T) {
				verdict := verdictOf(t, reindex(true), c.system)
				var properties []string
				for _, v := range verdict.Violations {
					properties = append(properties, v.Property)
				}
				if c.property == "" {
					require.Empty(t, verdict.Violations)
					return
				}
				require.Contains(t, properties, c.property)
			})
		})
	}
}
