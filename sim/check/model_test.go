package check

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/cluster"
	"dtsim/models/explore/cluster/mutant"
)

// TestTracesOfTheModelAreJudged: the checks, which share nothing with the model, read
// its traces and find nothing in random walks through every configuration.
func TestTracesOfTheModelAreJudged(t *testing.T) {
	for _, name := range cluster.Names() {
		t.Run(name, func(t *testing.T) {
			c := cluster.Configs()[name]
			m, err := cluster.New(c)
			require.NoError(t, err)
			for seed := range uint64(20) {
				draw := rand.New(rand.NewPCG(seed, 2))
				path := explore.Path{Loop: -1}
				at := m.Initial(nil)[0]
				for range 200 {
					enabled := m.Enabled(&at, nil)
					if len(enabled) == 0 {
						break
					}
					a := enabled[draw.IntN(len(enabled))]
					path.Actions = append(path.Actions, a)
					at, _ = m.Step(&at, a)
				}
				told, err := m.Tell(path)
				require.NoError(t, err)
				o := New(&told.Plan)
				seq := 0
				for _, step := range told.Events {
					for _, e := range step {
						seq++
						e.Seq = seq
						o.Observe(e)
					}
				}
				verdict := o.Verdict()
				for _, v := range verdict.Violations {
					if v.Property == "P2" && c.Lag > 0 {
						continue // lists that lag are what the configuration is about
					}
					t.Errorf("seed %d: %s %s", seed, v.Property, v.Message)
				}
			}
		})
	}
}

// TestCounterexamplesAreJudged: what the model checker finds in defective code, the checks
// find in its trace.
func TestCounterexamplesAreJudged(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program for each mutant")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	model := filepath.Join("models", "explore", "cluster", "testdata")
	for name, property := range map[string]string{
		"barrier-lifts-on-any-ack": "P5", "finalize-without-acks": "P8", "outdated-status": "P9", "fired-marks-lost": "P9",
		"finished-tasks-not-pre-marked": "P9",
		// To the checks this is a verdict that the specification does not share.
		"first-ack-does-not-win": "P2",
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, model, "mutants", name+".mutant"))
			require.NoError(t, err)
			m, err := mutant.Read(string(text))
			require.NoError(t, err)
			dir := t.TempDir()
			program, err := m.Build(root, filepath.Join(model, "check"), dir)
			require.NoError(t, err)
			file := filepath.Join(dir, "counterexample.trace.jsonl")
			out, err := exec.CommandContext(t.Context(), program, "-config", m.Config, "-trace", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			verdict, err := Trace(f)
			require.NoError(t, err)
			var found []string
			for _, v := range verdict.Violations {
				found = append(found, v.Property)
			}
			require.Contains(t, found, property, "%v", verdict.Violations)
		})
	}
}
