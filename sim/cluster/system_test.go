package cluster

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sched"
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
				verdict, _ := Run(reindex(true), c.system, nil)
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
