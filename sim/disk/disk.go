// Package disk is what a simulated node keeps through its incarnations.
package disk

import (
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/trace"
)

// Config says what a disk is like.
type Config struct {
	// Node is the name of the node, for the trace.
	Node string
	// SyncLatency is how long every sync takes.
	SyncLatency time.Duration
	// Start is the start of the run; the times of events count from it.
	Start time.Time
	// Recorder gets the file events; nil for none.
	Recorder *trace.Recorder
}

// Disk is the durable state of one node.
type Disk struct{}

// New returns an empty disk.
func New(c Config) *Disk { return nil }

// Open mounts the disk for an incarnation. The mount before it must have ended.
func (d *Disk) Open(incarnation int) *Mount { return nil }

// Mount is one incarnation's view of the disk. Once it has ended, by Close or
// Crash, whatever is written through it changes nothing that a later mount sees.
type Mount struct{}

// Log returns the store of Raft's log.
func (m *Mount) Log() raft.LogStore { return nil }

// Stable returns the store of Raft's term and vote.
func (m *Mount) Stable() raft.StableStore { return nil }

// Snapshots returns the store of Raft's snapshots.
func (m *Mount) Snapshots() raft.SnapshotStore { return nil }

// Files returns the provider's files.
func (m *Mount) Files() *Files { return nil }

// Close ends the mount as the end of a process does: what was written stays.
func (m *Mount) Close() {}

// Crash ends the mount as the loss of power does: what was not synced is gone.
func (m *Mount) Crash() {}

// Files is a flat directory of small files.
type Files struct{}

// Read returns the contents of a file; the error is fs.ErrNotExist when there is none.
func (f *Files) Read(name string) ([]byte, error) { return nil, nil }

// List returns the names that begin with prefix, sorted.
func (f *Files) List(prefix string) []string { return nil }

// Write replaces the contents of a file, or makes it. Not durable until Sync, and a
// new name not until SyncDir.
func (f *Files) Write(name string, data []byte) error { return nil }

// Sync makes the contents of a file durable.
func (f *Files) Sync(name string) error { return nil }

// Rename gives a file another name, replacing what had it. Durable after SyncDir.
func (f *Files) Rename(from, to string) error { return nil }

// Remove removes a file. Durable after SyncDir. No error when there is none.
func (f *Files) Remove(name string) error { return nil }

// SyncDir makes all names durable.
func (f *Files) SyncDir() error { return nil }

// Put makes a file with these contents, durably and at once: after a crash it is
// either there whole or as it was before.
func (f *Files) Put(name string, data []byte) error { return nil }
