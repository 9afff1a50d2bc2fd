package sched

import (
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// DefaultTickInterval is the time between two passes when
// [SchedulerParams.TickInterval] is not positive.
const DefaultTickInterval = time.Minute

// SchedulerParams is what a [Scheduler] is made of. TaskLister is required; all
// others have a meaning when they are nil or zero.
type SchedulerParams struct {
	// CompletionRecorder is what providers report units to, through a
	// [ThrottledRecorder].
	CompletionRecorder TaskCompletionRecorder
	// TaskLister is asked once a pass.
	TaskLister TaskLister
	// TaskCleaner removes expired records; nil: this node removes none.
	TaskCleaner TaskCleaner
	// TaskFinalizer finishes tasks; nil: this node finishes none.
	TaskFinalizer TaskFinalizer
	// AckRecorder publishes the outcome of callbacks; nil: this node acknowledges
	// nothing and does not wait for acks before it finalizes, so barrier tasks stay
	// in PREPARING.
	AckRecorder PostCompletionAckRecorder
	// Providers by namespace. Tasks of other namespaces are ignored.
	Providers map[string]Provider
	// Clock drives ticks, throttling, expiry and log sampling; nil: the real clock.
	Clock clockwork.Clock
	// Logger; nil: nothing is logged.
	Logger logrus.FieldLogger
	// MetricsRegisterer gets the gauge weaviate_distributed_tasks_running; nil: it
	// is kept unregistered. Several schedulers may share a registry, and then share
	// the gauge.
	MetricsRegisterer prometheus.Registerer

	// LocalNode is this node's id in the cluster.
	LocalNode string
	// CompletedTaskTTL is how long the record of a terminal task is kept.
	CompletedTaskTTL time.Duration
	// TickInterval is the time between two passes without a wake.
	TickInterval time.Duration
}
