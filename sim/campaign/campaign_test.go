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
		if s == Broken {
			all[i].Err = errors.New("boom")
		}
	}
	return all
}

func TestStatusSaysTheWorstThatCanBeTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		result Result
		want   int
	}{
		"everything held":                              {Result{Asked: outcomes(Held, Held)}, 0},
		"a violation":                                  {Result{Asked: outcomes(Held, Violated)}, 1},
		"a violation the second engine found":          {Result{Asked: outcomes(Held), Compared: outcomes(Violated)}, 1},
		"a broken run":                                 {Result{Asked: outcomes(Held, Broken)}, 3},
		"a broken repetition":                          {Result{Asked: outcomes(Held), Compared: outcomes(Broken)}, 3},
		"less done than asked":                         {Result{Asked: outcomes(Held, Missing)}, 3},
		"a violation, but less done than asked":        {Result{Asked: outcomes(Violated, Missing)}, 3},
		"a repetition that did not come to its end":    {Result{Asked: outcomes(Held), Compared: outcomes(Missing)}, 3},
		"a violation that could not be kept":           {Result{Asked: []Outcome{{State: Violated, Err: errors.New("full")}}}, 3},
		"a run that held and could not be kept either": {Result{Asked: []Outcome{{State: Held, Err: errors.New("full")}}}, 3},
	} {
		assert.Equal(t, c.want, c.result.Status(), name)
	}
}

func TestHashNeedsEveryRunInOrder(t *testing.T) {
	asked := outcomes(Held, Violated)
	asked[0].Hash, asked[1].Hash = "a", "b"
	whole := Result{Asked: asked}.Hash()
	assert.Len(t, whole, 64)
	assert.NotEqual(t, whole, Result{Asked: []Outcome{asked[1], asked[0]}}.Hash())
	assert.Empty(t, Result{Asked: append(outcomes(Missing), asked...)}.Hash())
	assert.Empty(t, Result{Asked: append(outcomes(Broken), asked...)}.Hash())
}

func TestDisagreementsAreAboutProperties(t *testing.T) {
	r := Result{Asked: outcomes(Held, Violated), Compared: outcomes(Held, Violated)}
	for i := range r.Compared {
		r.Compared[i].Run = r.Asked[i].Run
	}
	r.Asked[1].Violations = []trace.Violation{{Property: "P8", Message: "at once"}}
	r.Compared[1].Violations = []trace.Violation{{Property: "P8", Message: "later"}}
	assert.Empty(t, r.Disagreements())
	r.Compared[1].Violations[0].Property = "P5"
	assert.Len(t, r.Disagreements(), 1)
}
