package campaign

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"dtsim/sim/trace"
)

func outcomes(states ...State) []Outcome {
	all := make([]Outcome, len(states))
	for i, s := range states {
		all[i] = Outcome{State: s, Run: Run{Family: &Family{Name: "x"}, Seed: uint64(i)}}
		if s == HarnessError {
			all[i].Err = errors.New("boom")
		}
	}
	return all
}

func TestStatusIsTheWorstThatCanBeTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		result Result
		want   int
	}{
		"everything passed":                              {Result{Asked: outcomes(Passed, Passed)}, 0},
		"a violation":                                    {Result{Asked: outcomes(Passed, Violated)}, 1},
		"a violation the second engine found":            {Result{Asked: outcomes(Passed), Compared: outcomes(Violated)}, 1},
		"a broken run":                                   {Result{Asked: outcomes(Passed, HarnessError)}, 3},
		"a broken repetition":                            {Result{Asked: outcomes(Passed), Compared: outcomes(HarnessError)}, 3},
		"less done than asked":                           {Result{Asked: outcomes(Passed, NotRun)}, 3},
		"a violation, but less done than asked":          {Result{Asked: outcomes(Violated, NotRun)}, 3},
		"a repetition that did not come to its end":      {Result{Asked: outcomes(Passed), Compared: outcomes(NotRun)}, 3},
		"a violation that could not be kept":             {Result{Asked: []Outcome{{State: Violated, Err: errors.New("full")}}}, 3},
		"a run that passed and could not be kept either": {Result{Asked: []Outcome{{State: Passed, Err: errors.New("full")}}}, 3},
	} {
		assert.Equal(t, c.want, c.result.Status(), name)
	}
}

func TestHashNeedsEveryRunInOrder(t *testing.T) {
	asked := outcomes(Passed, Violated)
	asked[0].Hash, asked[1].Hash = "a", "b"
	whole := Result{Asked: asked}.Hash()
	assert.Len(t, whole, 64)
	assert.NotEqual(t, whole, Result{Asked: []Outcome{asked[1], asked[0]}}.Hash())
	assert.Empty(t, Result{Asked: append(outcomes(NotRun), asked...)}.Hash())
	assert.Empty(t, Result{Asked: append(outcomes(HarnessError), asked...)}.Hash())
}

func TestDisagreementsAreAboutProperties(t *testing.T) {
	r := Result{Asked: outcomes(Passed, Violated), Compared: outcomes(Passed, Violated)}
	for i := range r.Compared {
		r.Compared[i].Run = r.Asked[i].Run
	}
	r.Asked[1].Violations = []trace.Violation{{Property: "P8", Message: "at once"}}
	r.Compared[1].Violations = []trace.Violation{{Property: "P8", Message: "later"}}
	assert.Empty(t, r.Disagreements())
	r.Compared[1].Violations[0].Property = "P5"
	assert.Len(t, r.Disagreements(), 1)
}
