package mutation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
	"dtsim/models/explore/counterexample"
	"dtsim/models/explore/tasks"
	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

// violatedInTheTrace are mutants whose counterexamples the checks of runs refuse, too, though
// they share nothing with the model, and the property that they name.
var violatedInTheTrace = map[string]string{
	"barrier-on-first-ack": "P5", "finalize-without-acks": "P8", "outdated-status": "P9", "fired-marks-lost": "P9",
	"finished-tasks-not-pre-marked": "P9",
	// To the checks this is a verdict that the specification does not share.
	"last-ack-wins": "P2",
}

// TestTheModelCheckerFindsWhatItHasTo builds every mutant of the modelled code into the
// checker: each yields a counterexample, and the model is not touched.
func TestTheModelCheckerFindsWhatItHasTo(t *testing.T) {
	if os.Getenv("DTSIM_LONG") == "" {
		t.Skip("builds a program for each mutant: make test-long runs it")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	all, err := Historic()
	require.NoError(t, err)
	read, err := Sources(t.Context(), root)
	require.NoError(t, err)
	subjects, err := Subjects(all, read)
	require.NoError(t, err)
	// What the clusters with names do not find, the logs or a pair of flags must.
	x := &Explore{Dir: root, Searches: slices.Concat(clusters(), Searches()), Log: func(string) {}, Now: time.Now}
	for _, s := range subjects {
		if x.Skip(s.Mutant) != "" {
			continue
		}
		t.Run(s.Name(), func(t *testing.T) {
			t.Parallel()
			program, err := x.build(t.Context(), s.system())
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "counterexample.trace.jsonl")
			states := 0
			for _, search := range x.Searches {
				found, err := x.search(t.Context(), program, s.system(), search, file)
				if err != nil {
					t.Logf("%s cannot begin: %v", search.Command, err) // what it begins with is refused by the mutant
					continue
				}
				states += found.States
				if len(found.Violations) == 0 {
					continue
				}
				v := found.Violations[0]
				require.True(t, s.wanted(v.Property), "%s: %s", v.Property, v.Message)
				if !search.Liveness && search.isCluster() {
					require.Contains(t, v.Replayed, v.Property, "the path is checked without what the search knows")
				}
				if search.isCluster() {
					shippedCodeDoesNot(t, file, v.Property)
				}
				if property, there := violatedInTheTrace[s.Name()]; there && search.isCluster() {
					require.Contains(t, violatedByChecks(t, file), property)
				}
				t.Logf("%s by %s after %d states: %s", v.Property, search.Command, states, v.Message)
				return
			}
			t.Fatalf("it survives %d states", states)
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
	var c tasks.Config
	require.NoError(t, json.Unmarshal([]byte(found.Settings), &c))
	m, err := tasks.New(c)
	require.NoError(t, err)
	taken, err := explore.Replay[tasks.State](m, found.Path)
	if err != nil {
		return // a step that is not possible
	}
	run, err := m.RunOf(found.Path)
	require.NoError(t, err)
	same := counterexample.Same(one, found, taken, (*counterexample.Run)(&run)) == nil
	require.False(t, same && len(taken.Broken) > 0, "%v", taken.Broken)
}

// violatedByChecks are the properties that the checks of runs find violated in a trace.
func violatedByChecks(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	verdict, err := property.Trace(f)
	require.NoError(t, err)
	var found []string
	for _, v := range verdict.Violations {
		found = append(found, v.Property)
	}
	return found
}
