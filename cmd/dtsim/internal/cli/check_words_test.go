package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/models/explore"
)

// clock counts, within a constraint.
type clock struct{}

func (clock) Properties() []string                                             { return []string{"ticks"} }
func (clock) Initial(all []int) []int                                          { return append(all, 0) }
func (clock) Enabled(_ *int, actions []explore.Action) []explore.Action        { return append(actions, 0) }
func (clock) Step(s *int, _ explore.Action) (next int, broken *explore.Broken) { return *s + 1, nil }
func (clock) Describe(*int, explore.Action) string                             { return "tick" }
func (clock) Within(s *int) bool                                               { return *s < 10 }

func TestSearchWithinAConstraintIsNotCalledExhausted(t *testing.T) {
	is := explore.Of(clock{})
	r, err := is.Check(t.Context(), explore.Options{})
	require.NoError(t, err)
	d := newVerification(machine{name: "clock"}, is, explore.Options{})
	d.checked(r, explore.Options{}, time.Second)
	assert.False(t, d.Exhausted)
	assert.EqualValues(t, 1, d.Cut)
	assert.Zero(t, d.status())
	assert.Contains(t, d.verdict(), "not exhausted beyond it: 1 states outside")
}
