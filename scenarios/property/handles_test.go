package property_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/trace"
)

// moment is an event of a node, in seconds.
type moment struct {
	second time.Duration
	kind   trace.Kind
}

// violated are the properties that moments of one life of a node violate, all with the
// same fields.
func violated(moments []moment, fields ...trace.Field) (properties []string) {
	p := taskplan.Default()
	o := property.New(&p, property.Own)
	for i, m := range moments {
		o.Observe(trace.Event{Seq: i + 1, At: m.second * time.Second, Node: "n1", Incarnation: 1, Kind: m.kind, Fields: fields})
	}
	for _, v := range o.Verdict().Violations {
		properties = append(properties, v.Property)
	}
	return properties
}

// How long Close has waited is what counts, and not how long ago a worker was terminated.
func TestASchedulerThatClosesWaitsForItsWorkers(t *testing.T) {
	const (
		terminated = trace.HandleTerminated
		exited     = trace.HandleExited
		closing    = trace.SchedulerClosing
		closed     = trace.SchedulerClosed
	)
	for name, c := range map[string]struct {
		moments  []moment
		violated bool
	}{
		"a worker exits in time":                               {[]moment{{60, closing}, {60, terminated}, {61, exited}, {61, closed}}, false},
		"a worker exited of itself, long ago":                  {[]moment{{5, exited}, {60, closing}, {60, closed}}, false},
		"a worker is given up":                                 {[]moment{{60, closing}, {60, terminated}, {70, closed}}, false},
		"a worker terminated long ago is given up":             {[]moment{{5, terminated}, {60, closing}, {70, closed}}, false},
		"Close does not wait for a worker":                     {[]moment{{60, closing}, {60, terminated}, {60, closed}}, true},
		"Close does not wait for a worker terminated long ago": {[]moment{{5, terminated}, {60, closing}, {60, closed}}, true},
		"a worker terminated long ago is given up too early":   {[]moment{{5, terminated}, {60, closing}, {69, closed}}, true},
		"a worker is given up that was never terminated":       {[]moment{{60, closing}, {70, closed}}, true},
		"the start of the wait is unknown":                     {[]moment{{5, terminated}, {70, closed}}, true},
		"a worker is terminated by a Close that does not wait": {[]moment{{60, terminated}, {60, closing}, {61, closed}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			found := violated(append([]moment{{0, trace.NodeStarted}, {1, trace.HandleStarted}}, c.moments...),
				trace.Str("namespace", "cleanup"), trace.Str("task", "t"), trace.Uint("version", 5), trace.Int("handle", 1))
			if c.violated {
				require.Equal(t, []string{"P14"}, found)
			} else {
				require.Empty(t, found)
			}
		})
	}
}
