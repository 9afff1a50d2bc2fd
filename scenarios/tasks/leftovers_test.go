package tasks

import (
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// leaky is a system whose stores of snapshots do not get what closes them.
type leaky struct {
	System
	sinks, readers bool
}

func (l leaky) NewRaft(c *raft.Config, m raft.FSM, log raft.LogStore, stable raft.StableStore, s raft.SnapshotStore, t raft.Transport,
) (*raft.Raft, cluster.Transferrer, error) {
	return l.System.NewRaft(c, m, log, stable, leakyStore{s, l}, t)
}

type leakyStore struct {
	raft.SnapshotStore
	leaky leaky
}

func (s leakyStore) Create(v raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, t raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(v, index, term, c, at, t)
	if err == nil && s.leaky.sinks {
		sink = leakySink{sink}
	}
	return sink, err
}

func (s leakyStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.SnapshotStore.Open(id)
	if err == nil && s.leaky.readers {
		r = io.NopCloser(r)
	}
	return meta, r, err
}

type leakySink struct{ raft.SnapshotSink }

func (leakySink) Cancel() error { return nil }
func (leakySink) Close() error  { return errors.New("the disk is gone") }

func TestASnapshotThatIsLeftOpenIsALeftover(t *testing.T) {
	for name, c := range map[string]struct {
		system System
		want   string
	}{
		"all is closed": {leaky{System: Default()}, ""},
		"sinks":         {leaky{System: Default(), sinks: true}, "snapshots are neither completed nor cancelled"},
		"readers":       {leaky{System: Default(), readers: true}, "are still open to be read"},
	} {
		t.Run(name, func(t *testing.T) {
			p := beset(plan.Fault{Kind: plan.Shutdown, Node: "n2", At: 20 * second, For: second})
			p.Cluster.Raft.SnapshotThreshold, p.Cluster.Raft.SnapshotInterval, p.Cluster.Raft.TrailingLogs = 2, second, 1
			_, verdict, _ := playOn(t, p, c.system)
			var found []trace.Violation
			for _, v := range verdict.Violations {
				if v.Property == "R8" {
					found = append(found, v)
				}
			}
			if c.want == "" {
				require.Empty(t, verdict.Violations)
				return
			}
			require.NotEmpty(t, found, "%v", verdict.Violations)
			require.Contains(t, found[0].Message, c.want)
		})
	}
}
