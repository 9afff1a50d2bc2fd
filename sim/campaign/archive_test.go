package campaign

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func entry() Entry {
	p := plan.Default()
	p.Seed = 7
	return Entry{
		State: Violated, Property: "P8", Scenario: "journey-3", Plan: &p, Engine: "native", Build: "b", Command: "dtsim run",
		Traces: [][]byte{[]byte("a trace\n")},
		Footer: trace.Footer{Hash: strings.Repeat("0123456789abcdef", 4)},
	}
}

func TestSavingTwiceKeepsOnce(t *testing.T) {
	a := NewArchive(filepath.Join(t.TempDir(), "deep", "out"))
	for range 2 {
		folder, err := a.Save(entry())
		require.NoError(t, err)
		assert.Equal(t, "P8-journey-3-seed-7-01234567", filepath.Base(folder))
	}
	folders, err := os.ReadDir(a.dir)
	require.NoError(t, err)
	assert.Len(t, folders, 1)
	files, err := os.ReadDir(filepath.Join(a.dir, folders[0].Name()))
	require.NoError(t, err)
	assert.Len(t, files, 4, "no temporary file stays behind")
}

func TestKeptPlanIsThePlan(t *testing.T) {
	folder, err := NewArchive(t.TempDir()).Save(entry())
	require.NoError(t, err)
	p, err := plan.ReadFile(filepath.Join(folder, PlanFile))
	require.NoError(t, err)
	assert.Equal(t, entry().Plan, p)
}

func TestNamesFromPlansCannotLeaveTheArchive(t *testing.T) {
	a := NewArchive(filepath.Join(t.TempDir(), "out"))
	e := entry()
	e.Scenario = "../../etc/passwd\x00" + strings.Repeat("x", 300)
	folder, err := a.Save(e)
	require.NoError(t, err)
	assert.Equal(t, a.dir, filepath.Dir(folder))
}

func TestNothingFoundIsLost(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "blocked")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	t.Setenv("TMPDIR", t.TempDir())

	folder, err := NewArchive(blocked).Save(entry())
	assert.ErrorContains(t, err, "cannot write to "+blocked+": not a directory; the run is kept in "+folder)
	assert.FileExists(t, filepath.Join(folder, ReplayFile))

	t.Setenv("TMPDIR", blocked)
	folder, err = NewArchive(blocked).Save(entry())
	assert.ErrorContains(t, err, "to repeat the run: dtsim run --out DIRECTORY")
	assert.Empty(t, folder)
}

func TestProbeTellsWhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	assert.NoError(t, NewArchive(filepath.Join(dir, "new")).Probe())
	files, err := os.ReadDir(filepath.Join(dir, "new"))
	require.NoError(t, err)
	assert.Empty(t, files)

	blocked := filepath.Join(dir, "blocked")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	assert.EqualError(t, NewArchive(blocked).Probe(), "cannot write to "+blocked+": not a directory")
}

func TestQuotedWordsComeOutOfAShellAsTheyWere(t *testing.T) {
	for _, word := range []string{"plain/path-1.json", "with space", "it's", "$HOME", "a;b", "*", "`x`", `back\slash`, ""} {
		out, err := exec.Command("sh", "-c", "printf %s "+Quote(word)).Output()
		require.NoError(t, err)
		assert.Equal(t, word, string(out))
	}
}
