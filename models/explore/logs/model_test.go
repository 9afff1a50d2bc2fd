package logs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
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
