package disk_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/trace/event"
)

// crashedAt makes a disk with two entries and a snapshot, of which a write is struck by a crash at a step,
// with a rule if that is not nil, and returns what the next incarnation finds.
func crashedAt(t *testing.T, step disk.Step, r *disk.Rule, write func(m *disk.Mount)) (found *disk.Mount) {
	t.Helper()
	armed := false
	var m *disk.Mount
	d := disk.New(disk.Config{Node: "n1", SyncLatency: time.Millisecond, Start: time.Now(), Writing: func(_ int, w disk.Writing) {
		if armed && w.Step == step {
			armed = false
			m.Crash()
		}
	}})
	m = d.Open(1)
	require.NoError(t, m.Log().StoreLogs(logs(1, 2)))
	_, err := snapshot(m, 1)
	require.NoError(t, err)
	if r != nil {
		d.AddRule(*r)
	}
	armed = true
	write(m)
	require.False(t, armed, "the step was not reached")
	return d.Open(2)
}

// tearing is a rule by which a write survives.
func tearing(seed uint64, op disk.Op) *disk.Rule {
	return &disk.Rule{Fault: event.Fault{Index: 1}, Draw: keyed.New(seed, "fault"), Ops: []disk.Op{op}}
}

// last returns the last index of the log.
func last(t *testing.T, m *disk.Mount) uint64 {
	index, err := m.Log().LastIndex()
	require.NoError(t, err)
	return index
}

func TestACrashStrikesAtAnyStepOfAWrite(t *testing.T) {
	batch := func(m *disk.Mount) { _ = m.Log().StoreLogs(logs(3, 4, 5, 6)) }
	for name, c := range map[string]struct {
		step disk.Step
		rule *disk.Rule
		want []uint64
	}{
		"before it":                  {disk.WriteBegins, tearing(1, disk.TearLog), []uint64{2}},
		"unsynced, and it is lost":   {disk.WriteUnsynced, nil, []uint64{2}},
		"unsynced, of another store": {disk.WriteUnsynced, tearing(1, disk.TearStable), []uint64{2}},
		"synced":                     {disk.WriteSynced, nil, []uint64{6}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.Contains(t, c.want, last(t, crashedAt(t, c.step, c.rule, batch)))
			})
		})
	}
}

func TestOfABatchThoseInFrontSurvive(t *testing.T) {
	ends := map[uint64]bool{}
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			m := crashedAt(t, disk.WriteUnsynced, tearing(seed, disk.TearLog), func(m *disk.Mount) { _ = m.Log().StoreLogs(logs(3, 4, 5, 6)) })
			ends[last(t, m)] = true
			for index := uint64(1); index <= last(t, m); index++ {
				require.NoError(t, m.Log().GetLog(index, new(raft.Log)), "there is no gap")
			}
		})
	}
	require.Equal(t, map[uint64]bool{3: true, 4: true, 5: true, 6: true}, ends)
}

func TestEntriesAreRemovedOrNot(t *testing.T) {
	for _, torn := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, want := tearing(1, disk.TearLog), uint64(0)
			if !torn {
				r, want = nil, 2
			}
			require.Equal(t, want, last(t, crashedAt(t, disk.WriteUnsynced, r, func(m *disk.Mount) { _ = m.Log().DeleteRange(1, 2) })))
		})
	}
}

func TestAKeyHasItsOldValueOrItsNewOne(t *testing.T) {
	for _, torn := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, want := tearing(1, disk.TearStable), "n2"
			if !torn {
				r, want = nil, ""
			}
			m := crashedAt(t, disk.WriteUnsynced, r, func(m *disk.Mount) { _ = m.Stable().Set([]byte("vote"), []byte("n2")) })
			got, err := m.Stable().Get([]byte("vote"))
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		})
	}
}

// A snapshot is whole, or there with a state that is too short, which cannot be opened; the one before it
// can be.
func TestASnapshotIsCutOff(t *testing.T) {
	whole, short := 0, 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := crashedAtClose(t, seed, true)
			list, err := m.Snapshots().List()
			require.NoError(t, err)
			require.Len(t, list, 2)
			require.Equal(t, uint64(9), list[0].Index)
			_, r, err := m.Snapshots().Open(list[0].ID)
			if err == nil {
				whole++
				require.NoError(t, r.Close())
				return
			}
			short++
			require.Regexp(t, fmt.Sprintf(`of snapshot %q there are [0-4] of 5 bytes`, list[0].ID), err.Error())
			_, r, err = m.Snapshots().Open(list[1].ID)
			require.NoError(t, err)
			require.NoError(t, r.Close())
		})
	}
	require.Positive(t, whole)
	require.Positive(t, short)
}

// Without an older one a node could not start with a snapshot that is too short: it is lost.
func TestTheFirstSnapshotIsNeverCutOff(t *testing.T) {
	lost := 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := crashedAtClose(t, seed, false)
			list, err := m.Snapshots().List()
			require.NoError(t, err)
			if len(list) == 0 {
				lost++
				return
			}
			_, r, err := m.Snapshots().Open(list[0].ID)
			require.NoError(t, err)
			require.NoError(t, r.Close())
		})
	}
	require.Positive(t, lost)
	require.Less(t, lost, 20)
}

// crashedAtClose returns what is found after a crash in the middle of closing a snapshot, which another
// one was there before, or not.
func crashedAtClose(t *testing.T, seed uint64, another bool) *disk.Mount {
	t.Helper()
	closing := false
	var m *disk.Mount
	d := disk.New(disk.Config{Node: "n1", SyncLatency: time.Millisecond, Start: time.Now(), Writing: func(_ int, w disk.Writing) {
		if closing && w.Step == disk.WriteUnsynced {
			m.Crash()
		}
	}})
	m = d.Open(1)
	if another {
		_, err := snapshot(m, 2)
		require.NoError(t, err)
	}
	d.AddRule(*tearing(seed, disk.TearSnapshot))
	s, err := m.Snapshots().Create(1, 9, 1, raft.Configuration{}, 1, nil)
	require.NoError(t, err)
	_, err = s.Write([]byte("state"))
	require.NoError(t, err)
	closing = true
	require.NoError(t, s.Close())
	return d.Open(2)
}

func TestASlowDiskHoldsUpWhoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk.New(disk.Config{Node: "n1", Start: time.Now()})
		m := d.Open(1)
		end := d.AddRule(disk.Rule{Draw: keyed.New(1, "fault"), Ops: []disk.Op{disk.Stable, disk.SnapshotWrite, disk.InstallWrite}, Name: "", Min: time.Second, Max: time.Second})
		took := func(do func()) time.Duration {
			from := time.Now()
			do()
			return time.Since(from)
		}
		require.Equal(t, time.Second, took(func() { require.NoError(t, m.Stable().Set([]byte("a"), []byte("b"))) }))
		require.Equal(t, time.Second, took(func() { _, _ = snapshot(m, 3) }))
		require.Zero(t, took(func() { require.NoError(t, m.Log().StoreLogs(logs(1, 2))) }))
		end()
		require.Zero(t, took(func() { require.NoError(t, m.Stable().Set([]byte("a"), []byte("c"))) }))
	})
}

func TestAKeyOfTheStableStoreFailsAlone(t *testing.T) {
	d := disk.New(disk.Config{Node: "n1", Start: time.Now()})
	m := d.Open(1)
	r := failing(disk.Stable)
	r.Name = "LastVoteTerm"
	d.AddRule(r)
	require.NoError(t, m.Stable().Set([]byte("LastVoteCand"), []byte("n2")))
	require.ErrorIs(t, m.Stable().SetUint64([]byte("LastVoteTerm"), 3), disk.ErrIO)
}
