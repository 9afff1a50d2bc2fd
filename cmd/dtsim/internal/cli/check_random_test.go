package cli

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
)

func TestRandomLogsThatAreInterruptedAreNotPassed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	env := &Environment{Stdout: &out, Stderr: &out, Now: time.Now}
	f := checkFlags{randomLogs: 5, seed: 1, jobs: 1}
	status := -1
	require.NoError(t, f.random(ctx, env, &status))
	require.Equal(t, statusHarness, status)
	require.Contains(t, out.String(), "interrupted")
	require.NoError(t, f.random(t.Context(), env, &status))
	require.Equal(t, statusPassed, status)
}

func TestWhatRandomLogsFindIsShownWithTheLog(t *testing.T) {
	var out bytes.Buffer
	randomWords(&out, &schema.RandomLogs{
		Properties: []string{"P1", "P2"}, Seed: 7, Asked: 10, Logs: 10, Length: 60, WallS: 1.5,
		Violations: []schema.RandomLog{{Property: "P2", Message: "it is ok, and should be retryable", Number: 3, Log: []string{"ADD", "CANCEL"}}},
	})
	require.Equal(t, `P2 in log 3 of seed 7: it is ok, and should be retryable
  what it takes of the log:
    ADD
    CANCEL

10 of 10 random logs of 60 steps applied, seed 7, in 1.5s
violated: the first logs of each property are above; the same seed finds them again
`, out.String())
}
