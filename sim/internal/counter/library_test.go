package counter_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/engine"
	"dtsim/sim/internal/counter"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// The counter runs on hashicorp/raft as it is. These are two of its defects (v1.8.0), and the
// faults with which most seeds, or some, show them.
func TestDefectsOfTheLibraryAreFound(t *testing.T) {
	e := native(t)
	for _, c := range []struct {
		name, property string
		trailing       uint64
		faults         []plan.Fault
	}{
		// A leader that has lost its leadership during a transfer refuses everything when it leads
		// again.
		{"a transfer that never ends", "R7", 10240, []plan.Fault{
			{Kind: plan.Transfer, Node: "n1", At: 3 * second},
			{Kind: plan.Loss, Node: "n1", Peer: "n3", Op: "append", At: 9 * second / 2, For: 40 * second},
			{Kind: plan.Transfer, Node: "n3", At: 30 * second},
			{Kind: plan.Transfer, Node: "n3", At: 311 * second / 10},
			{Kind: plan.Partition, Nodes: []string{"n1"}, At: 313 * second / 10, For: 5 * second},
			{Kind: plan.Transfer, Node: "n1", At: 45 * second},
			{Kind: plan.Transfer, Node: "n1", At: 50 * second},
			{Kind: plan.Transfer, Node: "n1", At: 55 * second},
		}},
		// A follower whose log lacks the entry at the end of its snapshot refuses what follows.
		{"a snapshot that is sent for ever", "R6", 0, []plan.Fault{
			{Kind: plan.ForceSnapshot, Node: "n1", At: 10 * second, For: 8 * second},
			{Kind: plan.ReplyLoss, Op: "snapshot", Rate: 500_000, At: 5 * second, For: 50 * second},
			{Kind: plan.ReplyLoss, Op: "append", Rate: 200_000, At: 5 * second, For: 50 * second},
			{Kind: plan.ForceSnapshot, Node: "n2", At: 30 * second, For: 8 * second},
			{Kind: plan.ForceSnapshot, Node: "n3", At: 45 * second, For: 8 * second},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan.Default()
			p.Name, p.Duration, p.Quiescence, p.Faults = "library", 150*second, 60*second, c.faults
			p.Cluster.Raft.TrailingLogs = c.trailing
			if c.trailing == 0 {
				p.Cluster.Raft.SnapshotThreshold = 8
				p.Duration = 75 * second
			}
			part := counter.Part{}
			for n := range 70 {
				if at := plan.Duration(5+2*n) * second; at < p.Duration {
					part.Adds = append(part.Adds, counter.Add{At: at, Node: plan.NodeName(1 + n%3), N: int64(n + 1)})
				}
			}
			for seed := range uint64(12) {
				p.Seed = seed + 2
				r, err := e.Run(t.Context(), engine.Job{Plan: counter.With(p, part), Entropy: seed})
				require.NoError(t, err)
				found := r.Footer.Verdict.Violations
				if i := slices.IndexFunc(found, func(v trace.Violation) bool { return v.Property == c.property }); i >= 0 {
					t.Logf("seed %d: %s", p.Seed, found[i].Message)
					return
				}
			}
			t.Errorf("no seed violates %s; has another version of the library mended it?", c.property)
		})
	}
}
