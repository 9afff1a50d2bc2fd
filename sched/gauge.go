package sched

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// runningGauge returns the gauge of tasks that are to run on this node, by
// namespace. A registry that has it already gives its own back, so that several
// schedulers in one process share it.
func runningGauge(registerer prometheus.Registerer, log *taskLog) *prometheus.GaugeVec {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "weaviate_distributed_tasks_running",
		Help: "Number of active distributed tasks running per namespace",
	}, []string{"namespace"})
	if registerer == nil {
		return gauge
	}
	err := registerer.Register(gauge)
	if taken, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := taken.ExistingCollector.(*prometheus.GaugeVec); ok {
			return existing
		}
	}
	if err != nil {
		log.WithError(err).Error("failed to register the gauge of running tasks")
	}
	return gauge
}
