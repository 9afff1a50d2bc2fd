package cluster

import (
	"bytes"
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// initialTerm is the term of all entries that an initial snapshot stands for, and
// firstIndex that of the configuration of the cluster.
const (
	initialTerm = 1
	firstIndex  = 1
)

// restore replaces the state of a machine that belongs to no node with the initial one.
func (s *Initial) restore(m Machine) {
	if s == nil {
		return
	}
	if err := m.Restore(io.NopCloser(bytes.NewReader(s.Snapshot))); err != nil {
		panic(fmt.Sprintf("cluster: initial snapshot: %s", err)) // every node has begun with it
	}
}

// writeInitial writes the initial snapshot to an empty disk.
func (n *Node) writeInitial(all raft.Configuration) {
	mount := n.disk.Open(0)
	defer mount.Close()
	endpoint := n.cluster.network.Open(n.name, 0)
	defer endpoint.Close()
	// The key is raft's own.
	err := mount.Stable().SetUint64([]byte("CurrentTerm"), initialTerm)
	if err == nil {
		err = n.cluster.initial.write(mount.Snapshots(), all, endpoint)
	}
	if err != nil {
		panic(fmt.Sprintf("cluster: initial snapshot on %s: %s", n.name, err))
	}
}

func (s *Initial) write(to raft.SnapshotStore, all raft.Configuration, transport raft.Transport) error {
	sink, err := to.Create(raft.SnapshotVersionMax, s.Index, initialTerm, all, firstIndex, transport)
	if err != nil {
		return err
	}
	if _, err := sink.Write(s.Snapshot); err != nil {
		return err
	}
	return sink.Close()
}
