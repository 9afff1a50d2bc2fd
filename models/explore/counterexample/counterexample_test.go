package counterexample

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/tasks"
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
	content, err := Encode(Machine{Config: "2pc-3-hasty"}, v, taken, nil)
	require.NoError(t, err)
	name, err := Write(filepath.Join(t.TempDir(), "out"), "2pc-3-hasty", v.Property, content)
	require.NoError(t, err)
	file, err := trace.ReadFile(name)
	require.NoError(t, err)
	found, err := Decode(file)
	require.NoError(t, err)
	assert.Equal(t, Found{Machine{Config: "2pc-3-hasty"}, v}, found)
	assert.NoError(t, Same(file, found, taken, nil))
	last := file.Events[file.Footer.Verdict.Violations[0].Events[0]-1]
	assert.EqualValues(t, len(v.Path.Actions), last.Int("n"), "the verdict names the last step")
}

// An initial state that breaks a property is a path without steps.
func TestCounterexampleWithoutSteps(t *testing.T) {
	v := explore.Violation{Broken: explore.Broken{Property: "P1", Message: "at once"}, Path: explore.Path{Initial: 2, Loop: -1}}
	taken := explore.Replayed{Start: []explore.Part{{Name: "a", Value: "b"}}, Broken: []explore.Broken{v.Broken}}
	content, err := Encode(Machine{Config: "small"}, v, taken, nil)
	require.NoError(t, err)
	file, err := trace.Read(bytes.NewReader(content))
	require.NoError(t, err)
	found, err := Decode(file)
	require.NoError(t, err)
	assert.Equal(t, Found{Machine{Config: "small"}, v}, found)
	assert.NoError(t, Same(file, found, taken, nil))
	assert.Equal(t, []int{1}, file.Footer.Verdict.Violations[0].Events, "the beginning breaks it")
}

func TestOtherStatesAreSeen(t *testing.T) {
	v, taken := violation(t)
	content, err := Encode(Machine{Config: "2pc-3-hasty"}, v, taken, nil)
	require.NoError(t, err)
	file, err := trace.Read(bytes.NewReader(content))
	require.NoError(t, err)
	taken.Steps[2].Changed[0].After = "something else"
	found, err := Decode(file)
	require.NoError(t, err)
	assert.ErrorContains(t, Same(file, found, taken, nil), "event 4 of the file")
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

// TestTheRunIsInTheFile: the events of the run are written between the steps, and another
// file is found to differ.
func TestTheRunIsInTheFile(t *testing.T) {
	m, err := tasks.New(tasks.Configs()["default"])
	require.NoError(t, err)
	path := explore.Path{Loop: -1}
	at := m.Initial(nil)[0]
	for {
		enabled := m.Enabled(&at, nil)
		if len(enabled) == 0 {
			break
		}
		path.Actions = append(path.Actions, enabled[0])
		at, _ = m.Step(&at, enabled[0])
	}
	steps := len(path.Actions)
	v := explore.Violation{Broken: explore.Broken{Property: "P16", Message: "nothing settles"}, Path: path}
	taken, err := explore.Replay[tasks.State](m, path)
	require.NoError(t, err)
	run, err := m.RunOf(path)
	require.NoError(t, err)
	is := Machine{Config: "default", Settings: "{}"}
	content, err := Encode(is, v, taken, (*Run)(&run))
	require.NoError(t, err)

	read := func() *trace.Trace {
		one, err := trace.Read(bytes.NewReader(content))
		require.NoError(t, err)
		return one
	}
	one := read()
	found, err := Decode(one)
	require.NoError(t, err)
	require.Equal(t, Found{is, v}, found)
	require.NoError(t, Same(one, found, taken, (*Run)(&run)))
	kinds := map[trace.Kind]int{}
	for _, e := range one.Events {
		kinds[e.Kind]++
	}
	require.Equal(t, steps, kinds[trace.Step])
	require.NotZero(t, kinds[trace.Committed])
	last := one.Events[one.Footer.Verdict.Violations[0].Events[0]-1]
	require.Equal(t, trace.Step, last.Kind)
	require.EqualValues(t, steps, last.Int("n"))

	edit := func(one *trace.Trace, kind trace.Kind, key string, f trace.Field) {
		for i := range one.Events {
			for k := range one.Events[i].Fields {
				if one.Events[i].Kind == kind && one.Events[i].Fields[k].Key == key {
					one.Events[i].Fields[k] = f
					return
				}
			}
		}
		t.Fatalf("no %s of %s", key, kind)
	}
	one = read()
	edit(one, trace.Committed, "outcome", trace.Str("outcome", "no"))
	require.ErrorContains(t, Same(one, found, taken, (*Run)(&run)), "is not what happens there")
	one = read()
	edit(one, trace.Step, "action", trace.Uint("action", 1<<40))
	found, err = Decode(one)
	require.NoError(t, err)
	_, err = explore.Replay[tasks.State](m, found.Path)
	require.ErrorContains(t, err, "step 1: action 0x10000000000 is not possible there")
	one = read()
	edit(one, trace.Step, "n", trace.Int("n", 2))
	_, err = Decode(one)
	require.ErrorContains(t, err, "is not step 1")
}
