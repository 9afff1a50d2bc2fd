package main

import (
	"context"
	"sync"
	"syscall"

	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/cmd/dtsim/internal/cli"
	"dtsim/reports/schema"
	"dtsim/sim/campaign"
	"dtsim/sim/engine"
)

// asCommand makes the test's program behave as dtsim, killed in the middle of a campaign.
const asCommand = "DTSIM_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Main(context.Background(), cli.Environment{
			Stdout: os.Stdout, Stderr: os.Stderr, Jobs: 2, Now: time.Now, Native: killing(12),
		}, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// killing makes a native engine that kills its process instead of beginning another run.
func killing(after int64) func(context.Context, engine.Options) (engine.Engine, error) {
	return func(ctx context.Context, o engine.Options) (engine.Engine, error) {
		e, err := engine.Native(ctx, o)
		if err != nil {
			return nil, err
		}
		return &deadly{Engine: e, left: after}, nil
	}
}

type deadly struct {
	engine.Engine
	mu   sync.Mutex
	left int64
}

func (d *deadly) Run(ctx context.Context, job engine.Job) (engine.Result, error) {
	d.mu.Lock()
	d.left--
	if d.left < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	d.mu.Unlock()
	return d.Engine.Run(ctx, job)
}

func TestKilledCampaignIsContinued(t *testing.T) {
	args := []string{"run", "--scenario", "journey-3*", "--seeds", "40", "--engine", "native"}
	whole, parts := t.TempDir(), t.TempDir()
	var want, got schema.Campaign
	require.Equal(t, 0, dtsim(t, &want, append(args, "--out", whole)...))

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, append(args, "--out", parts)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var words bytes.Buffer
	cmd.Stderr = &words
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit, "%s", &words)
	require.Equal(t, -1, exit.ExitCode(), "it was killed: %s", &words)
	past, err := campaign.JournalLines(filepath.Join(parts, campaign.JournalFile))
	require.NoError(t, err)
	done := len(past) - 1
	require.Positive(t, done)
	require.Less(t, done, want.Runs, "the campaign was killed before its end")

	require.Equal(t, 0, dtsim(t, &got, "run", "--resume", parts))
	require.Equal(t, want.Build, got.Build, "the sources are not edited meanwhile")
	assert.Equal(t, want.Hash, got.Hash)
	assert.Equal(t, want.RunHashes, got.RunHashes)
	assert.Equal(t, want.Runs, got.Runs)
	assert.Equal(t, want.DistinctPlans, got.DistinctPlans)
	assert.Equal(t, want.Virtual, got.Virtual)
	for i := range want.Scenarios {
		want.Scenarios[i].Wall, got.Scenarios[i].Wall = 0, 0
	}
	assert.Equal(t, want.Scenarios, got.Scenarios)
}
