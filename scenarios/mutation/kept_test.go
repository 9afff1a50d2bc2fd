package mutation

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
)

// readKept returns the table that `dtsim mutants` has written and the document beside it.
func readKept(t *testing.T) (table string, d *schema.Mutants) {
	t.Helper()
	text, err := os.ReadFile("RESULTS.md")
	require.NoError(t, err)
	content, err := os.ReadFile("RESULTS.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &d))
	return string(text), d
}

func TestTheKeptTableIsThatOfItsDocument(t *testing.T) {
	table, d := readKept(t)
	require.Equal(t, Markdown(*d), table, "dtsim mutants writes both; neither is to be edited")
}

// Every mutant that was written down stands in the results as it is now, and was killed
// by each detector that has to find it, or notes.txt names what finds it next.
func TestTheKeptResultsAreThoseOfTheMutantsThatThereAre(t *testing.T) {
	_, d := readKept(t)
	all, err := Historic()
	require.NoError(t, err)
	known, err := Known()
	require.NoError(t, err)
	require.Empty(t, d.Found, "something is violated without a mutant")
	require.Subset(t, d.Detectors, []string{schema.Simulation, schema.Exploration})
	require.Len(t, d.Mutants, len(all), "dtsim mutants has not measured what there is now")
	for _, m := range all {
		i := slices.IndexFunc(d.Mutants, func(of schema.Mutant) bool { return of.Name == m.Name })
		require.GreaterOrEqual(t, i, 0, "%s is not in the results", m.Name)
		of := d.Mutants[i]
		require.Equal(t, m.Breaks, of.Properties, "%s has changed", m.Name)
		require.Empty(t, of.Failed, m.Name)
		survives := false
		for _, detector := range d.Detectors {
			if k := of.Kills[detector]; expected(detector, m) {
				survives = survives || k.Kills == 0 || k.Kills < k.Tries
			}
		}
		require.Equal(t, survives, known.Next[m.Name] != "",
			"%s survives a detector that has to find it: %t; notes.txt names for each that does, and for no other, what finds it next", m.Name, survives)
	}
	if d.Generated != nil {
		require.Empty(t, Unexplained(d.Generated))
	}
}

// Every property is worth something: it catches a mutant, and one that no other catches.
// A check that does not is merged with another, or goes. Of R1 to R8 one must catch a mutant
// alone: what breaks Raft mostly breaks what stands on it, too.
func TestEveryPropertyCatchesAMutantAlone(t *testing.T) {
	_, d := readKept(t)
	require.Len(t, d.Worth, len(judged))
	ofRaft := 0
	for _, w := range d.Worth {
		require.NotEmpty(t, w.Catches, "%s catches nothing", w.Property)
		if slices.Contains(Properties, w.Property) {
			require.NotEmpty(t, w.Alone, "%s catches nothing alone", w.Property)
		} else {
			ofRaft += len(w.Alone)
		}
	}
	require.Positive(t, ofRaft)
	for _, m := range d.Mutants {
		for _, w := range d.Worth {
			require.Equal(t, m.Alone == w.Property, slices.Contains(w.Alone, m.Name), "%s, %s", m.Name, w.Property)
		}
		if m.Alone != "" {
			require.Equal(t, []string{m.Alone}, slices.DeleteFunc(sorted(m.Fired), func(id string) bool { return !mayKill(id) }), m.Name)
			require.GreaterOrEqual(t, m.Kills[schema.Simulation].Violating, Convincing, m.Name)
		}
	}
}
