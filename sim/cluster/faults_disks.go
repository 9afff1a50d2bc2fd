package cluster

import (
	"time"

	"dtsim/sim/disk"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// spoiled are the operations that fail, by the fault and its Op.
var spoiled = map[plan.FaultKind]map[string][]disk.Op{
	plan.TornFiles:  {"": {disk.Tear}},
	plan.TornWrites: {"log": {disk.TearLog}, "stable": {disk.TearStable}, "snapshot": {disk.TearSnapshot}},
	plan.DiskSlow:   written,
	plan.DiskError:  written,
	plan.DiskFull: {"": {disk.Log, disk.Stable, disk.File, disk.SnapshotCreate, disk.SnapshotWrite, disk.SnapshotClose,
		disk.InstallCreate, disk.InstallWrite, disk.InstallClose}},
	plan.SnapshotError: {"create": {disk.SnapshotCreate}, "write": {disk.SnapshotWrite}, "close": {disk.SnapshotClose}},
	plan.InstallError: {"create": {disk.InstallCreate}, "write": {disk.InstallWrite}, "close": {disk.InstallClose},
		"restore": {disk.InstallRestore}},
}

// written are the operations that write, by store.
var written = map[string][]disk.Op{
	"log":      {disk.Log, disk.LogRemove},
	"stable":   {disk.Stable},
	"files":    {disk.File, disk.FileRemove},
	"snapshot": {disk.SnapshotCreate, disk.SnapshotWrite, disk.SnapshotClose, disk.InstallCreate, disk.InstallWrite, disk.InstallClose},
}

// spoil lets operations of disks fail until it ends.
func (c *Cluster) spoil(f *fault) func() {
	r := disk.Rule{
		Fault: f.event(), Draw: f.draw, Ops: spoiled[f.Kind][f.Op], Name: f.Name, Err: disk.ErrIO, Rate: f.Rate, Count: f.Count,
		Min: f.Min.D(), Max: f.Max.D(),
	}
	if f.Kind == plan.DiskFull {
		r.Err = disk.ErrFull
	}
	var ends []func()
	for _, n := range c.targets(f) {
		ends = append(ends, n.disk.AddRule(r))
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// fatal ends an incarnation whose raft would panic: the process dies of it, and is
// started again by its supervisor.
func (n *Node) fatal(int) {
	if n.Crash() {
		n.cluster.faults.after(fatalRestart, n.Start)
	}
}

const (
	// fatalRestart is how long a process that has died of its disk stays away.
	fatalRestart = time.Second
	// snapshotWait is how long a node is given to store a snapshot, snapshotPoll how
	// often it is looked for.
	snapshotWait = 2 * time.Second
	snapshotPoll = 50 * time.Millisecond
)

// forceSnapshot cuts a node off; before it may come back, the others have put all that
// they have applied into a snapshot and keep no log behind it.
func (c *Cluster) forceSnapshot(f *fault) func() {
	heal := c.cut(f)
	return func() {
		c.work(func() {
			defer heal()
			if len(c.targets(f)) == 0 {
				return
			}
			if n := c.Node(c.leader()); n != nil {
				if i := n.running(); i != nil {
					// Something that the node has missed; nothing waits for it.
					i.raft.Barrier(time.Second)
					time.Sleep(snapshotPoll)
				}
			}
			for _, name := range c.others(f.nodes) {
				c.compact(f, c.Node(name))
			}
		})
	}
}

// compact lets a node take a snapshot and drop its log.
func (c *Cluster) compact(f *fault, n *Node) {
	i := n.running()
	if i == nil {
		return
	}
	config := i.raft.ReloadableConfig()
	short := config
	short.TrailingLogs = 0
	if i.raft.ReloadConfig(short) != nil {
		return
	}
	defer func() { _ = i.raft.ReloadConfig(config) }() // it was valid before
	before := newest(i.mount)
	c.work(func() { i.raft.Snapshot() }) // its future may never come
	for range int(snapshotWait / snapshotPoll) {
		if newest(i.mount) != before {
			c.activated(f, n, trace.Str("snapshot", newest(i.mount)))
			return
		}
		if i.halt.Err() != nil {
			return
		}
		time.Sleep(snapshotPoll)
	}
}

// newest returns the id of the newest snapshot on a disk, "" if there is none.
func newest(m *disk.Mount) string {
	list, err := m.Snapshots().List()
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].ID
}
