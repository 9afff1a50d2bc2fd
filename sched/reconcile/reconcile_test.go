package reconcile

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm"
)

// TestMain makes property tests more thorough than rapid does; the command line
// still has the last word.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": "1000", "rapid.steps": "80"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func unit(id, group, node string, status fsm.UnitStatus) *fsm.Unit {
	return &fsm.Unit{ID: id, GroupID: group, NodeID: node, Status: status}
}

func task(status fsm.TaskStatus, units ...*fsm.Unit) *fsm.Task {
	t := &fsm.Task{Status: status, Units: map[string]*fsm.Unit{}}
	t.Version = 5
	for _, u := range units {
		t.Units[u.ID] = u
	}
	return t
}

func TestObserve(t *testing.T) {
	ok, failed := fsm.PostCompletionAck{Success: true}, fsm.PostCompletionAck{Error: "no"}
	withAcks := func(t *fsm.Task, prepared, swapped map[string]fsm.PostCompletionAck) *fsm.Task {
		t.PreparationCompletionAcks, t.PostCompletionAcks = prepared, swapped
		return t
	}
	type acks = map[string]fsm.PostCompletionAck
	for _, c := range []struct {
		name string
		task *fsm.Task
		want Observation
	}{
		{
			"an unclaimed unit is for this node too, and has no owner",
			task(fsm.TaskStatusStarted, unit("u", "", "", fsm.UnitStatusPending)),
			Observation{Version: 5, Status: fsm.TaskStatusStarted, Eligible: true, AllPostAcksSucceeded: true,
				Progress: Progress{Phase: 1}},
		},
		{
			"an open unit of another node is not for this one, but keeps the group open",
			task(fsm.TaskStatusStarted,
				unit("b", "g", "n1", fsm.UnitStatusCompleted), unit("a", "g", "n1", fsm.UnitStatusCompleted),
				unit("c", "g", "n2", fsm.UnitStatusInProgress), unit("d", "h", "n2", fsm.UnitStatusFailed)),
			Observation{Version: 5, Status: fsm.TaskStatusStarted, Owner: true,
				Groups:   []Group{{ID: "g", LocalUnits: []string{"a", "b"}}},
				Progress: Progress{Phase: 1, TerminalUnits: 3, ClaimedUnits: 4}},
		},
		{
			"a group is terminal when all its units are, failed ones too; groups are sorted",
			task(fsm.TaskStatusFailed,
				unit("a", "z", "n1", fsm.UnitStatusFailed), unit("b", "y", "n1", fsm.UnitStatusCompleted),
				unit("c", "z", "n2", fsm.UnitStatusCompleted)),
			Observation{Version: 5, Status: fsm.TaskStatusFailed, Owner: true,
				Groups:   []Group{{ID: "y", LocalUnits: []string{"b"}, Terminal: true}, {ID: "z", LocalUnits: []string{"a"}, Terminal: true}},
				Progress: Progress{Phase: 4, TerminalUnits: 3, ClaimedUnits: 3}},
		},
		{
			"acks of owners count for completeness, those of others for progress only",
			withAcks(task(fsm.TaskStatusSwapping, unit("a", "", "n1", fsm.UnitStatusCompleted), unit("b", "", "n2", fsm.UnitStatusCompleted)),
				acks{"n1": failed, "n3": ok}, acks{"n1": ok, "n2": ok, "n3": failed}),
			Observation{Version: 5, Status: fsm.TaskStatusSwapping, Owner: true,
				Groups:            []Group{{LocalUnits: []string{"a"}, Terminal: true}},
				OwnPreparationAck: AckFailed, OwnPostAck: AckOK, AllPostAcksSucceeded: true,
				Progress: Progress{Phase: 3, TerminalUnits: 2, ClaimedUnits: 2, PreparationAcks: 2, PostAcks: 3}},
		},
		{
			"a failed ack of an owner is no success",
			withAcks(task(fsm.TaskStatusSwapping, unit("a", "", "n2", fsm.UnitStatusCompleted)), nil, acks{"n2": failed}),
			Observation{Version: 5, Status: fsm.TaskStatusSwapping,
				Progress: Progress{Phase: 3, TerminalUnits: 1, ClaimedUnits: 1, PostAcks: 1}},
		},
		{
			"an unknown status and a missing unit are survived",
			&fsm.Task{TaskDescriptor: fsm.TaskDescriptor{Version: 5}, Status: "PAUSED", Units: map[string]*fsm.Unit{"u": nil}},
			Observation{Version: 5, Status: "PAUSED", AllPostAcksSucceeded: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Observe(c.task, "n1")) })
	}
}

func TestOlderThan(t *testing.T) {
	base := Progress{Phase: 2, TerminalUnits: 3, ClaimedUnits: 3, PreparationAcks: 1, PostAcks: 1}
	for _, c := range []struct {
		name   string
		change func(*Progress)
		older  bool
	}{
		{"the same is not older", func(*Progress) {}, false},
		{"an earlier phase is older", func(p *Progress) { p.Phase = 1 }, true},
		{"an unknown phase is not", func(p *Progress) { p.Phase = 0 }, false},
		{"fewer terminal units are older", func(p *Progress) { p.TerminalUnits-- }, true},
		{"fewer claimed units are older", func(p *Progress) { p.ClaimedUnits-- }, true},
		{"fewer preparation acks are older", func(p *Progress) { p.PreparationAcks-- }, true},
		{"fewer post acks are older", func(p *Progress) { p.PostAcks-- }, true},
		{"a later phase is not older", func(p *Progress) { p.Phase = 4 }, false},
		{"more of everything is not older", func(p *Progress) { *p = Progress{3, 4, 4, 2, 2} }, false},
		{"more of one does not make up for less of another", func(p *Progress) { p.Phase, p.ClaimedUnits = 4, 1 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := base
			c.change(&p)
			assert.Equal(t, c.older, p.OlderThan(base))
		})
	}
}

func TestOutcomeOfAReplacedVersionMeansNothingToTheNewOne(t *testing.T) {
	caps := Caps{UnitAware: true, Acks: true, Finalizer: true}
	swapping := task(fsm.TaskStatusSwapping, unit("a", "g", "n1", fsm.UnitStatusCompleted))
	v := View{Caps: caps, Pass: 1, Present: true, Task: Observe(swapping, "n1")}
	m := Memory{}.Saw(v)
	callback := Next(v, m)
	require.Equal(t, CompleteGroup, callback.Kind)

	newer := task(fsm.TaskStatusStarted, unit("a", "g", "", fsm.UnitStatusPending))
	newer.Version = 9
	v2 := View{Caps: caps, Pass: 2, Present: true, Task: Observe(newer, "n1")}
	m = m.Saw(v2).Settle(callback, Outcome{Pass: 2})
	assert.Equal(t, Memory{}.Saw(v2), m)
}

func TestMemoryIsAValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMemory(t, 3)
		before := m.Clone()
		v := drawView(t, 4)
		a := Next(v, m)
		settled := m.Settle(a, drawOutcome(t, 6))
		m.Saw(v)
		if again := Next(v, m); !assert.ObjectsAreEqual(a, again) {
			t.Fatalf("Next answers %s, then %s", a, again)
		}
		if !assert.ObjectsAreEqual(before, m) {
			t.Fatalf("memory was %s, is %s", before, m)
		}
		sorted := slices.IsSortedFunc(settled.Completed, func(a, b GroupResult) int { return compareResult(a, b.Group) })
		if !sorted {
			t.Fatalf("results are not sorted: %s", settled)
		}
	})
}

func TestEqualMemoriesAndNoOthersHaveEqualBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawMemory(t, 2), drawMemory(t, 2)
		equal := assert.ObjectsAreEqual(a, b)
		if same := string(a.AppendBinary(nil)) == string(b.AppendBinary(nil)); same != equal {
			t.Fatalf("%s and %s: equal %t, equal bytes %t", a, b, equal, same)
		}
		if clone := a.Clone(); string(clone.AppendBinary(nil)) != string(a.AppendBinary(nil)) {
			t.Fatalf("the clone %s of %s has other bytes", clone, a)
		}
	})
}

func TestNextDependsOnPassesOnlyRelatively(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const shift = 100
		m, v := drawMemory(t, 3), drawView(t, 4)
		later, laterView := m.Clone(), v
		laterView.Pass += shift
		if later.EffectPass > 0 {
			later.EffectPass += shift
		}
		for i := range later.Tried {
			later.Tried[i].Until += shift
		}
		a, b := Next(v, later.Rebase(shift)), Next(laterView, later)
		b.Basis.Pass -= shift
		if !assert.ObjectsAreEqual(a, b) {
			t.Fatalf("%s in pass %d, %s when all is %d passes later", a, v.Pass, b, shift)
		}
	})
}

// TestEveryTaskComesToRest: whatever is remembered and seen, a scheduler that
// performs what Next returns for one list stops after a few actions.
func TestEveryTaskComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, v := drawMemory(t, 3), drawView(t, 4)
		for range 50 {
			a := Next(v, m)
			m = m.Settle(a, drawOutcome(t, 6))
			switch a.Kind {
			case Wait, Relist, Forget:
				return
			case Terminate:
				for i := range v.Handles {
					if v.Handles[i].Version == a.Version {
						v.Handles[i].State = Terminating
					}
				}
			case Reap:
				v.Handles = slices.DeleteFunc(v.Handles, func(h Handle) bool { return h.Version == a.Version })
			}
		}
		t.Fatalf("50 actions and no end; memory %s", m)
	})
}

func drawOutcome(t *rapid.T, pass uint64) Outcome {
	o := Outcome{Result: Result(rapid.IntRange(0, 2).Draw(t, "result")), Answer: rapid.Bool().Draw(t, "answer"), Pass: pass}
	if o.Result != OK {
		o.Err = "broken"
	}
	return o
}

func drawView(t *rapid.T, pass uint64) View {
	status := rapid.SampledFrom(append(slices.Clone(phases), "PAUSED"))
	unitStatus := rapid.SampledFrom([]fsm.UnitStatus{fsm.UnitStatusPending, fsm.UnitStatusInProgress, fsm.UnitStatusCompleted, fsm.UnitStatusFailed})
	node := rapid.SampledFrom([]string{"", "n1", "n2"})
	acks := rapid.MapOf(rapid.SampledFrom([]string{"n1", "n2"}), rapid.Custom(func(t *rapid.T) fsm.PostCompletionAck {
		return fsm.PostCompletionAck{Success: rapid.Bool().Draw(t, "success")}
	}))
	record := task(status.Draw(t, "status"))
	record.Version = rapid.Uint64Range(1, 2).Draw(t, "version")
	record.NeedsPreparationBarrier = rapid.Bool().Draw(t, "barrier")
	record.AcksRequired = rapid.Bool().Draw(t, "acks required")
	for _, id := range []string{"a", "b", "c"}[:rapid.IntRange(0, 3).Draw(t, "units")] {
		record.Units[id] = unit(id, rapid.SampledFrom([]string{"", "g"}).Draw(t, "group"), node.Draw(t, "node"), unitStatus.Draw(t, "unit status"))
	}
	record.PreparationCompletionAcks, record.PostCompletionAcks = acks.Draw(t, "prepared"), acks.Draw(t, "swapped")
	v := View{
		Caps: Caps{
			UnitAware: rapid.Bool().Draw(t, "unit aware"), RecoveryAware: rapid.Bool().Draw(t, "recovery aware"),
			Acks: rapid.Bool().Draw(t, "acks"), Finalizer: rapid.Bool().Draw(t, "finalizer"),
		},
		Pass: rapid.Uint64Range(1, pass).Draw(t, "pass"), Present: rapid.Bool().Draw(t, "present"),
	}
	if v.Present {
		v.Task = Observe(record, "n1")
		v.Bootstrap, v.Expired = rapid.Bool().Draw(t, "bootstrap"), rapid.Bool().Draw(t, "expired")
	}
	for version := range uint64(3) {
		if rapid.Bool().Draw(t, "handle") {
			v.Handles = append(v.Handles, Handle{Version: version + 1, State: HandleState(rapid.IntRange(0, 2).Draw(t, "state"))})
		}
		if rapid.Bool().Draw(t, "local state") {
			v.LocalState = append(v.LocalState, version+1)
		}
	}
	return v
}

// drawMemory draws a memory that a life of a few steps could leave behind.
func drawMemory(t *rapid.T, steps int) Memory {
	var m Memory
	for range rapid.IntRange(0, steps).Draw(t, "steps") {
		v := drawView(t, 3)
		m = m.Saw(v)
		m = m.Settle(Next(v, m), drawOutcome(t, rapid.Uint64Range(1, 5).Draw(t, "newest pass")))
	}
	return m
}

// TestResultsComeInAnyOrder: acks list failures by group, whatever order the
// callbacks ended in.
func TestResultsComeInAnyOrder(t *testing.T) {
	groups := []string{"a", "b", "c", "d"}
	record := task(fsm.TaskStatusSwapping)
	for _, g := range groups {
		record.Units[g] = unit(g, g, "n1", fsm.UnitStatusCompleted)
	}
	v := View{Caps: Caps{UnitAware: true, Acks: true}, Pass: 1, Present: true, Task: Observe(record, "n1")}
	for seed := range uint64(20) {
		m := Memory{}.Saw(v)
		for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(groups)) {
			a := Action{Kind: CompleteGroup, Version: 5, Group: groups[i], Basis: v.basis()}
			m = m.Settle(a, Outcome{Result: Failed, Err: "e" + groups[i]})
		}
		ack := Next(v, m)
		require.Equal(t, AckPost, ack.Kind)
		require.False(t, ack.Success)
		require.Equal(t, `group="a": ea; group="b": eb; group="c": ec; group="d": ed`, ack.Message)
	}
}

func BenchmarkObserve(b *testing.B) {
	record := task(fsm.TaskStatusStarted)
	for i := range 100_000 {
		id := string(rune('a'+i%26)) + string(rune(i))
		record.Units[id] = unit(id, "", []string{"n1", "n2", "n3"}[i%3], fsm.UnitStatusInProgress)
	}
	b.ReportMetric(float64(len(record.Units)), "units")
	for b.Loop() {
		Observe(record, "n1")
	}
}
