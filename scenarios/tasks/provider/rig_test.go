package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/clock"
	"dtsim/sim/disk"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// rig is one node for the providers: its disk outlives the incarnations that boot
// begins.
type rig struct {
	*testing.T
	disk        *disk.Disk
	mount       *disk.Mount
	incarnation int
	cancel      context.CancelFunc

	schema *fakeSchema
	// gone are the runs that are not on record any more.
	gone     map[Run]bool
	recorder *fakeRecorder
	trouble  fakeTrouble
	reached  []plan.Moment
	atMoment func(plan.Moment, Run)
	shards   *Shards
	set      *Set

	mu     sync.Mutex
	events []string
}

// fakeSchema is a schema without a log.
type fakeSchema struct {
	collections []Collection
	flips       []string
	err         error
}

func (s *fakeSchema) Collections() []Collection { return s.collections }

// Index is that of the last change by a user.
func (s *fakeSchema) Index() (last uint64) {
	for _, c := range s.collections {
		last = max(last, c.Born)
		for _, p := range c.Properties {
			last = max(last, p.UserIndex)
		}
	}
	return last
}

func (s *fakeSchema) Flip(_ context.Context, collection, property, tokenization string, run Run, shards []string) error {
	of := ""
	if shards != nil {
		of = fmt.Sprintf(" of %v", shards)
	}
	s.flips = append(s.flips, fmt.Sprintf("%s.%s=%s%s by %s", collection, property, tokenization, of, run))
	if s.err != nil {
		return s.err
	}
	for _, c := range s.collections {
		p := c.Properties[property]
		p.Tokenization, p.FlippedBy = tokenization, run.Version
		c.Properties[property] = p
	}
	return nil
}

func (s *fakeSchema) SwapTenants(_ context.Context, collection, property, tokenization string, run Run, tenants []string) error {
	s.flips = append(s.flips, fmt.Sprintf("%s.%s=%s of %v by %s", collection, property, tokenization, tenants, run))
	if s.err != nil {
		return s.err
	}
	for _, c := range s.collections {
		for _, tenant := range tenants {
			c.Properties[property].SwappedBy[tenant] = run.Version
		}
	}
	return nil
}

// fakeTrouble is the trouble that a test asks for.
type fakeTrouble struct {
	start    error
	unit     map[string]UnitTrouble
	linger   time.Duration
	callback map[string]CallbackTrouble
}

func (f *fakeTrouble) Start(Run) error                             { return f.start }
func (f *fakeTrouble) Unit(_ Run, unit string) UnitTrouble         { return f.unit[unit] }
func (f *fakeTrouble) Linger(Run) time.Duration                    { return f.linger }
func (f *fakeTrouble) Callback(name string, _ Run) CallbackTrouble { return f.callback[name] }

// fakeRecorder notes what is reported; refuse decides what it does not take.
type fakeRecorder struct {
	mu     sync.Mutex
	calls  []string
	refuse func(call string) error
}

func (r *fakeRecorder) note(call string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	if r.refuse != nil {
		return r.refuse(call)
	}
	return nil
}

func (r *fakeRecorder) RecordDistributedTaskUnitCompletion(_ context.Context, _, _ string, _ uint64, _, unit string) error {
	return r.note("complete " + unit)
}

func (r *fakeRecorder) RecordDistributedTaskUnitFailure(_ context.Context, _, _ string, _ uint64, _, unit, message string) error {
	return r.note("fail " + unit + ": " + message)
}

func (r *fakeRecorder) UpdateDistributedTaskUnitProgress(_ context.Context, _, _ string, _ uint64, _, unit string, progress float32) error {
	return r.note(fmt.Sprintf("progress %s %g", unit, progress))
}

// inBubble runs a test on the node n1, which holds the shards s1 and s2 of Articles.
func inBubble(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, disk: disk.New(disk.Config{Node: "n1"}), recorder: &fakeRecorder{}, gone: make(map[Run]bool)}
		r.schema = &fakeSchema{collections: []Collection{{
			Name: "Articles", Born: 5, Properties: map[string]Property{"title": {Tokenization: "word", UserIndex: 5, SwappedBy: map[string]uint64{}}},
			Replicas: map[string][]string{"s1": {"n1", "n2"}, "s2": {"n1"}, "s3": {"n2"}},
		}}}
		r.boot()
		require.Equal(t, []string{"created s1", "created s2"}, r.changes(), "s3 is not on this node")
		f(r)
		r.cancel()
		synctest.Wait()
	})
}

// boot begins an incarnation on what is on the disk.
func (r *rig) boot() {
	if r.cancel != nil {
		r.cancel()
		synctest.Wait()
	}
	r.incarnation++
	r.mount = r.disk.Open(r.incarnation)
	halt, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	var err error
	r.shards, err = OpenShards("n1", r.mount.Files(), r.emit, r.reach)
	require.NoError(r, err)
	r.set = NewSet(Env{
		Node: "n1", Seed: 1, Clock: clock.New(0), Files: r.mount.Files(), Shards: r.shards, Schema: r.schema, Emit: r.emit, Halt: halt,
		Trouble: &r.trouble, Reach: func(m plan.Moment, _ Run) { r.reached = append(r.reached, m) },
		OnRecord: func(run Run) bool { return !r.gone[run] },
	})
	require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
	for _, p := range r.set.Providers() {
		p.SetCompletionRecorder(r.recorder)
	}
}

// reach lets the test do something at a moment of the shards.
func (r *rig) reach(m plan.Moment, run Run) {
	if r.atMoment != nil {
		r.atMoment(m, run)
	}
}

// crash ends the incarnation without a chance to finish anything, and boots.
func (r *rig) crash() {
	r.mount.Crash()
	r.boot()
}

func (r *rig) emit(body trace.Body) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch b := body.(type) {
	case *taskevent.ShardChanged:
		r.events = append(r.events, b.Why+" "+b.Shard)
	case *taskevent.WorkStarted:
		r.events = append(r.events, "work "+b.Unit)
	}
}

// changes returns the events of one kind of change since the last time, sorted.
func (r *rig) changes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Sorted(slices.Values(r.events))
	r.events = nil
	return all
}

// serves returns what the shards on the node serve for the title.
func (r *rig) serves() map[string]string {
	m := make(map[string]string)
	for _, s := range r.shards.All() {
		m[s.Shard] = s.Active["title"].Tokenization
	}
	return m
}

// task returns a record whose units are those of the payload.
func (r *rig) task(t taskplan.Task, status fsm.TaskStatus, units fsm.UnitStatus) *fsm.Task {
	t.MinUnitTime = plan.Duration(4 * time.Second)
	var of []taskplan.Unit
	switch t.Kind {
	case taskplan.Cleanup:
		of = taskplan.UnitsOf(&t, nil, 2)
	default:
		t.Collection = "Articles"
		for _, at := range []Place{{"s1", "n1"}, {"s1", "n2"}, {"s2", "n1"}, {"s3", "n2"}} {
			of = append(of, taskplan.Unit{ID: taskplan.UnitID(at.Shard, at.Node), Shard: at.Shard, Node: at.Node})
		}
	}
	p := NewPayload(t, of)
	payload, err := json.Marshal(p)
	require.NoError(r, err)
	task := &fsm.Task{
		Namespace: string(t.Kind), TaskDescriptor: fsm.TaskDescriptor{ID: t.ID, Version: 9}, Payload: payload,
		NeedsPreparationBarrier: t.Barrier, Status: status, Units: make(map[string]*fsm.Unit),
	}
	for _, u := range of {
		unit := &fsm.Unit{ID: u.ID, GroupID: p.group(u.Shard), Status: units}
		if units != fsm.UnitStatusPending {
			unit.NodeID = u.Node
		}
		task.Units[u.ID] = unit
	}
	return task
}

var errBusy = errors.New("busy")
