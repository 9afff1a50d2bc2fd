package logs

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/replica"
	"dtsim/models/explore"
	"dtsim/models/spec"
)

func TestEveryLogIsTakenAsTheSpecificationSays(t *testing.T) {
	m := New(1)
	r, err := explore.Check[State](t.Context(), m, explore.Options{Jobs: 2})
	require.NoError(t, err)
	for _, v := range r.Violations {
		t.Errorf("%s: %s", v.Property, v.Message)
	}
	require.True(t, r.Exhausted)
	require.Equal(t, uint64(len(m.begins)*(1+len(m.alphabet))), r.States)
	require.Equal(t, uint64(Shortest), r.States)
}

// What there is to visit with three commands.
const states3, steps3 = 25_367, 376_425

// TestLogsThatLeadToTheSameStateAreOne: of logs of two commands one is extended for each
// state; the verdict is that of all of them, which DTSIM_LONG takes, with three commands for
// each state that two lead to.
func TestLogsThatLeadToTheSameStateAreOne(t *testing.T) {
	short := func(m *Model) *Model {
		m.begins = m.begins[4:5]
		return m
	}
	count := func(m *Model, o explore.Options) explore.Result {
		o.Jobs = 2
		r, err := explore.Check[State](t.Context(), m, o)
		require.NoError(t, err)
		require.Empty(t, r.Violations)
		require.True(t, r.Exhausted)
		t.Logf("%d states, %d steps", r.States, r.Transitions)
		return r
	}
	one, two := count(short(NewMerged(1)), explore.Options{}), count(short(NewMerged(2)), explore.Options{})
	letters := uint64(len(New(1).alphabet))
	require.Equal(t, one.Transitions, letters+1)
	require.Equal(t, two.Transitions, letters+1+(one.States-1)*(letters+1))
	if os.Getenv("DTSIM_LONG") == "" {
		return
	}
	all := count(New(2), explore.Options{})
	require.Equal(t, uint64(9)*(1+letters+letters*letters), all.States, "none is left out")
	three := count(New(3), explore.Options{})
	require.Equal(t, []uint64{states3, steps3}, []uint64{three.States, three.Transitions})
}

// TestWhatIsRefusedIsNotExtended: a command without effect leads to the state that no command
// leads to, and one with an effect to another.
func TestWhatIsRefusedIsNotExtended(t *testing.T) {
	m := NewMerged(2)
	s := State{begin: 4}
	contents := map[uint64][]explore.Action{}
	refused := 0
	for a := range m.alphabet {
		next, broken := m.Step(&s, explore.Action(a))
		require.Nil(t, broken)
		require.NotZero(t, next.content)
		contents[next.content] = append(contents[next.content], explore.Action(a))
		p := newPair()
		for _, c := range m.log(&next) {
			p.apply(c)
		}
		if p.result.Err != nil {
			refused++
		}
	}
	largest := 0
	for _, actions := range contents {
		largest = max(largest, len(actions))
	}
	require.GreaterOrEqual(t, largest, refused)
	require.Less(t, largest, len(m.alphabet))
	require.Greater(t, len(contents), 10)
}

func TestWhatIsNotAsItShouldBeIsFound(t *testing.T) {
	broken := func(m *Model) []string {
		r, err := explore.Check[State](t.Context(), m, explore.Options{Jobs: 1})
		require.NoError(t, err)
		var found []string
		for _, v := range r.Violations {
			found = append(found, v.Property)
		}
		return found
	}
	m := New(1)
	m.alphabet = []command{bad(replica.CommandDropCollection, "Books", "{}")}
	require.Equal(t, []string{"P2"}, broken(m), "a verdict")

	m = New(1)
	m.alphabet, m.begins = nil, m.begins[:2]
	m.begins[1].commands = append(m.begins[1].commands, change(replica.CommandUpdateProperty, "Books", `{"property":"p","tokenization":"field"}`,
		func(*pair, *created) spec.Verdict { return fine }))
	require.Equal(t, []string{"P2"}, broken(m), "what is left of the schema")

	p := newPair()
	require.Nil(t, p.apply(New(1).begins[1].commands[0]))
	state, err := p.replica.State()
	require.NoError(t, err)
	require.Equal(t, "P1", p.refused("it is not damaged", state, state).Property)
	require.Panics(t, func() { New(MaxLength + 1) })

	// What is behind snapshots: another outcome the second time, another state behind one.
	p = newPair()
	require.Nil(t, p.over())
	other := newPair()
	other.apply(New(1).begins[1].commands[0])
	require.Equal(t, "P1", same(p.replica, other.replica, 0).Property)
	require.Nil(t, same(p.replica, newPair().replica, 0))
}
