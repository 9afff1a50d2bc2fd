package gallery

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
	"dtsim/scenarios/mutants"
)

// kept is the table that is kept beside the mutants: `dtsim mutants` writes it, and the
// document beside it.
const kept = "../../../../scenarios/mutants/RESULTS.md"

func results(t *testing.T) (table string, d *schema.Mutants) {
	t.Helper()
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	d, err = Read(kept)
	require.NoError(t, err)
	return string(text), d
}

func TestTheKeptTableIsThatOfItsDocument(t *testing.T) {
	table, d := results(t)
	require.Equal(t, Markdown(*d), table, "dtsim mutants writes both; neither is to be edited")
}

// Every mutant that was written down stands in the results as it is now, and was killed
// by each judge that has to find it, or notes.txt says what finds it next.
func TestTheKeptResultsAreThoseOfTheMutantsThatThereAre(t *testing.T) {
	_, d := results(t)
	all, err := mutants.Historic()
	require.NoError(t, err)
	known, err := mutants.Known()
	require.NoError(t, err)
	require.Empty(t, d.Found, "something is violated without a mutant")
	require.Subset(t, d.Judges, []string{simName, exploreName})
	require.Len(t, d.Mutants, len(all), "dtsim mutants has not judged what there is now")
	for _, m := range all {
		i := slices.IndexFunc(d.Mutants, func(of schema.Mutant) bool { return of.Name == m.Name })
		require.GreaterOrEqual(t, i, 0, "%s is not in the results", m.Name)
		of := d.Mutants[i]
		require.Equal(t, m.Breaks, of.Properties, "%s has changed", m.Name)
		require.Empty(t, of.Failed, m.Name)
		survives := false
		for _, judge := range d.Judges {
			if k := of.Kills[judge]; expected(judge, m) {
				survives = survives || k.Kills == 0 || k.Kills < k.Tries
			}
		}
		require.Equal(t, survives, known.Next[m.Name] != "",
			"%s survives a judge that has to find it: %t; notes.txt says of each that does, and of no other, what finds it next", m.Name, survives)
	}
	if d.Generated != nil {
		require.Empty(t, Unexplained(d.Generated))
	}
}

// Every property is worth something: it catches a mutant, and one that no other catches.
// A check that does not is merged with another, or goes.
func TestEveryPropertyCatchesAMutantAlone(t *testing.T) {
	_, d := results(t)
	require.Len(t, d.Worth, properties)
	for _, w := range d.Worth {
		require.NotEmpty(t, w.Catches, "%s catches nothing", w.Property)
		require.NotEmpty(t, w.Alone, "%s catches nothing alone", w.Property)
	}
	for _, m := range d.Mutants {
		for _, w := range d.Worth {
			require.Equal(t, m.Alone == w.Property, slices.Contains(w.Alone, m.Name), "%s, %s", m.Name, w.Property)
		}
		if m.Alone != "" {
			require.Equal(t, []string{m.Alone}, slices.DeleteFunc(sorted(m.Fired), func(id string) bool { return !kills(id) }), m.Name)
			require.GreaterOrEqual(t, m.Kills[simName].Violating, Convincing, m.Name)
		}
	}
}
