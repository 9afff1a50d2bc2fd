//go:build race

// The guest takes a while to build with the race detector, so only go test -race
// looks at it.

package engine

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARacedGuestIsDeterministicAndFindsRaces(t *testing.T) {
	raced := func(o *Options) { o.Race = true }
	m := maker(Native)
	e := m.open(t, raced)
	j := job("raft", 20*time.Second, 1)
	want := mustRun(t, e, j)

	_, err := e.Run(t.Context(), job("race", time.Second, 1))
	var failure *GuestError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, Raced, failure.How)
	require.ErrorContains(t, err, "main.race")

	for i := range 10 {
		mustRun(t, e, job("orders", time.Second, uint64(i)))
	}
	require.True(t, bytes.Equal(want, mustRun(t, e, j)), "the same trace in another process, after other jobs")
}
