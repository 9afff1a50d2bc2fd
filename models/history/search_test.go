package history

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
	"dtsim/models/spec"
)

func TestTheSearchNeedsNoHelp(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		h := newSystem(seed).run(600, 0)
		for i := range h.Ops {
			h.Ops[i].AppliedAt = 0
		}
		require.Equal(t, Legal, Search(h, nil), "seed %d", seed)
	}
}

// tangle is a task of which n units are claimed at one time, by commands without an
// answer, and then a list. When the commands took effect is unknown.
func tangle(n int) *History {
	q := api.AddDistributedTaskRequest{Namespace: "n", Id: "a"}
	for u := range n {
		q.UnitIds = append(q.UnitIds, strconv.Itoa(u))
	}
	h := &History{Ops: []Op{{Client: "c", Kind: Add, Args: encode(q), Call: 1, Return: 2, Outcome: OK, Index: 1}}}
	m, _ := spec.Machine{}.Step(1, h.Ops[0].command())
	for u := range n {
		o := Op{Client: "c", Kind: Progress, Call: 10, Outcome: Pending, Index: uint64(u + 2), Verdict: "ok",
			Args: encode(api.UpdateDistributedTaskUnitProgressRequest{Namespace: "n", Id: "a", Version: 1, NodeId: "x", UnitId: strconv.Itoa(u)})}
		if u%2 == 0 {
			m, _ = m.Step(o.Index, o.command())
		}
		h.Ops = append(h.Ops, o)
	}
	h.Ops = append(h.Ops, Op{Client: "c", Kind: List, Call: 20, Return: 30, Outcome: OK,
		Shows: []Shown{{"n", "a", strconv.FormatUint(m.Task("n", "a").Digest(), 16)}}})
	return h
}

func TestASearchEnds(t *testing.T) {
	small := tangle(6)
	require.Equal(t, Legal, Search(small, nil), "an order there is")
	order, findings := CommitOrder(small, nil)
	require.Equal(t, Illegal, order, "but it is not that of the log")
	require.False(t, Report{CommitOrder: order, Porcupine: Legal, Findings: findings}.Agree())

	small.Ops[len(small.Ops)-1].Shows[0].Digest = "1"
	require.Equal(t, Illegal, Search(small, nil))

	large := tangle(40)
	large.Ops[len(large.Ops)-1].Shows[0].Digest = "1"
	r, err := Judge(large, nil)
	require.NoError(t, err)
	require.Equal(t, Unknown, r.Porcupine)
	require.Equal(t, Illegal, r.Verdict(), "one judge is enough")
	require.True(t, r.Agree())
}

func TestListsAtRestAreJudgedOnce(t *testing.T) {
	h := newSystem(4).run(200, 0)
	last := h.Ops[len(h.Ops)-1]
	require.Equal(t, List, last.Kind)
	for i := range 500 {
		last.Call, last.Return = last.Call+1000+int64(i), last.Return+1001+int64(i)
		h.Ops = append(h.Ops, last)
	}
	reads := 0
	for _, p := range partition(h, nil) {
		reads += len(p.reads)
	}
	require.Less(t, reads, 300)
	require.Equal(t, Legal, Search(h, nil))

	// One that shows something else is not passed over.
	h.Ops[len(h.Ops)-7].Shows = append(last.Shows[:0:0], last.Shows...)
	h.Ops[len(h.Ops)-7].Shows[0].Digest = "1"
	require.Equal(t, Illegal, Search(h, nil))
}

func TestRulesOfCollections(t *testing.T) {
	rules := &spec.Rules{
		Collections: map[string]func([]byte) (string, bool){"n": func(p []byte) (string, bool) { return string(p), len(p) > 0 }},
		Guards:      map[string]spec.Guard{},
	}
	add := encode(api.AddDistributedTaskRequest{Namespace: "n", Id: "a", Payload: []byte("C"), UnitIds: []string{"u"}})
	create := Op{Client: "c", Kind: CreateCollection, Collection: "c", Call: 1, Return: 1, Outcome: OK, Index: 1}
	added := Op{Client: "c", Kind: Add, Args: add, Call: 2, Return: 2, Outcome: OK, Index: 2}
	drop := Op{Client: "c", Kind: DropCollection, Collection: "C", Call: 3, Return: 3, Outcome: OK, Index: 3}
	refused := Op{Client: "c", Kind: Add, Args: add, Call: 4, Return: 4, Outcome: Rejected, Verdict: "retryable", Index: 4}
	empty := Op{Client: "c", Kind: List, Call: 5, Return: 5, Outcome: OK}
	for name, tc := range map[string]struct {
		ops  []Op
		want Verdict
	}{
		"a task goes with its collection, and needs one to be added": {[]Op{create, added, drop, refused, empty}, Legal},
		"a task without its collection is not added":                 {[]Op{added}, Illegal},
		"a task that its collection leaves behind is seen": {[]Op{create, added, {Client: "c", Kind: DropCollection, Collection: "C",
			Call: 3, Return: 3, Outcome: Rejected, Verdict: "retryable", Index: 3}, empty}, Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Judge(&History{Ops: tc.ops}, rules)
			require.NoError(t, err)
			require.Equal(t, tc.want, r.Verdict(), "%v", r.Findings)
			require.True(t, r.Agree(), "%v", r)
		})
	}
}
