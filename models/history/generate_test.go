package history

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"

	"dtsim/fsm/api"
	"dtsim/models/spec"
)

// system is a linearizable system, as the specification would be one, with flaws that
// can be asked for. Its clients' operations take effect one after the other, each at
// some time between its call and its return.
type system struct {
	rand    *rand.Rand
	machine spec.Machine
	index   uint64
	now     int64
	tasks   []string
	born    int
	h       History
	// lose and repeat are positions: the first command from the one on that changes
	// something is answered and lost, and from the other on the first old one that
	// changes something again takes effect again.
	lose, repeat int
	old          []*api.ApplyRequest
}

const slots = 20

func newSystem(seed uint64) *system {
	s := &system{rand: rand.New(rand.NewPCG(seed, 0)), now: 1000, lose: -1, repeat: -1}
	for range slots {
		s.tasks = append(s.tasks, s.fresh())
	}
	return s
}

func (s *system) fresh() string {
	s.born++
	return fmt.Sprintf("task-%d", s.born)
}

// run performs n operations, one in every so many without an answer, a list every now
// and then.
func (s *system) run(n, ambiguousEvery int) *History {
	for i := range n {
		s.now += 10
		switch {
		case i%20 == 19:
			s.list()
		default:
			s.command(i, ambiguousEvery > 0 && i%ambiguousEvery == 0)
		}
	}
	return &s.h
}

// around is a call before now and a return after it.
func (s *system) around() (int64, int64) {
	return s.now - s.rand.Int64N(60), s.now + s.rand.Int64N(60)
}

func (s *system) list() {
	o := Op{Client: "lister", Kind: List, Outcome: OK}
	o.Call, o.Return = s.around()
	for _, namespace := range s.machine.Namespaces() {
		for _, t := range s.machine.Tasks(namespace) {
			o.Shows = append(o.Shows, Shown{namespace, t.ID, strconv.FormatUint(t.Digest(), 16)})
		}
	}
	s.h.Ops = append(s.h.Ops, o)
}

func (s *system) command(i int, ambiguous bool) {
	kind, args := s.draw()
	o := Op{Client: "c" + strconv.Itoa(s.rand.IntN(9)), Kind: kind, Args: args, Request: "r" + strconv.Itoa(i)}
	o.Call, o.Return = s.around()
	if ambiguous && s.rand.IntN(3) == 0 {
		o.Outcome, o.Never = Ambiguous, true
		s.h.Ops = append(s.h.Ops, o)
		return
	}
	s.index++
	o.Index, o.AppliedAt = s.index, s.now
	next, v := s.machine.Step(s.index, o.command())
	if s.lose >= 0 && i >= s.lose && next.Digest() != s.machine.Digest() {
		next, s.lose = s.machine, -1
	}
	s.machine = next
	for _, old := range s.old {
		if again, _ := s.machine.Step(s.index, old); s.repeat >= 0 && i >= s.repeat && again.Digest() != s.machine.Digest() {
			s.machine, s.repeat = again, -1
		}
	}
	if kind == Progress && s.repeat >= 0 {
		s.old = append(s.old, o.command())
	}
	o.Verdict = v.String()
	switch {
	case ambiguous && s.rand.IntN(2) == 0:
		o.Outcome, o.Return = Pending, 0
	case ambiguous:
		o.Outcome, o.Return = Ambiguous, o.Call+s.rand.Int64N(100)
	case v.Class == spec.OK:
		o.Outcome = OK
	default:
		o.Outcome = Rejected
	}
	s.h.Ops = append(s.h.Ops, o)
}

// draw draws a command that often makes sense.
func (s *system) draw() (Kind, json.RawMessage) {
	slot := s.rand.IntN(slots)
	id := s.tasks[slot]
	t := s.machine.Task("n", id)
	if t == nil {
		q := api.AddDistributedTaskRequest{Namespace: "n", Id: id, SubmittedAtUnixMillis: s.now, NeedsPreparationBarrier: s.rand.IntN(2) == 0, AcksRequired: true}
		for u := range 10 {
			q.UnitIds = append(q.UnitIds, "u"+strconv.Itoa(u))
		}
		return Add, encode(q)
	}
	unit, node := "u"+strconv.Itoa(s.rand.IntN(10)), "n"+strconv.Itoa(s.rand.IntN(2))
	if u, _ := t.Units.Get(unit); u.Node != "" && s.rand.IntN(8) > 0 {
		node = u.Node
	}
	switch {
	case t.Status == spec.Started && s.rand.IntN(300) == 0:
		return Cancel, encode(api.CancelDistributedTaskRequest{Namespace: "n", Id: id, Version: t.Version, CancelledAtUnixMillis: s.now})
	case t.Status == spec.Started && s.rand.IntN(2) == 0:
		return Progress, encode(api.UpdateDistributedTaskUnitProgressRequest{Namespace: "n", Id: id, Version: t.Version,
			NodeId: node, UnitId: unit, Progress: s.rand.Float32(), UpdatedAtUnixMillis: s.now})
	case t.Status == spec.Started:
		return CompleteUnit, encode(api.RecordDistributedTaskUnitCompletionRequest{Namespace: "n", Id: id, Version: t.Version,
			NodeId: node, UnitId: unit, FinishedAtUnixMillis: s.now})
	case t.Status == spec.Preparing:
		return AckPreparation, encode(api.RecordDistributedTaskPreparationCompleteAckRequest{Namespace: "n", Id: id, Version: t.Version,
			NodeId: node, Success: s.rand.IntN(9) > 0, AckedAtUnixMillis: s.now})
	case t.Status == spec.Swapping && s.rand.IntN(2) == 0:
		return AckSwap, encode(api.RecordDistributedTaskPostCompletionAckRequest{Namespace: "n", Id: id, Version: t.Version,
			NodeId: node, Success: true, AckedAtUnixMillis: s.now})
	case t.Status == spec.Swapping:
		return Finalize, encode(api.MarkTaskFinalizedRequest{Namespace: "n", Id: id, Version: t.Version, FinalizedAtUnixMillis: s.now})
	}
	s.tasks[slot] = s.fresh()
	return CleanUp, encode(api.CleanUpDistributedTaskRequest{Namespace: "n", Id: id, Version: t.Version})
}

func encode(q any) json.RawMessage {
	b, err := json.Marshal(q)
	if err != nil {
		panic(err)
	}
	return b
}
