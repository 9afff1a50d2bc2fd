package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/cover"

	"dtsim/reports/schema"
)

func TestWhatWasEnteredIsAddedUp(t *testing.T) {
	c := summarize([]*cover.Profile{
		{FileName: "dtsim/fsm/acks.go", Blocks: []cover.ProfileBlock{{StartLine: 3, EndLine: 5, NumStmt: 2, Count: 1}, {StartLine: 7, StartCol: 2, EndLine: 8, NumStmt: 3}}},
		{FileName: "dtsim/sched/pass.go", Blocks: []cover.ProfileBlock{{StartLine: 1, EndLine: 1, NumStmt: 4}}},
		{FileName: "dtsim/scenarios/tasks/guest/main.go", Blocks: []cover.ProfileBlock{{StartLine: 1, EndLine: 1, NumStmt: 90}}},
	})
	require.Equal(t, &schema.Cover{Statements: 9, Entered: 2, Never: []schema.Block{
		{File: "fsm/acks.go", Line: 7, Column: 2, LastLine: 8, Statements: 3}, {File: "sched/pass.go", Line: 1, LastLine: 1, Statements: 4},
	}}, c)
	var words bytes.Buffer
	printCover(&words, c, "my.profile")
	require.Contains(t, words.String(), "code entered: 2 of 9 statements (22.2 %)")
	require.Contains(t, words.String(), "never: 2 places, the largest at sched/pass.go:1")
}

func TestCountersThatNobodyHasLeftAreAnError(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "profile")
	c, err := newCounting(profile)
	require.NoError(t, err)
	_, err = c.collect(t.Context())
	require.ErrorContains(t, err, "--cover: no guest has left counters")
	require.NoFileExists(t, profile)
	c.remove()
	require.NoDirExists(t, c.dir)
	_, err = os.Stat(c.dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}
