package logs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dtsim/fsm"
	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/explore"
	"dtsim/models/spec"
	"dtsim/models/spec/refinement"
)

// MaxLength is how many commands there are at most behind a beginning.
const MaxLength = 3

// Shortest is how many logs there are of one command at most behind each beginning.
const Shortest = 1_575

// State is a log: a beginning and the commands behind it.
type State struct {
	begin, length uint8
	commands      [MaxLength]uint8
	// content is a hash of what a replica holds behind the log, see [pair.content]; 0 in a
	// machine that takes every log.
	content uint64
}

// Model is the machine. It is safe for concurrent use.
//
// Up to [Each] commands it takes every log. Of longer ones it takes one for every state that
// logs of one command less lead to: those that lead to the same state are extended once, by
// way of [Model.Fingerprint]. That is sound as far as what a replica does with a command
// depends on its tasks and its schema alone: what else it holds are the session of the only
// client, of which no request waits for an older one, and the index, which becomes the
// version of a new task and is kept where it may be one that commands name. In particular a
// command that is refused without effect is not extended. What the shipped code might hold
// besides shows, if at all, in the logs of Each commands, of which none is left out.
//
// With several workers it depends on them which of the logs that lead to a state is
// extended; what is counted does not.
type Model struct {
	length int
	// merged: logs that lead to the same state are one.
	merged   bool
	begins   []beginning
	alphabet []command
}

// Each is how many commands logs have of which each is taken.
const Each = 2

// New returns the machine of all logs of that many commands behind each beginning.
func New(length int) *Model {
	if length < 1 || length > MaxLength {
		panic(fmt.Sprintf("logs: %d commands, want 1 to %d", length, MaxLength))
	}
	return &Model{length: length, merged: length > Each, begins: beginnings(), alphabet: alphabet()}
}

// NewMerged returns the machine of logs of that many commands that extends only one of those
// that lead to the same state, however short they are.
func NewMerged(length int) *Model {
	m := New(length)
	m.merged = true
	return m
}

// Fingerprint implements [explore.Fingerprinter].
func (m *Model) Fingerprint(s *State) uint64 {
	h := fnv.New64a()
	if s.content != 0 {
		h.Write(binary.LittleEndian.AppendUint64([]byte{s.length}, s.content))
		return h.Sum64()
	}
	h.Write([]byte{s.begin, s.length})
	h.Write(s.commands[:])
	return h.Sum64()
}

// Properties implements [explore.Model].
func (m *Model) Properties() []string { return []string{"P1", "P2", "P15", "P18"} }

// Initial implements [explore.Model]: every beginning.
func (m *Model) Initial(states []State) []State {
	for i := range m.begins {
		states = append(states, State{begin: uint8(i)})
	}
	return states
}

// repeat is the action that leaves the log as it is: snapshots are restored, and the newest
// request is applied again. The other actions are the alphabet.
const repeat = explore.Action(1 << 8)

// Enabled implements [explore.Model]: anything may come next.
func (m *Model) Enabled(s *State, actions []explore.Action) []explore.Action {
	if int(s.length) == m.length {
		return actions
	}
	for i := range m.alphabet {
		actions = append(actions, explore.Action(i))
	}
	return append(actions, repeat)
}

// Describe implements [explore.Model].
func (m *Model) Describe(s *State, a explore.Action) string {
	if a == repeat {
		return fmt.Sprintf("%s: other snapshots, and the newest request once more", m.begins[s.begin].name)
	}
	return fmt.Sprintf("%s: %s", m.begins[s.begin].name, m.alphabet[a])
}

// Step implements [explore.Model].
func (m *Model) Step(s *State, a explore.Action) (next State, broken *explore.Broken) {
	next = *s
	if a != repeat {
		next.commands[s.length], next.length = uint8(a), s.length+1
	}
	defer func() {
		if p := recover(); p != nil {
			broken = &explore.Broken{Property: "P18", Message: fmt.Sprintf("%s: panic: %v", m.Describe(s, a), p)}
		}
	}()
	p := newPair()
	for _, c := range m.log(s) {
		if broken := p.apply(c); broken != nil {
			return next, broken
		}
		if a == repeat && s.length == 0 { // of other states, the steps that led there were
			if broken := p.records(c); broken != nil {
				return next, broken
			}
		}
	}
	if a == repeat {
		for _, check := range []func() *explore.Broken{p.snapshots, p.applyAgain, p.stale, func() *explore.Broken { return m.later(s) }} {
			if broken := check(); broken != nil {
				return next, broken
			}
		}
		if s.begin == 0 && s.length == 0 {
			return next, p.sessionLimit()
		}
		return next, nil
	}
	restored, err := p.restored()
	if err != nil {
		return next, &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
	}
	c := m.alphabet[a]
	if broken := p.apply(c); broken != nil {
		return next, broken
	}
	if broken := p.records(c); broken != nil {
		return next, broken
	}
	if m.merged {
		if next.content, err = p.content(); err != nil {
			return next, &explore.Broken{Property: "P1", Message: err.Error()}
		}
	}
	return next, p.compare(restored, c)
}

// content is a hash of what a replica holds but for sessions and its index, unless that is a
// version which commands name. It is not 0.
func (p *pair) content() (uint64, error) {
	state, err := p.replica.State()
	if err != nil {
		return 0, err
	}
	var d map[string]json.RawMessage
	if err := json.Unmarshal(state, &d); err != nil {
		return 0, fmt.Errorf("the state is no document: %w", err)
	}
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if name != "applied_index" && name != "sessions" {
			fmt.Fprintf(h, "%s %s ", name, d[name])
		}
	}
	fmt.Fprintf(h, "%d %d", p.flipped, min(p.index, version(free)))
	return max(1, h.Sum64()), nil
}

// log is what a state holds.
func (m *Model) log(s *State) []command {
	list := append([]command(nil), m.begins[s.begin].commands...)
	for _, c := range s.commands[:s.length] {
		list = append(list, m.alphabet[c])
	}
	return list
}

// pair is a replica and the specification it is compared with.
type pair struct {
	replica *replica.Replica
	machine spec.Machine
	// schema are the collections by folded name, flipped the newest task that has flipped
	// the one property that tasks flip.
	schema  map[string]*created
	flipped uint64
	// waits: the client waits for all of its requests.
	waits  bool
	index  uint64
	newest *raft.Log
	result replica.Result

	// random is what there is of random logs alone; nil in the others.
	random *history
}

func newPair() *pair { return newPairOf(0) }

// newPairOf makes a pair with room for so many sessions; 0 is the default.
func newPairOf(sessions int) *pair {
	conflicts := map[string]fsm.ConflictDetector{guarded: guard{}}
	mutations := map[string]fsm.SchemaMutationDetector{guarded: guard{}}
	extractors := map[string]fsm.CollectionExtractor{guarded: bound, loose: looselyBound}
	return &pair{
		replica: replica.New(replica.Config{ConflictDetectors: conflicts, SchemaMutationDetectors: mutations, CollectionExtractors: extractors, MaxSessions: sessions}),
		machine: spec.New(refinement.Rules(conflicts, mutations, extractors)),
		schema:  map[string]*created{},
	}
}

// entry is the log entry of a command: every command is a request of its own, of one
// client, that waits for nothing else, or for everything.
func (p *pair) entry(c command) *raft.Log {
	id := api.RequestID{Client: "c", Seq: p.index, Low: p.index}
	if p.waits {
		id.Low = 1
	}
	if p.random != nil {
		id = p.random.request(p.index)
	}
	return &raft.Log{Index: p.index, Type: raft.LogCommand, Data: api.Encode(&api.ApplyRequest{
		Type: c.kind, Class: c.class, SubCommand: []byte(c.body), RequestID: id,
	})}
}

// apply applies a command to both and compares the verdicts.
func (p *pair) apply(c command) *explore.Broken {
	p.index++
	p.newest = p.entry(c)
	p.result = p.replica.Apply(p.newest).(replica.Result)
	if p.random != nil {
		if broken, refused := p.random.applied(p, c); broken != nil || refused {
			return broken
		}
	}
	if broken := sameVerdict(c, p.result.Err); broken != nil {
		return broken
	}
	got, want := refinement.Verdict(p.result.Err), p.step(c)
	if got != want {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("%s is %s (%v), and should be %s", c, got, p.result.Err, want)}
	}
	return nil
}

// step takes the step of the specification.
func (p *pair) step(c command) spec.Verdict {
	if c.schema != nil {
		return c.schema(p)
	}
	next, v := p.machine.Step(p.index, &api.ApplyRequest{Type: c.kind, SubCommand: []byte(c.body)})
	if c.kind == api.CommandAddTask && v.Class == spec.OK && p.unbound(c) {
		return notNow
	}
	p.machine = next
	return v
}

// sameVerdict compares the forms in which an outcome reaches its proposer.
func sameVerdict(c command, err error) *explore.Broken {
	if err == nil {
		return nil
	}
	want := refinement.Verdict(err)
	if newer := refinement.Verdict(ofANewerVersion(err)); newer.Class != want.Class {
		return &explore.Broken{Property: "P15", Message: fmt.Sprintf("%s is %s, and with a marker that only a newer version knows %s: %s", c, want, newer, err)}
	}
	for _, form := range []struct {
		how string
		got spec.Verdict
	}{
		{"as text", spec.ReadVerdict(err.Error())},
		{"forwarded", refinement.Verdict(forwarded(err))},
		{"forwarded twice", refinement.Verdict(forwarded(forwarded(err)))},
		{"wrapped", refinement.Verdict(forwarded(fmt.Errorf("executing command: %w", err)))},
	} {
		if how, got := form.how, form.got; got != want {
			return &explore.Broken{Property: "P15", Message: fmt.Sprintf("%s is %s, and %s %s: %s",
				c, want, how, got, err)}
		}
	}
	return nil
}

// ofANewerVersion is a rejection as it comes from a node of a newer version, that has a reason of its own for
// it: its class has to be known.
func ofANewerVersion(err error) error {
	s, ok := status.FromError(fsm.ToRPCError(err))
	if !ok || s.Code() == codes.OK {
		return err
	}
	_, text, _ := strings.Cut(s.Message(), "] ")
	return fsm.RehydratePermanentRejection(status.Error(s.Code(), "[dtm-perm/of-a-newer-version] "+text))
}

// forwarded is a rejection as another node receives it.
func forwarded(err error) error {
	if travels := fsm.ToRPCError(err); travels != nil {
		return fsm.RehydratePermanentRejection(travels)
	}
	return err
}

// records compares the records of tasks and the schema.
func (p *pair) records(c command) *explore.Broken {
	state, err := p.replica.State()
	if err != nil {
		return &explore.Broken{Property: "P1", Message: err.Error()}
	}
	var document struct {
		Tasks json.RawMessage `json:"distributed_tasks"`
	}
	if err := json.Unmarshal(state, &document); err != nil {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state is no document: %s", err)}
	}
	if d := p.machine.Diff(document.Tasks); d != "" {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("after %s: %s", c, d)}
	}
	return p.collections(c)
}

// addressed returns the namespace and the payload of a new task, which bind it to a
// collection.
func addressed(c command) (namespace string, payload []byte, err error) {
	var q api.AddDistributedTaskRequest
	if err := json.Unmarshal([]byte(c.body), &q); err != nil {
		return "", nil, err
	}
	return q.Namespace, q.Payload, nil
}

// restored is a replica that has the state from a snapshot.
func (p *pair) restored() (*replica.Replica, error) {
	state, err := p.replica.State()
	if err != nil {
		return nil, err
	}
	r := newPair().replica
	return r, r.Restore(io.NopCloser(bytes.NewReader(state)))
}

// compare lets a restored replica catch up and compares it.
func (p *pair) compare(restored *replica.Replica, c command) *explore.Broken {
	result := restored.Apply(p.newest).(replica.Result)
	if fmt.Sprint(result) != fmt.Sprint(p.result) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("%s: %v, behind a snapshot %v", c, p.result, result)}
	}
	x, errX := p.replica.State()
	y, errY := restored.State()
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("after %s the state is %s, behind a snapshot %s (%v, %v)", c, x, y, errX, errY)}
	}
	return nil
}

// applyAgain applies the newest request once more.
func (p *pair) applyAgain() *explore.Broken {
	if p.newest == nil {
		return nil
	}
	p.index++
	entry := *p.newest
	entry.Index = p.index
	result := p.replica.Apply(&entry).(replica.Result)
	if fmt.Sprint(result) != fmt.Sprint(p.result) {
		return &explore.Broken{Property: "P2", Message: fmt.Sprintf("a request has the outcome %v, and when it comes again %v", p.result, result)}
	}
	return p.records(command{})
}
