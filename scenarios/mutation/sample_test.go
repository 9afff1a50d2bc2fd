package mutation

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
	"dtsim/sim/engine/build"
)

// generated is a mutant of an operator.
func generated(name string) Subject {
	return Subject{
		Kind: Small, Mutant: &Mutant{Name: name, Operator: "negate", Wrong: name + " | other", Breaks: Properties},
		Program: build.Edits{}, Choice: name,
	}
}

func TestDetectorsAreTriedOnGeneratedMutantsThatSurvive(t *testing.T) {
	sim := &fakeDetector{name: schema.Simulation, finds: map[string]Finding{
		"first": {Property: "P7", Runs: 2, Wall: time.Second}, "raced": {Property: Race}, "broken": {Err: errors.New("no engine")},
	}}
	explore := &fakeDetector{name: schema.Exploration, finds: map[string]Finding{"second": {Property: "P1", Runs: 40}}}
	unit := &fakeDetector{name: schema.UnitTests, finds: map[string]Finding{"third": {Property: "P18", Runs: 4}}}
	var subjects []Subject
	var chosen []*Mutant
	for _, name := range []string{"fourth", "third", "second", "first", "raced", "broken"} {
		s := generated(name)
		subjects, chosen = append(subjects, s), append(chosen, s.Mutant)
	}
	chosen = append(chosen, &Mutant{Name: "same"})
	sample := NewSample(Small, 7, chosen, Notes{
		Equivalent: map[string]string{"same": "it is the same"}, Next: map[string]string{"third": "two tasks"},
	})
	subjects[4].Mutant.Breaks = append([]string{Race}, Properties...)
	subjects = append(subjects, Subject{}, mutant("written"), Subject{Kind: Small, Program: build.Edits{}, Choice: "none"})
	detectors := []Detector{sim, explore, unit}
	table := Table(subjects, detectors, execute(t, nil, subjects, detectors...))
	written, rows := Of("", table), Of(Small, table)
	require.Len(t, written, 2)
	require.Len(t, rows, 7)
	require.Equal(t, NoneChosen, rows[0].Subject.Name())
	require.Equal(t, 7+2, explore.looks)
	require.Equal(t, 6+2*3, sim.looks, "each is looked at once, but for those that were written down")
	require.Equal(t, 4+2, unit.looks)

	d := sample.Document(rows)
	require.Equal(t, 7, d.Sampled)
	require.Equal(t, 6, d.Measured)
	require.Equal(t, map[string]int{schema.Simulation: 2, schema.Exploration: 1, schema.UnitTests: 1}, d.KilledBy)
	require.Equal(t, map[string]string{"fourth": "", "third": "two tasks", "broken": ""}, d.Survivors)
	require.Equal(t, []string{"broken", "fourth"}, Unexplained(d))
	require.Equal(t, []string{"broken"}, d.Failed)
	require.Empty(t, d.Found)
	require.InDelta(t, 50, d.Percent, 0.01)

	document := NewDocument(Head{Detectors: []string{schema.Simulation, schema.Exploration, schema.UnitTests}}, written)
	require.Len(t, document.Mutants, 1)
	require.NotContains(t, Markdown(document), "Generated")
	document.Generated = d
	text := Markdown(document)
	require.Contains(t, text, "7 in the sample, 1 of them equivalent; of the other 6 the model checker killed 1, and of what it left simulation 2: 50.0 % together.")
	require.Contains(t, text, "Of the 3 that survive both the packages' own tests killed 1.")
	require.Contains(t, text, "| (none chosen) | nothing | nothing: 0 runs, 0.0 s | nothing: 0 states, 0.0 s | nothing: 0.0 s |")
	require.Contains(t, text, "| first | first \\| other | P7: 2 runs, 1.0 s | nothing: 0 states, 0.0 s |  |")
	require.Contains(t, text, "| second | second \\| other |  | P1: 40 states, 0.0 s |  |")
	require.Contains(t, text, "| broken | broken \\| other | the detector failed | nothing: 0 states, 0.0 s | nothing: 0.0 s |")
	require.Contains(t, text, "- third: two tasks\n")
	require.Contains(t, text, "- fourth: unknown\n")
	require.Contains(t, text, "- same: it is the same\n")

	rows[0].Cells[1].Records[0].Property = "P1"
	require.Equal(t, []string{schema.Exploration}, sample.Document(rows).Found, "of the program itself nothing may be found")
	require.Nil(t, Sample{}.Document(nil))
}

func TestOnlyAMutantWithoutALockMayRace(t *testing.T) {
	require.False(t, Subject{}.wanted(Race))
	require.True(t, Subject{}.wanted("P1"))
	require.False(t, generated("x").wanted(Race))
	s := generated("y")
	s.Mutant.Breaks = []string{Race}
	require.True(t, s.wanted(Race))
}
