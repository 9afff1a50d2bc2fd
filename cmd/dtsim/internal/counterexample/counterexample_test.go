package counterexample

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/twophase"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

func violation(t *testing.T) (explore.Violation, explore.Replayed) {
	m := explore.Of(twophase.Hasty(3))
	r, err := m.Check(t.Context(), explore.Options{})
	require.NoError(t, err)
	require.Len(t, r.Violations, 1)
	taken, err := m.Replay(r.Violations[0].Path)
	require.NoError(t, err)
	return r.Violations[0], taken
}

func TestCounterexampleComesBackFromItsFile(t *testing.T) {
	v, taken := violation(t)
	content, err := Encode("2pc-3-hasty", v, taken)
	require.NoError(t, err)
	name, err := Write(filepath.Join(t.TempDir(), "out"), "2pc-3-hasty", v.Property, content)
	require.NoError(t, err)
	file, err := trace.ReadFile(name)
	require.NoError(t, err)
	found, err := Decode(file)
	require.NoError(t, err)
	assert.Equal(t, Found{"2pc-3-hasty", v}, found)
	assert.NoError(t, Same(file, found, taken))
	last := file.Events[file.Footer.Verdict.Violations[0].Events[0]-1]
	assert.EqualValues(t, len(v.Path.Actions), last.Int("n"), "the verdict names the last step")
}

func TestOtherStatesAreSeen(t *testing.T) {
	v, taken := violation(t)
	content, err := Encode("2pc-3-hasty", v, taken)
	require.NoError(t, err)
	file, err := trace.Read(bytes.NewReader(content))
	require.NoError(t, err)
	taken.Steps[2].Changed[0].After = "something else"
	found, err := Decode(file)
	require.NoError(t, err)
	assert.ErrorContains(t, Same(file, found, taken), "event 4 of the file")
}

func TestOtherTracesAreRefused(t *testing.T) {
	var b bytes.Buffer
	r, err := trace.NewRecorder(&b, trace.Header{Plan: plan.Default(), Engine: "bubble"})
	require.NoError(t, err)
	_, err = r.Close(trace.Verdict{Passed: true})
	require.NoError(t, err)
	file, err := trace.Read(&b)
	require.NoError(t, err)
	_, err = Decode(file)
	assert.ErrorIs(t, err, ErrNone)
	file.Header.Engine = Engine
	_, err = Decode(file)
	assert.ErrorContains(t, err, "no beginning")
}
