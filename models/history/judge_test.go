package history

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// find returns the position of the first operation from a position on that is so.
func find(t *testing.T, h *History, from int, is func(*Op) bool) int {
	for i := from; i < len(h.Ops); i++ {
		if is(&h.Ops[i]) {
			return i
		}
	}
	t.Fatalf("no such operation from %d on", from)
	return 0
}

func TestJudges(t *testing.T) {
	answered := func(k Kind, outcome Outcome) func(*Op) bool {
		return func(o *Op) bool { return o.Kind == k && o.Outcome == outcome }
	}
	for name, tc := range map[string]struct {
		flaw func(*system)
		edit func(*testing.T, *History)
		// what each checker must find
		commitOrder, porcupine Verdict
		finding                string
	}{
		"a system that does what is specified is linearizable": {commitOrder: Legal, porcupine: Legal},
		"a list may show anything from its call to its return": {edit: func(_ *testing.T, h *History) {
			for i := range h.Ops {
				if o := &h.Ops[i]; o.Kind == List {
					o.Call, o.Return = max(1, o.Call-500), o.Return+500
				}
			}
		}, commitOrder: Legal, porcupine: Legal},
		"a stale list": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(List, OK))]
			o.Call, o.Return = o.Call+2000, o.Return+2000
		}, commitOrder: Illegal, porcupine: Illegal, finding: "shows task n/task-"},
		"a list that knows the future": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(List, OK))]
			o.Call, o.Return = o.Call-2000, o.Return-2000
		}, commitOrder: Illegal, porcupine: Illegal, finding: "shows task n/task-"},
		"a list that goes back behind another": {edit: func(t *testing.T, h *History) {
			// Both overlap all that lies between them, so each by itself is in order.
			a := find(t, h, 500, answered(List, OK))
			b := find(t, h, a+1, answered(List, OK))
			h.Ops[a].Shows, h.Ops[b].Shows = h.Ops[b].Shows, h.Ops[a].Shows
			from, to := h.Ops[a].Call-100, h.Ops[b].Return+100
			h.Ops[a].Call, h.Ops[a].Return, h.Ops[b].Call, h.Ops[b].Return = from, from+50, from+51, to
			for i := a - 50; i < b+50; i++ {
				if o := &h.Ops[i]; o.Kind != List {
					o.Call, o.Return, o.Outcome, o.AppliedAt = min(o.Call, from), 0, Pending, 0
				}
			}
		}, commitOrder: Illegal, porcupine: Illegal, finding: "shows task n/task-"},
		"a list of tasks that never were together": {edit: func(t *testing.T, h *History) {
			a := find(t, h, 500, answered(List, OK))
			b := find(t, h, a+1, answered(List, OK))
			// The first list waits for the second; its first half is as at the end of both, the
			// second as at the beginning, although tasks of both have changed.
			early, late := h.Ops[a].Shows, h.Ops[b].Shows
			require.Equal(t, len(early), len(late), "choose another seed")
			h.Ops[a].Return = h.Ops[b].Return
			h.Ops[a].Shows = slices.Concat(late[:len(late)/2], early[len(late)/2:])
		}, commitOrder: Illegal, porcupine: Legal, finding: "never together"},
		"an acknowledged command that had no effect": {flaw: func(s *system) { s.lose = 600 },
			commitOrder: Illegal, porcupine: Illegal, finding: ""},
		"an acknowledged command that is not in the log": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(CompleteUnit, OK))]
			o.Index, o.Never, o.AppliedAt = 0, true, 0
		}, commitOrder: Illegal, porcupine: Legal, finding: "is not in the log"},
		"an acknowledged command that is neither in the log nor in any list": {flaw: func(s *system) { s.lose = 600 }, edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 600, func(o *Op) bool { return o.Kind != List && o.Outcome == OK })]
			o.Index, o.Never, o.AppliedAt = 0, true, 0
		}, commitOrder: Illegal, porcupine: Illegal, finding: "is not in the log"},
		"a command that takes effect again": {flaw: func(s *system) { s.repeat = 603 },
			commitOrder: Illegal, porcupine: Illegal, finding: ""},
		"a request that is in the log twice": {edit: func(t *testing.T, h *History) {
			i := find(t, h, 500, answered(CompleteUnit, Rejected))
			j := find(t, h, i+1, answered(CompleteUnit, Rejected))
			h.Ops[j].Request = h.Ops[i].Request
		}, commitOrder: Illegal, porcupine: Legal, finding: "took effect twice"},
		"a command before one that had returned when it was called": {edit: func(t *testing.T, h *History) {
			i := find(t, h, 500, answered(Progress, OK))
			h.Ops[i].Call, h.Ops[i].Return = h.Ops[i].Call+3000, h.Ops[i].Return+3000
			h.Ops[i].AppliedAt += 3000
		}, commitOrder: Illegal, porcupine: Illegal, finding: "but is behind it in the log"},
		"a refusal that was none": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(CompleteUnit, OK))]
			o.Outcome, o.Verdict = Rejected, "permanent task-not-running"
		}, commitOrder: Illegal, porcupine: Illegal, finding: `was answered "permanent task-not-running", specified is "ok"`},
		"a refusal for another reason": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(CompleteUnit, Rejected))]
			o.Verdict = "retryable"
		}, commitOrder: Illegal, porcupine: Illegal, finding: `was answered "retryable"`},
		"a failure without effect that is in the log": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(CompleteUnit, OK))]
			o.Outcome = NoEffect
		}, commitOrder: Illegal, porcupine: Legal, finding: "was answered as without effect"},
		"two commands at one place in the log": {edit: func(t *testing.T, h *History) {
			i := find(t, h, 500, answered(CompleteUnit, Rejected))
			j := find(t, h, i+1, func(o *Op) bool { return o.Index == h.Ops[i].Index+1 })
			h.Ops[i].Index = h.Ops[j].Index
		}, commitOrder: Illegal, porcupine: Legal, finding: "are both recorded at index"},
		"a new task of which it is unknown whether it was added": {edit: func(t *testing.T, h *History) {
			o := &h.Ops[find(t, h, 500, answered(Add, OK))]
			o.Outcome, o.Return, o.Index, o.AppliedAt, o.Verdict = Pending, 0, 0, 0, ""
		}, commitOrder: Illegal, porcupine: Unknown, finding: ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(7)
			if tc.flaw != nil {
				tc.flaw(s)
			}
			h := s.run(1500, 40)
			if tc.edit != nil {
				tc.edit(t, h)
			}
			r, err := Judge(h, nil)
			require.NoError(t, err)
			require.Equal(t, tc.commitOrder, r.CommitOrder, "%v", r.Findings)
			require.Equal(t, tc.porcupine, r.Porcupine, "%v", r.Findings)
			require.True(t, r.Agree(), "%v", r.Findings)
			if tc.finding != "" {
				require.Contains(t, r.Findings[0].Message, tc.finding)
			}
			require.Positive(t, r.Ambiguous)
		})
	}
}

func TestAHundredThousandOperations(t *testing.T) {
	h := newSystem(1).run(100_000, 100)
	start := time.Now()
	r, err := Judge(h, nil)
	t.Logf("%d operations, %d ambiguous, judged in %s", r.Operations, r.Ambiguous, time.Since(start))
	require.NoError(t, err)
	require.Equal(t, Report{Operations: 100_000, Ambiguous: 1000, CommitOrder: Legal, Porcupine: Legal}, r)

	broken := newSystem(1)
	broken.lose = 50_000
	r, err = Judge(broken.run(100_000, 100), nil)
	require.NoError(t, err)
	require.Equal(t, Illegal, r.CommitOrder)
	require.Equal(t, Illegal, r.Porcupine)
	require.True(t, r.Agree())
}
