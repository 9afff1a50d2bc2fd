package sched

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/fsm"
)

// noopLog is a recorder that notes its calls and returns what was set.
type noopLog struct {
	answer func(call string, attempt int) error // nil: always nil
	hang   func(ctx context.Context, call string)

	mu       sync.Mutex
	calls    []string
	attempts map[string]int
}

func (l *noopLog) record(ctx context.Context, call string) error {
	l.mu.Lock()
	if l.attempts == nil {
		l.attempts = map[string]int{}
	}
	l.attempts[call]++
	attempt := l.attempts[call]
	l.calls = append(l.calls, call)
	l.mu.Unlock()
	if l.hang != nil {
		l.hang(ctx, call)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.answer == nil {
		return nil
	}
	return l.answer(call, attempt)
}

func (l *noopLog) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

func (l *noopLog) RecordDistributedTaskUnitCompletion(ctx context.Context, _, _ string, _ uint64, _, unit string) error {
	return l.record(ctx, "complete "+unit)
}

func (l *noopLog) RecordDistributedTaskUnitFailure(ctx context.Context, _, _ string, _ uint64, _, unit, msg string) error {
	return l.record(ctx, "fail "+unit+": "+msg)
}

func (l *noopLog) UpdateDistributedTaskUnitProgress(ctx context.Context, _, _ string, _ uint64, _, unit string, p float32) error {
	return l.record(ctx, fmt.Sprintf("progress %s %.1f", unit, p))
}

// shardsOf is a ShardLister.
type shardsOf func(collection string) ([]string, error)

func (s shardsOf) GetLocalShardNames(collection string) ([]string, error) { return s(collection) }

func always(names ...string) shardsOf {
	return func(string) ([]string, error) { return append([]string{}, names...), nil }
}

func noopTask(payload any, units ...*fsm.Unit) *Task {
	raw, ok := payload.(string)
	if !ok {
		b, err := json.Marshal(payload)
		if err != nil {
			panic(err)
		}
		raw = string(b)
	}
	task := &Task{
		Namespace:      ShardNoopProviderNamespace,
		TaskDescriptor: TaskDescriptor{ID: "t", Version: 7},
		Payload:        []byte(raw),
		Status:         fsm.TaskStatusStarted,
		Units:          map[string]*fsm.Unit{},
	}
	for _, u := range units {
		if u.Status == "" {
			u.Status = fsm.UnitStatusPending
		}
		task.Units[u.ID] = u
	}
	return task
}

func pendingUnits(ids ...string) []*fsm.Unit {
	var units []*fsm.Unit
	for _, id := range ids {
		units = append(units, &fsm.Unit{ID: id})
	}
	return units
}

// filesBelow maps the paths of all files below root to their contents.
func filesBelow(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	}))
	return files
}

// permanent is how rejections of the state machine reach a provider.
func permanent(sentinel error) error {
	return fmt.Errorf("executing command: %w", errors.Join(sentinel, fsm.ErrPermanentRejection))
}

func TestShardNoopProviderProcessesUnits(t *testing.T) {
	noLeader := errors.New("no leader")
	for name, c := range map[string]struct {
		payload  any
		units    []*fsm.Unit
		lister   ShardLister
		answer   func(call string, attempt int) error
		calls    []string
		unsorted bool // the calls come in any order
		files    map[string]string
		takes    time.Duration
	}{
		"synthetic units, one after another, in the order of their ids": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("u2", "u10", "u1"),
			calls:   []string{"progress u1 0.5", "complete u1", "progress u10 0.5", "complete u10", "progress u2 0.5", "complete u2"},
			files: map[string]string{
				".dtm/dtm-process/t/u1": "processed by n1", ".dtm/dtm-process/t/u10": "processed by n1", ".dtm/dtm-process/t/u2": "processed by n1",
			},
			takes: 300 * time.Millisecond,
		},
		"no payload at all is an empty one": {
			payload: "",
			units:   pendingUnits("u"),
			calls:   []string{"progress u 0.5", "complete u"},
			files:   map[string]string{".dtm/dtm-process/t/u": "processed by n1"},
			takes:   100 * time.Millisecond,
		},
		"with delays": {
			payload: ShardNoopProviderPayload{SlowUnitID: "b", SlowUnitDelayMs: 5000, ProcessingDelayMs: 1000},
			units:   pendingUnits("a", "b"),
			calls:   []string{"progress a 0.5", "complete a", "progress b 0.5", "complete b"},
			files:   map[string]string{".dtm/dtm-process/t/a": "processed by n1", ".dtm/dtm-process/t/b": "processed by n1"},
			takes:   7 * time.Second,
		},
		"side by side when the payload requires it": {
			payload:  ShardNoopProviderPayload{MaxConcurrency: 2, ProcessingDelayMs: 1000, SlowUnitID: "a", SlowUnitDelayMs: 500},
			units:    pendingUnits("a", "b"),
			calls:    []string{"progress a 0.5", "progress b 0.5", "complete b", "complete a"},
			unsorted: true,
			files:    map[string]string{".dtm/dtm-process/t/a": "processed by n1", ".dtm/dtm-process/t/b": "processed by n1"},
			takes:    1500 * time.Millisecond,
		},
		"skipping what is terminal or belongs to another node": {
			payload: ShardNoopProviderPayload{},
			units: []*fsm.Unit{
				{ID: "done", NodeID: "n1", Status: fsm.UnitStatusCompleted},
				{ID: "failed", NodeID: "n1", Status: fsm.UnitStatusFailed},
				{ID: "mine", NodeID: "n1", Status: fsm.UnitStatusInProgress},
				{ID: "theirs", NodeID: "n2", Status: fsm.UnitStatusInProgress},
			},
			calls: []string{"progress mine 0.5", "complete mine"},
			files: map[string]string{".dtm/dtm-process/t/mine": "processed by n1"},
			takes: 100 * time.Millisecond,
		},
		"and fails the one that the payload names": {
			payload: ShardNoopProviderPayload{FailUnitID: "a"},
			units:   pendingUnits("a", "b"),
			answer: func(call string, _ int) error {
				if call == "progress b 0.5" {
					return permanent(fsm.ErrTaskNotRunning)
				}
				return nil
			},
			calls: []string{"progress a 0.5", "fail a: dummy failure", "progress b 0.5"},
			files: map[string]string{},
			takes: 100 * time.Millisecond,
		},
		"units named as local shards": {
			payload: ShardNoopProviderPayload{Collection: "Books"},
			units:   pendingUnits("s1", "s2"),
			lister:  always("s2", "s3"),
			calls:   []string{"progress s2 0.5", "complete s2"},
			files:   map[string]string{"books/s2/.dtm-process--t--s2": "processed by n1"},
			takes:   100 * time.Millisecond,
		},
		"units mapped to local shards and to this node": {
			payload: ShardNoopProviderPayload{
				Collection:  "Books",
				UnitToShard: map[string]string{"u1": "s1", "u2": "s1", "u3": "s2", "u4": "s1", "u6": "s1"},
				UnitToNode:  map[string]string{"u1": "n1", "u2": "n2", "u3": "n1", "u6": "n1"},
			},
			units:  append(pendingUnits("u1", "u2", "u3", "u4", "u5"), &fsm.Unit{ID: "u6", NodeID: "n2"}),
			lister: always("s1"),
			calls:  []string{"progress u1 0.5", "complete u1", `fail u3: shard "s2" of collection "Books" is not on node n1`, "progress u4 0.5", "complete u4"},
			files: map[string]string{
				"books/s1/.dtm-process--t--u1": "processed by n1",
				"books/s1/.dtm-process--t--u4": "processed by n1",
			},
			takes: 200 * time.Millisecond,
		},
		"of a collection without a lister by their claims": {
			payload: ShardNoopProviderPayload{Collection: "Books", UnitToShard: map[string]string{"u": "s"}},
			units:   pendingUnits("u"),
			calls:   []string{"progress u 0.5", "complete u"},
			files:   map[string]string{"books/s/.dtm-process--t--u": "processed by n1"},
			takes:   100 * time.Millisecond,
		},
		"none when no shard is local": {
			payload: ShardNoopProviderPayload{Collection: "Books"},
			units:   pendingUnits("s1"),
			lister:  always(),
			files:   map[string]string{},
		},
		"none when the shards never become known": {
			payload: ShardNoopProviderPayload{Collection: "Books"},
			units:   pendingUnits("s1"),
			lister:  shardsOf(func(string) ([]string, error) { return nil, nil }),
			files:   map[string]string{},
			takes:   22500 * time.Millisecond,
		},
		"trying a report three times": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("u"),
			answer: func(_ string, attempt int) error {
				if attempt < 3 {
					return noLeader
				}
				return nil
			},
			calls: []string{
				"progress u 0.5", "progress u 0.5", "progress u 0.5",
				"complete u", "complete u", "complete u",
			},
			files: map[string]string{".dtm/dtm-process/t/u": "processed by n1"},
			takes: 2100 * time.Millisecond,
		},
		"and gives a unit up whose claim fails three times": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("a", "b"),
			answer: func(call string, _ int) error {
				if call == "progress a 0.5" {
					return noLeader
				}
				return nil
			},
			calls: []string{"progress a 0.5", "progress a 0.5", "progress a 0.5", "progress b 0.5", "complete b"},
			files: map[string]string{".dtm/dtm-process/t/b": "processed by n1"},
			takes: 1100 * time.Millisecond,
		},
		"leaving no marker when completion fails three times": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("u"),
			answer: func(call string, _ int) error {
				if call == "complete u" {
					return noLeader
				}
				return nil
			},
			calls: []string{"progress u 0.5", "complete u", "complete u", "complete u"},
			files: map[string]string{},
			takes: 1100 * time.Millisecond,
		},
		"without trying again what is refused for good": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("a", "b", "c"),
			answer: func(call string, _ int) error {
				switch call {
				case "progress a 0.5":
					return permanent(fsm.ErrUnitWrongNode)
				case "complete b":
					return permanent(fsm.ErrUnitWrongNode)
				}
				return nil
			},
			calls: []string{"progress a 0.5", "progress b 0.5", "complete b", "progress c 0.5", "complete c"},
			files: map[string]string{".dtm/dtm-process/t/c": "processed by n1"},
			takes: 200 * time.Millisecond,
		},
		"taking a completion that an earlier attempt did record for done": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("u"),
			answer: func(call string, attempt int) error {
				switch {
				case call == "complete u" && attempt == 1:
					return noLeader
				case call == "complete u":
					return permanent(fsm.ErrUnitAlreadyTerminal)
				}
				return nil
			},
			calls: []string{"progress u 0.5", "complete u", "complete u"},
			files: map[string]string{".dtm/dtm-process/t/u": "processed by n1"},
			takes: 600 * time.Millisecond,
		},
		"stopping when the task does not exist any more": {
			payload: ShardNoopProviderPayload{},
			units:   pendingUnits("a", "b"),
			answer:  func(string, int) error { return permanent(fsm.ErrTaskDoesNotExist) },
			calls:   []string{"progress a 0.5"},
			files:   map[string]string{},
		},
		"failing the task when the payload cannot be read": {
			payload: "{",
			units:   pendingUnits("a", "b"),
			answer: func(call string, attempt int) error {
				if call[:6] == "fail b" {
					return permanent(fsm.ErrTaskNotRunning)
				}
				return nil
			},
			calls: []string{
				"fail a: payload cannot be read: unexpected end of JSON input",
				"fail b: payload cannot be read: unexpected end of JSON input",
			},
			files: map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				log := &noopLog{answer: c.answer}
				p := NewShardNoopProvider("n1", nil, c.lister, root)
				p.SetCompletionRecorder(log)
				began := time.Now()
				handle, err := p.StartTask(noopTask(c.payload, c.units...))
				require.NoError(t, err)
				<-handle.Done()
				assert.Equal(t, c.takes, time.Since(began))
				if c.unsorted {
					assert.ElementsMatch(t, c.calls, log.seen())
				} else {
					assert.Equal(t, c.calls, log.seen())
				}
			})
			assert.Equal(t, c.files, filesBelow(t, root))
		})
	}
}

func TestShardNoopProviderFailsAUnitWhoseShardHasGone(t *testing.T) {
	payload := ShardNoopProviderPayload{Collection: "C", UnitToShard: map[string]string{"u": "s", "v": "s2", "w": "s2"}, UnitToNode: map[string]string{"u": "n1", "v": "n1", "w": "n2"}}
	synctest.Test(t, func(t *testing.T) {
		log := &noopLog{}
		p := NewShardNoopProvider("n1", nil, always("s"), "")
		p.SetCompletionRecorder(log)
		handle, err := p.StartTask(noopTask(payload, pendingUnits("u", "v", "w")...))
		require.NoError(t, err)
		<-handle.Done()
		assert.Equal(t, []string{"progress u 0.5", "complete u", `fail v: shard "s2" of collection "C" is not on node n1`}, log.seen())
	})
}

func TestShardNoopProviderNamesUnitsByTheirKeys(t *testing.T) {
	payload := ShardNoopProviderPayload{Collection: "C", UnitToShard: map[string]string{"u": "s", "v": "s"}, UnitToNode: map[string]string{"u": "n1", "v": "n2"}}
	task := noopTask(payload, pendingUnits("u", "v")...)
	for _, unit := range task.Units {
		unit.ID = ""
	}
	synctest.Test(t, func(t *testing.T) {
		log := &noopLog{}
		p := NewShardNoopProvider("n1", nil, always("s"), "")
		p.SetCompletionRecorder(log)
		handle, err := p.StartTask(task)
		require.NoError(t, err)
		<-handle.Done()
		assert.Equal(t, []string{"progress u 0.5", "complete u"}, log.seen())
	})
}

func TestShardNoopProviderWaitsForTheShardsOfACollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		log := &noopLog{}
		p := NewShardNoopProvider("n1", nil, shardsOf(func(string) ([]string, error) {
			if asked++; asked <= 2 {
				return nil, errors.New("no such index")
			}
			return []string{"s1"}, nil
		}), "")
		p.SetCompletionRecorder(log)
		began := time.Now()
		handle, err := p.StartTask(noopTask(ShardNoopProviderPayload{Collection: "C"}, pendingUnits("s1")...))
		require.NoError(t, err)
		<-handle.Done()
		assert.Equal(t, 1600*time.Millisecond, time.Since(began))
		assert.Equal(t, []string{"progress s1 0.5", "complete s1"}, log.seen())
	})
}

func TestShardNoopProviderWaitsOnItsClock(t *testing.T) {
	clock := clockwork.NewFakeClock()
	log := &noopLog{}
	p := NewShardNoopProvider("n1", nil, nil, "").WithClock(clock)
	p.SetCompletionRecorder(log)
	handle, err := p.StartTask(noopTask(ShardNoopProviderPayload{ProcessingDelayMs: 3_600_000}, pendingUnits("u")...))
	require.NoError(t, err)
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	clock.Advance(time.Hour)
	<-handle.Done()
	assert.Equal(t, []string{"progress u 0.5", "complete u"}, log.seen())
}

func TestShardNoopProviderListsEachStartedRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewShardNoopProvider("n1", nil, nil, "")
		p.SetCompletionRecorder(&noopLog{})
		start := func(id string, version uint64) {
			task := noopTask("", pendingUnits("u")...)
			task.TaskDescriptor = TaskDescriptor{ID: id, Version: version}
			handle, err := p.StartTask(task)
			require.NoError(t, err)
			<-handle.Done()
		}
		start("b", 3)
		start("a", 10)
		start("a", 9)
		start("b", 3)
		assert.Equal(t, []TaskDescriptor{{ID: "a", Version: 9}, {ID: "a", Version: 10}, {ID: "b", Version: 3}}, p.GetLocalTasks())
		require.NoError(t, p.CleanupTask(TaskDescriptor{ID: "a", Version: 10}))
		require.NoError(t, p.CleanupTask(TaskDescriptor{ID: "unknown", Version: 1}))
		assert.Equal(t, []TaskDescriptor{{ID: "a", Version: 9}, {ID: "b", Version: 3}}, p.GetLocalTasks())
	})
}

func TestShardNoopProviderRefusesToStartWithoutARecorder(t *testing.T) {
	p := NewShardNoopProvider("n1", nil, nil, "")
	_, err := p.StartTask(noopTask("", pendingUnits("u")...))
	assert.EqualError(t, err, `shard-noop: task "t": started before a completion recorder was set`)
	assert.Empty(t, p.GetLocalTasks())
}

func TestShardNoopProviderCallbacks(t *testing.T) {
	for name, c := range map[string]struct {
		payload any
		lister  ShardLister
		files   map[string]string
	}{
		"leave markers of their own without a collection": {
			payload: ShardNoopProviderPayload{},
			files: map[string]string{
				".dtm/dtm-finalize/t/u0":      "finalized by n1",
				".dtm/dtm-finalize/t/g/u1":    "finalized by n1",
				".dtm/dtm-finalize/t/g/u2":    "finalized by n1",
				".dtm/dtm-finalize/t/g/u3":    "finalized by n1",
				".dtm/dtm-complete/t/done-n1": "completed by n1, status=FINISHED",
			},
		},
		"leave markers in shard directories with one": {
			payload: ShardNoopProviderPayload{Collection: "Books", UnitToShard: map[string]string{"u1": "s1", "u2": "s1", "u3": "s2"}},
			lister:  always("s1", "s2", "u0"),
			files: map[string]string{
				"books/u0/.dtm-finalize--t--u0":    "finalized by n1",
				"books/s1/.dtm-finalize--t--g--u1": "finalized by n1",
				"books/s1/.dtm-finalize--t--g--u2": "finalized by n1",
				"books/s2/.dtm-finalize--t--g--u3": "finalized by n1",
				"books/.dtm-complete--t--n1":       "completed by n1, status=FINISHED",
			},
		},
		"bring no shard back that has gone": {
			payload: ShardNoopProviderPayload{Collection: "Books", UnitToShard: map[string]string{"u1": "s1", "u2": "s1", "u3": "s2"}},
			lister:  always("s2"),
			files: map[string]string{
				"books/s2/.dtm-finalize--t--g--u3": "finalized by n1",
				"books/.dtm-complete--t--n1":       "completed by n1, status=FINISHED",
			},
		},
		"bring no collection back that has gone": {
			payload: ShardNoopProviderPayload{Collection: "Books"},
			lister:  shardsOf(func(string) ([]string, error) { return nil, nil }),
			files:   map[string]string{},
		},
		"bring nothing back of a collection that cannot be read": {
			payload: ShardNoopProviderPayload{Collection: "Books"},
			lister:  shardsOf(func(string) ([]string, error) { return []string{"u0"}, errors.New("closed") }),
			files:   map[string]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			p := NewShardNoopProvider("n1", nil, c.lister, root)
			task := noopTask(c.payload)
			desc := task.TaskDescriptor
			assert.Empty(t, p.GetFinalizedUnits(desc))
			assert.False(t, p.IsTaskCompleted(desc))

			require.NoError(t, p.OnGroupCompleted(task, "g", []string{"u3", "u1"}))
			require.NoError(t, p.OnGroupCompleted(task, "", []string{"u0"}))
			require.NoError(t, p.OnGroupCompleted(task, "g", []string{"u2", "u1"}), "again, as after a restart")
			require.NoError(t, p.OnSwapRequested(task, "g", []string{"u1"}))
			task.Status = fsm.TaskStatusSwapping
			p.OnTaskCompleted(task)
			task.Status = fsm.TaskStatusFinished
			p.OnTaskCompleted(task)

			require.NoError(t, p.CleanupTask(desc), "which leaves the evidence")
			assert.Equal(t, []string{"u0", "u1", "u2", "u3"}, p.GetFinalizedUnits(desc))
			groups := p.GetFinalizedGroups(desc)
			assert.Equal(t, map[string][]string{"": {"u0"}, "g": {"u1", "u2", "u3"}}, groups)
			groups["g"][0] = "changed"
			assert.Equal(t, "u1", p.GetFinalizedGroups(desc)["g"][0], "the caller owns the result")
			assert.True(t, p.IsTaskCompleted(desc))
			assert.Empty(t, p.GetFinalizedUnits(TaskDescriptor{ID: "t", Version: 8}), "another run")
			assert.Equal(t, c.files, filesBelow(t, root))
		})
	}
}
