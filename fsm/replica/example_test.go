package replica_test

import (
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/fsm/replica"
)

// start is how a node begins: log and stable are on its disk.
func start(id, address, dir string, log raft.LogStore, stable raft.StableStore) (*replica.ProtectedRaft, *replica.Replica, error) {
	transport, err := raft.NewTCPTransport(address, nil, 3, 10*time.Second, os.Stderr)
	if err != nil {
		return nil, nil, fmt.Errorf("transport: %w", err)
	}
	snapshots, err := raft.NewFileSnapshotStore(dir, 2, os.Stderr)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshots: %w", err)
	}
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(id)
	config.LogLevel = "ERROR"
	machine := replica.New(replica.Config{})
	r, err := replica.NewRaft(config, machine, log, stable, snapshots, transport)
	if err != nil {
		return nil, nil, fmt.Errorf("raft: %w", err)
	}
	return r, machine, nil
}

// A node uses [replica.NewRaft] in place of raft.NewRaft, and transfers its leadership
// through what that returns.
func ExampleNewRaft() {
	store := raft.NewInmemStore() // stands for one on disk
	r, _, err := start("n1", "127.0.0.1:0", os.TempDir(), store, store)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.LeadershipTransfer().Error())
	fmt.Println(r.Shutdown().Error())
	// Output:
	// leadership transfer: node is not the leader
	// <nil>
}
