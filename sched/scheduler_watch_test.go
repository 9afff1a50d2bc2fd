package sched_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sched"
)

func TestWakesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &plainProvider{})
		n.Wake()
		n.Wake()
		n.start()
		assert.Equal(t, 2, n.cluster.count("list"), "that of Start and that of the wakes before it")

		listing, release := make(chan struct{}, 10), make(chan struct{})
		n.cluster.setIntercept(func(context.Context, string) error {
			listing <- struct{}{}
			<-release
			return nil
		})
		n.Wake()
		<-listing
		for range 100 {
			n.Wake()
		}
		close(release)
		synctest.Wait()
		assert.Equal(t, 4, n.cluster.count("list"), "the one under way and one for all wakes during it")
	})
}

func TestTheGaugeCountsTasksForThisNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		shared := func(params *sched.SchedulerParams) { params.MetricsRegisterer = registry }
		n := newNode(t, &plainProvider{}, shared)
		second := newNode(t, &plainProvider{}, shared)
		read := func() float64 {
			families, err := registry.Gather()
			require.NoError(t, err)
			require.Len(t, families, 1)
			require.Equal(t, "weaviate_distributed_tasks_running", families[0].GetName())
			require.Len(t, families[0].GetMetric(), 1)
			require.Equal(t, ns, families[0].GetMetric()[0].GetLabel()[0].GetValue())
			return families[0].GetMetric()[0].GetGauge().GetValue()
		}
		v := n.cluster.add(t, ns, "a", false, "u1", "u2")
		n.cluster.add(t, ns, "b", false, "u1")
		n.start()
		assert.Equal(t, 2.0, read())
		n.cluster.complete(t, ns, "a", v, "n1", "u1")
		n.cluster.complete(t, ns, "a", v, "n2", "u2")
		n.tick()
		assert.Equal(t, 1.0, read())
		second.start()
		assert.Equal(t, 0.0, read(), "the second scheduler has the same gauge")
		problems, err := testutil.GatherAndLint(registry)
		require.NoError(t, err)
		assert.Empty(t, problems)
	})
}

func TestRepeatedFailuresAreSampledOnTheInjectedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &plainProvider{})
		n.start()
		n.cluster.setIntercept(func(context.Context, string) error { return errors.New("no leader") })
		for range 50 {
			n.wake()
		}
		assert.Equal(t, 5, n.logged(logrus.ErrorLevel, "pass skipped"))
		for range 5 {
			n.tick()
		}
		assert.Equal(t, 6, n.logged(logrus.ErrorLevel, "pass skipped"))
		assert.Equal(t, 49, n.logs.LastEntry().Data["similarLinesDropped"])
	})
}

func TestTaskLinesNameTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, &plainProvider{})
		n.cluster.add(t, ns, "job", false, "u1")
		n.start()
		entry := n.logs.LastEntry()
		assert.Equal(t, "started task", entry.Message)
		assert.Equal(t, logrus.Fields{"namespace": ns, "taskID": "job", "taskVersion": uint64(1)}, entry.Data)
	})
}
