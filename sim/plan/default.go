package plan

import "time"

// Default returns the plan that an empty document describes: three nodes that idle
// for a minute, without an application.
func Default() Plan {
	return Plan{
		Format:   Format,
		Name:     "unnamed",
		Seed:     1,
		Duration: Duration(time.Minute),
		Cluster: Cluster{
			Nodes: 3,
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
