package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a plan may ask for.
const (
	MaxNodes      = 9
	MaxDuration   = 30 * 24 * time.Hour
	MaxOperations = 100_000
	MaxUnits      = 100_000 // of one task
	MaxAllUnits   = 1_000_000
	MaxNames      = 10_000 // shards, tenants or properties of one collection
	MaxNameLength = 100
	MaxIDLength   = 200
	MaxParallel   = 1_000
	MaxRetry      = 100
	// maxSetting bounds durations that are settings, so that sums cannot overflow.
	maxSetting = Duration(365 * 24 * time.Hour)
	maxLogs    = 1_000_000_000
)

// Validate returns the first thing that makes the plan impossible to run, as an
// [*Error] without line and column, or nil.
func (p *Plan) Validate() error {
	v := &validator{p: p, tasks: map[[2]string]int{}, collections: map[string]*Collection{}}
	v.plan()
	if v.err != nil {
		return v.err
	}
	return nil
}

// validator keeps the first complaint.
type validator struct {
	p     *Plan
	err   *Error
	nodes []string
	// What is inherited, and what the operations looked at so far have made.
	units       int                    // of all tasks
	tasks       map[[2]string]int      // submissions by namespace and id
	collections map[string]*Collection // the last of each name
}

func (v *validator) failf(path, format string, args ...any) {
	if v.err == nil {
		v.err = &Error{Path: path, Message: fmt.Sprintf(format, args...)}
	}
}

func (v *validator) plan() {
	switch p := v.p; {
	case p.Format == 0:
		v.failf("format", "the format number is missing; this build reads format %d", Format)
	case p.Format != Format:
		v.failf("format", "format %d is unknown; this build reads format %d", p.Format, Format)
	}
	v.id("name", v.p.Name)
	v.duration("duration", v.p.Duration, Duration(time.Millisecond), Duration(MaxDuration))
	v.cluster()
	if v.err != nil {
		return // what follows counts on the nodes
	}
	v.nodes = v.p.Cluster.NodeNames()
	v.inherited()
	if n := len(v.p.Workload); n > MaxOperations {
		v.failf("workload", "%d operations; at most %d are possible", n, MaxOperations)
	}
	for i := range v.p.Workload {
		if v.err != nil {
			return
		}
		v.operation(i)
	}
	for i := range v.p.Promises {
		v.promise(i)
	}
	v.faults()
}

func (v *validator) cluster() {
	c := &v.p.Cluster
	v.number("cluster.nodes", c.Nodes, 1, MaxNodes)
	ms := Duration(time.Millisecond)
	v.duration("cluster.scheduler_tick", c.SchedulerTick, ms, maxSetting)
	v.duration("cluster.completed_task_ttl", c.CompletedTaskTTL, ms, maxSetting)

	r := &c.Raft // the lower bounds are those of hashicorp/raft
	v.duration("cluster.raft.heartbeat_timeout", r.HeartbeatTimeout, 5*ms, maxSetting)
	v.duration("cluster.raft.election_timeout", r.ElectionTimeout, 5*ms, maxSetting)
	v.duration("cluster.raft.leader_lease_timeout", r.LeaderLeaseTimeout, 5*ms, maxSetting)
	v.duration("cluster.raft.commit_timeout", r.CommitTimeout, ms, maxSetting)
	v.duration("cluster.raft.snapshot_interval", r.SnapshotInterval, 5*ms, maxSetting)
	if r.ElectionTimeout < r.HeartbeatTimeout {
		v.failf("cluster.raft.election_timeout", "%s is below heartbeat_timeout (%s)", r.ElectionTimeout, r.HeartbeatTimeout)
	}
	if r.LeaderLeaseTimeout > r.HeartbeatTimeout {
		v.failf("cluster.raft.leader_lease_timeout", "%s is above heartbeat_timeout (%s)", r.LeaderLeaseTimeout, r.HeartbeatTimeout)
	}
	if r.SnapshotThreshold < 1 || r.SnapshotThreshold > maxLogs {
		v.failf("cluster.raft.snapshot_threshold", "%d is not from 1 to %d", r.SnapshotThreshold, maxLogs)
	}
	if r.TrailingLogs > maxLogs {
		v.failf("cluster.raft.trailing_logs", "%d is above %d", r.TrailingLogs, maxLogs)
	}

	n := &c.Network
	v.duration("cluster.network.min_latency", n.MinLatency, 0, maxSetting)
	v.duration("cluster.network.max_latency", n.MaxLatency, 0, maxSetting)
	v.duration("cluster.network.call_timeout", n.CallTimeout, ms, maxSetting)
	if n.MaxLatency < n.MinLatency {
		v.failf("cluster.network.max_latency", "%s is below min_latency (%s)", n.MaxLatency, n.MinLatency)
	}
	if n.CallTimeout <= 2*n.MaxLatency {
		v.failf("cluster.network.call_timeout", "%s is no more than twice max_latency (%s): answers would come too late", n.CallTimeout, n.MaxLatency)
	}
	if r.LeaderLeaseTimeout <= 2*n.MaxLatency {
		v.failf("cluster.raft.leader_lease_timeout", "%s is no more than twice max_latency (%s): no leader could stay", r.LeaderLeaseTimeout, n.MaxLatency)
	}
	v.duration("cluster.disk.sync_latency", c.Disk.SyncLatency, 0, r.LeaderLeaseTimeout/2)
}

// number complains about what is not from lo to hi.
func (v *validator) number(path string, n, lo, hi int) {
	if n < lo || n > hi {
		v.failf(path, "%d is not from %d to %d", n, lo, hi)
	}
}

// duration complains about what is not from lo to hi.
func (v *validator) duration(path string, d, lo, hi Duration) {
	switch {
	case d < 0:
		v.failf(path, "%s is negative", d)
	case d < lo:
		v.failf(path, "%s is below %s", d, lo)
	case d > hi:
		v.failf(path, "%s is above %s", d, hi)
	}
}

// name complains about what could not be part of a unit's id and of a file's name.
func (v *validator) name(path, s string) {
	ok := len(s) <= MaxNameLength && s != ""
	for i := range len(s) {
		c := s[i]
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || i > 0 && (c == '_' || c == '-' || c == '.'))
	}
	switch {
	case s == "":
		v.failf(path, "missing")
	case !ok:
		v.failf(path, "%q is no name: letters, digits and, not in front, any of _ - . (at most %d)", s, MaxNameLength)
	}
}

// id complains about what could not be shown on one line.
func (v *validator) id(path, s string) {
	switch {
	case s == "":
		v.failf(path, "missing")
	case len(s) > MaxIDLength:
		v.failf(path, "longer than %d bytes", MaxIDLength)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		v.failf(path, "%q holds what cannot be printed", s)
	}
}

// names complains about a list with something twice, or that is no list of names.
func (v *validator) names(path string, list []string) {
	if len(list) > MaxNames {
		v.failf(path, "%d names; at most %d are possible", len(list), MaxNames)
		return
	}
	seen := make(map[string]int, len(list))
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		v.name(at, s)
		if first, twice := seen[s]; twice {
			v.failf(at, "%q is there twice; the first is %s[%d]", s, path, first)
		}
		seen[s] = i
	}
}

// oneOf complains about a value that is not allowed, and lists those that are.
func oneOf[T ~string](v *validator, path string, got T, allowed []T) {
	if slices.Contains(allowed, got) {
		return
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	if got == "" {
		v.failf(path, "missing; one of %s", strings.Join(words, ", "))
		return
	}
	v.failf(path, "%q is none of %s", string(got), strings.Join(words, ", "))
}
