package plan

import "time"

// Default returns the plan that an empty document describes: three nodes that idle
// for a minute.
func Default() Plan {
	return Plan{
		Format:   Format,
		Name:     "unnamed",
		Seed:     1,
		Duration: Duration(time.Minute),
		Cluster: Cluster{
			Nodes:            3,
			SchedulerTick:    Duration(time.Second),
			CompletedTaskTTL: Duration(time.Hour),
			Raft: Raft{
				HeartbeatTimeout:   Duration(time.Second),
				ElectionTimeout:    Duration(time.Second),
				LeaderLeaseTimeout: Duration(500 * time.Millisecond),
				CommitTimeout:      Duration(50 * time.Millisecond),
				SnapshotInterval:   Duration(5 * time.Second),
				SnapshotThreshold:  256,
				TrailingLogs:       128,
			},
			Network: Network{
				MinLatency:  Duration(time.Millisecond),
				MaxLatency:  Duration(20 * time.Millisecond),
				CallTimeout: Duration(250 * time.Millisecond),
			},
		},
	}
}

// defaulter is what the decoder fills before it reads the fields that are there.
type defaulter interface{ setDefaults() }

func (p *Plan) setDefaults() { *p = Default(); p.Format = 0 } // the format must be said

func (o *Operation) setDefaults() { o.Node = NodeName(1) }

func (c *Collection) setDefaults() { c.Replicas = 1 }

func (t *Task) setDefaults() {
	t.Parallel = 1
	t.MinUnitTime = Duration(time.Second)
}
