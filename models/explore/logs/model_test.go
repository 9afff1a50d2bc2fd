package logs

import (
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
}
