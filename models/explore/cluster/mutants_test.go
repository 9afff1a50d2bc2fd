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
)

// mutant is a defect of the shipped code: edits, and what finds it.
type mutant struct {
	property, config string
	liveness         bool
	edits            []edit
}

// edit replaces the one place in a file that says old.
type edit struct{ file, old, new string }

// readMutant reads lines of keywords and blocks to search and to replace.
func readMutant(text string) (m mutant, err error) {
	file, block := "", (*[]string)(nil)
	var old, replaced []string
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		word, value, _ := strings.Cut(line, " ")
		switch {
		case line == "<<<<<<<":
			old, replaced, block = nil, nil, &old
		case line == "=======":
			block = &replaced
		case line == ">>>>>>>":
			m.edits = append(m.edits, edit{file, strings.Join(old, "\n"), strings.Join(replaced, "\n")})
			block = nil
		case block != nil:
			*block = append(*block, line)
		case word == "#":
		case word == "property":
			m.property = value
		case word == "config":
			m.config = value
		case word == "liveness":
			m.liveness = true
		case word == "file":
			file = value
		default:
			return m, fmt.Errorf("line %d: %q is no keyword", n+1, line)
		}
	}
	if m.property == "" || m.config == "" || len(m.edits) == 0 || block != nil {
		return m, fmt.Errorf("property, config or edits are missing")
	}
	return m, nil
}

// overlay writes the edited sources and returns the overlay that puts them in place.
func (m mutant) overlay(t *testing.T, root string) string {
	t.Helper()
	sources := map[string]string{}
	for _, e := range m.edits {
		path := filepath.Join(root, e.file)
		if sources[path] == "" {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			sources[path] = string(b)
		}
		require.Equal(t, 1, strings.Count(sources[path], e.old), "%s says once: %s", e.file, e.old)
		sources[path] = strings.Replace(sources[path], e.old, e.new, 1)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for path, source := range sources {
		name := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root), string(filepath.Separator), "_"))
		require.NoError(t, os.WriteFile(name, []byte(source), 0o600))
		replace[path] = name
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	name := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return name
}

// build compiles the checker, with an overlay unless it is "".
func build(t *testing.T, overlay string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "check")
	args := []string{"build", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./testdata/check")...)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	return out
}

// found is what the checker prints.
type found struct {
	States, Transitions                 uint64
	Exhausted                           bool
	Properties, Messages, Steps, Judged []string
}

func run(t *testing.T, program, config string, liveness bool) (f found, took time.Duration) {
	t.Helper()
	start := time.Now()
	cmd := exec.CommandContext(t.Context(), program, "-config", config, fmt.Sprintf("-liveness=%t", liveness))
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
			m, err := readMutant(string(text))
			require.NoError(t, err)
			f, took := run(t, build(t, m.overlay(t, root)), m.config, m.liveness)
			require.True(t, slices.Contains(f.Properties, m.property), "%s is broken, not %v (%d states, exhausted: %t) %v\n%s",
				m.property, f.Properties, f.States, f.Exhausted, f.Messages, strings.Join(f.Steps, "\n"))
			require.Less(t, took, time.Minute)
			if !m.liveness {
				require.Contains(t, f.Judged, f.Properties[0], "walked again")
			}
			t.Logf("%s after %d states in %s, %d steps: %v", m.property, f.States, took.Round(time.Millisecond), len(f.Steps), f.Messages)
		})
	}
}
