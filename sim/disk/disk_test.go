package disk_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"dtsim/sim/disk"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// logs returns entries of these indexes.
func logs(indexes ...uint64) []*raft.Log {
	var list []*raft.Log
	for _, i := range indexes {
		list = append(list, &raft.Log{Index: i, Term: 1, Data: []byte(fmt.Sprint("entry ", i))})
	}
	return list
}

// contents returns the indexes in a log from its first to its last.
func contents(t *testing.T, s raft.LogStore) []uint64 {
	first, err := s.FirstIndex()
	require.NoError(t, err)
	last, err := s.LastIndex()
	require.NoError(t, err)
	var list []uint64
	for i := first; i <= last && i > 0; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err == nil {
			require.Equal(t, i, l.Index)
			list = append(list, i)
		} else {
			require.ErrorIs(t, err, raft.ErrLogNotFound)
		}
	}
	return list
}

func TestALogKeepsWhatRaftStores(t *testing.T) {
	s := disk.New(disk.Config{}).Open(1).Log()
	require.Empty(t, contents(t, s))
	require.NoError(t, s.DeleteRange(1, 10))
	require.NoError(t, s.StoreLogs(logs(1, 2, 3, 4, 5)))
	require.NoError(t, s.StoreLog(logs(6)[0]))
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6}, contents(t, s))

	require.NoError(t, s.DeleteRange(1, 2)) // compaction
	require.Equal(t, []uint64{3, 4, 5, 6}, contents(t, s))
	require.NoError(t, s.DeleteRange(5, 9)) // a conflict
	require.Equal(t, []uint64{3, 4}, contents(t, s))

	replaced := &raft.Log{Index: 4, Term: 2, Data: []byte("other")}
	require.NoError(t, s.StoreLog(replaced))
	var l raft.Log
	require.NoError(t, s.GetLog(4, &l))
	require.Equal(t, *replaced, l)

	require.NoError(t, s.StoreLogs(logs(10, 11))) // behind a snapshot that was installed
	require.Equal(t, []uint64{3, 4, 10, 11}, contents(t, s))
	require.ErrorIs(t, s.GetLog(2, &l), raft.ErrLogNotFound)
	require.ErrorIs(t, s.GetLog(12, &l), raft.ErrLogNotFound)
	require.NoError(t, s.StoreLog(logs(7)[0]))
	require.Equal(t, []uint64{3, 4, 7, 10, 11}, contents(t, s))
	require.NoError(t, s.DeleteRange(4, 8))
	require.Equal(t, []uint64{3, 10, 11}, contents(t, s))
	require.NoError(t, s.DeleteRange(5, 6))
	require.NoError(t, s.DeleteRange(0, 100))
	require.Empty(t, contents(t, s))
	last, err := s.LastIndex()
	require.NoError(t, err)
	require.Zero(t, last)
}

func TestTermAndVoteAreKept(t *testing.T) {
	s := disk.New(disk.Config{}).Open(1).Stable()
	v, err := s.Get([]byte("vote"))
	require.NoError(t, err)
	require.Nil(t, v)
	n, err := s.GetUint64([]byte("term"))
	require.NoError(t, err)
	require.Zero(t, n)
	value := []byte("n2")
	require.NoError(t, s.Set([]byte("vote"), value))
	value[1] = '3'
	require.NoError(t, s.SetUint64([]byte("term"), 1<<40))
	v, err = s.Get([]byte("vote"))
	require.NoError(t, err)
	require.Equal(t, "n2", string(v))
	n, err = s.GetUint64([]byte("term"))
	require.NoError(t, err)
	require.Equal(t, uint64(1<<40), n)
}

// take stores a snapshot.
func take(t *testing.T, s raft.SnapshotStore, index, term uint64, data string) string {
	sink, err := s.Create(1, index, term, raft.Configuration{Servers: []raft.Server{{ID: "n1"}}}, 1, nil)
	require.NoError(t, err)
	for _, b := range []byte(data) {
		_, err := sink.Write([]byte{b})
		require.NoError(t, err)
	}
	require.NoError(t, sink.Close())
	return sink.ID()
}

func TestASnapshotIsThereOnceItsSinkWasClosed(t *testing.T) {
	s := disk.New(disk.Config{}).Open(1).Snapshots()
	list, err := s.List()
	require.NoError(t, err)
	require.Empty(t, list)

	sink, err := s.Create(1, 5, 1, raft.Configuration{}, 1, nil)
	require.NoError(t, err)
	_, err = sink.Write([]byte("half"))
	require.NoError(t, err)
	list, _ = s.List()
	require.Empty(t, list)
	_, _, err = s.Open(sink.ID())
	require.EqualError(t, err, `disk: there is no snapshot "1-5-1"`)
	require.NoError(t, sink.Cancel())
	require.NoError(t, sink.Close())
	list, _ = s.List()
	require.Empty(t, list, "a cancelled snapshot is there")
	_, err = sink.Write([]byte("more"))
	require.EqualError(t, err, "disk: the snapshot is closed")

	id := take(t, s, 5, 1, "state")
	meta, r, err := s.Open(id)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, "state", string(data))
	require.Equal(t, int64(5), meta.Size)
	require.Equal(t, uint64(5), meta.Index)
	require.Equal(t, raft.ServerID("n1"), meta.Configuration.Servers[0].ID)

	_, err = s.Create(0, 1, 1, raft.Configuration{}, 1, nil)
	require.EqualError(t, err, "disk: snapshots of version 0 cannot be stored")
}

func TestTheNewestSnapshotsAreKept(t *testing.T) {
	s := disk.New(disk.Config{}).Open(1).Snapshots()
	first := take(t, s, 10, 1, "a")
	take(t, s, 30, 1, "c")
	take(t, s, 20, 1, "b")
	take(t, s, 15, 2, "d")
	list, err := s.List()
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []uint64{15, 30}, []uint64{list[0].Index, list[1].Index})
	_, _, err = s.Open(first)
	require.Error(t, err)
	a, b := take(t, s, 40, 2, "x"), take(t, s, 40, 2, "y")
	require.NotEqual(t, a, b)
	list, _ = s.List()
	require.Equal(t, b, list[0].ID)
}

func TestTheNextIncarnationFindsWhatWasSynced(t *testing.T) {
	for _, end := range []string{"close", "crash", "nothing"} {
		d := disk.New(disk.Config{})
		m := d.Open(1)
		require.NoError(t, m.Log().StoreLogs(logs(1, 2)))
		require.NoError(t, m.Stable().SetUint64([]byte("term"), 3))
		take(t, m.Snapshots(), 1, 1, "state")
		require.NoError(t, m.Files().Put("marker", []byte("done")))
		switch end {
		case "close":
			m.Close()
		case "crash":
			m.Crash()
		}
		next := d.Open(2)
		require.Equal(t, []uint64{1, 2}, contents(t, next.Log()), end)
		term, err := next.Stable().GetUint64([]byte("term"))
		require.NoError(t, err)
		require.Equal(t, uint64(3), term)
		list, err := next.Snapshots().List()
		require.NoError(t, err)
		require.Len(t, list, 1)
		data, err := next.Files().Read("marker")
		require.NoError(t, err)
		require.Equal(t, "done", string(data))
	}
}

func TestADeadIncarnationWritesForItselfAlone(t *testing.T) {
	d := disk.New(disk.Config{})
	dead := d.Open(1)
	require.NoError(t, dead.Log().StoreLogs(logs(1, 2)))
	require.NoError(t, dead.Files().Put("f", []byte("old")))
	sink, err := dead.Snapshots().Create(1, 2, 1, raft.Configuration{}, 1, nil)
	require.NoError(t, err)
	dead.Crash()
	dead.Close() // the first end counts
	next := d.Open(2)

	require.NoError(t, dead.Log().StoreLog(&raft.Log{Index: 2, Term: 9})) // in place
	require.NoError(t, dead.Log().StoreLogs(logs(3)))
	require.NoError(t, dead.Stable().SetUint64([]byte("term"), 9))
	require.NoError(t, sink.Close())
	require.NoError(t, dead.Files().Put("f", []byte("new")))
	require.NoError(t, dead.Files().Write("f", []byte("newer")))
	require.NoError(t, dead.Files().Sync("f"))
	require.NoError(t, dead.Files().Rename("f", "g"))
	require.NoError(t, dead.Files().SyncDir())
	require.Equal(t, []uint64{1, 2, 3}, contents(t, dead.Log()), "it reads its own writes")
	data, err := dead.Files().Read("g")
	require.NoError(t, err)
	require.Equal(t, "newer", string(data))

	for _, m := range []*disk.Mount{next, d.Open(3)} {
		require.Equal(t, []uint64{1, 2}, contents(t, m.Log()))
		var l raft.Log
		require.NoError(t, m.Log().GetLog(2, &l))
		require.Equal(t, uint64(1), l.Term)
		term, err := m.Stable().GetUint64([]byte("term"))
		require.NoError(t, err)
		require.Zero(t, term)
		list, err := m.Snapshots().List()
		require.NoError(t, err)
		require.Empty(t, list)
		require.Equal(t, []string{"f"}, m.Files().List(""))
		data, err := m.Files().Read("f")
		require.NoError(t, err)
		require.Equal(t, "old", string(data))
	}
}

func TestAWriteThatTheCrashOvertakesIsLostWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk.New(disk.Config{SyncLatency: 10 * time.Millisecond})
		m := d.Open(1)
		begun := time.Now()
		require.NoError(t, m.Log().StoreLogs(logs(1)))
		require.Equal(t, 10*time.Millisecond, time.Since(begun))
		done := make(chan error)
		go func() { done <- m.Log().StoreLogs(logs(2, 3)) }()
		go func() { done <- m.Files().Put("f", nil) }()
		time.Sleep(5 * time.Millisecond)
		m.Crash()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		next := d.Open(2)
		require.Equal(t, []uint64{1}, contents(t, next.Log()))
		require.Empty(t, next.Files().List(""))
	})
}

func TestACrashLeavesOfFilesWhatWasSynced(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(f *disk.Files)
		crash map[string]string // after a crash
		live  map[string]string // after the end of a process
	}{
		{"a new file", func(f *disk.Files) { f.Write("b", []byte("x")) },
			map[string]string{"a": "1"}, map[string]string{"a": "1", "b": "x"}},
		{"a new file, contents synced", func(f *disk.Files) { f.Write("b", []byte("x")); f.Sync("b") },
			map[string]string{"a": "1"}, map[string]string{"a": "1", "b": "x"}},
		{"a new file, name synced", func(f *disk.Files) { f.Write("b", []byte("x")); f.SyncDir() },
			map[string]string{"a": "1", "b": ""}, map[string]string{"a": "1", "b": "x"}},
		{"a new file, all synced", func(f *disk.Files) { f.Write("b", []byte("x")); f.Sync("b"); f.SyncDir() },
			map[string]string{"a": "1", "b": "x"}, map[string]string{"a": "1", "b": "x"}},
		{"other contents", func(f *disk.Files) { f.Write("a", []byte("2")) },
			map[string]string{"a": "1"}, map[string]string{"a": "2"}},
		{"other contents, synced, and others again", func(f *disk.Files) { f.Write("a", []byte("2")); f.Sync("a"); f.Write("a", []byte("3")) },
			map[string]string{"a": "2"}, map[string]string{"a": "3"}},
		{"another name", func(f *disk.Files) { f.Rename("a", "b") },
			map[string]string{"a": "1"}, map[string]string{"b": "1"}},
		{"another name, synced", func(f *disk.Files) { f.Rename("a", "b"); f.SyncDir() },
			map[string]string{"b": "1"}, map[string]string{"b": "1"}},
		{"the safe way", func(f *disk.Files) {
			f.Write("tmp", []byte("2"))
			f.Sync("tmp")
			f.Rename("tmp", "a")
			f.SyncDir()
		}, map[string]string{"a": "2"}, map[string]string{"a": "2"}},
		{"a rename before the sync of the contents", func(f *disk.Files) { f.Write("tmp", []byte("2")); f.Rename("tmp", "a"); f.SyncDir() },
			map[string]string{"a": ""}, map[string]string{"a": "2"}},
		{"removed", func(f *disk.Files) { f.Remove("a"); f.Remove("a") },
			map[string]string{"a": "1"}, map[string]string{}},
		{"removed, synced", func(f *disk.Files) { f.Remove("a"); f.SyncDir() },
			map[string]string{}, map[string]string{}},
		{"put", func(f *disk.Files) { f.Put("b", []byte("x")) },
			map[string]string{"a": "1", "b": "x"}, map[string]string{"a": "1", "b": "x"}},
		{"deleted", func(f *disk.Files) { f.Delete("a"); f.Delete("none") },
			map[string]string{}, map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, crash := range []bool{true, false} {
				d := disk.New(disk.Config{})
				m := d.Open(1)
				require.NoError(t, m.Files().Put("a", []byte("1")))
				c.do(m.Files())
				want := c.live
				if crash {
					m.Crash()
					want = c.crash
				} else {
					m.Close()
				}
				got := map[string]string{}
				f := d.Open(2).Files()
				for _, name := range f.List("") {
					data, err := f.Read(name)
					require.NoError(t, err)
					got[name] = string(data)
				}
				require.Equal(t, want, got, "crash %t", crash)
			}
		})
	}
}

func TestFilesAreCopiesAndMissingOnesAreNamed(t *testing.T) {
	f := disk.New(disk.Config{}).Open(1).Files()
	data := []byte("abc")
	require.NoError(t, f.Put("x/1", data))
	require.NoError(t, f.Write("x/2", data))
	require.NoError(t, f.Put("y", data))
	data[0] = 'X'
	got, err := f.Read("x/1")
	require.NoError(t, err)
	got[1] = 'X'
	for _, name := range f.List("x/") {
		got, err := f.Read(name)
		require.NoError(t, err)
		require.Equal(t, "abc", string(got), name)
	}
	require.Equal(t, []string{"x/1", "x/2"}, f.List("x/"))
	_, err = f.Read("z")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, `disk: "z": file does not exist`)
	require.ErrorIs(t, f.Sync("z"), fs.ErrNotExist)
	require.ErrorIs(t, f.Rename("z", "a"), fs.ErrNotExist)
}

func TestFileWritesAreRecordedUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r, err := trace.NewRecorder(&out, trace.Header{Plan: plan.Default()})
		require.NoError(t, err)
		d := disk.New(disk.Config{Node: "n2", Start: time.Now(), Recorder: r})
		m := d.Open(3)
		f := m.Files()
		time.Sleep(time.Second)
		require.NoError(t, f.Write("a", []byte("12")))
		require.NoError(t, f.Rename("a", "b"))
		require.NoError(t, f.Put("c", nil))
		require.NoError(t, f.Remove("b"))
		require.NoError(t, f.Delete("c"))
		m.Crash()
		require.NoError(t, f.Put("d", nil))
		_, err = r.Close(trace.Verdict{Passed: true})
		require.NoError(t, err)
		tr, err := trace.Read(&out)
		require.NoError(t, err)
		var got []string
		for _, e := range tr.Events {
			require.Equal(t, time.Second, e.At)
			require.Equal(t, "n2", e.Node)
			require.Equal(t, 3, e.Incarnation)
			got = append(got, fmt.Sprint(e.Kind, " ", e.Str("file"), " ", e.Str("to"), e.Str("size")))
		}
		require.Equal(t, []string{"file-written a 2", "file-renamed a b", "file-written c 0", "file-removed b ", "file-removed c "}, got)
	})
}
