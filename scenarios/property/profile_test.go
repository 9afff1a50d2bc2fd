package property_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/sim/trace"
)

func TestEveryOmissionHasAReason(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range property.Profiles() {
		assert.False(t, names[p.Name], "two profiles are called %q", p.Name)
		names[p.Name] = true
		assert.NotEmpty(t, p.Contract)
		seen := make(map[property.Rule]bool)
		for _, o := range p.Omits {
			assert.False(t, seen[o.Rule], "%s is omitted twice", o.Rule)
			seen[o.Rule] = true
			assert.NotEmpty(t, strings.TrimSpace(o.Because), "%s is omitted for no reason", o.Rule)
			assert.False(t, p.Has(o.Rule))
			assert.True(t, property.Own.Has(o.Rule))
		}
		found, err := property.ProfileNamed(p.Name)
		require.NoError(t, err)
		assert.Same(t, p, found)
	}
	assert.Empty(t, property.Own.Name)
	assert.Empty(t, property.Own.Omits)
	_, err := property.ProfileNamed("weaviat")
	require.EqualError(t, err, `there is no profile "weaviat"; there are weaviate, weaviate-reindex`)
}

// Of the mistakes that the profile of this repository finds, the published contract allows those
// whose rules it does not have, and no others.
func TestWhatThePublishedContractAllows(t *testing.T) {
	whole := events(t)
	all := mistakes()
	maps.Copy(all, clearMistakes())
	var allowed []string
	for name, c := range all {
		if !slices.ContainsFunc(judgeBy(property.Weaviate, everything(), c.edit(slices.Clone(whole))), func(v trace.Violation) bool { return v.Property == c.property }) {
			allowed = append(allowed, c.property+" "+name)
		}
	}
	slices.Sort(allowed)
	assert.Equal(t, []string{
		"P1 the replay of the log comes to another state",
		"P1 the replay of the log gives another verdict",
		"P12 a record goes by another time to live",
		"P12 a record goes too early",
		"P16 a callback is missed",
		"P16 a scheduler looks too late",
		"P17 a task cannot be given up",
		"P18 a collection that is not there does",
		"P18 a null among the units is accepted",
		"P18 a payload that cannot be read is no reason",
		"P18 a unit is completed of nothing",
		"P18 its failure has another reason",
		"P18 its name is missing in the error",
		"P18 something comes of nothing",
		"P18 the caller believes it was accepted",
		"P18 the caller may try again for ever",
		"P2 a record is not as specified",
		"P2 a unit is not as specified",
		"P2 an add is refused for now that is bad for ever",
		"P9 a callback is replayed for a task that was not over",
		"P9 a callback runs again",
	}, allowed)
}
