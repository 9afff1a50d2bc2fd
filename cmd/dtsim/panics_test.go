package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/cmd/dtsim/internal/cli"
	"dtsim/reports/schema"
	"dtsim/sim/campaign"
	"dtsim/sim/engine/build"
	"dtsim/sim/trace"
)

// edit replaces a text that stands once in a file of the module.
func edit(t *testing.T, file, old, by string) build.Edits {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), old), "%s: %s", file, old)
	return build.Edits{file: strings.Replace(string(text), old, by, 1)}
}

func TestRunThatTheSystemEndsIsAViolation(t *testing.T) {
	long(t)
	tests := []struct {
		name, file, old, by string
		property            string
		texts               []string
		last                trace.Kind
	}{
		{
			"a goroutine of the scheduler panics", "sched/reconcile/pass.go", "known == nil || known.Version", "known == nil && known.Version",
			"P18", []string{"sched/reconcile.Newest at sched/reconcile/pass.go:", "invalid memory address or nil pointer dereference"}, trace.Panicked,
		},
		{
			"a goroutine of the scheduler is left behind", "sched/runner.go", "\tdefer r.s.work.Done()\n", "",
			"P14", []string{"goroutines of the system wait for ever", "sched.(*Scheduler).shutDown.func1 at sched/scheduler.go:"}, trace.LeftBehind,
		},
	}
	for _, tt := range tests {
		for _, engine := range []string{"native", "sealed"} {
			t.Run(tt.name+", "+engine, func(t *testing.T) {
				edits := edit(t, tt.file, tt.old, tt.by)
				var run schema.Campaign
				out := t.TempDir()
				args := []string{"run", "--scenario", "journey-2", "--seeds", "2", "--engine", engine, "--out", out}
				if engine == "sealed" {
					args = append(args, "--no-shrink")
				} else {
					args = append(args, "--shrink-budget", "30")
				}
				require.Equal(t, 1, edited(t, edits, &run, args...))
				require.NotEmpty(t, run.Violations)
				kept := run.Violations[0]
				assert.Equal(t, tt.property, kept.Property)

				file, err := os.Open(kept.Trace)
				require.NoError(t, err)
				defer file.Close()
				whole, err := trace.Read(file)
				require.NoError(t, err)
				require.Equal(t, tt.last, whole.Events[len(whole.Events)-1].Kind)
				require.Greater(t, len(whole.Events), 10, "the trace up to there")
				found := whole.Footer.Verdict.Violations[0]
				assert.Equal(t, tt.property, found.Property)
				for _, words := range tt.texts {
					assert.Contains(t, found.Message, words)
				}
				assert.NotContains(t, found.Message, " /", "a path of this machine")
				assert.FileExists(t, filepath.Join(filepath.Dir(kept.Trace), campaign.PlanFile))

				var again cli.ReplayDocument
				assert.Equal(t, 1, edited(t, edits, &again, "replay", kept.Trace))
				assert.True(t, again.Identical)
				assert.Equal(t, tt.property, again.Property)
			})
		}
	}
}

func TestPanicOfTheHarnessIsNoViolation(t *testing.T) {
	const old = "func (c *Cluster) Stop() {\n"
	edits := edit(t, "sim/cluster/run.go", old, old+"\tpanic(\"the harness\")\n")
	var run schema.Campaign
	assert.Equal(t, 3, edited(t, edits, &run, "run", "--scenario", "journey-2", "--seeds", "1", "--engine", "native"))
	assert.Empty(t, run.Violations)
}
