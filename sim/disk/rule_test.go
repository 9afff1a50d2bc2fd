package disk_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/disk"
	"dtsim/sim/keyed"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// failing is a rule by which operations fail.
func failing(ops ...disk.Op) disk.Rule {
	return disk.Rule{Fault: event.Fault{Index: 3}, Draw: keyed.New(1, "fault"), Ops: ops, Err: disk.ErrIO}
}

// snapshot stores a snapshot of an index, or returns which step failed.
func snapshot(m *disk.Mount, index uint64) (step string, err error) {
	s, err := m.Snapshots().Create(1, index, 1, raft.Configuration{}, 1, nil)
	if err != nil {
		return "create", err
	}
	if _, err = s.Write([]byte("state")); err != nil {
		_ = s.Cancel()
		return "write", err
	}
	return "close", s.Close()
}

func TestAnOperationFailsAndChangesNothing(t *testing.T) {
	for _, c := range []struct {
		op disk.Op
		do func(m *disk.Mount) error
	}{
		{disk.Log, func(m *disk.Mount) error { return m.Log().StoreLogs(logs(4, 5)) }},
		{disk.LogRemove, func(m *disk.Mount) error { return m.Log().DeleteRange(1, 2) }},
		{disk.Stable, func(m *disk.Mount) error { return m.Stable().Set([]byte("vote"), []byte("n2")) }},
		{disk.File, func(m *disk.Mount) error { return m.Files().Put("a", []byte("new")) }},
		{disk.File, func(m *disk.Mount) error { return m.Files().Write("a", []byte("new")) }},
		{disk.File, func(m *disk.Mount) error { return m.Files().Sync("a") }},
		{disk.FileRemove, func(m *disk.Mount) error { return m.Files().Remove("b") }},
		{disk.FileRemove, func(m *disk.Mount) error { return m.Files().Rename("a", "a") }},
		{disk.FileRemove, func(m *disk.Mount) error { return m.Files().SyncDir() }},
		{disk.FileRemove, func(m *disk.Mount) error { return m.Files().Delete("b") }},
		{disk.SnapshotCreate, func(m *disk.Mount) error { _, err := snapshot(m, 2); return err }},
		{disk.SnapshotWrite, func(m *disk.Mount) error { _, err := snapshot(m, 2); return err }},
		{disk.SnapshotClose, func(m *disk.Mount) error { _, err := snapshot(m, 2); return err }},
		{disk.InstallCreate, func(m *disk.Mount) error { _, err := snapshot(m, 9); return err }},
		{disk.InstallWrite, func(m *disk.Mount) error { _, err := snapshot(m, 9); return err }},
		{disk.InstallClose, func(m *disk.Mount) error { _, err := snapshot(m, 9); return err }},
		{disk.InstallRestore, (*disk.Mount).RestoreFails},
	} {
		t.Run(string(c.op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := disk.New(disk.Config{})
				m := d.Open(1)
				require.NoError(t, m.Log().StoreLogs(logs(1, 2, 3)))
				require.NoError(t, m.Stable().Set([]byte("vote"), []byte("n1")))
				require.NoError(t, m.Files().Put("a", []byte("old")))
				r := failing(c.op)
				r.Count = 1
				end := d.AddRule(r)
				require.ErrorIs(t, c.do(m), disk.ErrIO)

				require.Equal(t, []uint64{1, 2, 3}, contents(t, m.Log()))
				vote, err := m.Stable().Get([]byte("vote"))
				require.NoError(t, err)
				require.Equal(t, "n1", string(vote))
				a, err := m.Files().Read("a")
				require.NoError(t, err)
				require.Equal(t, "old", string(a))
				list, err := m.Snapshots().List()
				require.NoError(t, err)
				require.Empty(t, list)

				require.NoError(t, c.do(m), "once is enough")
				end()
				require.NoError(t, c.do(d.Open(2)), "the rule is over")
			})
		})
	}
}

func TestATermThatCannotBeStoredEndsTheNode(t *testing.T) {
	died := 0
	var m *disk.Mount
	d := disk.New(disk.Config{Fatal: func(incarnation int) {
		require.Equal(t, 4, incarnation)
		m.Crash()
		died++
	}})
	m = d.Open(4)
	require.NoError(t, m.Stable().SetUint64([]byte("CurrentTerm"), 6))
	d.AddRule(failing(disk.Stable))
	require.NoError(t, m.Stable().SetUint64([]byte("CurrentTerm"), 7), "raft would panic")
	require.ErrorIs(t, m.Stable().Set([]byte("LastVoteCand"), nil), nil, "nothing fails for the dead")
	require.Equal(t, 1, died)
	term, err := d.Open(5).Stable().GetUint64([]byte("CurrentTerm"))
	require.NoError(t, err)
	require.Equal(t, uint64(6), term)
}

func TestABiteIsInTheTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		rec, err := trace.NewRecorder(&out, trace.Header{Plan: plan.Default()})
		require.NoError(t, err)
		d := disk.New(disk.Config{Node: "n2", Start: time.Now(), Recorder: rec})
		m := d.Open(3)
		d.AddRule(failing(disk.File))
		require.Error(t, m.Files().Put("dir/x", nil))
		_, err = rec.Close(trace.Verdict{Passed: true})
		require.NoError(t, err)
		tr, err := trace.Read(&out)
		require.NoError(t, err)
		require.Len(t, tr.Events, 1)
		e := tr.Events[0]
		require.Equal(t, trace.FaultActivated, e.Kind)
		require.Equal(t, []string{"n2", "3", "files", "dir/x"}, []string{e.Node, e.Fields[0].Text(), e.Str("op"), e.Str("name")})
	})
}

// What a crash leaves of unsynced changes, with a rule that lets some of them survive.
func TestACrashTearsFiles(t *testing.T) {
	whole, part, none, renamed := 0, 0, 0, 0
	for seed := range uint64(200) {
		d := disk.New(disk.Config{})
		f := d.Open(1).Files()
		require.NoError(t, f.Put("a", []byte("old")))
		require.NoError(t, f.Put("b", []byte("kept")))
		require.NoError(t, f.Put("c", []byte("gone")))
		require.NoError(t, f.Write("a", []byte("brand new")))
		require.NoError(t, f.Rename("b", "b2"))
		require.NoError(t, f.Remove("c"))
		r := failing(disk.Tear)
		r.Draw, r.Rate = keyed.New(seed, "fault"), 500_000
		d.AddRule(r)
		m := d.Open(2)
		m.Crash()
		after := d.Open(3).Files()

		a, err := after.Read("a")
		require.NoError(t, err)
		switch s := string(a); {
		case s == "old":
			none++
		case s == "brand new":
			whole++
		default:
			require.Contains(t, "brand new", s)
			require.Equal(t, "brand new"[:len(s)], s)
			part++
		}
		names := after.List("b")
		require.Len(t, names, 1, "a rename is atomic")
		b, err := after.Read(names[0])
		require.NoError(t, err)
		require.Equal(t, "kept", string(b))
		if names[0] == "b2" {
			renamed++
		}
	}
	for _, n := range []int{whole, part, none, renamed} {
		require.Greater(t, n, 20)
	}
}

func TestAPausedDiskTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := disk.New(disk.Config{}).Open(1)
		m.Pause()
		time.AfterFunc(time.Hour, m.Resume)
		require.NoError(t, m.Log().StoreLogs(logs(1)))
		require.Equal(t, time.Hour, time.Since(start))
	})
}
