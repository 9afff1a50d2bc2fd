// Package taskstest runs plans for tests: in a bubble of their own, without an engine.
// What happens there within one instant may come in another order the next time; a test
// that needs the same run every time reads one that is kept.
package taskstest

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/cluster"
	"dtsim/sim/trace"
)

// Run runs a plan and returns its trace.
func Run(t *testing.T, p *taskplan.Plan) []byte {
	t.Helper()
	require.NoError(t, p.Validate())
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		rec, err := trace.NewRecorder(&b, trace.Header{Plan: *p.Encode(), Engine: "bubble"})
		require.NoError(t, err)
		verdict, _, err := cluster.Run(p.Encode(), tasks.Application(tasks.Default()), rec, tasks.Judge)
		require.NoError(t, err)
		_, err = rec.Close(verdict)
		require.NoError(t, err)
	})
	return b.Bytes()
}

// Trace runs a plan and reads its trace.
func Trace(t *testing.T, p *taskplan.Plan) *trace.Trace {
	t.Helper()
	return Read(t, Run(t, p))
}

// Read reads a trace.
func Read(t *testing.T, content []byte) *trace.Trace {
	t.Helper()
	whole, err := trace.Read(bytes.NewReader(content))
	require.NoError(t, err)
	return whole
}

// Kept reads the trace of a run of p that stands in a file, as it was written there. With
// UPDATE_GOLDEN in the environment it runs p and keeps that. A file with the trace of
// another plan, or of a run that violates something, fails the test.
func Kept(t *testing.T, file string, p *taskplan.Plan) []byte {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, trace.WriteFile(file, Run(t, p)))
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	whole := Read(t, content)
	require.Equal(t, *p.Encode(), whole.Header.Plan, "%s is of another plan: UPDATE_GOLDEN=1 keeps a new one", file)
	require.Empty(t, whole.Footer.Verdict.Violations)
	return content
}
