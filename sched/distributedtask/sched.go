package distributedtask

import (
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/sirupsen/logrus"

	"dtsim/sched"
)

// What runs on each node.
type (
	Scheduler       = sched.Scheduler
	SchedulerParams = sched.SchedulerParams
)

// NewScheduler returns a scheduler that has not been started.
func NewScheduler(params SchedulerParams) *Scheduler { return sched.NewScheduler(params) }

// What providers implement.
type (
	Provider              = sched.Provider
	TaskHandle            = sched.TaskHandle
	UnitAwareProvider     = sched.UnitAwareProvider
	RecoveryAwareProvider = sched.RecoveryAwareProvider
)

// What the scheduler and providers use of the cluster.
type (
	TaskLister                = sched.TaskLister
	TaskCleaner               = sched.TaskCleaner
	TaskFinalizer             = sched.TaskFinalizer
	TaskCompletionRecorder    = sched.TaskCompletionRecorder
	PostCompletionAckRecorder = sched.PostCompletionAckRecorder
)

// DefaultThrottleInterval is how often at most the progress of one unit enters
// the Raft log.
const DefaultThrottleInterval = sched.DefaultThrottleInterval

// ThrottledRecorder keeps progress from flooding the Raft log.
type ThrottledRecorder = sched.ThrottledRecorder

// NewThrottledRecorder wraps inner.
func NewThrottledRecorder(inner TaskCompletionRecorder, interval time.Duration, clock clockwork.Clock) *ThrottledRecorder {
	return sched.NewThrottledRecorder(inner, interval, clock)
}

// ConcurrencyLimiter bounds how many operations run at the same time.
type ConcurrencyLimiter = sched.ConcurrencyLimiter

// NewConcurrencyLimiter returns a limiter of maxConcurrency slots, at least one.
func NewConcurrencyLimiter(maxConcurrency int) *ConcurrencyLimiter {
	return sched.NewConcurrencyLimiter(maxConcurrency)
}

// ShardNoopProviderNamespace is the namespace of tasks for [ShardNoopProvider].
const ShardNoopProviderNamespace = sched.ShardNoopProviderNamespace

// The provider that does nothing, and what goes with it.
type (
	ShardNoopProvider        = sched.ShardNoopProvider
	ShardNoopProviderPayload = sched.ShardNoopProviderPayload
	ShardLister              = sched.ShardLister
)

// NewShardNoopProvider returns the provider of node nodeID.
func NewShardNoopProvider(nodeID string, logger logrus.FieldLogger, shardLister ShardLister, dataRoot string) *ShardNoopProvider {
	return sched.NewShardNoopProvider(nodeID, logger, shardLister, dataRoot)
}
