package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// asCommand makes the test's program behave as dtsim.
const asCommand = "DTSIM_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
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
	require.NoError(t, cmd.Start())
	journal := filepath.Join(parts, campaign.JournalFile)
	require.Eventually(t, func() bool { return lines(journal) > 10 }, time.Minute, time.Millisecond, "%s", &words)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	done := lines(journal) - 1
	require.Less(t, done, want.Runs, "the campaign was killed before its end")

	require.Equal(t, 0, dtsim(t, &got, "run", "--resume", parts))
	require.Equal(t, want.Build, got.Build, "nobody edits the sources meanwhile")
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

// lines counts the whole lines of a file.
func lines(name string) (n int) {
	f, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewReader(f); ; n++ {
		if _, err := in.ReadBytes('\n'); err != nil {
			return n
		}
	}
}
