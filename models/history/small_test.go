package history

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/spec"
)

// sketch is a history of one task that is added at index 1 and then reported on. A
// list shows the state after so many commands, in the order of the log.
type sketch struct {
	ops    []Op
	states []spec.Machine
}

func newSketch() *sketch {
	s := &sketch{states: []spec.Machine{{}}}
	s.command(1, 2, Add, `{"namespace":"n","id":"a","unit_ids":["u","v","w"]}`, OK)
	return s
}

func (s *sketch) command(call, end int64, kind Kind, args string, outcome Outcome) *Op {
	o := Op{Client: "c", Kind: kind, Args: json.RawMessage(args), Call: call, Return: end, Outcome: outcome, Index: uint64(len(s.states)), Verdict: "ok"}
	m, _ := s.states[len(s.states)-1].Step(o.Index, o.command())
	s.states, s.ops = append(s.states, m), append(s.ops, o)
	return &s.ops[len(s.ops)-1]
}

func (s *sketch) claim(call, end int64, unit string, outcome Outcome) *Op {
	return s.command(call, end, Progress, `{"namespace":"n","id":"a","version":1,"node_id":"x","unit_id":"`+unit+`"}`, outcome)
}

func (s *sketch) list(call, end int64, commands int) {
	s.ops = append(s.ops, Op{Client: "c", Kind: List, Call: call, Return: end, Outcome: OK,
		Shows: []Shown{{"n", "a", strconv.FormatUint(s.states[commands].Task("n", "a").Digest(), 16)}}})
}

func TestSketches(t *testing.T) {
	for name, tc := range map[string]struct {
		draw                   func(*sketch)
		commitOrder, porcupine Verdict
	}{
		"a list may miss what was applied but not answered": {func(s *sketch) {
			s.claim(10, 30, "u", OK).AppliedAt = 15
			s.list(20, 25, 1)
		}, Legal, Legal},
		"a list may show what was not answered": {func(s *sketch) {
			s.claim(10, 30, "u", OK)
			s.list(20, 25, 2)
		}, Legal, Legal},
		"a list shows nothing that was called later": {func(s *sketch) {
			s.claim(30, 40, "u", OK)
			s.list(20, 25, 2)
		}, Illegal, Illegal},
		"a list shows what has no answer but was applied": {func(s *sketch) {
			s.claim(10, 0, "u", Pending).AppliedAt = 15
			s.list(20, 25, 1)
		}, Illegal, Illegal},
		"a list may miss what has no answer, and show it later": {func(s *sketch) {
			s.claim(10, 0, "u", Pending)
			s.list(20, 25, 1)
			s.list(30, 35, 2)
		}, Legal, Legal},
		"a list does not forget what another has shown": {func(s *sketch) {
			s.claim(10, 0, "u", Pending)
			s.list(20, 25, 2)
			s.list(30, 35, 1)
		}, Illegal, Illegal},
		"lists at one time may show different states": {func(s *sketch) {
			s.claim(10, 0, "u", Pending)
			s.list(20, 25, 2)
			s.list(25, 35, 1)
		}, Legal, Legal},
		"a list that shows the same again is judged again while something is under way": {func(s *sketch) {
			s.claim(10, 50, "u", OK)
			s.list(11, 12, 1)
			s.claim(13, 14, "v", OK)
			s.list(15, 16, 1)
		}, Illegal, Illegal},
		"a command is applied after it was called": {func(s *sketch) {
			s.claim(10, 20, "u", OK).AppliedAt = 5
		}, Illegal, Legal},
		"a command is applied before it is answered": {func(s *sketch) {
			s.claim(10, 20, "u", OK).AppliedAt = 25
		}, Illegal, Legal},
		"a command is applied late, after its caller has given up": {func(s *sketch) {
			s.claim(10, 20, "u", Ambiguous).AppliedAt = 25
			s.list(30, 31, 2)
		}, Legal, Legal},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSketch()
			tc.draw(s)
			r, err := Judge(&History{Ops: s.ops}, nil)
			require.NoError(t, err)
			require.Equal(t, tc.commitOrder, r.CommitOrder, "%v", r.Findings)
			require.Equal(t, tc.porcupine, r.Porcupine, "%v", r.Findings)
			require.True(t, r.Agree())
		})
	}
}
