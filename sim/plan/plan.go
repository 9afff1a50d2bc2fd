// Package plan holds everything that decides a run of the simulator as one JSON
// document: the cluster, the faults, and the application's own part.
//
// The format is that of any application on hashicorp/raft. What belongs to one application
// alone (what its clients do, what it begins with, what it is expected to end with) is a
// part of its own under the application's name, which this package carries as it is:
//
//	{"format": 2, "tasks": {"workload": [
//	  {"at": "3s", "do": "add-task", "task": {"kind": "cleanup", "id": "tidy-up", "files": 10}}
//	]}}
//
// What a document leaves out has the value that [Default] gives it, so that a plan
// written by hand can be short. The document is meant to be edited by hand: [Decode]
// refuses unknown fields, impossible values and cut-off files with an error that names
// the place inside the document. Documents of format 1, in which the part stood flat
// between the fields of the framework, are read as well.
//
// A run is a function of its plan (and of the entropy that the Go runtime would
// otherwise draw): what is not in here does not influence it.
//
// The package imports nothing of this repository.
package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Format is the number of the document format that this package writes; it reads
// format 1, too.
const Format = 2

// Plan is the input of a run.
type Plan struct {
	// Format is [Format].
	Format int `json:"format"`
	// Name is the scenario the plan belongs to, or any name its author likes.
	Name string `json:"name"`
	// Seed feeds every draw of the simulator; see package sim/keyed.
	Seed uint64 `json:"seed"`
	// Duration is how long the run lasts, in virtual time.
	Duration Duration `json:"duration"`
	Cluster  Cluster  `json:"cluster"`
	// Faults are what goes wrong, in any order; their positions are their identity.
	Faults []Fault `json:"faults,omitempty"`
	// Stalls are where goroutines are held up; nil for nowhere.
	Stalls *Stalls `json:"stalls,omitempty"`
	// Quiescence is when all faults end: links heal, clocks are right, and every node
	// that has not left is up. From then to Duration no fault is active. It is after the
	// start if there are faults; zero means that the whole run is without faults.
	Quiescence Duration `json:"calm,omitempty"`

	// Application is the name of the application that runs on the nodes; empty for none.
	Application string `json:"-"`
	// Part is the application's own part of the plan, a JSON object. The application
	// decodes and validates it; in a document it stands under Application.
	Part json.RawMessage `json:"-"`
}

// Cluster describes the nodes and what connects them.
type Cluster struct {
	// Nodes is how many nodes there are, all voters, named n1, n2, ... (1 to 9).
	Nodes   int     `json:"nodes"`
	Raft    Raft    `json:"raft"`
	Network Network `json:"network"`
	Disk    Disk    `json:"disk"`
}

// Raft holds the settings of every node's raft instance.
type Raft struct {
	HeartbeatTimeout   Duration `json:"heartbeat_timeout"`
	ElectionTimeout    Duration `json:"election_timeout"`
	LeaderLeaseTimeout Duration `json:"leader_lease_timeout"`
	CommitTimeout      Duration `json:"commit_timeout"`
	SnapshotInterval   Duration `json:"snapshot_interval"`
	// SnapshotThreshold is after how many log entries a snapshot is taken.
	SnapshotThreshold uint64 `json:"snapshot_threshold"`
	// TrailingLogs is how many entries stay behind a snapshot.
	TrailingLogs uint64 `json:"trailing_logs"`
	// MaxAppendEntries is how many entries a message carries at most, from 1 to 1024; zero for
	// the library's default.
	MaxAppendEntries int `json:"max_append_entries,omitempty"`
	// BatchApply lets the leader take in what is submitted at once as one batch.
	BatchApply bool `json:"batch_apply,omitempty"`
	// NoPreVote lets nodes stand for election without asking before whether they could win.
	NoPreVote bool `json:"no_pre_vote,omitempty"`
	// QueueHeartbeats lets heartbeats wait for a node's main loop like other requests; else
	// they are answered at once, beside it.
	QueueHeartbeats bool `json:"queue_heartbeats,omitempty"`
}

// Network holds what is true of every link.
type Network struct {
	// MinLatency and MaxLatency bound the one-way delay of a message.
	MinLatency Duration `json:"min_latency"`
	MaxLatency Duration `json:"max_latency"`
	// CallTimeout is after how long a caller gives up on an answer.
	CallTimeout Duration `json:"call_timeout"`
}

// Disk holds what is true of every node's disk.
type Disk struct {
	// SyncLatency is how long it takes to make a write durable.
	SyncLatency Duration `json:"sync_latency"`
}

// NodeName returns the name of node i, counted from 1.
func NodeName(i int) string { return "n" + strconv.Itoa(i) }

// NodeNames returns the names of all nodes, in order.
func (c *Cluster) NodeNames() []string {
	names := make([]string, 0, max(c.Nodes, 0))
	for i := 1; i <= c.Nodes; i++ {
		names = append(names, NodeName(i))
	}
	return names
}

// Clone returns a copy that shares nothing with p.
func (p *Plan) Clone() *Plan {
	q := *p
	q.Part = slices.Clone(p.Part)
	q.Faults = slices.Clone(p.Faults)
	q.Stalls = p.Stalls.clone()
	for i := range q.Faults {
		f := &q.Faults[i]
		f.Nodes, f.Do, f.About = slices.Clone(f.Nodes), slices.Clone(f.Do), maps.Clone(f.About)
		if f.When != nil {
			when := *f.When
			when.About = maps.Clone(when.About)
			f.When = &when
		}
	}
	return &q
}
