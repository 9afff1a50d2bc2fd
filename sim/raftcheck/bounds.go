package raftcheck

import (
	"time"

	"dtsim/sim/plan"
)

// elections is how many election timeouts a cluster without faults may take to have a
// leader: split votes, and terms that have to be learned, each cost one or two.
const elections = 20

// decision returns how long calls may ask, once [Bound] is over, until one of them is decided: a
// leadership that its holder hands over on request costs an election.
func decision(p *plan.Plan) time.Duration { return Bound(p) / 4 }

// maxSnapshots is how often a node may be sent one and the same snapshot after quiescence: an
// answer that came too late, or from a leader that is none any more, costs one more.
const maxSnapshots = 10

// Bound returns how long after quiescence a cluster of the plan may take until all nodes
// have what is committed and a leader accepts calls. Its terms: elections; each node may
// have to be sent a snapshot and then the log behind it, with all that is synced; and what
// was in flight has to time out.
func Bound(p *plan.Plan) time.Duration {
	r, n := p.Cluster.Raft, p.Cluster.Network
	elect := elections * (r.ElectionTimeout.D() + r.HeartbeatTimeout.D())
	transfer := 10 * (n.CallTimeout.D() + n.MaxLatency.D() + p.Cluster.Disk.SyncLatency.D())
	return elect + transfer + 10*r.CommitTimeout.D()
}
