package plan

import (
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of the values of a plan.
const (
	MaxNodes      = 9
	MaxDuration   = 30 * 24 * time.Hour
	MaxNames      = 10_000 // in one list
	MaxNameLength = 100
	MaxIDLength   = 200
	// MaxSetting bounds durations that are settings, so that sums cannot overflow.
	MaxSetting = Duration(365 * 24 * time.Hour)
	maxLogs    = 1_000_000_000
)

// Validate returns the first thing that makes the plan impossible to run, as an
// [*Error] without line and column, or nil. The application's part, and kinds of faults,
// moments and roles that are not the framework's, are for the application to validate.
func (p *Plan) Validate() error {
	v := &validator{p: p}
	v.plan()
	return v.Err()
}

type validator struct {
	Checker
	p     *Plan
	nodes []string
}

func (v *validator) plan() {
	switch p := v.p; {
	case p.Format == 0:
		v.Failf("format", "the format number is missing; this build reads formats 1 and %d", Format)
	case p.Format != Format:
		v.Failf("format", "format %d is unknown; this build reads formats 1 and %d", p.Format, Format)
	}
	v.ID("name", v.p.Name)
	v.Duration("duration", v.p.Duration, Duration(time.Millisecond), Duration(MaxDuration))
	v.cluster()
	v.application()
	if v.Failed() {
		return // what follows counts on the nodes
	}
	v.nodes = v.p.Cluster.NodeNames()
	v.faults()
	v.stalls()
}

// application complains about a part that would not stand in a document.
func (v *validator) application() {
	name, part := v.p.Application, v.p.Part
	switch {
	case name == "" && len(part) > 0:
		v.Failf("", "there is an application's part and no application")
	case name != "" && (!isName(name) || slices.Contains(fieldNames(reflect.TypeFor[Plan]()), name)):
		v.Failf("", "%q is no name for an application", name)
	case len(part) > 0 && jsontext.Value(part).Kind() != '{':
		v.Failf(name, "the part of an application is an object")
	}
}

func (v *validator) cluster() {
	c := &v.p.Cluster
	v.Number("cluster.nodes", c.Nodes, 1, MaxNodes)
	ms := Duration(time.Millisecond)

	r := &c.Raft // the lower bounds are those of hashicorp/raft
	v.Duration("cluster.raft.heartbeat_timeout", r.HeartbeatTimeout, 5*ms, MaxSetting)
	v.Duration("cluster.raft.election_timeout", r.ElectionTimeout, 5*ms, MaxSetting)
	v.Duration("cluster.raft.leader_lease_timeout", r.LeaderLeaseTimeout, 5*ms, MaxSetting)
	v.Duration("cluster.raft.commit_timeout", r.CommitTimeout, ms, MaxSetting)
	v.Duration("cluster.raft.snapshot_interval", r.SnapshotInterval, 5*ms, MaxSetting)
	if r.ElectionTimeout < r.HeartbeatTimeout {
		v.Failf("cluster.raft.election_timeout", "%s is below heartbeat_timeout (%s)", r.ElectionTimeout, r.HeartbeatTimeout)
	}
	if r.LeaderLeaseTimeout > r.HeartbeatTimeout {
		v.Failf("cluster.raft.leader_lease_timeout", "%s is above heartbeat_timeout (%s)", r.LeaderLeaseTimeout, r.HeartbeatTimeout)
	}
	if r.SnapshotThreshold < 1 || r.SnapshotThreshold > maxLogs {
		v.Failf("cluster.raft.snapshot_threshold", "%d is not from 1 to %d", r.SnapshotThreshold, maxLogs)
	}
	if r.TrailingLogs > maxLogs {
		v.Failf("cluster.raft.trailing_logs", "%d is above %d", r.TrailingLogs, maxLogs)
	}

	v.Number("cluster.raft.max_append_entries", r.MaxAppendEntries, 0, 1024)

	n := &c.Network
	v.Duration("cluster.network.min_latency", n.MinLatency, 0, MaxSetting)
	v.Duration("cluster.network.max_latency", n.MaxLatency, 0, MaxSetting)
	v.Duration("cluster.network.call_timeout", n.CallTimeout, ms, MaxSetting)
	if n.MaxLatency < n.MinLatency {
		v.Failf("cluster.network.max_latency", "%s is below min_latency (%s)", n.MaxLatency, n.MinLatency)
	}
	if n.CallTimeout <= 2*n.MaxLatency {
		v.Failf("cluster.network.call_timeout", "%s is no more than twice max_latency (%s): answers would come too late", n.CallTimeout, n.MaxLatency)
	}
	if r.LeaderLeaseTimeout <= 2*n.MaxLatency {
		v.Failf("cluster.raft.leader_lease_timeout", "%s is no more than twice max_latency (%s): no leader could stay", r.LeaderLeaseTimeout, n.MaxLatency)
	}
	v.Duration("cluster.disk.sync_latency", c.Disk.SyncLatency, 0, r.LeaderLeaseTimeout/2)
}
