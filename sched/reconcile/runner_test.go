package reconcile

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm"
)

func running(Handle) bool { return false }
func gone(Handle) bool    { return true }

// shown is what the n-th pass shows of a task that n1 has a unit of.
func shown(n uint64, status fsm.TaskStatus, units fsm.UnitStatus) *Look[int] {
	record := task(status)
	record.Units["u"] = unit("u", "", "n1", units)
	pass := Pass{Node: "n1", Caps: Caps{UnitAware: true, Acks: true, Finalizer: true}, Number: n, First: n == 1}
	return &Look[int]{View: pass.View(record, nil), Source: int(n)}
}

func absent(n uint64) *Look[int] { return &Look[int]{View: View{Pass: n, First: n == 1}} }

func TestTheNewestLookDecides(t *testing.T) {
	var r Runner[int]
	l, a := r.Next(running)
	require.Nil(t, l)
	require.Equal(t, Wait, a.Kind)

	r.Deliver(shown(1, fsm.TaskStatusStarted, fsm.UnitStatusPending))
	l, a = r.Next(running)
	require.Equal(t, 1, l.Source)
	require.Equal(t, Start, a.Kind)

	r.Deliver(shown(2, fsm.TaskStatusStarted, fsm.UnitStatusPending))
	r.Deliver(shown(3, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted))
	before := r
	l, a = r.Next(running)
	require.Nil(t, l, "an action is under way")
	require.Equal(t, Wait, a.Kind)
	require.Equal(t, before, r)

	r.Settle(Outcome{Handle: 7})
	l, a = r.Next(running)
	require.Equal(t, 3, l.Source, "the one between is skipped")
	require.Equal(t, Terminate, a.Kind)
	require.Equal(t, []Handle{{Version: 5, ID: 7}}, r.Handles)
	require.Panics(t, func() { new(Runner[int]).Settle(Outcome{}) })
}

func TestHandles(t *testing.T) {
	start := func(o Outcome) *Runner[int] {
		r := &Runner[int]{}
		r.Deliver(shown(1, fsm.TaskStatusStarted, fsm.UnitStatusPending))
		r.Next(running)
		r.Settle(o)
		r.Next(running)
		r.Deliver(shown(2, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted))
		return r
	}
	kinds := func(r *Runner[int], exited func(Handle) bool) (all []Kind) {
		for {
			_, a := r.Next(exited)
			if all = append(all, a.Kind); a.Kind.AtRest() {
				return all
			}
			r.Settle(Outcome{Pass: 2})
		}
	}
	require.NotContains(t, kinds(start(Outcome{Result: Failed}), running), Terminate, "a start that failed leaves no handle")

	r := start(Outcome{})
	require.Equal(t, Terminate, kinds(r, running)[0])
	require.Equal(t, Terminating, r.Handles[0].State)
	r.Deliver(shown(3, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted))
	require.Equal(t, Reap, kinds(r, gone)[0])
	require.Empty(t, r.Handles)

	r = start(Outcome{Unwatched: true})
	require.Equal(t, []Kind{Terminate, Reap}, kinds(r, running)[:2], "terminated, it counts as gone")

	r = start(Outcome{})
	r.Terminated(5)
	r.Terminated(6)
	require.NotContains(t, kinds(r, running), Terminate, "a shutdown has terminated it already")
}

func TestWhatHadEndedAtTheStart(t *testing.T) {
	bootstrap := func(looks ...*Look[int]) bool {
		var r Runner[int]
		for _, l := range looks {
			r.Deliver(l)
		}
		return r.view(looks[len(looks)-1].View, running).Bootstrap
	}
	ended := func(n uint64) *Look[int] { return shown(n, fsm.TaskStatusFinished, fsm.UnitStatusCompleted) }
	active := func(n uint64) *Look[int] { return shown(n, fsm.TaskStatusSwapping, fsm.UnitStatusCompleted) }
	newer := ended(2)
	newer.View.Task.Version++
	require.True(t, bootstrap(ended(1)))
	require.True(t, bootstrap(ended(1), ended(2)))
	require.False(t, bootstrap(ended(2)), "not in the first list")
	require.False(t, bootstrap(active(1), ended(2)))
	require.False(t, bootstrap(ended(1), newer), "another run")
	require.False(t, bootstrap(ended(1), absent(2), ended(3)), "its record was gone")
	require.False(t, bootstrap(absent(1), absent(2)))

	var p Passes
	require.EqualValues(t, 1, p.Begin())
	require.EqualValues(t, 2, p.Begin(), "the first one got no list")
	require.True(t, p.Succeed())
	require.EqualValues(t, 3, p.Begin())
	require.False(t, p.Succeed())
}

func TestAKeyIsForgotten(t *testing.T) {
	var r Runner[int]
	r.Deliver(shown(1, fsm.TaskStatusFinished, fsm.UnitStatusCompleted))
	r.Next(running)
	r.Deliver(absent(2))
	_, a := r.Next(running)
	require.Equal(t, Forget, a.Kind)
	require.Equal(t, Runner[int]{}, r)
}

func encoded(r *Runner[int]) string {
	return string(r.AppendBinary(nil, func(b []byte, l *Look[int]) []byte {
		if l == nil {
			return append(b, 0)
		}
		return append(b, 1, byte(l.View.Pass), byte(l.Source))
	}))
}

// live lets a runner live a few steps.
func live(t *rapid.T, r *Runner[int], pass *uint64, steps int) {
	for range steps {
		switch rapid.IntRange(0, 3).Draw(t, "step") {
		case 0:
			*pass++
			r.Deliver(&Look[int]{View: drawView(t, *pass), Source: int(*pass)})
		case 1, 2:
			r.Next(func(Handle) bool { return rapid.Bool().Draw(t, "exited") })
		default:
			if r.UnderWay != nil {
				r.Settle(drawOutcome(t, *pass))
			}
		}
	}
}

// TestACopyIsAClone: what becomes of a runner leaves copies of it as they were.
func TestACopyIsAClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Runner[int]
		var pass uint64
		live(t, &r, &pass, 20)
		clone, was := r, encoded(&r)
		live(t, &r, &pass, 10)
		if encoded(&clone) != was {
			t.Fatalf("the copy has changed")
		}
	})
}

// TestRebasedRunnersDecideTheSame: decisions depend on the order of passes alone.
func TestRebasedRunnersDecideTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Runner[int]
		pass := uint64(10)
		live(t, &r, &pass, 20)
		if r.OldestPass(pass+1) <= 3 {
			t.Skip("views go back to the first pass")
		}
		lower := r
		lower.Rebase(3)
		for range 3 {
			if r.UnderWay != nil {
				r.Settle(Outcome{Pass: pass})
				lower.Settle(Outcome{Pass: pass - 3})
			}
			_, a := r.Next(running)
			_, b := lower.Next(running)
			if a.String() != b.String() || !a.Kind.AtRest() && a.Basis.Pass != b.Basis.Pass+3 {
				t.Fatalf("%s and %s", a, b)
			}
			if a.Kind.AtRest() {
				return
			}
		}
	})
}

func TestEncodingsTellRunnersApart(t *testing.T) {
	base := func() Runner[int] {
		return Runner[int]{
			EndedAtStart: 5, Pending: shown(2, fsm.TaskStatusStarted, fsm.UnitStatusPending),
			Current:  shown(1, fsm.TaskStatusStarted, fsm.UnitStatusPending),
			UnderWay: &Action{Kind: Prepare, Version: 5, Group: "g", Units: []string{"u"}},
			Handles:  []Handle{{Version: 5, ID: 1}},
		}
	}
	one, other := base(), base()
	require.Equal(t, encoded(&one), encoded(&other))
	for _, change := range []func(*Runner[int]){
		func(r *Runner[int]) { r.Memory.Version++ },
		func(r *Runner[int]) { r.EndedAtStart = 0 },
		func(r *Runner[int]) { r.Pending = nil },
		func(r *Runner[int]) { r.Current = r.Pending },
		func(r *Runner[int]) { r.UnderWay = nil },
		func(r *Runner[int]) { r.UnderWay.Kind = Swap },
		func(r *Runner[int]) { r.UnderWay.Version++ },
		func(r *Runner[int]) { r.UnderWay.Group = "h" },
		func(r *Runner[int]) { r.UnderWay.Units = nil },
		func(r *Runner[int]) { r.UnderWay.Success = true },
		func(r *Runner[int]) { r.UnderWay.Message = "m" },
		func(r *Runner[int]) { r.UnderWay.Basis.Pass++ },
		func(r *Runner[int]) { r.UnderWay.Basis.Progress.PostAcks++ },
		func(r *Runner[int]) { r.Handles = nil },
		func(r *Runner[int]) { r.Handles[0].Version++ },
		func(r *Runner[int]) { r.Handles[0].ID++ },
		func(r *Runner[int]) { r.Handles[0].State = Terminating },
		func(r *Runner[int]) { r.Handles[0].Unwatched = true },
	} {
		changed := base()
		change(&changed)
		require.NotEqual(t, encoded(&one), encoded(&changed))
	}
}

func TestExpired(t *testing.T) {
	const ttl = time.Hour
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	record := task(fsm.TaskStatusFinished)
	record.TerminalAt, record.FinishedAt = at, at.Add(-ttl)
	require.False(t, Expired(record, at.Add(ttl-1), ttl))
	require.True(t, Expired(record, at.Add(ttl), ttl))
	record.TerminalAt = time.Time{}
	require.True(t, Expired(record, at, ttl), "when it became terminal is not known")
	require.False(t, Expired(record, at.Add(-1), ttl))
	pass := Pass{Node: "n1", Now: at, TTL: ttl, Cleaner: true}
	require.True(t, pass.View(record, nil).Expired)
	pass.Cleaner = false
	require.False(t, pass.View(record, nil).Expired, "the node cannot remove it")
	record.Status = fsm.TaskStatusSwapping
	require.False(t, Expired(record, at.Add(ttl), ttl))
}

func TestWhatAPassHasRead(t *testing.T) {
	older, newer, other := task(fsm.TaskStatusFinished), task(fsm.TaskStatusStarted), task(fsm.TaskStatusStarted)
	older.ID, newer.ID, other.ID = "a", "a", "b"
	newer.Version++
	for _, tasks := range [][]*fsm.Task{{nil, older, newer, other}, {other, newer, nil, older}} {
		records := Newest(tasks)
		require.Len(t, records, 2)
		require.Same(t, newer, records["a"])
		local := LocalState([]fsm.TaskDescriptor{{ID: "c", Version: 9}, {ID: "a", Version: 2}, {ID: "c", Version: 4}, {ID: "c", Version: 9}})
		require.Equal(t, map[string][]uint64{"a": {2}, "c": {4, 9}}, local)
		require.Equal(t, []string{"a", "b", "c", "d"}, IDs(records, local, []string{"d", "b"}))
	}
	require.True(t, slices.IsSorted(IDs(nil, nil, []string{"b", "a"})))
}
