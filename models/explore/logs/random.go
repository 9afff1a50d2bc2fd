package logs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/explore"
	"dtsim/models/spec"
	"dtsim/scenarios/tasks/taskevent"
)

// RandomLength is how many steps a random log has.
const RandomLength = 60

// Finding is what is wrong with a random log.
type Finding struct {
	explore.Broken
	// Seed and Number name the log; Log is what is left of it when everything is gone that it
	// does not take.
	Seed, Number uint64
	Log          []string
}

// Random applies a random log of [RandomLength] steps, number of those of a seed, and returns what is wrong
// with it; nil for nothing. What exhaustive search cannot reach is in such logs: many tasks, acks before
// their phase, runs of the same id, values of all kinds, snapshots that are written while commands are
// applied, copies that readers hold and write to. The log is a function of seed and number.
func Random(seed, number uint64) *Finding {
	r := &random{Rand: rand.New(rand.NewPCG(seed, number)), letters: alphabet()}
	p := newRandomPair()
	var steps []step
	if r.IntN(4) > 0 {
		begins := beginnings()
		for _, c := range begins[1+r.IntN(len(begins)-1)].commands {
			steps = append(steps, step{command: c})
		}
	}
	for len(steps) < RandomLength {
		broken := r.play(p, steps)
		for broken == nil && len(steps) < RandomLength {
			s := r.step(p)
			steps = append(steps, s)
			broken = p.take(s)
		}
		if broken != nil {
			return r.shrink(steps, &Finding{Broken: *broken, Seed: seed, Number: number})
		}
	}
	if broken := p.end(); broken != nil {
		return r.shrink(steps, &Finding{Broken: *broken, Seed: seed, Number: number})
	}
	return nil
}

// random draws the steps of a log.
type random struct {
	*rand.Rand
	letters []command
	clock   int64
}

// step is one of a log: a command, or something else that a replica goes through.
type step struct {
	command
	other other
	// nth is the request that comes again.
	nth int
	// nameless: the command is no request of a client, as those of older versions.
	nameless bool
	// client is who sends the command.
	client int
}

type other string

const (
	restart    other = "restored from its snapshot" // and the replica goes on from there
	install    other = "installed over another state"
	write      other = "snapshot written, that was captured before"
	capture    other = "snapshot captured"
	spoil      other = "readers write to their copies"
	comesAgain other = "a request comes again"
	newer      other = "a newer version has a task in a status of its own, and is rolled back"
)

func (s step) String() string {
	switch {
	case s.other == comesAgain:
		return fmt.Sprintf("%s, number %d", s.other, s.nth)
	case s.other != "":
		return string(s.other)
	case s.nameless:
		return s.command.String() + ", without a name"
	}
	return s.command.String()
}

// play takes steps.
func (r *random) play(p *pair, steps []step) *explore.Broken {
	for _, s := range steps {
		if broken := p.take(s); broken != nil {
			return broken
		}
	}
	return nil
}

// shrink leaves out what the finding does not take.
func (r *random) shrink(steps []step, f *Finding) *Finding {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(steps); {
			fewer := slices.Concat(steps[:at], steps[at+size:])
			p := newRandomPair()
			broken := r.play(p, fewer)
			if broken == nil {
				broken = p.end()
			}
			if broken != nil && broken.Property == f.Property {
				steps, f.Broken = fewer, *broken
			} else {
				at += size
			}
		}
	}
	for _, s := range steps {
		f.Log = append(f.Log, s.String())
	}
	return f
}

// step draws the next step of a log.
func (r *random) step(p *pair) step {
	switch n := r.IntN(100); {
	case n < 3:
		return step{other: restart}
	case n < 5:
		return step{other: install}
	case n < 8:
		return step{other: capture}
	case n < 11:
		return step{other: write}
	case n < 17:
		return step{other: spoil}
	case n < 21:
		return step{other: comesAgain, nth: r.IntN(RandomLength)}
	case n < 22:
		return step{other: newer}
	case n < 40:
		return step{command: pickOf(r, r.letters...), nameless: r.IntN(12) == 0, client: r.client()}
	}
	return step{command: r.command(p), nameless: r.IntN(12) == 0, client: r.client()}
}

// client is mostly one of a few, so that the others lose their sessions.
func (r *random) client() int { return min(r.IntN(2*clientsAtOnce), r.IntN(2*clientsAtOnce)) }

func pickOf[T any](r *random, of ...T) T { return of[r.IntN(len(of))] }

// ids and units that tasks have; others are never there.
var (
	namespaces = []string{guarded, guarded, free, loose}
	ids        = []string{"t", "t", "other", "T"}
	nodes      = []string{"n1", "n2", "n3"}
	unitIDs    = []string{"u", "v", "w"}
)

// at is a time, mostly later than those before.
func (r *random) at() int64 {
	r.clock += pickOf(r, int64(0), 1, 10, 1000)
	if r.IntN(20) == 0 {
		return pickOf(r, last, past, old, 0, r.clock/2)
	}
	return 10_000 + r.clock
}

// version is mostly that of the run on record.
func (r *random) version(t *spec.Task, index uint64) uint64 {
	if t == nil || r.IntN(12) == 0 {
		return pickOf(r, 0, 2, 3, index, index+1)
	}
	return t.Version
}

// words are an error text, which may be there for no reason, or missing.
func (r *random) words(failed bool) string {
	if failed == (r.IntN(6) > 0) {
		return pickOf(r, "no", "broken: \"x\"\n", "[dtm-perm/unit-terminal] no")
	}
	return ""
}

// command draws one of the task API: in half of the cases one that brings a task on.
func (r *random) command(p *pair) command {
	namespace, id := pickOf(r, namespaces...), pickOf(r, ids...)
	if r.IntN(15) > 0 {
		id = pickOf(r, "t", "other")
	}
	t := p.machine.Task(namespace, id)
	version, node, unit := r.version(t, p.index), pickOf(r, nodes...), pickOf(r, append(unitIDs, "x")...)
	if t == nil && r.IntN(3) > 0 {
		return r.add(namespace, id)
	}
	kind := r.IntN(9)
	if t != nil && r.IntN(2) == 0 {
		kind, node, unit = r.next(t, node, unit)
	}
	ok := r.IntN(5) > 0
	switch kind {
	case 0:
		return r.add(namespace, id)
	case 1:
		return of(api.CommandRecordUnitCompletion, api.RecordDistributedTaskUnitCompletionRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Error: r.words(r.IntN(8) == 0), FinishedAtUnixMillis: r.at()})
	case 2:
		return of(api.CommandUpdateUnitProgress, api.UpdateDistributedTaskUnitProgressRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, UnitId: unit, Progress: pickOf(r, float32(0), 0.25, 0.5, 0.1, 1), UpdatedAtUnixMillis: r.at()})
	case 3:
		return of(api.CommandRecordPreparationAck, api.RecordDistributedTaskPreparationCompleteAckRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, Success: ok, Error: r.words(!ok), AckedAtUnixMillis: r.at()})
	case 4:
		return of(api.CommandRecordPostAck, api.RecordDistributedTaskPostCompletionAckRequest{
			Namespace: namespace, Id: id, Version: version, NodeId: node, Success: ok, Error: r.words(!ok), AckedAtUnixMillis: r.at()})
	case 5:
		return of(api.CommandMarkTaskFinalized, api.MarkTaskFinalizedRequest{Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: r.at()})
	case 6:
		return of(api.CommandCancelTask, api.CancelDistributedTaskRequest{Namespace: namespace, Id: id, Version: version, CancelledAtUnixMillis: r.at()})
	case 7:
		return of(api.CommandMarkTaskFailed, api.MarkTaskFailedRequest{Namespace: namespace, Id: id, Version: version, Error: r.words(true), FailedAtUnixMillis: r.at()})
	}
	return of(api.CommandCleanUpTask, api.CleanUpDistributedTaskRequest{
		Namespace: namespace, Id: id, Version: version, CleanedUpAtUnixMillis: pickOf(r, 0, r.at()), CompletedTaskTtlMillis: pickOf(r, int64(0), 1, 100, 1000, -1)})
}

// next is what brings a task on: the command, and of which node and unit.
func (r *random) next(t *spec.Task, node, unit string) (kind int, by, about string) {
	var owners []string
	for id, u := range t.Units.All() {
		if u.Node != "" {
			owners = append(owners, u.Node)
		}
		if !u.Status.Terminal() && r.IntN(2) == 0 {
			unit = id
			if u.Node != "" {
				node = u.Node
			}
		}
	}
	if len(owners) > 0 && t.Status != spec.Started {
		node = pickOf(r, owners...)
	}
	switch t.Status {
	case spec.Started:
		return pickOf(r, 1, 1, 2), node, unit
	case spec.Preparing:
		return 3, node, unit
	case spec.Swapping:
		return pickOf(r, 4, 4, 5), node, unit
	}
	return pickOf(r, 0, 8), node, unit
}

func (r *random) add(namespace, id string) command {
	q := api.AddDistributedTaskRequest{
		Namespace: namespace, Id: id, Payload: []byte(pickOf(r, "Books", "Books", "books", "Papers", "", "unreadable")),
		SubmittedAtUnixMillis: r.at(), NeedsPreparationBarrier: r.IntN(2) == 0, AcksRequired: r.IntN(2) == 0,
	}
	for _, u := range unitIDs[:1+r.IntN(len(unitIDs))] {
		if r.IntN(4) == 0 {
			q.UnitIds = append(q.UnitIds, u)
		} else {
			q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: u, GroupId: pickOf(r, "", "group", "other group")})
		}
	}
	return of(api.CommandAddTask, q)
}

// loose is a namespace whose tasks are bound to collections by payloads that may not be
// readable, and that nothing guards.
const loose = "b"

// looselyBound is the collection of a payload of that namespace.
func looselyBound(payload []byte) (string, bool) {
	if string(payload) == "unreadable" {
		return "", false
	}
	return bound(payload)
}

// captured is a snapshot that is written later.
type captured struct {
	of    raft.FSMSnapshot
	state []byte
}

// take takes a step of a random log.
func (p *pair) take(s step) (broken *explore.Broken) {
	defer func() {
		if panicked := recover(); panicked != nil {
			broken = &explore.Broken{Property: "P18", Message: fmt.Sprintf("%s: panic: %v", s, panicked)}
		}
	}()
	switch s.other {
	case "":
	case restart, install:
		return p.again(s.other == install)
	case capture:
		return p.capture()
	case write:
		return p.end()
	case newer:
		return p.newer()
	case spoil:
		return p.spoil()
	case comesAgain:
		return p.repeat(s.nth)
	}
	p.random.sender, p.random.nameless = s.client, s.nameless
	if broken := p.apply(s.command); broken != nil {
		return broken
	}
	return p.records(s.command)
}

// again goes on with a replica that has restored the state: an empty one, or one that held another.
func (p *pair) again(over bool) *explore.Broken {
	state, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	other := newPairOf(clientsAtOnce)
	if over && p.index > 3 {
		for _, c := range beginnings()[2].commands {
			other.apply(c)
		}
	}
	if err := restore(other.replica, state); err != nil {
		return &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
	}
	if now, err := other.replica.State(); err != nil || !bytes.Equal(now, state) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state, restored, becomes another one: %s (%v)", difference(state, now), err)}
	}
	p.random.twin, p.replica = p.replica, other.replica
	return nil
}

func (p *pair) capture() *explore.Broken {
	state, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	snapshot, err := p.replica.Snapshot()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: "snapshot: " + err.Error()}
	}
	p.random.captured = append(p.random.captured, captured{snapshot, state})
	return nil
}

// end writes the snapshots that were captured: each holds what there was. And a replica that went on from
// a snapshot is as one that did not need it.
func (p *pair) end() *explore.Broken {
	if twin := p.random.twin; twin != nil {
		if broken := same(twin, p.replica, 0); broken != nil {
			return broken
		}
	}
	for _, c := range p.random.captured {
		var sink sink
		if err := c.of.Persist(&sink); err != nil {
			return &explore.Broken{Property: "P1", Message: "persist: " + err.Error()}
		}
		if !bytes.Equal(sink.Bytes(), c.state) {
			return &explore.Broken{Property: "P1", Message: "a snapshot that is written while commands are applied holds another state: " + difference(c.state, sink.Bytes())}
		}
	}
	p.random.captured = nil
	return nil
}

// sink is a raft.SnapshotSink in memory.
type sink struct{ bytes.Buffer }

func (*sink) ID() string    { return "" }
func (*sink) Cancel() error { return nil }
func (*sink) Close() error  { return nil }

var _ io.WriteCloser = (*sink)(nil)

// spoil writes to what readers are given: it is theirs, and the state stays as it is.
func (p *pair) spoil() *explore.Broken {
	before, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	for namespace, tasks := range p.replica.Tasks() {
		for _, t := range tasks {
			for id := range t.Units {
				if _, u, err := p.replica.Unit(namespace, t.ID, t.Version, id); err == nil && u != nil {
					*u = fsm.Unit{ID: "spoilt"}
				}
			}
			for _, u := range t.Units {
				*u = fsm.Unit{ID: "spoilt"}
			}
			clear(t.Units)
			clear(t.PreparationCompletionAcks)
			clear(t.PostCompletionAcks)
			*t = fsm.Task{Status: "spoilt"}
		}
	}
	if broken := spoilOne(before); broken != nil {
		return broken
	}
	for _, c := range p.replica.Schema().Collections {
		for _, s := range c.Shards {
			for i := range s.Nodes {
				s.Nodes[i] = "spoilt"
			}
			clear(s.Swapped)
		}
		clear(c.Shards)
		clear(c.Properties)
	}
	after, err := p.replica.State()
	if err != nil || !bytes.Equal(before, after) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state is another one since a reader has written to its copy: %s (%v)", difference(before, after), err)}
	}
	return nil
}

// newer has a task in a status that only a newer version knows.
func (p *pair) newer() *explore.Broken {
	state, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	d := document(state)
	if !inTask(func(task map[string]any) bool { task["status"] = "ARCHIVING"; return true })(d) {
		return nil // there is no task
	}
	state = encoded(d)
	other := newPairOf(clientsAtOnce)
	if err := restore(other.replica, state); err != nil {
		return &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
	}
	tasks, err := json.Marshal(d["distributed_tasks"])
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	if p.machine, err = p.machine.Restore(tasks); err != nil {
		return &explore.Broken{Property: "P1", Message: "the specification: " + err.Error()}
	}
	p.random.twin, p.replica = nil, other.replica
	return p.records(command{})
}

// clientsAtOnce is how many clients have a session; there are twice as many.
const clientsAtOnce = 3

// history is what there was in a random log.
type history struct {
	log      []logged
	captured []captured
	// twin is the replica that the other was restored from; it goes on, too.
	twin *replica.Replica
	// sender is who sends the next command, nobody if nameless.
	sender   int
	nameless bool
	clients  [2 * clientsAtOnce]client
	// sessions are when each client that has one has used it last, by its name.
	sessions map[string]uint64
	id       api.RequestID
}

// client is one that waits for all of its requests. When it has lost its session, it begins
// anew under another name.
type client struct {
	names      int
	seq, since uint64
}

// spoilOne does so with single tasks of a manager that has this state.
func spoilOne(state []byte) *explore.Broken {
	broken := func(what string, err error) *explore.Broken {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("%s: %v", what, err)}
	}
	tasks, err := json.Marshal(document(state)["distributed_tasks"])
	if err != nil {
		return broken("tasks of the state", err)
	}
	m := fsm.NewManager(fsm.ManagerParameters{})
	if err := m.Restore(tasks); err != nil {
		return broken("restore", err)
	}
	before, err := m.AppendState(nil)
	if err != nil {
		return broken("state", err)
	}
	all, err := m.ListDistributedTasks(context.Background())
	if err != nil {
		return broken("list", err)
	}
	for namespace, of := range all {
		for _, listed := range of {
			t, err := m.Task(namespace, listed.ID, listed.Version)
			if err != nil {
				return broken("task "+listed.ID, err)
			}
			for _, u := range t.Units {
				*u = fsm.Unit{ID: "spoilt"}
			}
			clear(t.Units)
			clear(t.PreparationCompletionAcks)
			clear(t.PostCompletionAcks)
			*t = fsm.Task{Status: "spoilt"}
		}
	}
	if after, err := m.AppendState(nil); err != nil || !bytes.Equal(before, after) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state is another one since a reader has written to its copy of a task: %s (%v)", difference(before, after), err)}
	}
	return nil
}

// logged is a request that was applied.
type logged struct {
	entry  *raft.Log
	id     api.RequestID
	result replica.Result
}

func newRandomPair() *pair {
	p := newPairOf(clientsAtOnce)
	p.random = &history{sessions: map[string]uint64{}}
	return p
}

// request names the next command.
func (h *history) request(index uint64) api.RequestID {
	h.id = api.RequestID{}
	if !h.nameless {
		c := &h.clients[h.sender]
		if c.seq == 0 {
			c.since = max(1, index-1)
		}
		c.seq++
		h.id = api.RequestID{Client: fmt.Sprintf("c%d-%d", h.sender, c.names), Seq: c.seq, Low: 1, Since: c.since}
	}
	return h.id
}

// expired reports whether the client of a request has lost its session, and keeps the table.
func (h *history) expired(id api.RequestID, index uint64) bool {
	if _, has := h.sessions[id.Client]; !has {
		if id.Seq > 1 || id.Since < index-1 && index > 2 {
			return true
		}
		if len(h.sessions) == clientsAtOnce {
			oldest := slices.MinFunc(slices.Collect(maps.Keys(h.sessions)), func(a, b string) int { return cmp.Compare(h.sessions[a], h.sessions[b]) })
			delete(h.sessions, oldest)
		}
	}
	h.sessions[id.Client] = index
	return false
}

// applied looks at a command that was applied; refused means that its session was lost, and
// the specification has not heard of it.
func (h *history) applied(p *pair, c command) (broken *explore.Broken, refused bool) {
	if broken := h.follow(p, p.newest, p.result); broken != nil {
		return broken, false
	}
	if h.nameless {
		return nil, false
	}
	lost := refusedFor(taskevent.SessionExpired, p.result.Err)
	if lost != h.expired(h.id, p.index) {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("%s of %v has the outcome %v; of %d sessions that last used goes that is the oldest", c, h.id, p.result, clientsAtOnce)}, false
	}
	if lost {
		h.clients[h.sender] = client{names: h.clients[h.sender].names + 1}
		return nil, true
	}
	h.log = append(h.log, logged{p.newest, h.id, p.result})
	return nil, false
}

// follow has the twin apply an entry.
func (h *history) follow(p *pair, entry *raft.Log, result replica.Result) *explore.Broken {
	if h.twin == nil {
		return nil
	}
	if other := h.twin.Apply(entry).(replica.Result); fmt.Sprint(other) != fmt.Sprint(result) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the outcome is %v, and on the replica that the snapshot is of %v", result, other)}
	}
	return nil
}

// repeat applies a request once more.
func (p *pair) repeat(nth int) *explore.Broken {
	if len(p.random.log) == 0 {
		return nil
	}
	first := p.random.log[nth%len(p.random.log)]
	p.index++
	entry := *first.entry
	entry.Index = p.index
	result := p.replica.Apply(&entry).(replica.Result)
	if broken := p.random.follow(p, &entry, result); broken != nil {
		return broken
	}
	if p.random.expired(first.id, p.index) {
		if !refusedFor(taskevent.SessionExpired, result.Err) {
			return &explore.Broken{Property: "P2", Message: fmt.Sprintf("a request comes again when its session is lost, and has the outcome %v", result)}
		}
	} else if fmt.Sprint(result) != fmt.Sprint(first.result) {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("a request has the outcome %v, and when it comes again %v", first.result, result)}
	}
	return p.records(command{})
}

// Error is the finding with its log.
func (f *Finding) Error() string {
	return fmt.Sprintf("random log %d of seed %d: %s\n  %s", f.Number, f.Seed, f.Message, strings.Join(f.Log, "\n  "))
}
