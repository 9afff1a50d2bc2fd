package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/cluster/mutant"
	"dtsim/models/explore/counterexample"
	"dtsim/sim/trace"
)

// found is what the checker prints.
type found struct {
	States, Transitions                 uint64
	Exhausted                           bool
	Properties, Messages, Steps, Judged []string
}

func run(t *testing.T, program string, m mutant.Mutant, file string) (f found, took time.Duration) {
	t.Helper()
	start := time.Now()
	cmd := exec.CommandContext(t.Context(), program, "-config", m.Config, fmt.Sprintf("-liveness=%t", m.Liveness), "-trace", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &f))
	return f, time.Since(start)
}

// TestMutantsAreFound builds defects of fsm and sched/reconcile into the checker: each
// yields a counterexample, and the model is not touched.
func TestMutantsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program for each mutant")
	}
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	files, err := filepath.Glob("testdata/mutants/*.mutant")
	require.NoError(t, err)
	require.Greater(t, len(files), 6)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".mutant"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			m, err := mutant.Read(string(text))
			require.NoError(t, err)
			dir := t.TempDir()
			program, err := m.Build(root, "models/explore/cluster/testdata/check", dir)
			require.NoError(t, err)
			kept := filepath.Join(dir, "counterexample.trace.jsonl")
			f, took := run(t, program, m, kept)
			require.True(t, slices.Contains(f.Properties, m.Property), "%s is broken, not %v (%d states, exhausted: %t) %v\n%s",
				m.Property, f.Properties, f.States, f.Exhausted, f.Messages, strings.Join(f.Steps, "\n"))
			require.Less(t, took, time.Minute)
			if !m.Liveness {
				require.Contains(t, f.Judged, f.Properties[0], "walked again")
			}
			shippedCodeDoesNot(t, kept, f.Properties[0])
			t.Logf("%s after %d states in %s, %d steps: %v", m.Property, f.States, took.Round(time.Millisecond), len(f.Steps), f.Messages)
		})
	}
}

// shippedCodeDoesNot: the counterexample reads as a trace, and the code as it ships either
// cannot be led that way or breaks nothing on it.
func shippedCodeDoesNot(t *testing.T, file, property string) {
	t.Helper()
	one, err := trace.ReadFile(file)
	require.NoError(t, err)
	require.NotEmpty(t, one.Footer.Verdict.Violations)
	require.Equal(t, property, one.Footer.Verdict.Violations[0].Property)
	found, err := counterexample.Decode(one)
	require.NoError(t, err)
	m, err := New(Configs()[found.Config])
	require.NoError(t, err)
	taken, err := explore.Replay[State](m, found.Path)
	if err != nil {
		return // a step that is not possible
	}
	told, err := m.Tell(found.Path)
	require.NoError(t, err)
	same := counterexample.Same(one, found, taken, (*counterexample.Told)(&told)) == nil
	require.False(t, same && len(taken.Broken) > 0, "%v", taken.Broken)
}
